"""Every way in which lm-eval asks gives, item by item, what its own `hf` model gives in float32."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.components.display import Display
from harness.components.scoring import Scoring
from harness.records.inputs import Cell
from harness.records.outputs import Prediction
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.selftest.tiny_models import save_model
from harness.stages.prepare import prepare, resources_of
from harness.stages.score_metric import score_metric
from harness.suite.parser import load_suite
from tests.shared.lm_eval_tasks import TASKS, write_tasks
from tests.shared.paths import ROOT

pytest.importorskip("lm_eval")
pytestmark = [pytest.mark.slow, pytest.mark.internals, pytest.mark.filterwarnings("default")]

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SYSTEM = "You are a doctor."
SUITE = """
models:
  chat: {{huggingface: {{path: {model}, dtype: float32, device: cpu}}}}
  plain: {{huggingface: {{path: {model}, dtype: float32, device: cpu, format: plain}}}}
tasks:
  t: {{lm_eval: {{tasks: {tasks}, include_path: {include}}}}}
variants:
  turns: {{prompting: {{model: chat}}}}
  running: {{prompting: {{model: plain}}}}
{system}"""
SCRIPTED = """
models:
  m: {{scripted: {{default: "A"}}}}
tasks:
  t: {{lm_eval: {{tasks: [written], include_path: {include}}}}}
variants:
  v: {{prompting: {{model: m}}}}
"""
WAYS: dict[str, dict[str, Any]] = {
    "turns": {"apply_chat_template": True, "fewshot_as_multiturn": True},
    "running": {},
    "turns-told": {"apply_chat_template": True, "fewshot_as_multiturn": True, "system_instruction": SYSTEM},
    "running-told": {"system_instruction": SYSTEM},
}
TOLD = f"""  turns-told: {{prompting: {{model: chat, system: {SYSTEM}}}}}
  running-told: {{prompting: {{model: plain, system: {SYSTEM}}}}}
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Tiny models with a window of 512 tokens, by whether the tokenizer puts a token before each text."""
    folders = {has_start: tmp_path_factory.mktemp("tiny") for has_start in (False, True)}
    for folder in folders.values():
        save_model(folder, "Llama", TEMPLATE, 3, max_position_embeddings=512)
    _with_start(folders[True])
    return folders


def _with_start(folder: Path) -> None:
    core = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    piece, text = {"SpecialToken": {"id": "<|pad|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    core["post_processor"] = {
        "type": "TemplateProcessing", "single": [piece, text], "pair": [piece, text, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|pad|>": {"id": "<|pad|>", "ids": [0], "tokens": ["<|pad|>"]}},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(core), encoding="utf-8")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "bos_token": "<|pad|>"}), encoding="utf-8")


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tasks(tmp_path_factory.mktemp("own") / "tasks")


def theirs(model: Path, tasks: Path, names: list[str], way: str) -> dict[str, Any]:
    import lm_eval
    from lm_eval.tasks import TaskManager

    result = lm_eval.simple_evaluate(
        model="hf", model_args={"pretrained": str(model), "dtype": "float32"}, tasks=names, device="cpu", batch_size=4,
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False), bootstrap_iters=0, **WAYS[way],
    )  # fmt: skip
    assert result is not None
    return dict(result)


def ours(model: Path, tasks: Path, names: list[str], way: str, scratch: Path) -> Iterator[tuple[str, Any, Any]]:
    """By task, the predictions and the values of the metrics."""
    told = TOLD if way.endswith("told") else ""
    file = scratch / "suite.yaml"
    file.write_text(SUITE.format(model=model, tasks=json.dumps(names), include=tasks, system=told), encoding="utf-8")
    suite = load_suite(file)
    read = prepare(suite)
    with closing(Cache(scratch / "calls.sqlite")) as cache:
        context = Context(suite.models, cache, Display(), 0)
        for name, task in read.items():
            context.begin(Cell(name, way))
            answers = suite.variants[way].answer(task, task.data.test, context, resources_of(suite, read))
            values: dict[str, dict[str, float | None]] = {}
            for metric_name, metric in suite.metrics_of(task).items():
                scoring = Scoring(metric=metric_name, task=task, context=context)
                scores = score_metric(metric, task.data.test, answers, scoring)
                values[metric_name] = {score.sample_id: score.value for score in scores}
            yield name.removeprefix("t-"), answers, values
        context.close()


def assert_same(prediction: Prediction, sample: dict[str, Any]) -> None:
    """One item's replies: the same text, log-probabilities within 1e-4, the same pick, the same likeliest texts."""
    assert prediction.error is None
    replies = [reply[0] for reply in sample["resps"]]
    if isinstance(replies[0], str):
        assert prediction.text == replies[0]
        return
    assert prediction.logprobs is not None
    logprobs = [reply[0] if isinstance(reply, tuple | list) else reply for reply in replies]
    assert prediction.logprobs == pytest.approx(logprobs, abs=1e-4, rel=1e-6)  # they add thousands up in float32
    assert prediction.logprobs.index(max(prediction.logprobs)) == logprobs.index(max(logprobs))
    if isinstance(replies[0], tuple | list):
        assert prediction.greedy == tuple(reply[1] for reply in replies)


