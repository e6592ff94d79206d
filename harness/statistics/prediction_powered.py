"""The mean that people would have given, from few human scores and many judged ones: less wrong, and honestly wide."""

import math
from collections.abc import Sequence

import numpy as np

from harness.records.judgements import Corrected
from harness.statistics.distributions import student_quantile
from harness.statistics.resampling import ALPHA, Floats

LEAST = 3  # labelled items: the mean and the weight of the judge are both estimated from them


def corrected_mean(
    human: Sequence[float], judged: Sequence[float], rest: Sequence[float], span: float | None = None
) -> Corrected | None:
    """Prediction-powered mean of the human score, in the units of the scores. Angelopoulos et al. 2023, PPI++.

    `human` and `judged` are the two scores of each labelled item, `rest` the judged scores of the unlabelled ones:
    mean(human) + λ (mean(rest) - mean(judged)). Consistent however poor the judge is, if the labelled items are a
    random draw from the same population as the rest: not if people scored the hard ones, or those the judge
    doubted. λ is the power-tuned weight of PPI++, estimated as ppi_py does, clipped to [0, 1].
    The interval is Student's t. Where λ > 0 it costs one more degree of freedom, as a slope does in a regression: n - 2
    divides the labelled variance and stands in t. (At ddof 1 and with the normal quantile, intervals of 10 labelled
    items cover too little.) Where λ = 0 it is the ordinary interval of the human mean.
    Where the judge differs from people by the same amount on every labelled item, or people gave every item the same
    score, the sample shows no error and a share of 1 - 0.025^(1/n) of the items may still hold one, of at most
    `span`, the width of the scale: so much is added to the interval. Without `span` there is then no interval.

    None for fewer than 3 labelled items. Raises ValueError for lists of unequal length and for values that are not
    finite: unknown scores are to be left out first.
    """
    y, f, u = (_finite(values) for values in (human, judged, rest))
    if len(y) != len(f):
        raise ValueError(f"{len(y)} human scores for {len(f)} judged ones: expected one of each per labelled item")
    if len(y) < LEAST:
        return None
    lam = _weight(y, f, u)
    mean = float(y.mean()) + (lam * float(u.mean() - f.mean()) if lam else 0.0)
    half = _half_width(y, f, u, lam, span)
    return Corrected(
        mean=mean,
        low=None if half is None else mean - half,
        high=None if half is None else mean + half,
        lam=lam,
        labelled=len(y),
        unlabelled=len(u),
        judged_mean=float(np.concatenate([f, u]).mean()),
    )


def standard_error(
    human: Sequence[float], judged: Sequence[float], rest: Sequence[float], lam: float, ddof: int = 1
) -> float:
    """√(var(human - λ judged) / n + λ² var(rest) / N): of the prediction-powered mean at a given λ, in score units."""
    y, f, u = (_finite(values) for values in (human, judged, rest))
    return math.sqrt(sum(_parts(y, f, u, lam, ddof)))


def _weight(y: Floats, f: Floats, u: Floats) -> float:
    """λ = cov(human, judged) / ((1 + n/N) var(judged)), the covariance with ddof 0, the variance of all judged."""
    variance = float(np.concatenate([f, u]).var(ddof=1))
    if len(u) < 2 or variance < 1e-24:
        return 0.0
    covariance = float(((y - y.mean()) * (f - f.mean())).mean())
    return min(1.0, max(0.0, covariance / ((1 + len(y) / len(u)) * variance)))


def _parts(y: Floats, f: Floats, u: Floats, lam: float, ddof: int) -> tuple[float, float]:
    """Variance of the estimate that comes from the labelled items, and from the rest."""
    labelled = float((y - lam * f).var(ddof=ddof)) / len(y)
    return labelled, lam**2 * float(u.var(ddof=ddof)) / len(u) if lam else 0.0


def _half_width(y: Floats, f: Floats, u: Floats, lam: float, span: float | None) -> float | None:
    labelled, rest = _parts(y, f, u, lam, ddof=1)
    freedom = len(y) - (2 if lam else 1)
    error = math.sqrt(labelled * (len(y) - 1) / freedom + rest)
    unseen = 0.0
    if np.ptp(y) < 1e-12 or (lam and np.ptp(y - f) < 1e-12):
        if span is None:
            return None
        unseen = (1 - (ALPHA / 2) ** (1 / len(y))) * span
    return student_quantile(1 - ALPHA / 2, freedom) * error + unseen


def _finite(values: Sequence[float]) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("scores that are not finite: leave unknown ones out first")
    return array
