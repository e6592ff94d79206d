"""What this run measured of what is commonly said, dimension by dimension."""

from dataclasses import replace
from typing import Any

import pytest

from harness.records.deployment_terms import Profile
from harness.records.figures import Comparison, Point, Result, Retrieved, Usage
from harness.records.summary import Summary
from harness.summary.decision_figures import deciding_figures
from harness.summary.trade_offs import DIMENSIONS, trade_offs
from reports.facts.statement_text import sentence
from reports.wording import speaking
from tests.shared.situations import situation

MEANS = {"zero": 0.6, "rag": 0.8, "lora": 0.5, "lora2": 0.7, "oracle": 0.9}
COSTS = {
    "zero": {"p50": 0.2, "tokens_in": 300.0, "tokens_out": 20.0},
    "rag": {"p50": 0.9, "tokens_in": 1480.0, "tokens_out": 20.0, "index_seconds": 12.0},
    "lora": {"p50": 0.1, "tokens_in": 80.0, "training_seconds": 600.0, "labelled_rows": 400},
    "lora2": {"p50": 0.15, "tokens_in": 80.0, "training_seconds": 300.0, "labelled_rows": 100},
}


def stale(variant: str, mean: float) -> Result:
    return Result(
        task="norm@icd-after", variant=variant, metric="stale", samples=40, known=40, mean=mean, low=None, high=None
    )


def usage(variant: str, unread: int) -> Usage:
    return Usage(
        task="norm", variant=variant, samples=300, failed=0, unread=unread, truncated=3, tokens_in=1, tokens_out=1,
        seconds=1.0, prompts="sha256:0",
    )  # fmt: skip


def retrieved(variant: str, hits: int) -> Retrieved:
    counts = {"hit and right": hits, "hit and wrong": 30, "miss and wrong": 270 - hits}
    return Retrieved(
        task="norm", variant=variant, metric="accuracy", samples=300, counts=counts, examples={}, cut=0, left_out=0
    )


def drop(verdict: Any, difference: float | None) -> Comparison:
    return Comparison(
        task="norm", metric="accuracy", variant="lora", reference="zero", samples=40, difference=difference,
        verdict=verdict,
    )  # fmt: skip


@pytest.fixture
def summary() -> Summary:
    curve = (Point("lora", "lora", 100), Point("lora", "lora2", 400))
    run = situation({"norm.accuracy": MEANS}, costs=COSTS, curve=curve)
    return replace(
        run,
        results=(*run.results, stale("zero", 0.5), stale("rag", 0.1), stale("lora", 0.7), stale("lora2", 0.6),
                 stale("oracle", 0.0)),
        usage=(usage("zero", 27), usage("rag", 0)),
        retrieved=(retrieved("rag", 210), retrieved("oracle", 270)),
        forgotten=(drop("worse", -0.04), drop("inconclusive", -0.01), drop("inconclusive", None)),
    )  # fmt: skip


MEASURED = {
    "freshness": [
        "After icd changed, prompting repeats the old answer in 50.0 % of the questions at best.",
        "After icd changed, RAG repeats the old answer in 10.0 % of the questions at best.",
        "After icd changed, fine-tuning repeats the old answer in 60.0 % of the questions at best.",
    ],
    "adapting": [
        "RAG: building the index took 12 s.",
        "fine-tuning: a training on 400 labelled rows took 10 min.",
    ],
    "running": [
        "prompting: a request takes 320 tokens.",
        "RAG: a request takes 1,500 tokens.",
        "fine-tuning: a request takes 80 tokens.",
    ],
    "latency": [
        "prompting: zero answers in 200 ms (95 % of the requests in at most 400 ms).",
        "RAG: rag answers in 900 ms (95 % of the requests in at most 1.8 s).",
        "fine-tuning: lora answers in 100 ms (95 % of the requests in at most 200 ms).",
    ],
    "traceability": ["rag had the right passage in front of it in 80.0 % of the items of norm of which that is known."],
    "style": [
        "prompting: up to 10.0 % of the replies could not be read or were cut off.",
        "RAG: up to 1.0 % of the replies could not be read or were cut off.",
    ],
    "data": ["lora gained 20.0 points on norm.accuracy from 100 to 400 labelled rows."],
    "forgetting": [
        "lora lost 4.0 points on norm, which it was not trained for.",
        "lora shows no drop on norm, which it was not trained for.",
    ],
}


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_what_was_measured(summary: Summary, dimension: str) -> None:
    rows = {row.dimension: row for row in trade_offs(summary, deciding_figures(summary, {}), Profile())}
    assert [sentence(statement, summary) for statement in rows[dimension].measured] == MEASURED[dimension]
    assert rows[dimension].needed is None


def test_a_run_that_measured_nothing_says_nothing() -> None:
    bare = situation({"zero": 0.6})
    assert [row.measured for row in trade_offs(bare, deciding_figures(bare, {}), Profile())] == [()] * 8


@pytest.mark.parametrize(
    ("profile", "dimension", "expected"),
    [
        (Profile(knowledge_changes="weekly"), "freshness", "You need: knowledge that changes every week."),
        (Profile(labelled_rows=1200), "data", "You need: no more than 1,200 labelled rows."),
        (Profile(latency="real-time"), "latency", "You need: real-time answers."),
        (Profile(explainability="required"), "traceability", "You need: sources that are required."),
        (Profile(team="machine-learning", hardware="one-gpu"), "adapting",
         "You need: a team for machine learning and one GPU."),
    ],
)  # fmt: skip
def test_what_the_profile_asks(profile: Profile, dimension: str, expected: str) -> None:
    bare = situation({"zero": 0.6})
    rows = {row.dimension: row for row in trade_offs(bare, [], profile)}
    needed = rows[dimension].needed
    assert needed is not None
    assert sentence(needed, bare) == expected
    with speaking("zh"):
        assert sentence(needed, bare).startswith("您的要求：")
