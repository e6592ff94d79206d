"""Where a function is 0, by Brent's method: that of scipy.optimize, step by step, without its import of 0.15 s."""

from collections.abc import Callable
from sys import float_info

ROUNDING = 4 * float_info.epsilon  # relative to the root; scipy's default
MOST_STEPS = 100


def root_between(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """A root in [low, high], at whose ends the function has two signs, off by the tolerance at most.

    Brent 1973, chapter 4: interpolation while it converges, else bisection. Raises ValueError for equal signs.
    """
    last, root, across = (low, function(low)), (high, function(high)), (0.0, 0.0)  # `across` has the other sign
    if 0.0 in (last[1], root[1]):
        return last[0] if last[1] == 0 else root[0]
    if (last[1] < 0) == (root[1] < 0):
        raise ValueError("the function has one sign at both ends")
    step = step_before = 0.0
    for _ in range(MOST_STEPS):
        if root[1] != 0 and (last[1] < 0) != (root[1] < 0):
            across, step = last, root[0] - last[0]
            step_before = step
        if abs(across[1]) < abs(root[1]):
            last, root, across = root, across, root
        nearest, half = (tolerance + ROUNDING * abs(root[0])) / 2, (across[0] - root[0]) / 2
        if root[1] == 0 or abs(half) < nearest:
            return root[0]
        guess = None
        if abs(step_before) > nearest and abs(root[1]) < abs(last[1]):
            guess = _interpolated(last, root, across)
        if guess is not None and 2 * abs(guess) < min(abs(step_before), 3 * abs(half) - nearest):
            step_before, step = step, guess
        else:
            step_before = step = half
        last = root
        place = root[0] + (step if abs(step) > nearest else nearest if half > 0 else -nearest)
        root = place, function(place)
    return root[0]


def _interpolated(last: tuple[float, float], root: tuple[float, float], across: tuple[float, float]) -> float:
    """The step from the best point to where the line through two points is 0, or the inverse parabola through three."""
    if last[0] == across[0]:
        return -root[1] * (root[0] - last[0]) / (root[1] - last[1])
    slope = (last[1] - root[1]) / (last[0] - root[0])
    slope_across = (across[1] - root[1]) / (across[0] - root[0])
    return -root[1] * (across[1] * slope_across - last[1] * slope) / (slope_across * slope * (across[1] - last[1]))
