"""Trained, quantised and served models on tasks of lm-eval: each answers as lm-eval's own path to the same weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import harness
from adapters.export.export import TunedEntry, export_adapter, find_tuned
from harness.selftest.tiny_models import save_model
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from tests.shared.engines import Script
from tests.shared.lm_eval_tasks import write_tasks
from tests.shared.openai_stand_in import Hosted
from tests.shared.served_fixtures import serve as serve

pytest.importorskip("lm_eval")
pytestmark = [pytest.mark.nightly, pytest.mark.slow, pytest.mark.internals, pytest.mark.filterwarnings("default")]

SUITE = """\
name: kinds
models:
  base: {huggingface: {path: MODEL, dtype: float32, device: cpu, format: plain}}
  lora: {tuned: {base: base, method: {lora: {r: 4}}, on: [norm], max_steps: 4, learning_rate: 0.05, batch_size: 4, samples: 0}}
  nf4: {quantised: {base: base, bits: 4}}
tasks:
  norm: {data: {csv: {path: rows.csv, train: train.csv, input: q, target: a}}, prompt: "{{ input }}", metrics: {acc: exact_match}, generation: {max_tokens: 4}}
  t: {lm_eval: {tasks: [chosen, written], include_path: tasks}}
variants:
  base: {prompting: {model: base}}
  lora: {prompting: {model: lora}}
  nf4: {prompting: {model: nf4}}
latency: {items: 0}
"""
SERVED = """\
name: served
models:
  here: {scripted: {default: A}}
  there: {openai: {model: smol, url: "PLACE/v1", workers: 1}}
tasks:
  t: {lm_eval: {tasks: [written], include_path: tasks}}
variants:
  here: {prompting: {model: here}}
  there: {prompting: {model: there}}
latency: {items: 0}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    write_tasks(tmp_path / "tasks")
    return tmp_path


def theirs(folder: Path, network: Any) -> dict[str, Any]:
    """The items of lm-eval's own `hf` over a network, by task."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    result = lm_eval.simple_evaluate(
        model=HFLM(pretrained=network, tokenizer=tokenizer, device="cpu", batch_size=1, max_length=512),
        tasks=["chosen", "written"], bootstrap_iters=0,
        task_manager=TaskManager(include_path=str(folder / "tasks"), include_defaults=False),
    )  # fmt: skip
    assert result is not None
    return dict(result["samples"])


def networks(folder: Path, adapter: Path) -> dict[str, Any]:
    """By variant, as transformers and PEFT load it."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    def load(**settings: Any) -> Any:
        return AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32, **settings)

    bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32)
    return {
        "base": load(),
        "lora": PeftModel.from_pretrained(load(), adapter).merge_and_unload(),
        "nf4": load(
            quantization_config=bits, device_map={"": "cpu"}
        ).dequantize(),  # its CPU kernel computes in bfloat16
    }


def test_trained_and_quantised_models_answer_as_in_lm_eval(folder: Path) -> None:
    """The adapter as PEFT reads it; nf4 as transformers makes it. Weights move, so that equality says something."""
    (folder / "model").mkdir()
    save_model(folder / "model", "Llama", None, 3, max_position_embeddings=512, intermediate_size=128)
    (folder / "suite.yaml").write_text(SUITE.replace("MODEL", str(folder / "model")), encoding="utf-8")
    rows = "".join(f"word {place},{'AB'[place % 2]}\n" for place in range(8))
    (folder / "train.csv").write_text(f"q,a\n{rows}", encoding="utf-8")
    (folder / "rows.csv").write_text("q,a\nother,A\n", encoding="utf-8")
    run = harness.run(folder / "suite.yaml", out=folder / "run", progress=False)
    loaded = load_suite(folder / "suite.yaml")
    tuned = find_tuned(loaded.models, loaded.expansion.members, "lora")
    prepare(loaded)
    adapter = export_adapter(TunedEntry("lora", tuned, loaded.name, loaded.path), folder / "adapter").folder
    predictions = [json.loads(line) for line in (folder / "run/predictions.jsonl").read_text("utf-8").splitlines()]
    seen: dict[str, list[Any]] = {}
    for variant, network in networks(folder, adapter).items():
        for task, samples in theirs(folder, network.eval()).items():
            own = {p["sample_id"]: p for p in predictions if (p["task"], p["variant"]) == (f"t-{task}", variant)}
            for sample in samples:
                reply = own[str(sample["doc_id"])]
                assert reply["error"] is None
                if task == "written":
                    assert reply["text"] == sample["resps"][0][0]
                else:
                    assert reply["logprobs"] == pytest.approx([pair[0][0] for pair in sample["resps"]], abs=1e-4), (
                        variant
                    )
                    seen.setdefault(variant, []).append(reply["logprobs"])
    assert seen["lora"] != seen["base"] != seen["nf4"]
    assert {result.variant for result in run.summary.results if result.task == "t-chosen"} == {"base", "lora", "nf4"}


def test_a_served_model_answers_as_one_in_this_process(folder: Path, serve: Callable[[Any], Any]) -> None:
    server = serve(Hosted(Script(lambda body: "A")))
    (folder / "suite.yaml").write_text(SERVED.replace("PLACE", server.place), encoding="utf-8")
    summary = harness.run(folder / "suite.yaml", out=folder / "run", progress=False).summary
    means = {(own.variant, own.metric): own.mean for own in summary.results}
    metrics = ("exact_match-letter", "exact_match-whole", "chrf-letter", "chrf-whole")
    assert [means["there", metric] for metric in metrics] == [means["here", metric] for metric in metrics]
    assert means["there", "exact_match-letter"] not in (None, 0.0)
    assert all(own.known == own.samples == 6 for own in summary.results)
