"""Figures of a whole corpus, such as F1 and BLEU: made of sums over samples, so a bootstrap resamples the samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.components.metric import Metric
from harness.records.figures import Comparison, Confusion, MetricInfo, Result, Seeds
from harness.records.outputs import Score
from harness.statistics.intervals import Interval, crossed_with, difference_interval, wilson
from harness.statistics.power import detectable_at, needed_at
from harness.statistics.resampling import Floats, coin_tosses, percentiles, resamples
from harness.summary.comparison_plan import Design
from harness.summary.comparisons import Compared, untested

Rows = NDArray[np.bool_]
Figures = Mapping[str, Floats]  # part → one figure a resample [m]
ENDLESS = 1e9  # the high end of a scale that has none, e.g. of perplexity: JSON has no infinity
ROUNDING = 1e-10  # relative to a figure: what sums in another order may differ by


@dataclass(frozen=True)
class Counted:
    """One corpus metric of a task: what each sample of each variant adds to the totals."""

    task: str
    name: str  # of the metric, as the suite calls it
    metric: Metric
    kinds: tuple[str, ...]  # the names of the counts
    variants: Mapping[str, tuple[Floats, ...]]  # counts [n, kinds], NaN for unknown; several where several seeds are
    values: Mapping[str, Floats]  # each sample's own value [n], its mean over seeds


@dataclass(frozen=True)
class Frame:
    """What the figures of a corpus metric are compared by."""

    metrics: Mapping[str, MetricInfo]
    seed: int


def tables(task: str, ids: Sequence[str], scores: Sequence[Score], design: Design) -> list[Counted]:
    """The corpus metrics of a task that its scores have."""
    pools = design.model_pools if task in design.general else design.pools
    named = {figure.removeprefix(f"{task}."): one for figure, one in design.corpora.items()}
    scored = {score.metric for score in scores}
    return [counted(task, name, metric, ids, scores, pools) for name, metric in named.items() if name in scored]


def counted(
    task: str,
    name: str,
    metric: Metric,
    ids: Sequence[str],
    scores: Sequence[Score],
    pools: Mapping[str, Sequence[str]],
) -> Counted:
    """The counts in a task's scores. Samples without a value are unknown."""
    own = [score for score in scores if score.metric == name]
    kinds = tuple(sorted({kind for score in own for kind in score.counts or ()}))
    place, row = {kind: i for i, kind in enumerate(kinds)}, {sample_id: i for i, sample_id in enumerate(ids)}
    counts: dict[str, Floats] = {}
    values: dict[str, Floats] = {}
    for score in own:
        table = counts.setdefault(score.variant, np.full((len(ids), len(kinds)), np.nan))
        known = values.setdefault(score.variant, np.full(len(ids), np.nan))
        if score.value is not None:
            known[row[score.sample_id]] = score.value
            table[row[score.sample_id]] = 0.0
            for kind, count in (score.counts or {}).items():
                table[row[score.sample_id], place[kind]] = count
    member_of = {member: pool for pool, members in pools.items() for member in members}
    grouped: dict[str, list[str]] = {}
    for variant in counts:
        grouped.setdefault(member_of.get(variant, variant), []).append(variant)
    for pool, members in grouped.items():
        if len(members) < len(pools.get(pool, ())):  # what only some of its seeds have is not known of the whole
            values[members[0]] = np.full(len(ids), np.nan)
    return Counted(
        task, name, metric, kinds,
        {variant: tuple(counts[member] for member in members) for variant, members in grouped.items()},
        {variant: np.mean([values[member] for member in members], axis=0) for variant, members in grouped.items()},
    )  # fmt: skip


def results(table: Counted, frame: Frame, rows: Rows | None = None) -> tuple[list[Result], list[Seeds]]:
    """Every part of every variant with its interval; and the spread of those that were trained several times."""
    found: list[Result] = []
    spread: list[Seeds] = []
    for variant in table.variants:
        known = _known(table, variant, rows)
        samples = len(known) if rows is None else int(rows.sum())
        points = _points(table, variant, known)
        means = _resampled(table, [variant], known, frame.seed)[0] if known.any() else {}
        for part in points:
            found.append(
                _result(table, variant, part, (samples, int(known.sum())), points[part], means.get(part), frame)
            )
            if len(points[part]) > 1:
                members = tuple((f"{variant} {i}", _number(one)) for i, one in enumerate(points[part], 1))
                spread.append(
                    Seeds(table.task, _full(table, part), variant, members, float(np.std(points[part], ddof=1)))
                )
    return found, spread


