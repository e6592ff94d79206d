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
    assert (found.wins, found.ties, found.losses, found.read) == (40, 30, 30, 100)
    assert found.mean == pytest.approx(golden["mean"])
    assert np.std(found.combined, ddof=1) / 10 == pytest.approx(golden["se"])
    assert 1 - found.flip_rate == pytest.approx(golden["consistency"])
    assert (found.first, found.second) == (22, 8)
    assert found.position_p == pytest.approx(golden["posbias_p"])
    assert found.sign_p == pytest.approx(golden["sign_p"])


@pytest.mark.parametrize(
    ("before", "after", "combined", "flips", "first", "second"),
    [
        (1, 1, 1.0, 0, 0, 0),
        (0, 0, 0.0, 0, 0, 0),
        (0.5, 0.5, 0.5, 0, 0, 0),
        (1, 0, 0.5, 1, 1, 0),  # whoever is shown first wins
        (0, 1, 0.5, 1, 0, 1),
        (1, 0.5, 0.5, 1, 1, 0),  # A wins only where it is shown first
        (0.5, 0, 0.5, 1, 1, 0),  # B wins only where it is shown first
        (0.5, 1, 0.5, 1, 0, 1),
        (0, 0.5, 0.5, 1, 0, 1),
        (None, 1, None, 0, 0, 0),
        (0, None, None, 0, 0, 0),
        (None, None, None, 0, 0, 0),
    ],
)
def test_two_verdicts(
    before: float | None, after: float | None, combined: float | None, flips: int, first: int, second: int
) -> None:
    found = swapped([(before, after)])
    assert found.combined == (combined,)
    assert (found.flips, found.first, found.second) == (flips, first, second)
    assert found.unknown == (combined is None)


def test_unknown_pairs_enter_no_share() -> None:
    found = swapped([(1, 1), (1, 0), (0, None), (None, 0)])
    assert (found.pairs, found.read, found.unknown) == (4, 2, 2)
    assert (found.flip_rate, found.mean) == (0.5, 0.75)  # of the two that were read
    assert (found.wins, found.ties, found.losses) == (1, 1, 0)


@pytest.mark.parametrize("verdicts", [[], [(None, 1)]])
def test_nothing_read_gives_no_figure(verdicts: list) -> None:
    found = swapped(verdicts)
    assert (found.mean, found.flip_rate, found.position_p, found.sign_p) == (None, None, None, None)


def test_exchanging_the_answers_exchanges_wins_but_not_the_bias() -> None:
    verdicts = [(1, 1)] * 5 + [(1, 0)] * 3 + [(0.5, 0)] * 2 + [(0, 1)] + [(0, 0)] * 2
    here, there = swapped(verdicts), swapped([(1 - after, 1 - before) for before, after in verdicts])
    assert (there.wins, there.losses, there.mean) == (here.losses, here.wins, pytest.approx(1 - here.mean))
    assert (there.first, there.second, there.position_p) == (here.first, here.second, here.position_p)


@pytest.mark.parametrize("outcome", [2, -1, 0.7, float("nan")])
def test_other_outcomes_are_refused(outcome: float) -> None:
    with pytest.raises(ValueError, match=r"expected 1, 0\.5, 0 or None"):
        swapped([(1, outcome)])
