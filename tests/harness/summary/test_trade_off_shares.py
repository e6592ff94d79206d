"""Shares of the trade-offs are of what is known, and of the replies of all seeds."""

from dataclasses import replace
from typing import Any

import pytest

from harness.records.deployment_terms import Profile
from harness.records.figures import Retrieved, Seeds, Usage
from harness.summary.trade_offs import trade_offs
from tests.shared.situations import situation


def shares(dimension: str, **records: Any) -> list[Any]:
    summary = replace(situation({"rag": 0.8, "lora": 0.7}), **records)
    (row,) = [own for own in trade_offs(summary, [], Profile()) if own.dimension == dimension]
    return [statement.values["share"]["value"] for statement in row.measured if "share" in statement.values]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"hit and right": 3, "miss and wrong": 1}, [0.75]),
        ({"hit and right": 3, "miss and wrong": 1, "unknown": 6}, [0.75]),
        ({"unknown": 10}, []),  # no gold passage is known: nothing can be said
    ],
)
def test_the_right_passage_where_it_is_known(counts: dict[str, int], expected: list[float]) -> None:
    cell = Retrieved(
        task="norm", variant="rag", metric="accuracy", samples=sum(counts.values()), counts=counts, examples={},
        cut=0, left_out=0,
    )  # fmt: skip
    assert shares("traceability", retrieved=(cell,)) == expected


def test_replies_of_all_seeds() -> None:
    """Three seeds of 10 items, 6 unread replies among 30."""
    usage = Usage(
        task="norm", variant="lora", samples=10, failed=0, unread=6, truncated=0, tokens_in=0, tokens_out=0,
        seconds=0.0, prompts="",
    )  # fmt: skip
    members = tuple((f"lora~{seed}", 0.7) for seed in (1, 2, 3))
    seeds = Seeds(task="norm", metric="accuracy", variant="lora", members=members, deviation=0.0)
    assert shares("style", usage=(usage,), seeds=(seeds,)) == [pytest.approx(0.2)]
