"""The number of requests from which a variant pays is the same wherever the page says it."""

from harness.records.decisions import BreakEven, DecisionRecord
from reports.facts.spending import break_even_sentences


def test_requests_are_whole_and_enough() -> None:
    """At 57,205 the variant is not cheaper yet; a part of a request a day is one."""
    points = [
        BreakEven(variant="y", rival=rival, requests_per_day=n, days=100) for rival, n in (("x", 57205.3), ("z", 0.2))
    ]
    few, many = break_even_sentences(DecisionRecord(break_even=tuple(points)))[0]
    assert "57,206 requests" in many
    assert "from 1 requests" in few
