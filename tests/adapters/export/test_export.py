"""What a suite trains, handed to other tools: files field by field, read back by our own readers, and by PEFT."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import TrainingArguments
from typer.testing import CliRunner

from adapters.export.chat_templates import PROBES, template_for
from adapters.export.export import TunedEntry, export_adapter, export_llamafactory, export_merged, find_tuned
from adapters.training.encoding import Example
from harness.cli import app
from harness.components.registry import find
from harness.errors import HarnessError
from harness.models.huggingface import HuggingFace
from harness.runtime.run_folder import RunFolder
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from tests.shared.tiny_models import CHATML, save_tokenizer

RECIPE = "batch_size: 4, epochs: 1, learning_rate: 0.03"
Run = Callable[..., RunFolder]


def entry(loaded: Any, name: str) -> TunedEntry:
    """A model of a suite, as the command line hands it to an export."""
    model = find_tuned(loaded.models, loaded.expansion.members, name)
    prepare(loaded)
    return TunedEntry(name, model, loaded.name, loaded.path)


def exported(loaded: Any, tmp_path: Path, name: str = "m") -> tuple[Path, dict[str, Any], str]:
    """The folder, train.yaml as data, and as text."""
    out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
    written = export_llamafactory(entry(loaded, name), out)
    text = (out / "train.yaml").read_text(encoding="utf-8")
    assert sorted(file.name for file in out.iterdir()) == sorted(written.files)
    return out, yaml.safe_load(text), text


OF_LLAMAFACTORY = {  # of its src/llamafactory/hparams, read on its main branch; all others are transformers'
    "model_name_or_path", "stage", "finetuning_type", "lora_rank", "lora_alpha", "lora_dropout", "lora_target",
    "use_rslora", "use_dora", "dataset", "eval_dataset", "dataset_dir", "template", "default_system", "cutoff_len",
    "mask_history", "packing", "disable_gradient_checkpointing",
}  # fmt: skip
LORA = "base: base, method: {lora: {r: 4}}, on: [letters]"


def test_train_yaml_says_the_same_field_by_field(suite: Any, make_folder: Any, tmp_path: Path) -> None:
    out, settings, text = exported(suite({"m": LORA + ", max_samples: 10, mix: {general: 0.2}"}), tmp_path)
    assert settings == {
        "model_name_or_path": str(make_folder()),
        "stage": "sft", "do_train": True, "finetuning_type": "lora", "lora_rank": 4, "lora_alpha": 8,
        "lora_dropout": 0.0, "lora_target": "all", "use_rslora": False, "use_dora": False,
        "dataset": "train", "eval_dataset": "validation", "dataset_dir": ".", "template": "chatml",
        "default_system": "", "cutoff_len": 2048, "mask_history": True, "packing": False,
        "output_dir": "trained", "logging_steps": 1, "save_strategy": "steps", "save_steps": 3, "report_to": "none",
        "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1, "learning_rate": 0.03,
        "num_train_epochs": 1.0, "lr_scheduler_type": "cosine",
        "warmup_steps": 0,  # 5 % of ceil(12 / 4) = 3 steps
        "weight_decay": 0.0, "max_grad_norm": 1.0, "optim": "adamw_torch", "bf16": False, "fp16": False,
        "disable_gradient_checkpointing": True, "seed": 42,
        "per_device_eval_batch_size": 4, "eval_strategy": "steps", "eval_steps": 3, "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss", "greater_is_better": False,
    }  # fmt: skip
    assert json.loads((out / "dataset_info.json").read_text(encoding="utf-8")) == {
        name: {
            "file_name": f"{name}.json",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system"},
        }
        for name in ("train", "validation")
    }
    known = {one.name for one in dataclasses.fields(TrainingArguments)} | OF_LLAMAFACTORY
    assert settings.keys() <= known
    assert text.startswith("# m: ")
    assert "precision float32: LLaMA-Factory computes in what the checkpoint stores" in text
    assert len(json.loads((out / "train.json").read_text(encoding="utf-8"))) == 12  # 10 of the task, 2 mixed in


def test_our_own_reader_reads_the_same_prompts_and_answers(suite: Any, tmp_path: Path) -> None:
    loaded = suite({"m": LORA + ", mix: {general: 0.2}"})
    out, _, _ = exported(loaded, tmp_path)
    data = loaded.models["m"].data
    reader = find("reader", "dataset_info").model_validate({"path": str(out / "dataset_info.json"), "name": "train"})
    read = reader.read("t", 0).test  # type: ignore[attr-defined]
    found = [
        (one.meta["system"], *(turn for pair in one.history for turn in pair), one.input, one.targets[0])
        for one in read
    ]
    wanted = []
    for example in data.examples:
        system = example.prompt[0].content if example.prompt[0].role == "system" else ""
        turns = [turn.content for turn in example.prompt if turn.role != "system"]
        wanted.append((system, *turns, example.answer))
    assert found == wanted
    assert ("Be 简短.", "旧 question", "old answer", "问题 w03?", "B") in found
    assert {len(one) for one in found} == {3, 5}


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "lora in full": (
        "method: {lora: {r: 6, alpha: 24, dropout: 0.1, targets: [q_proj, v_proj], rslora: true, dora: true}}",
        {"lora_rank": 6, "lora_alpha": 24, "lora_dropout": 0.1, "lora_target": "q_proj,v_proj", "use_rslora": True, "use_dora": True},
    ),
    "attention": ("method: {lora: {targets: attention}}", {"lora_target": "k_proj,o_proj,q_proj,v_proj", "lora_alpha": 16}),
    "half an alpha": ("method: {lora: {alpha: 2.5}}", {"lora_alpha": 2.5}),
    "qlora": (
        "method: {qlora: {quant: fp4, double_quant: false}}",
        {"finetuning_type": "lora", "quantization_bit": 4, "quantization_method": "bnb", "quantization_type": "fp4",
         "double_quantization": False, "optim": "paged_adamw_8bit"},
    ),
    "full": ("method: full, learning_rate: null", {"finetuning_type": "full", "learning_rate": 2e-5}),
    "freeze": (
        "method: {freeze: {last: 1, modules: [embed_tokens], head: true}}",
        {"finetuning_type": "freeze", "freeze_trainable_layers": 1, "freeze_trainable_modules": "all",
         "freeze_extra_modules": "embed_tokens,lm_head"},
    ),
    "loss of all": ("method: lora, loss: all", {"train_on_prompt": True, "mask_history": None}),
    "packing": ("method: lora, packing: true, cutoff: 64", {"packing": True, "neat_packing": True, "cutoff_len": 64}),
    "schedule": (
        "method: lora, schedule: constant, warmup: 0.5, epochs: 8, weight_decay: 0.1, max_grad_norm: 0.5",
        {"lr_scheduler_type": "constant_with_warmup", "num_train_epochs": 8.0, "weight_decay": 0.1, "max_grad_norm": 0.5,
         "warmup_steps": 12},  # half of 8 · ceil(12 / 4) = 24
    ),
    "steps": ("method: lora, max_steps: 2, accumulation: 3, seed: 7", {"max_steps": 2, "gradient_accumulation_steps": 3, "seed": 7}),
    "precision": ("method: lora, precision: bfloat16", {"bf16": True, "fp16": False}),
    "half precision": ("method: lora, precision: float16", {"bf16": False, "fp16": True}),
    "checkpointing": ("method: lora, gradient_checkpointing: true, optimiser: adamw_8bit", {"disable_gradient_checkpointing": False, "optim": "adamw_bnb_8bit"}),
    "patience": ("method: lora, patience: 2, evaluate_every: 1", {"early_stopping_steps": 2, "eval_steps": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_settings(case: str, suite: Any, tmp_path: Path) -> None:
    made, wanted = CASES[case]
    given = dict(part.partition(": ")[::2] for part in RECIPE.split(", "))
    recipe = ", ".join(f"{name}: {value}" for name, value in given.items() if f"{name}:" not in made)
    _, settings, _ = exported(suite({"m": f"base: base, on: [letters], {made}"}, recipe=recipe), tmp_path)
    assert {name: settings.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("made", "settings", "note"),
    [
        ("method: {freeze: {norm: true}}", "format: chat", "norm trains the norms of all layers"),
        ("method: lora, cutoff: 80", "format: chat", "the row: 4 of 12 rows"),  # those with a history
        ("method: lora", 'format: plain, delimiter: ""', "format: plain has no template in LLaMA-Factory"),
        ("method: {qlora: {compute_dtype: float16}}", "format: chat", "compute_dtype: float16"),
    ],
)
def test_what_cannot_be_expressed_is_said(made: str, settings: str, note: str, suite: Any, tmp_path: Path) -> None:
    _, written, text = exported(suite({"m": f"base: base, on: [letters], {made}"}, settings=settings), tmp_path)
    comments = [line for line in text.splitlines() if line.startswith("# - ")]
    assert any(note in line for line in comments)
    assert (written["template"] == "default") == ("plain" in settings)
    assert any("template: default is a guess" in line for line in comments) == ("plain" in settings)


def test_texts_are_exported_for_pretraining(suite: Any, tmp_path: Path) -> None:
    out, settings, _ = exported(suite({"m": "base: base, method: full, texts: [notes]"}), tmp_path)
    assert (settings["stage"], settings["dataset"], "mask_history" in settings) == ("pt", "train", False)
    info = json.loads((out / "dataset_info.json").read_text(encoding="utf-8"))
    assert info == {"train": {"file_name": "train.json", "columns": {"prompt": "text"}}}
    assert json.loads((out / "train.json").read_text(encoding="utf-8")) == [{"text": "一 text."}]


# -- templates ------------------------------------------------------------------------------------------------------------

HEADERS = (
    "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
TURNS = (
    "{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}"
    "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else 'user' }}\n{{ first if loop.first else '' }}{{ m['content'] }}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
GREETED = "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are Q.<|im_end|>\n{% endif %}" + CHATML
THINKING = CHATML.replace("<think>\n\n</think>\n\n", "")


@pytest.mark.parametrize(
    ("shape", "template", "thinking", "name", "settings", "differs"),
    [
        ("Llama", CHATML.replace("is false", "is none"), False, "chatml", {"default_system": ""}, None),
        ("Qwen2", THINKING, False, "qwen", {"default_system": ""}, None),
        ("Qwen2", GREETED.replace("is false", "is none"), False, "qwen", {"default_system": "You are Q."}, None),
        ("Qwen3", CHATML, False, "qwen3", {"default_system": "", "enable_thinking": False}, "earlier turns"),
        ("Qwen3", CHATML, True, "qwen3_nothink", {"default_system": ""}, None),
        ("Llama", HEADERS, False, "llama3", {"default_system": ""}, None),
        ("Gemma2", TURNS, False, "gemma2", {}, None),
        ("Llama", TURNS, False, "gemma", {}, None),
        (
            "Llama",
            CHATML,
            False,
            "chatml",
            {"default_system": ""},
            ", ".join(PROBES),
        ),  # its empty thought is not ChatML
        ("Llama", "{% for m in messages %}[{{ m['content'] }}]{% endfor %}", False, "default", {}, None),
        ("Llama", None, False, "default", {}, None),
    ],
)
def test_the_template_is_that_of_the_family_and_compared(
    shape: str,
    template: str | None,
    thinking: bool,
    name: str,
    settings: Any,
    differs: str | None,
    make_folder: Any,
    tmp_path: Path,
) -> None:
    more = {"head_dim": 16} if shape in ("Qwen3", "Gemma2") else {}
    folder = shutil.copytree(make_folder(shape, None, **more), tmp_path / "base")
    save_tokenizer(folder, template)
    base = HuggingFace(path=str(folder), device="cpu", enable_thinking=thinking)
    chosen = template_for(base)
    assert (chosen.name, chosen.settings) == (name, settings)
    unlike = [note.partition("for: ")[2] for note in chosen.notes if "writes another text" in note]
    assert unlike == ([differs] if differs else [])
    assert any("is a guess" in note for note in chosen.notes) == (name == "default")


def test_a_base_that_is_not_here_needs_no_download(suite: Any, write_suite: Any, tmp_path: Path) -> None:
    loaded = suite({"m": LORA})
    text = loaded.path.read_text().replace(loaded.models["base"].path, "owner/far-away")
    loaded.path.write_text(text.replace("device: cpu", "device: cpu, revision: v2"))
    _, settings, comments = exported(load_suite(loaded.path), tmp_path)
    assert (settings["model_name_or_path"], settings["model_revision"]) == ("owner/far-away", "v2")
    assert (settings["template"], settings["warmup_steps"]) == ("default", 0)
    assert "the base is not on this machine, so its template cannot be read" in comments


# -- refused ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "name", "message"),
    [
        ("method: ia3, on: [letters]", "m", "LLaMA-Factory has no method ia3; it has full, freeze, lora and qlora"),
        ("method: bottleneck, on: [letters]", "m", "LLaMA-Factory has no method bottleneck"),
        ("method: prefix, on: [letters]", "m", "LLaMA-Factory has no method prefix"),
        ("method: prompt, on: [letters]", "m", "LLaMA-Factory has no method prompt"),
        ("method: {freeze: {modules: [layers.0.mlp]}}, on: [letters]", "m", "modules: layers.0.mlp cannot be trained"),
        ("method: lora, on: [letters]", "n", "'n' is not among models (known: base, m)"),
        ("method: lora, on: [letters]", "base", "models.base is HuggingFace, not a model that the suite trains; these are: m"),
        ("method: lora, on: [letters], seeds: 2", "m", "'m' stands for m~1, m~2; name one of them"),
    ],
)  # fmt: skip
def test_what_llamafactory_lacks_is_refused(made: str, name: str, message: str, suite: Any, tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        export_llamafactory(entry(suite({"m": f"base: base, {made}"}), name), tmp_path / "out")
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_nothing_is_overwritten_and_nothing_is_written_before_training(suite: Any, tmp_path: Path) -> None:
    loaded = suite({
        "m": LORA, "far": "base: m, method: lora, on: [letters]", "ia3": "base: base, method: ia3, on: [letters]",
    })  # fmt: skip
    out = tmp_path / "out"
    for export in (export_merged, export_adapter):
        with pytest.raises(HarnessError, match=r"models\.m is not trained yet; first: harness run .*suite\.yaml"):
            export(entry(loaded, "m"), out)
    with pytest.raises(HarnessError, match=r"models\.far: its base m is not trained yet; first: harness run"):
        export_llamafactory(entry(loaded, "far"), out)
    assert not out.exists()
    out.mkdir()
    export_llamafactory(entry(loaded, "m"), out)  # an empty one will do
    before = (out / "train.yaml").read_text()
    with pytest.raises(HarnessError, match="out is not empty; choose another folder by --out"):
        export_llamafactory(entry(loaded, "m"), out)
    assert (out / "train.yaml").read_text() == before
    with pytest.raises(HarnessError, match="is a file; choose another folder by --out"):
        export_llamafactory(entry(loaded, "m"), out / "train.yaml")


# -- what was trained ----------------------------------------------------------------------------------------------------


def test_trained_models_leave_the_suite_and_come_back(
    suite: Any, run_suite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the command line: run, export, and the exported answer as the trained does."""
    from transformers import AutoModelForCausalLM

    trained = {
        "m": LORA, "full": "base: base, method: full, on: [letters]", "tip": "base: base, method: {prompt: {tokens: 2}}, on: [letters]",
        "neck": "base: base, method: {bottleneck: {width: 2}}, on: [letters]",
    }  # fmt: skip
    loaded = suite(trained)
    run_suite(loaded.path)
    monkeypatch.chdir(tmp_path)

    def told(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["export", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    path = str(loaded.path)
    said = told("adapter", path, "m", "--out", "lora")
    assert "lora/adapter_model.safetensors" in said
    assert "Next: in the suite: {adapter: {base: base, path: ../lora}}" in said
    assert sorted(file.name for file in Path("lora").iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    named = json.loads(Path("lora/adapter_config.json").read_text())["base_model_name_or_path"]
    assert named == loaded.models["base"].path
    assert "Next: in the suite: {huggingface: {path: ../merged}}" in told("merged", path, "m", "--out", "merged")
    told("merged", path, "full", "--out", "full")
    assert "prompt makes no adapter" not in told("adapter", path, "tip", "--out", "tip")
    for arguments, message in [
        (
            ("adapter", path, "full", "--out", "x"),
            "full makes no adapter of PEFT; write the whole model: harness export merged",
        ),
        (("adapter", path, "neck", "--out", "x"), "bottleneck makes no adapter of PEFT\n"),
        (("merged", path, "tip", "--out", "x"), "models.tip: prompt weights cannot be merged into the base"),
        (("merged", path, "m", "--out", "lora"), "lora is not empty; choose another folder by --out"),
    ]:
        assert message in told(*arguments, code=2)
    assert not Path("x").exists()
    assert not list(tmp_path.glob("*.partial"))
    told("llamafactory", path, "m")
    assert Path("exports/letters/m/train.yaml").is_file()

    prepare(loaded)
    ids = torch.tensor([loaded.models["base"].encode(PROBES["a system turn"])])
    back = loaded.path.with_name("back.yaml")
    asked = "\n".join(f"  {name}: {{prompting: {{model: {name}}}}}" for name in ("a", "b"))
    entries = "  a: {adapter: {base: base, path: ../lora}}\n  b: {adapter: {base: base, path: ../full}}\n"
    head, _, tail = loaded.path.read_text().partition("datasets:")
    head = "\n".join(line for line in head.splitlines() if "tuned" not in line)
    back.write_text(f"{head}\n{entries}datasets:{tail.partition('variants:')[0]}variants:\n{asked}\n")
    again = load_suite(back)
    prepare(again, ["a", "b"])
    merged = AutoModelForCausalLM.from_pretrained("merged", dtype=torch.float32).eval()
    with torch.no_grad():
        for mine, theirs in (("m", again.models["a"].engine._model()), ("full", again.models["b"].engine._model())):  # type: ignore[attr-defined]
            wanted = loaded.models[mine].engine._model()(ids).logits
            assert torch.equal(theirs(ids).logits, wanted), mine
        wanted = loaded.models["m"].engine._model()(ids).logits
        assert torch.allclose(merged(ids).logits, wanted, atol=1e-4)
    assert isinstance(loaded.models["m"].data.examples[0], Example)
