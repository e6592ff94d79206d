"""The whole path on real data with a real small model: what a user would run, kept true. Slow; needs the data sets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.store import RunFolder
from tests.conftest import MODELS, ROOT

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


@pytest.mark.parametrize("name", list(SHAPES))
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


def test_quickstart_tells_the_truth(run_suite: Callable[..., RunFolder]) -> None:
    folder = run_suite(ROOT / "suites" / "quickstart" / "suite.yaml")
    means = {result.variant: result.mean for result in folder.summary().results if result.metric == "accuracy"}
    assert means["few-shot-nearest"] > means["zero-shot"]  # type: ignore[operator]
    verdicts = {c.variant: c.verdict for c in folder.summary().comparisons if c.metric == "accuracy"}
    assert verdicts["few-shot-nearest"] == verdicts["rag-lexical"] == "better"
    assert means["first-term"] == pytest.approx(42 / 60)
    assert folder.summary().bounds == ("rag-oracle",)
    found = {(r.variant, r.metric): r.mean for r in folder.summary().results}
    assert found["rag-lexical", "retrieval.recall@1"] == pytest.approx(42 / 60)
    floor = {c.variant: c.verdict for c in folder.summary().floors}
    assert floor["few-shot-nearest"] == floor["zero-shot"] == "worse"