@pytest.mark.parametrize(
    ("way", "has_start"), [("turns", True), ("running", False), ("turns-told", False), ("running-told", True)]
)
def test_it_answers_as_lm_evals_own_model(
    models: dict[bool, Path], tasks: Path, way: str, has_start: bool, tmp_path: Path
) -> None:
    model = models[has_start]
    names = [name for name in TASKS if not (way.endswith("told") and name == "long")]
    result = theirs(model, tasks, names, way)
    seen = 0
    for name, answers, values in ours(model, tasks, names, way, tmp_path):
        by_id = {prediction.sample_id: prediction for prediction in answers}
        for sample in result["samples"][name]:
            place = str(sample["doc_id"])
            assert_same(by_id[place], sample)
            for metric in sample["metrics"]:
                own = metric if sample["filter"] == "none" else f"{metric}-{sample['filter']}"
                if isinstance(sample[metric], int | float) and metric != "perplexity":
                    assert values[own][place] == pytest.approx(sample[metric]), (name, own, place)
                    seen += 1
    assert seen > 50


def test_a_prompt_longer_than_the_window_fails_by_itself(models: dict[bool, Path], tasks: Path, tmp_path: Path) -> None:
    """Every other row has 220 words before the question; lm-eval cuts their beginning, and the rest is as it has them."""
    samples = theirs(models[False], tasks, ["lengthy"], "running")["samples"]["lengthy"]
    ((_, answers, values),) = ours(models[False], tasks, ["lengthy"], "running", tmp_path)
    assert len(answers) == len(samples) == 6
    for prediction, sample in zip(answers, samples, strict=True):
        if int(prediction.sample_id) % 2:
            assert "the model has room for 512: show fewer examples or passages" in str(prediction.error)
            assert values["acc"][prediction.sample_id] is None
        else:
            assert_same(prediction, sample)
            assert values["acc"][prediction.sample_id] == pytest.approx(sample["acc"])


def test_lm_evals_own_command_asks_a_model_of_a_suite(tasks: Path, tmp_path: Path) -> None:
    """A scripted model says A to everything; behind the filter for a letter it is right where the row has A."""
    suite = tmp_path / "suite.yaml"
    suite.write_text(SCRIPTED.format(include=tasks), encoding="utf-8")
    arguments = ["lm-eval", "run", "--model", "harness", "--model_args", f"suite={suite},model=m", "--tasks", "written",
                 "--include_path", str(tasks), "--output_path", str(tmp_path / "out.json")]  # fmt: skip
    command = [sys.executable, "-c", f"from harness.cli import main; import sys; sys.argv[1:] = {arguments}; main()"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (file,) = tmp_path.glob("out*.json")
    result = json.loads(file.read_text(encoding="utf-8"))["results"]["written"]
    rows = [json.loads(line) for line in (tasks.parent / "validation.jsonl").read_text(encoding="utf-8").splitlines()]
    assert result["exact_match,letter"] == pytest.approx(sum(row["answer"] == "A" for row in rows) / len(rows))
