"""Adapters and checkpoints made elsewhere: they answer as PEFT does, share one base, and are refused where they must be."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.models.adapter import Adapter
from harness.components.display import Display
from harness.errors import ModelError, SuiteError
from harness.models.huggingface import HuggingFace
from harness.models.local.loading import LocalModel
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import plan
from harness.stages.prepare import bind_models
from harness.suite.parser import load_suite
from tests.shared.tiny_models import CHATML, save_tokenizer, user

SUITE = """\
name: letters
models:
  base: {huggingface: {path: "FOLDER", dtype: float32, device: cpu, format: plain, delimiter: ""}}
  MODELS
tasks:
  letters:
    data: {tsv: {path: test.tsv, input: 词, target: 字}}
    prompt: "{{ input }} "
    generation: {max_tokens: 3}
    metrics: {accuracy: exact_match}
variants:
  plain: {prompting: {model: base}}
  VARIANTS
"""
TEST = "词\t字\nx1\tA\nx2\tB\nx3\tA\n"
Run = Callable[..., RunFolder]
Make = Callable[..., Path]
QV = {"target_modules": ["q_proj", "v_proj"]}


@pytest.fixture
def suite(write_suite: Make, make_folder: Callable[..., Path]) -> Make:
    """Write a suite with the models given, as YAML, and one variant for each of them."""

    def write(models: dict[str, str], base: Path | None = None) -> Path:
        text = SUITE.replace("FOLDER", str(base or make_folder()))
        text = text.replace("MODELS", "\n  ".join(f"{name}: {{{made}}}" for name, made in models.items()))
        text = text.replace("VARIANTS", "\n  ".join(f"{name}: {{prompting: {{model: {name}}}}}" for name in models))
        return write_suite(text, test__tsv=TEST)

    return write


def network(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def save(
    base: Path, folder: Path, seed: int = 0, method: str = "LoraConfig", bins: bool = False, **settings: Any
) -> Path:
    """An adapter of PEFT with random weights, saved as LLaMA-Factory saves it."""
    import peft

    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = peft.get_peft_model(network(base), getattr(peft, method)(**{"task_type": "CAUSAL_LM", **settings}))
        with torch.no_grad():
            for parameter in made.parameters():
                if parameter.requires_grad:
                    parameter += 0.2 * torch.randn_like(parameter)
        made.save_pretrained(folder, safe_serialization=not bins)
    return folder


def change(folder: Path, **fields: Any) -> Path:
    """Change fields of adapter_config.json."""
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))
    return folder


def joined(path: Path, name: str = "a") -> Adapter:
    """An adapter of a suite, checked."""
    loaded = load_suite(path)
    bind_models(loaded, {})
    made = loaded.models[name]
    assert isinstance(made, Adapter)
    made.check()
    return made


def logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(ids).logits[:, -ids.shape[1] :]
    return found


def mistakes(path: Path, cache: Path) -> str:
    loaded = load_suite(path)
    calls = Cache(cache / "calls.sqlite", read_only=True)
    try:
        with pytest.raises(SuiteError) as caught:
            plan(loaded, DryContext(loaded.models, calls, Display(), loaded.seed))
    finally:
        calls.close()
    return str(caught.value)


KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": ("Llama", QV),
    "dora": ("Llama", {**QV, "use_dora": True}),
    "whole modules": ("Llama", {**QV, "modules_to_save": ["lm_head"]}),
    "embeddings": ("Llama", {**QV, "modules_to_save": ["embed_tokens", "lm_head"]}),
    "embeddings by LoRA": ("Llama", {"target_modules": ["q_proj", "embed_tokens"]}),
    "some tokens": ("Llama", {**QV, "trainable_token_indices": [70, 71]}),
    "biases": ("Qwen2", {**QV, "bias": "all"}),
    "ia3": (
        "Llama",
        {"method": "IA3Config", "target_modules": ["k_proj", "down_proj"], "feedforward_modules": ["down_proj"]},
    ),
    "prompt": ("Llama", {"method": "PromptTuningConfig", "num_virtual_tokens": 3}),
    "prefix": ("Llama", {"method": "PrefixTuningConfig", "num_virtual_tokens": 3}),
    "pickled": ("Llama", {**QV, "bins": True}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_answers_as_peft_does_and_leaves_the_base_as_it_was(
    kind: str, suite: Make, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    from peft import PeftModel

    shape, settings = KINDS[kind]
    base = make_folder(shape)
    folder = save(base, tmp_path / "out", **settings)
    made = joined(suite({"a": "adapter: {base: base, path: ../out}"}, base))
    origin = made.origin()
    assert isinstance(origin, HuggingFace)
    ids = torch.tensor([origin.encode(user("Which of the following is correct?"))])
    before = logits(origin._model(), ids)
    modules = [name for name, _ in origin._model().named_modules()]
    found = logits(made.engine._model(), ids)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = logits(PeftModel.from_pretrained(network(base), folder).eval(), ids)
    assert torch.equal(found, wanted)
    assert not torch.allclose(found, before, atol=1e-3)
    assert torch.equal(logits(origin._model(), ids), before)
    assert [name for name, _ in origin._model().named_modules()] == modules
    assert torch.equal(logits(made.engine._model(), ids), wanted)  # put on again
    assert ("prefix" in made.identity()) == (kind in ("prompt", "prefix"))  # how it is asked, for the cache


def test_embeddings_that_were_written_whole_are_taken_off_again(
    suite: Make, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    """PEFT writes the embeddings into the file where their number of words changed, and overwrites the base's."""
    from safetensors.torch import load_file, save_file

    folder = save(make_folder(), tmp_path / "out", **QV)
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    tensors["base_model.model.model.embed_tokens.weight"] = torch.randn(320, 64)
    save_file(tensors, file)
    made = joined(suite({"a": "adapter: {base: base, path: ../out}"}))
    origin, ids = made.origin(), torch.tensor([[70, 71, 72]])
    assert isinstance(origin, HuggingFace)
    before = logits(origin._model(), ids)
    assert not torch.allclose(logits(made.engine._model(), ids), before, atol=1e-3)
    assert torch.equal(logits(origin._model(), ids), before)


