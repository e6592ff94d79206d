"""expected_calibration_error against values computed by hand and against scikit-learn's Brier score."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from harness.answers.choice import Choice
from harness.components.dataset import Dataset
from harness.components.metric import Mark
from harness.components.task import Task
from harness.metrics.expected_calibration_error import ExpectedCalibrationError
from harness.records.inputs import Generation, Sample
from harness.records.outputs import Prediction, Reading
from harness.runtime.run_folder import RunFolder
from harness.text.templates import Template

Pairs = Sequence[tuple[Sequence[float], str]]  # probabilities of the options, right letter


def sample(number: int, *targets: str, options: int = 4) -> Sample:
    return Sample(id=str(number), task="t", input="q", targets=targets, options=tuple("甲乙丙丁戊"[:options]))


def prediction(number: int, probabilities: Sequence[float] | None, error: str | None = None) -> Prediction:
    logprobs = None if probabilities is None else tuple(math.log(max(share, 1e-12)) for share in probabilities)
    return Prediction(
        sample_id=str(number), task="t", variant="v", messages=(), text="", reading=Reading(), logprobs=logprobs,
        error=error,
    )  # fmt: skip


def marks(pairs: Pairs, metric: ExpectedCalibrationError) -> list[Mapping[str, Mark]]:
    return metric.score_batch(  # type: ignore[return-value]
        [sample(i, target, options=len(shares)) for i, (shares, target) in enumerate(pairs)],
        [prediction(i, shares) for i, (shares, _) in enumerate(pairs)],
    )


def figures(pairs: Pairs, **settings: Any) -> dict[str, float]:
    metric = ExpectedCalibrationError(**settings)
    counts = [mark[""].counts or {} for mark in marks(pairs, metric)]
    kinds = {kind for each in counts for kind in each}
    totals = {kind: np.array([sum(each.get(kind, 0.0) for each in counts)]) for kind in kinds}
    return {part: float(value[0]) for part, value in metric.aggregate(totals).items()}


@pytest.mark.parametrize(
    ("pairs", "settings", "error", "brier"),
    [
        # sure of it and right; Brier (1 − 1)² + 0
        ([((1.0, 0.0), "A")], {}, 0.0, 0.0),
        # sure of it and wrong: 1; Brier 1² + 1²
        ([((1.0, 0.0), "B")], {}, 1.0, 2.0),
        # two answers at 0.8 (one bin), one of them right: |1 − 1.6| / 2 = 0.3; Brier (0.08 + 1.28) / 2
        ([((0.8, 0.2), "A"), ((0.2, 0.8), "A")], {}, 0.3, 0.68),
        # two bins: 0.9 right, 0.6 wrong: (0.1 + 0.6) / 2; Brier (0.02 + 0.72) / 2
        ([((0.9, 0.1), "A"), ((0.6, 0.4), "B")], {}, 0.35, 0.37),
        # the same in one bin: |1 − 1.5| / 2
        ([((0.9, 0.1), "A"), ((0.6, 0.4), "B")], {"bins": 1}, 0.25, 0.37),
        # four options: 0.4 and right: 0.6; Brier 0.36 + 0.09 + 0.04 + 0.01
        ([((0.4, 0.3, 0.2, 0.1), "A")], {}, 0.6, 0.5),
        # two bins of width 0.5, closed above: 0.5 right and 0.6 wrong: (0.5 + 0.6) / 2; in one bin it would be |1 − 1.1| / 2
        ([((0.5, 0.3, 0.2), "A"), ((0.6, 0.3, 0.1), "C")], {"bins": 2}, 0.55, (0.38 + 1.26) / 2),
        # log-likelihoods that are not renormalised: 0.06 and 0.02 are 0.75 and 0.25; Brier 0.0625 × 2
        ([((0.06, 0.02), "A")], {}, 0.25, 0.125),
    ],
)
def test_figures_by_hand(pairs: Pairs, settings: dict[str, Any], error: float, brier: float) -> None:
    assert figures(pairs, **settings) == pytest.approx({"": error, "brier": brier}, abs=1e-9)


def test_equal_to_scikit_learn_and_to_a_plain_binning() -> None:
    draws = np.random.default_rng(5)
    for options in (2, 3, 5):
        shares = draws.dirichlet(np.ones(options), 200)
        right = draws.integers(0, options, 200)
        pairs = [(tuple(row), "ABCDE"[place]) for row, place in zip(shares, right, strict=True)]
        confidence, hit = shares.max(1), shares.argmax(1) == right
        edges = np.linspace(0, 1, 11)
        inside = [(confidence > low) & (confidence <= high) for low, high in pairwise(edges)]
        expected = sum(abs(hit[rows].mean() - confidence[rows].mean()) * rows.mean() for rows in inside if rows.any())
        brier = brier_score_loss(right, shares, labels=list(range(options)), scale_by_half=False)
        assert figures(pairs) == pytest.approx({"": expected, "brier": brier})


@pytest.mark.parametrize(
    ("shares", "targets", "value", "reason"),
    [
        ((0.7, 0.3), ("A",), 0.3, "right, and 70 % sure of A"),
        ((0.3, 0.7), ("A",), 0.7, "wrong, and 70 % sure of B"),
        ((0.2, 0.2, 0.6), ("A", "C"), 0.4, "right, and 60 % sure of C"),
    ],
)
def test_the_value_of_a_sample(shares: tuple[float, ...], targets: tuple[str, ...], value: float, reason: str) -> None:
    mark = ExpectedCalibrationError().score(sample(0, *targets, options=len(shares)), prediction(0, shares))[""]
    assert (mark.value, mark.reason) == (pytest.approx(value), reason)


@pytest.mark.parametrize(
    ("shares", "error", "applies"), [((0.5, 0.5), None, True), (None, "down", True), (None, None, False)]
)
def test_it_applies_where_probabilities_are_or_would_have_been(
    shares: tuple[float, ...] | None, error: str | None, applies: bool
) -> None:
    assert ExpectedCalibrationError().applies(prediction(0, shares, error)) == applies


@pytest.mark.parametrize(("by", "fits"), [("first_token", True), ("loglikelihood", True), ("generation", False)])
def test_generated_letters_are_refused(by: Any, fits: bool) -> None:
    task = Task(
        name="t", data=Dataset((sample(0, "A"),)), template=Template("{{ input }}", "p"), system=None,
        answer=Choice(by=by), generation=Generation(),
    )  # fmt: skip
    assert (ExpectedCalibrationError().check_task(task) is None) == fits


SUITE = """\
name: sure
models: {a: {scripted: {default: A}}, b: {scripted: {default: B}}}
tasks:
  exam:
    data: {jsonl: {path: rows.jsonl, input: q, target: a, options: o}}
    answer: {choice: {by: first_token}}
    metrics: METRICS
