"""What a number of items can show, and how many it takes."""

import math
from statistics import NormalDist

import numpy as np

from harness.statistics.resampling import ALPHA, NOTHING, Floats, mean_difference

POWER = 0.8
Z_POWER = 0.8416212335729143  # of 80 %


def detectable(differences: Floats, alpha: float = ALPHA) -> float | None:
    """The smallest true difference found with 80 % power at this size. Miller 2024, section 5, eq. 9 solved for δ."""
    spread = _spread(differences)
    return (_z(alpha) + Z_POWER) * spread / math.sqrt(len(differences)) if spread else None


def detectable_at(error: float, alpha: float) -> float | None:
    """As `detectable`, for a difference of figures that are no means, by its standard error."""
    return (_z(alpha) + Z_POWER) * error or None


def needed_at(difference: float, error: float, n: int, alpha: float) -> int | None:
    """As `needed`, by the standard error over n items, which shrinks with the root of their number."""
    if abs(difference) <= NOTHING * error:
        return None
    return math.ceil(n * ((_z(alpha) + Z_POWER) * error / difference) ** 2) or None if difference else None


def needed(differences: Floats, alpha: float = ALPHA) -> int | None:
    """Items needed to confirm the observed mean difference δ with 80 % power; None if it is 0.

    Graded values: Miller 2024, eq. 9. Right-or-wrong values: Connor 1987 for McNemar's test, whose variance under no
    difference is the share of discordant items: (z_α √ψ + z_β √(ψ − δ²))² / δ²; and at least so many that the exact
    test can reach α at all, which takes log₂(2/α) discordant items that all go one way.
    """
    mean = mean_difference(differences)
    if mean == 0:
        return None
    if np.isin(differences, (-1.0, 0.0, 1.0)).all():
        discordant = float(np.abs(differences).mean())
        root = _z(alpha) * math.sqrt(discordant) + Z_POWER * math.sqrt(max(0.0, discordant - mean**2))
        least = math.ceil(math.log2(2 / alpha)) / discordant
        return math.ceil(max((root / mean) ** 2, least))
    return math.ceil(((_z(alpha) + Z_POWER) * _spread(differences) / mean) ** 2) or None


def _z(alpha: float) -> float:
    return NormalDist().inv_cdf(1 - alpha / 2)


def _spread(differences: Floats) -> float:
    return float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
