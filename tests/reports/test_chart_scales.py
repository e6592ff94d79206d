"""Axes over numbers of any size: every mark stands within the picture."""

import math

import pytest

from reports.charts.curves import axis_scale
from reports.charts.whiskers import around

SPANS = [
    [0.0, 1e155], [-1e200, 1e200], [0.0, 1e308], [-1e308, 1e308], [1e308, 1.5e308], [1e300, 1e300], [0.0, 1e-320],
    [5e-324, 5e-324], [-1e-17, 1e-17], [1e16, 1e16 + 2], [0.0, math.inf], [-math.inf, math.inf], [math.nan, 1.0, 2.0],
    [math.nan], [], [0.0],
]  # fmt: skip


@pytest.mark.parametrize("values", SPANS, ids=str)
def test_every_mark_is_in_the_picture(values: list[float]) -> None:
    for axis in (around(values), axis_scale([value for value in values if math.isfinite(value)], 20.0)):
        assert all(math.isfinite(tick) for tick in axis.ticks())
        places = [axis.place(value) for value in values if not math.isnan(value)]
        assert all(0 <= place <= 100 for place in places)


@pytest.mark.parametrize("values", [[0.0, 1.0], [20.0, 43.3], [-0.5, 0.5]])
def test_ordinary_axes_have_round_ticks(values: list[float]) -> None:
    axis = around(values)
    assert 3 <= len(axis.ticks()) <= 6
    assert axis.low < min(values) < max(values) < axis.high