def test_two_adapters_and_their_base_share_one_load(
    suite: Make, run_suite: Run, make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(make_folder(), tmp_path / "one", 1, **QV)
    save(make_folder(), tmp_path / "two", 2, **QV, modules_to_save=["lm_head"])
    path = suite({name: f"adapter: {{base: base, path: ../{name}}}" for name in ("one", "two")})
    loads: list[str] = []
    load = LocalModel.load

    def counted(self: LocalModel, *arguments: Any, **options: Any) -> Any:
        loads.append(self.path)
        return load(self, *arguments, **options)

    monkeypatch.setattr(LocalModel, "load", counted)
    folder = run_suite(path)
    assert len(loads) == 1
    texts = {v: [p.text for p in folder.predictions() if p.variant == v] for v in ("plain", "one", "two")}
    assert texts["one"] != texts["plain"] != texts["two"] != texts["one"]
    models = folder.read_run()["models"]
    identity = models["one"]["identity"]
    assert (identity["component"], identity["method"], "peft" in identity["packages"]) == ("adapter", "LORA", True)
    assert len({one["digest"] for one in models.values()}) == 3
    assert folder.read_run()["training"] == {}


def test_an_adapter_on_a_quantised_base(suite: Make, make_folder: Callable[..., Path], tmp_path: Path) -> None:
    save(make_folder(), tmp_path / "out", **QV)
    path = suite({"nf4": "quantised: {base: base}", "a": "adapter: {base: nf4, path: ../out}"})
    loaded = load_suite(path)
    bind_models(loaded, {})
    made = loaded.models["a"]
    made.check()
    assert made.identity()["quantisation"]["kind"] == "nf4"
    assert made.carrier() is loaded.models["nf4"].carrier()


def test_what_matters_is_in_the_identity(suite: Make, make_folder: Callable[..., Path], tmp_path: Path) -> None:
    def identity(**fields: Any) -> Any:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        change(save(make_folder(), tmp_path / "out", **QV), **fields)
        return joined(suite({"a": "adapter: {base: base, path: ../out, other_name: true}"})).identity()["trained"]

    first = identity()
    assert (
        identity(base_model_name_or_path="elsewhere/Llama", lora_dropout=0.1, target_modules=["v_proj", "q_proj"])
        == first
    )
    assert identity(lora_alpha=99) != first
    shutil.rmtree(tmp_path / "out")
    save(make_folder(), tmp_path / "out", 5, **QV)
    assert joined(suite({"a": "adapter: {base: base, path: ../out}"})).identity()["trained"] != first


# -- what is refused before weights are loaded ----------------------------------------------------------------------------


def no_load(*_: Any, **__: Any) -> Any:
    raise AssertionError("weights were loaded")


def remove(folder: Path, name: str) -> None:
    (folder / name).unlink()


def cut(folder: Path, name: str = "adapter_model.safetensors") -> None:
    file = folder / name
    file.write_bytes(file.read_bytes()[:-100])


def wipe(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


REFUSED: dict[str, tuple[dict[str, Any], Callable[[Path], Any], str]] = {
    "no folder": (QV, shutil.rmtree, "out does not exist"),
    "nothing in it": (QV, wipe, "has neither adapter_config.json nor config.json; it holds no file"),
    "no weights": (QV, lambda f: remove(f, "adapter_model.safetensors"), "no weights: adapter_model.safetensors or adapter_model.bin"),
    "no configuration": (QV, lambda f: remove(f, "adapter_config.json"), "it holds README.md, adapter_model.safetensors"),
    "damaged JSON": (QV, lambda f: (f / "adapter_config.json").write_text("{"), "adapter_config.json cannot be read: Expecting"),
    "no object": (QV, lambda f: (f / "adapter_config.json").write_text("[]"), "adapter_config.json holds no JSON object"),
    "cut short": (QV, cut, "adapter_model.safetensors is damaged or cut short"),
    "cut pickle": ({**QV, "bins": True}, lambda f: cut(f, "adapter_model.bin"), "adapter_model.bin is damaged or cut short"),
    "unknown kind": (QV, lambda f: change(f, peft_type="NEWER"), "has no peft_type 'NEWER'; pip install -U peft"),
    "no kind": (QV, lambda f: change(f, peft_type=None), "has no peft_type None"),
    "unknown field": (QV, lambda f: change(f, use_newer=True), "does not know use_newer"),
    "field out of range": (QV, lambda f: change(f, r=None, bias="newer"), "models.a: "),
    "another task": (QV, lambda f: change(f, task_type="SEQ_CLS"), "it was trained for SEQ_CLS, which generates no text"),
    "pissa": (QV, lambda f: change(f, init_lora_weights="pissa_niter_16"), "init_lora_weights pissa_niter_16 changes the base"),
    "replicated layers": (QV, lambda f: change(f, layer_replication=[[0, 2], [0, 2]]), "layer_replication is not supported"),
    "another name": (
        QV,
        lambda f: change(f, base_model_name_or_path="owner/Robot-7B"),
        "was trained on owner/Robot-7B, but its base here is",
    ),
    "no such modules": (
        QV,
        lambda f: change(f, target_modules=["q_prj"]),
        "target_modules: {base} has no module q_prj (did you mean q_proj?)",
    ),
    "no such pattern": (QV, lambda f: change(f, target_modules=".*nothing"), "cannot be attached to {base}: Target modules .*nothing not found"),
    "no such whole module": (QV, lambda f: change(f, modules_to_save=["lm_hed"]), "modules_to_save: {base} has no module lm_hed (did you mean lm_head?)"),
    "another rank": (QV, lambda f: change(f, r=4), "self_attn.q_proj.lora_A.weight is 8×64, but 4×64 in {base} (it was trained on {base})"),
    "modules left out": (QV, lambda f: change(f, target_modules=["q_proj"]), "it has tensors that the base lacks: 4, the first base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight"),
    "modules missing": (QV, lambda f: change(f, target_modules=["q_proj", "v_proj", "k_proj"]), "it lacks tensors: 4, the first base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_adapters_are_refused_before_weights_are_loaded(
    case: str, suite: Make, make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, spoil, message = REFUSED[case]
    spoil(save(make_folder(), tmp_path / "out", **settings))
    monkeypatch.setattr(LocalModel, "load", no_load)
    said = mistakes(suite({"a": "adapter: {base: base, path: ../out}"}), tmp_path / "cache")
    assert said.startswith("models.a: ")
    assert message.format(base=make_folder()) in said
    assert "\n" not in said


SECOND_ENTRYS = {
    "wider": ({"hidden_size": 96}, QV, "is 8×64, but 8×96 in"),
    "fewer layers": (
        {"num_hidden_layers": 1},
        QV,
        "it has tensors that the base lacks: 4, the first base_model.model.model.layers.1.",
    ),
    "more layers": ({"num_hidden_layers": 3}, QV, "it lacks tensors: 4, the first base_model.model.model.layers.2."),
    "more words": (
        {"vocab_size": 336},
        {**QV, "modules_to_save": ["lm_head"]},
        "was trained with 320 words in its vocabulary, the base",
    ),
}


@pytest.mark.parametrize("case", SECOND_ENTRYS)
def test_an_adapter_of_another_base_is_refused(
    case: str, suite: Make, make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, settings, message = SECOND_ENTRYS[case]
    save(make_folder(), tmp_path / "out", **settings)
    other = make_folder("Llama", **config)
    monkeypatch.setattr(LocalModel, "load", no_load)
    said = mistakes(suite({"a": "adapter: {base: base, path: ../out}"}, other), tmp_path / "cache")
    assert message in said
    assert str(other) in said


def test_a_parent_of_checkpoints_names_the_newest(
    suite: Make, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    for inner in (
        "v0-20250101-000000/checkpoint-90",
        "v1-20250102-000000/checkpoint-10",
        "v1-20250102-000000/checkpoint-9",
    ):
        save(make_folder(), tmp_path / "swift" / inner, **QV)
    for inner in ("checkpoint-20", "checkpoint-100", "checkpoint-9"):
        save(make_folder(), tmp_path / "factory" / inner, **QV)
    (tmp_path / "factory" / "checkpoint-200").mkdir()  # interrupted while it was written
    cases = {"swift": "swift/v1-20250102-000000/checkpoint-10", "factory": "factory/checkpoint-100"}
    for name, newest in cases.items():
        said = mistakes(suite({"a": f"adapter: {{base: base, path: ../{name}}}"}), tmp_path / "cache")
        assert said.endswith(f"write the newest: path: {tmp_path / newest}")
        joined(suite({"a": f"adapter: {{base: base, path: ../{newest}}}"}))
    save(make_folder(), tmp_path / "factory", **QV)  # the final adapter beside its checkpoints
    joined(suite({"a": "adapter: {base: base, path: ../factory}"}))


def test_fields_of_a_newer_peft_that_are_off_are_left_out(
    suite: Make, make_folder: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change(save(make_folder(), tmp_path / "out", **QV), use_newer=False, newer_config=None, runtime_config={"x": 1})
    with caplog.at_level("INFO", "harness"):
        made = joined(suite({"a": "adapter: {base: base, path: ../out}"}))
    assert "does not know these fields, which are off and left out: use_newer, newer_config" in caplog.text
    assert made.engine._model() is not None


@pytest.mark.parametrize(
    ("trained_on", "fits"),
    [
        ("owner/Llama", True),
        ("/home/me/.cache/huggingface/hub/models--owner--Llama/snapshots/0123/", True),
        ("C:\\models\\llama", True),
        ("owner/Llama-2", False),
        (None, True),
        ("", True),
    ],
)
def test_the_name_of_the_base(
    trained_on: str | None, fits: bool, suite: Make, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    change(save(make_folder(), tmp_path / "out", **QV), base_model_name_or_path=trained_on)
    if fits:
        joined(suite({"a": "adapter: {base: base, path: ../out}"}))
    else:
        said = mistakes(suite({"a": "adapter: {base: base, path: ../out}"}), tmp_path / "cache")
        assert f"was trained on {trained_on}, but its base here is {make_folder()}" in said
        assert "other_name: true" in said
        joined(suite({"a": "adapter: {base: base, path: ../out, other_name: true}"}))


def test_a_base_that_is_not_here_is_looked_at_when_the_run_begins(
    suite: Make, make_folder: Any, tmp_path: Path
) -> None:
    save(make_folder(), tmp_path / "out", **QV)
    made = joined(suite({"a": "adapter: {base: base, path: ../out}"}, Path("owner/Llama")))
    with pytest.raises(ModelError, match=r"models\.a: model owner/Llama: not in the local hub cache"):
        made.make("a", Display())


def test_bases_that_an_adapter_cannot_have(suite: Make, make_folder: Callable[..., Path], tmp_path: Path) -> None:
    save(make_folder(), tmp_path / "out", **QV)
    path = suite({"a": "adapter: {base: base, path: ../out}", "b": "adapter: {base: a, path: ../out}"})
    assert "models.b: base: a is Adapter; an adapter goes on a huggingface or a quantised model" in mistakes(
        path, tmp_path / "cache"
    )
    path = suite({"s": "scripted: {}", "a": "adapter: {base: s, path: ../out}"})
    assert "models.a: base: s is Scripted; an adapter goes on" in mistakes(path, tmp_path / "cache")
    with pytest.raises(SuiteError, match="'a' is Adapter, which cannot be the base of another model"):
        load_suite(suite({"a": "adapter: {base: base, path: ../out}", "q": "quantised: {base: a}"}))


# -- full checkpoints -----------------------------------------------------------------------------------------------------


def full(base: Path, folder: Path, shards: bool = False) -> Path:
    """A full checkpoint with other weights, as a trainer leaves it."""
    made = network(base)
    torch.manual_seed(9)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    made.save_pretrained(folder, **({"max_shard_size": "100KB"} if shards else {}))
    return folder


@pytest.mark.parametrize("shards", [False, True])
def test_a_full_checkpoint_answers_with_its_own_weights(
    shards: bool, suite: Make, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = full(make_folder(), tmp_path / "out", shards=shards)
    made = joined(suite({"a": "adapter: {base: base, path: ../out}"}))
    origin = made.origin()
    assert isinstance(origin, HuggingFace)
    ids = torch.tensor([made.engine.encode(user("肺炎"))])
    assert made.engine.tokenizer is origin.tokenizer  # it has none of its own
    assert (made.engine.format, made.engine.delimiter) == ("plain", "")
    assert torch.equal(logits(made.engine._model(), ids), logits(network(folder), ids))
    first = made.identity()
    assert (first["component"], "tokenizer" in first) == ("adapter", True)
    (folder / "trainer_state.json").write_text("{}")  # what is not loaded changes nothing
    (folder / "checkpoint-1").mkdir()
    (folder / "checkpoint-1" / "optimizer.pt").write_text("x")
    assert joined(suite({"a": "adapter: {base: base, path: ../out}"})).identity() == first
    save_tokenizer(folder, None)
    own = joined(suite({"a": "adapter: {base: base, path: ../out}"}))
    assert (own.engine.tokenizer.chat_template, origin.tokenizer.chat_template) == (None, CHATML)
    assert (own.identity() != first, "tokenizer" in own.identity()) == (True, False)
    joined(suite({"a": "adapter: {base: base, path: ../out}"})).make("a", Display())


def test_checkpoints_that_are_another_model_or_damaged_are_refused(
    suite: Make, make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalModel, "load", no_load)
    others: dict[str, tuple[str, dict[str, Any]]] = {
        "architecture qwen2, not llama": ("Qwen2", {}),
        "hidden size 96, not 64": ("Llama", {"hidden_size": 96}),
        "layers 3, not 2": ("Llama", {"num_hidden_layers": 3}),
        "vocabulary 336, not 320": ("Llama", {"vocab_size": 336}),
    }
    for message, (shape, config) in others.items():
        path = suite({"a": f'adapter: {{base: base, path: "{make_folder(shape, **config)}"}}'})
        said = mistakes(path, tmp_path / "cache")
        assert f"is another model than base: {message}; name it as a huggingface model" in said
    path = suite({"a": "adapter: {base: base, path: ../out}"})
    folder = full(make_folder(), tmp_path / "out", shards=True)
    shard = sorted(folder.glob("*-of-*.safetensors"))[1]
    cut(folder, shard.name)
    assert f"{shard.name} is damaged or cut short" in mistakes(path, tmp_path / "cache")
    shard.unlink()
    assert f"lacks {shard.name} that model.safetensors.index.json names" in mistakes(path, tmp_path / "cache")
    remove(folder, "model.safetensors.index.json")
    assert "has no weights: model.safetensors or pytorch_model.bin" in mistakes(path, tmp_path / "cache")
    (folder / "config.json").write_text("{")
    assert "config.json cannot be read" in mistakes(path, tmp_path / "cache")
    shutil.rmtree(folder)
    full(make_folder(), folder)
    quantised = suite({"nf4": "quantised: {base: base}", "a": "adapter: {base: nf4, path: ../out}"})
    assert "nf4 is quantised, but" in mistakes(quantised, tmp_path / "cache")


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut weights": (lambda f: (f / "adapter_model.safetensors").write_bytes(b"\x10" + bytes(20)), "damaged or cut"),
    "empty weights": (lambda f: (f / "adapter_model.safetensors").write_bytes(b""), "damaged or cut"),
    "no tensors": (
        lambda f: (f / "adapter_model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}"), "holds no tensor",
    ),
    "a rank in words": (lambda f: change(f, r="eight"), "cannot be"),
    "no rank": (lambda f: change(f, r=0), "cannot be"),
    "targets that are a number": (lambda f: change(f, target_modules=5), "target_modules is 5"),
    "targets that are numbers": (lambda f: change(f, target_modules=[1, 2]), "target_modules is [1, 2]"),
    "a pattern that is none": (lambda f: change(f, target_modules="(q_proj"), "cannot be"),
    "modules in words": (lambda f: change(f, modules_to_save="lm_head"), "modules_to_save is lm_head"),
    "a base that is a list": (lambda f: change(f, base_model_name_or_path=["x"]), "base_model_name_or_path is ['x']"),
    "half a configuration": (lambda f: (f / "adapter_config.json").write_text('{"peft_type": "LO'), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "reason"), list(DAMAGE.values()), ids=list(DAMAGE))
def test_a_broken_adapter_is_refused_in_one_line(
    damage: Callable[[Path], Any], reason: str, suite: Make, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    base = make_folder()
    folder = save(base, tmp_path / "out", **QV)
    damage(folder)
    path = suite({"a": f"adapter: {{base: base, path: {folder}, other_name: true}}"}, base)
    with pytest.raises(ModelError) as caught:
        joined(path)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
