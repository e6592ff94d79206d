"""What a request takes: a mean over those that were answered, of all seeds together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.records.outputs import Prediction, Reading
from harness.runtime.run_folder import RunFolder
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.score_table import ScoreTable
from tests.shared.summaries import answer_figures

SUITE = """
name: failing
models: {m: {scripted: {rules: [{match: long, fail: the line broke}], default: x}}}
tasks: {t: {data: {tsv: {path: test.tsv, input: input, target: target}}, metrics: {a: exact_match}}}
variants: {plain: {prompting: {model: m}}}
latency: {items: 0}
"""
TEST = f"input\ttarget\nab\tx\nabcd\tx\n{'long' * 50}\tx\n"


def prediction(variant: str, number: int, tokens: int, seconds: float, **changes: Any) -> Prediction:
    fields: dict[str, Any] = {
        "sample_id": f"t:{number}", "task": "t", "variant": variant, "messages": (), "text": "x",
        "reading": Reading("x"), "finish": "stop", "tokens_in": tokens, "tokens_out": 1, "seconds": seconds,
    }  # fmt: skip
    return Prediction(**{**fields, **changes})


def test_what_failed_is_no_part_of_what_a_request_takes(
    write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder]
) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=TEST))
    (cost,) = folder.finished().summary.decisions.costs
    answered = [own for own in folder.predictions() if own.error is None]
    assert len(answered) == 2
    assert (cost.tokens_in, cost.tokens_out) == (3.0, 1.0)  # of 2 and 4 characters; the third has 200
    assert cost.seconds == pytest.approx(sum(own.seconds for own in answered) / 2)


def test_failures_of_one_seed_are_not_counted_for_another() -> None:
    """Each seed answers two of three: four answers in all."""
    own = [
        prediction("m~1", 1, 10, 1.0),
        prediction("m~1", 2, 20, 2.0),
        prediction("m~1", 3, 900, 60.0, error="the line broke"),
        prediction("m~2", 1, 30, 3.0),
        prediction("m~2", 2, 900, 60.0, error="the line broke"),
        prediction("m~2", 3, 40, 4.0),
    ]
    plan = ComparisonPlan(name="s", seed=1, reference=None, headline=[], pools={"m": ("m~1", "m~2")})
    (usage,) = answer_figures(plan, {}, ScoreTable.of([], []), own).answered
    assert (usage.variant, usage.samples, usage.failed) == ("m", 4, 0)
    assert (usage.tokens_in, usage.tokens_out, usage.seconds) == (100, 4, 10.0)