def comparisons(
    table: Counted, pairs: Sequence[tuple[str, str]], frame: Frame, rows: Rows | None = None
) -> list[Compared]:
    """Each (variant, reference) in every part, on the samples where both are known; p is not yet corrected.

    The interval is a paired bootstrap over samples, p an approximate randomisation: under no difference the two
    variants' answers to a sample may change places (Riezler & Maxwell 2005).
    """
    return [one for variant, reference in pairs for one in _compared(table, variant, reference, frame, rows)]


def confusions(table: Counted) -> list[Confusion]:
    """The confusion matrix of each variant over its known samples, over all seeds together; none for most metrics."""
    found = []
    for variant, members in table.variants.items() if table.kinds else ():
        totals = np.nansum(np.concatenate(members), axis=0)
        made = table.metric.confusion(dict(zip(table.kinds, totals.tolist(), strict=True)))
        if made is not None:
            found.append(Confusion(table.task, table.name, variant, made.labels, made.counts))
    return found


def _compared(table: Counted, variant: str, reference: str, frame: Frame, rows: Rows | None) -> list[Compared]:
    shared = _known(table, variant, rows) & _known(table, reference, rows)
    parts = list(_points(table, variant, shared))
    if not shared.any():
        return [untested(table.task, _full(table, part), variant, reference) for part in parts]
    ours, theirs = _resampled(table, [variant, reference], shared, frame.seed)
    p_values = _randomised(table, variant, reference, shared, frame.seed)
    return [
        _comparison(table, part, (variant, reference), shared, ours[part] - theirs[part], p_values[part], frame)
        for part in parts
    ]


def _comparison(
    table: Counted, part: str, pair: tuple[str, str], shared: Rows, differences: Floats, p: float, frame: Frame
) -> Compared:
    info = frame.metrics[f"{table.task}.{_full(table, part)}"]
    points = [_points(table, variant, shared)[part] for variant in pair]
    difference = float(points[0].mean() - points[1].mean())
    if np.isnan(difference):
        return untested(table.task, _full(table, part), *pair)
    n, error = int(shared.sum()), float(np.nanstd(differences, ddof=1))
    if _steady(differences):
        span = _span(info, [table.values[one][shared] for one in pair], difference)
        interval, error = difference_interval(np.full(n, difference), differences, span), 0.0
    else:
        interval = Interval(difference, *percentiles(differences))
    test = "approximate randomisation"
    if seeds := [some for some in points if len(some) > 1]:
        wider, p_seeds = crossed_with(difference, error**2, n, seeds)
        interval = Interval(difference, min(interval.low, wider.low), max(interval.high, wider.high))
        p, test = max(p, p_seeds), f"{test}, and items crossed with seeds"
    if info.high < ENDLESS:
        most = info.high - info.low
        interval = Interval(difference, max(-most, interval.low), min(most, interval.high))
    sign = -1 if info.better == "lower" else 1
    gains = sign * (table.values[pair[0]] - table.values[pair[1]])[shared]
    wins, losses = int((gains > 0).sum()), int((gains < 0).sum())
    made = Comparison(
        table.task, _full(table, part), *pair, n, difference, interval.low, interval.high, p, None, test, wins, losses,
        n - wins - losses, "inconclusive", None, None,
    )  # fmt: skip

    def power(level: float) -> tuple[float | None, int | None]:
        return detectable_at(error, level), needed_at(difference, error, n, level)

    return Compared(made, None if seeds else power)


