"""Differences that cancel but for rounding are no difference: nothing is asked for, won or lost by them."""

import math

import numpy as np
import pytest

from harness.statistics.groups import Groups
from harness.statistics.intervals import ValueRange, bounded_means
from harness.statistics.power import Needed, needed, needed_at
from harness.statistics.resampling import differences_of, mean_difference

CANCELLING = [[0.1, 0.2, -0.3], [0.7, 0.1, -0.8], [1e-5, 2e-5, -3e-5], [1 / 3, 1 / 3, -2 / 3, 0.0], [1e40, 2e40, -3e40]]
REAL = [([0.1, 0.2, -0.2], 0.1 / 3), ([1e-6, 0.0], 5e-7), ([1e-40, 3e-40], 2e-40), ([0.5, -0.5 + 1e-9], 5e-10)]


def likely(number: Needed | None) -> int | None:
    return number.likely if number else None


@pytest.mark.parametrize("differences", CANCELLING)
def test_what_cancels_is_no_difference(differences: list[float]) -> None:
    values = np.array(differences * 20)
    assert mean_difference(values) == 0.0
    assert likely(needed(values, Groups.single(len(values)))) is None
    (bounded,) = bounded_means(values[:, None], Groups.single(len(values)), [ValueRange(-1.0, 1.0)], [1.0], seed=1)
    assert bounded.mean == 0.0


@pytest.mark.parametrize(("differences", "mean"), REAL)
def test_what_does_not_cancel_is_one(differences: list[float], mean: float) -> None:
    values = np.array(differences)
    assert mean_difference(values) == pytest.approx(mean)
    assert likely(needed(values, Groups.single(len(values)))) is not None


@pytest.mark.parametrize(
    ("ours", "theirs", "difference"),
    [(0.1 + 0.2, 0.3, 0.0), (0.7 + 0.1, 0.8, 0.0), (1e40 + 1e23, 1e40, 0.0), (0.3, 0.2, 0.1), (1e-9, 0.0, 1e-9), (1.0, 1.0 - 1e-9, 1e-9)],
)  # fmt: skip
def test_items_that_rounding_parts_are_ties(ours: float, theirs: float, difference: float) -> None:
    assert differences_of(np.array([ours]), np.array([theirs]))[0] == pytest.approx(difference, abs=0, rel=1e-6)
    assert math.isnan(differences_of(np.array([math.nan]), np.array([theirs]))[0])


@pytest.mark.parametrize(("difference", "error"), [(5.6e-17, 0.1), (-1e-16, 0.04), (2e-17, 1e-4), (1e-30, 1e-10)])
def test_a_figure_that_differs_by_rounding_asks_for_nothing(difference: float, error: float) -> None:
    assert likely(needed_at(difference, error, 100, 0.05)) is None
    assert likely(needed_at(difference, 0.0, 100, 0.05)) is None
    assert likely(needed_at(error, error, 100, 0.05)) == math.ceil(100 * (1.959963984540054 + 0.8416212335729143) ** 2)
