"""Verdicts in both orders: the worked protocol, every combination of two verdicts, and what is unknown."""

import json
from pathlib import Path

import numpy as np
import pytest

from harness.statistics.order_effects import swapped


def test_worked_protocol(shared_data: Path) -> None:
    golden = json.loads((shared_data.parent / "reference" / "stats_golden.json").read_text(encoding="utf-8"))["swap"]
    verdicts = (
        [(1, 1)] * golden["AA"] + [(0, 0)] * golden["BB"] + [(1, 0)] * golden["first"] + [(0, 1)] * golden["second"]
    )
    found = swapped(verdicts)
    assert (*map(found.combined.count, (1.0, 0.5, 0.0)), found.read) == (40, 30, 30, 100)
    assert np.mean(found.combined) == pytest.approx(golden["mean"])
    assert np.std(found.combined, ddof=1) / 10 == pytest.approx(golden["se"])
    assert 1 - found.flip_rate == pytest.approx(golden["consistency"])
    assert (found.first, found.second) == (22, 8)
    assert found.position_p == pytest.approx(golden["posbias_p"])


@pytest.mark.parametrize(
    ("before", "after", "combined", "first", "second"),
    [
        (1, 1, 1.0, 0, 0),
        (0, 0, 0.0, 0, 0),
        (0.5, 0.5, 0.5, 0, 0),
        (1, 0, 0.5, 1, 0),  # whoever is shown first wins
        (0, 1, 0.5, 0, 1),
        (1, 0.5, 0.5, 1, 0),  # A wins only where it is shown first
        (0.5, 0, 0.5, 1, 0),  # B wins only where it is shown first
        (0.5, 1, 0.5, 0, 1),
        (0, 0.5, 0.5, 0, 1),
        (None, 1, None, 0, 0),
        (0, None, None, 0, 0),
        (None, None, None, 0, 0),
    ],
)
def test_two_verdicts(
    before: float | None, after: float | None, combined: float | None, first: int, second: int
) -> None:
    found = swapped([(before, after)])
    assert found.combined == (combined,)
    assert (found.first, found.second) == (first, second)
    assert found.read == (combined is not None)


def test_unknown_pairs_enter_no_share() -> None:
    found = swapped([(1, 1), (1, 0), (0, None), (None, 0)])
    assert found.combined == (1.0, 0.5, None, None)
    assert (found.read, found.flip_rate) == (2, 0.5)  # of the two that were read


@pytest.mark.parametrize("verdicts", [[], [(None, 1)]])
def test_nothing_read_gives_no_figure(verdicts: list) -> None:
    found = swapped(verdicts)
    assert (found.flip_rate, found.position_p) == (None, None)


def test_exchanging_the_answers_exchanges_wins_but_not_the_bias() -> None:
    verdicts = [(1, 1)] * 5 + [(1, 0)] * 3 + [(0.5, 0)] * 2 + [(0, 1)] + [(0, 0)] * 2
    here, there = swapped(verdicts), swapped([(1 - after, 1 - before) for before, after in verdicts])
    assert there.combined == tuple(1 - value for value in here.combined)
    assert (there.first, there.second, there.position_p) == (here.first, here.second, here.position_p)


@pytest.mark.parametrize("outcome", [2, -1, 0.7, float("nan")])
def test_other_outcomes_are_refused(outcome: float) -> None:
    with pytest.raises(ValueError, match=r"expected 1, 0\.5, 0 or None"):
        swapped([(1, outcome)])