def _result(
    table: Counted, variant: str, part: str, counts: tuple[int, int], points: Floats, means: Floats | None, frame: Frame
) -> Result:
    samples, known = counts
    full, mean = _full(table, part), float(points.mean())
    if not known or means is None or np.isnan(mean):
        return Result(table.task, variant, full, samples, known, None, None, None)
    info = frame.metrics[f"{table.task}.{full}"]
    if _steady(means) and info.high >= ENDLESS:
        return Result(table.task, variant, full, samples, known, mean, None, None)  # nothing tells how wide it is
    if _steady(means):  # a bootstrap of equal figures would claim certainty
        span = info.high - info.low
        low, high = (info.low + end * span for end in wilson((mean - info.low) / span, known))
    else:
        low, high = percentiles(means)
    if len(points) > 1:
        wider, _ = crossed_with(mean, float(np.nanvar(means, ddof=1)), known, [points])
        low, high = max(info.low, min(low, wider.low)), min(info.high, max(high, wider.high))
    return Result(table.task, variant, full, samples, known, mean, low, high)


def _steady(figures: Floats) -> bool:
    """Whether resamples make no difference. Their deviation cannot tell: that of equal numbers may miss 0."""
    low, high = float(np.nanmin(figures)), float(np.nanmax(figures))
    return high - low <= ROUNDING * max(1.0, abs(high))


def _span(info: MetricInfo, values: Sequence[Floats], difference: float) -> float:
    """The most that one sample may differ by; on a scale without end as far as any sample here is from its good end."""
    if info.high < ENDLESS:
        return info.high - info.low
    return max(1.0, abs(difference), float(np.max(values)) - info.low)


def _known(table: Counted, variant: str, rows: Rows | None) -> Rows:
    known = ~np.isnan(table.values[variant])
    return known if rows is None else known & rows


def _points(table: Counted, variant: str, rows: Rows) -> dict[str, Floats]:
    """The figures on some samples: of each part one for each seed."""
    totals = np.stack([member[rows].sum(axis=0) for member in table.variants[variant]])
    return dict(_figures(table, totals))


def _resampled(table: Counted, variants: Sequence[str], rows: Rows, seed: int) -> list[dict[str, Floats]]:
    """The figures of each variant over the same resamples of some samples; several seeds as their mean."""

    def figures(weights: Floats, variant: str) -> Figures:
        made = [_figures(table, weights @ member[rows]) for member in table.variants[variant]]
        return {part: np.mean([one[part] for one in made], axis=0) for part in made[0]}

    chunks = [[figures(weights, one) for one in variants] for weights in resamples(int(rows.sum()), seed)]
    return [_joined([chunk[i] for chunk in chunks]) for i in range(len(variants))]


def _randomised(table: Counted, variant: str, reference: str, rows: Rows, seed: int) -> dict[str, float]:
    """p of each part: how often a difference as large comes about when answers change places at random."""
    ours, theirs = (np.mean([member[rows] for member in table.variants[one]], axis=0) for one in (variant, reference))
    figures = [_figures(table, some.sum(axis=0)[None]) for some in (ours, theirs)]
    observed = _gaps(*figures)
    slack = {part: ROUNDING * max(1.0, *(abs(one[part][0]) for one in figures)) for part in observed}
    tossed = []
    for swaps in coin_tosses(len(ours), seed):
        moved = swaps @ (theirs - ours)
        tossed.append(_gaps(_figures(table, ours.sum(axis=0) + moved), _figures(table, theirs.sum(axis=0) - moved)))
    gaps = _joined(tossed)
    hits = {part: int((some >= observed[part][0] - slack[part]).sum()) for part, some in gaps.items()}
    return {part: (hits[part] + 1) / (int((~np.isnan(gaps[part])).sum()) + 1) for part in gaps}


def _figures(table: Counted, totals: Floats) -> Figures:
    """totals [m, kinds] → each part's figure [m]; none is defined where no sample has a value."""
    if not table.kinds:
        return {part: np.full(len(totals), np.nan) for part in ("", *(table.metric.parts() or ()))}
    return table.metric.aggregate({kind: totals[:, i] for i, kind in enumerate(table.kinds)})


def _gaps(ours: Figures, theirs: Figures) -> dict[str, Floats]:
    return {part: np.abs(ours[part] - theirs[part]) for part in ours}


def _joined(chunks: Sequence[Figures]) -> dict[str, Floats]:
    return {part: np.concatenate([chunk[part] for chunk in chunks]) for part in chunks[0]}


def _full(table: Counted, part: str) -> str:
    return f"{table.name}.{part}" if part else table.name


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