variants: {a: {prompting: {model: a}}, b: {prompting: {model: b}}}
compare: {reference: a}
"""
ROWS = "".join(f'{{"q": "q{place}", "a": "{"AAB"[place % 3]}", "o": ["x", "y", "z"]}}\n' for place in range(6))


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ("{ece: expected_calibration_error}", ["ece", "ece.brier"]),
        ("{ece: {expected_calibration_error: {bins: 1}}}", ["ece", "ece.brier"]),
        (
            "{ece: expected_calibration_error, coarse: {expected_calibration_error: {bins: 5}}}",
            ["coarse", "coarse.brier", "ece", "ece.brier"],
        ),
    ],
)
def test_each_figure_of_a_run_stands_once(
    write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder], metrics: str, names: list[str]
) -> None:
    summary = run_suite(write_suite(SUITE.replace("METRICS", metrics), rows__jsonl=ROWS)).summary()
    assert sorted(result.metric for result in summary.results if result.variant == "a") == names
    assert sorted(comparison.metric for comparison in summary.comparisons) == names
    brier = {result.variant: result.mean for result in summary.results if result.metric == "ece.brier"}
    # 0.9, 0.05, 0.05: right 0.1² + 2 × 0.05² = 0.015; wrong 0.9² + 0.95² + 0.05² = 1.715. a is right in 4 of 6, b in 2
    assert brier == pytest.approx({"a": (4 * 0.015 + 2 * 1.715) / 6, "b": (2 * 0.015 + 4 * 1.715) / 6})
