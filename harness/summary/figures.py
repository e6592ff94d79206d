"""The figures of one task: means or corpus figures with intervals, and paired differences, on the items asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.records.figures import Confusion, MetricInfo, Result, Seeds
from harness.records.outputs import Score
from harness.statistics.intervals import crossed, mean_interval
from harness.statistics.resampling import Floats, bootstrap_means
from harness.summary import corpus
from harness.summary.comparison_plan import Design, able_first
from harness.summary.comparisons import Column, Compared, Table, against_floors, compare, pooled
from harness.summary.error_causes import deciding


@dataclass
class Figures:
    """What is computed task by task."""

    results: list[Result] = field(default_factory=list)
    comparisons: list[Compared] = field(default_factory=list)
    floors: list[Compared] = field(default_factory=list)
    seeds: list[Seeds] = field(default_factory=list)
    confusions: list[Confusion] = field(default_factory=list)
    clean: list[Result] = field(default_factory=list)
    general: list[Result] = field(default_factory=list)
    forgotten: list[Compared] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """The items of a task."""

    task: str
    ids: Sequence[str]
    unseen: corpus.Rows  # [n] those that stand nowhere in what is learnt or looked up


def add_task(
    figures: Figures, asked: Asked, scores: Sequence[Score], design: Design, metrics: Mapping[str, MetricInfo]
) -> None:
    """The figures of one task, of those metrics that are means and of those that are not."""
    plain = [score for score in scores if f"{score.task}.{score.metric}" not in design.corpora]
    columns = _columns(asked.ids, plain)
    if asked.task in design.general:
        _remembered(figures, asked.task, pooled(columns, design.model_pools), design, metrics)
    else:
        table = pooled(columns, design.pools)
        _compared(figures, asked.task, table, design, metrics)
        _unseen(figures, asked.task, table, asked.unseen, design, metrics)
    for counted in corpus.tables(asked.task, asked.ids, scores, design):
        _add_corpus(figures, counted, asked, design, metrics)


def _compared(figures: Figures, task: str, table: Table, design: Design, metrics: Mapping[str, MetricInfo]) -> None:
    """Means of all columns, and the differences to the reference and to the floors."""
    if not table:  # all its metrics are figures of the corpus
        return
    reference = design.reference or ""
    pairs = [pair for pair in table if reference not in ("", pair[1]) and (pair[0], reference) in table]
    differences = [table[pair] - table[pair[0], reference] for pair in pairs]
    means = bootstrap_means(np.column_stack([*table.values(), *differences]), design.seed).T
    for column, resampled in zip(table, means, strict=False):
        figures.results.append(_result(task, column, table, resampled, metrics))
        if column in table.seeds:
            figures.seeds.append(_spread(task, column, table.seeds[column]))
    for pair, resampled in zip(pairs, means[len(table) :], strict=True):
        info = metrics[f"{task}.{pair[0]}"]
        figures.comparisons.append(compare(task, pair, reference, table, resampled, info, design.seed))
    contending = table.only(lambda column: f"{task}.{column[0]}" in design.headline and column[1] not in design.bounds)
    figures.floors += against_floors(task, contending, design.floors, metrics, design.seed)


def _unseen(
    figures: Figures, task: str, table: Table, keep: corpus.Rows, design: Design, metrics: Mapping[str, MetricInfo]
) -> None:
    """The headline figures on the items that stand nowhere in what is learnt or looked up, where others do."""
    if keep.all() or not keep.any():
        return
    chosen = {column: values for column, values in table.items() if f"{task}.{column[0]}" in design.headline}
    if not chosen:
        return
    seeds = {column: {name: some[keep] for name, some in table.seeds[column].items()} for column in table.seeds}
    clean = Table({column: values[keep] for column, values in chosen.items()}, seeds)
    means = bootstrap_means(np.column_stack(list(clean.values())), design.seed).T
    for column, resampled in zip(clean, means, strict=True):
        figures.clean.append(_result(task, column, clean, resampled, metrics))


def _remembered(figures: Figures, task: str, table: Table, design: Design, metrics: Mapping[str, MetricInfo]) -> None:
    """A general task: each derived model against the one it is made of, by the task's deciding metric."""
    metric = _decides(task, metrics, design)
    if metric is None:
        return
    table = table.only(lambda column: column[0] == metric)
    for column, values in table.items():
        resampled = bootstrap_means(values[:, None], design.seed)[:, 0]
        figures.general.append(_result(task, column, table, resampled, metrics))
    for variant, base in design.made_of.items():
        if (metric, variant) in table and (metric, base) in table:
            difference = table[metric, variant] - table[metric, base]
            resampled = bootstrap_means(difference[:, None], design.seed)[:, 0]
            info = metrics[f"{task}.{metric}"]
            figures.forgotten.append(compare(task, (metric, variant), base, table, resampled, info, design.seed))


def _add_corpus(
    figures: Figures, table: corpus.Counted, asked: Asked, design: Design, metrics: Mapping[str, MetricInfo]
) -> None:
    """The figures that are made of the whole corpus: the same ones as of means, for the same readers."""
    frame = corpus.Frame(metrics, design.seed)
    results, spread = corpus.results(table, frame)
    if asked.task in design.general:
        if table.name == _decides(asked.task, metrics, design):
            pairs = [(one, base) for one, base in design.made_of.items() if {one, base} <= table.variants.keys()]
            figures.general += [one for one in results if one.metric == table.name]
            made = corpus.comparisons(table, pairs, frame)
            figures.forgotten += [one for one in made if one.comparison.metric == table.name]
        return
    figures.results += results
    figures.seeds += spread
    figures.confusions += corpus.confusions(table)
    if design.reference is not None and design.reference in table.variants:
        pairs = [(one, design.reference) for one in table.variants if one != design.reference]
        figures.comparisons += corpus.comparisons(table, pairs, frame)
    if asked.unseen.any() and not asked.unseen.all():
        clean, _ = corpus.results(table, frame, asked.unseen)
        figures.clean += [one for one in clean if f"{one.task}.{one.metric}" in design.headline]
    figures.floors += _corpus_floors(table, results, design, frame)


def _corpus_floors(
    table: corpus.Counted, results: Sequence[Result], design: Design, frame: corpus.Frame
) -> list[Compared]:
    """Each variant that asks a model against the best that asks none, in each headline figure."""
    found: list[Compared] = []
    for metric in dict.fromkeys(one.metric for one in results if f"{one.task}.{one.metric}" in design.headline):
        better = frame.metrics[f"{table.task}.{metric}"].better
        sign = -1.0 if better == "lower" else 1.0
        means = {one.variant: sign * one.mean for one in results if one.metric == metric and one.mean is not None}
        floors = [one for one in means if one in design.floors]
        if floors and better != "neither":
            best = max(floors, key=lambda one: means[one])
            rest = [one for one in table.variants if one not in design.floors and one not in design.bounds]
            made = corpus.comparisons(table, [(one, best) for one in rest], frame)
            found += [one for one in made if one.comparison.metric == metric]
    return found


def _decides(task: str, metrics: Mapping[str, MetricInfo], design: Design) -> str | None:
    """The metric by which forgetting on a general task is told."""
    own = {name: info for name, info in metrics.items() if name.startswith(f"{task}.")}
    return deciding((), able_first(own, design)).get(task)


def _columns(ids: Sequence[str], scores: Sequence[Score]) -> dict[Column, Floats]:
    row = {sample_id: i for i, sample_id in enumerate(ids)}
    table: dict[Column, Floats] = {}
    for score in scores:
        column = table.get((score.metric, score.variant))
        if column is None:
            column = table[score.metric, score.variant] = np.full(len(ids), np.nan)
        column[row[score.sample_id]] = np.nan if score.value is None else score.value
    return table


def _result(task: str, column: Column, table: Table, means: Floats, metrics: Mapping[str, MetricInfo]) -> Result:
    (metric, variant), values = column, table[column]
    rows = ~np.isnan(values)
    known = values[rows]
    if not len(known):
        return Result(task, variant, metric, len(values), 0, None, None, None)
    info = metrics[f"{task}.{metric}"]
    interval = mean_interval(known, means, info.low, info.high)
    low, high = interval.low, interval.high
    if seeds := table.seed_means(column, rows):
        wider, _ = crossed(known, seeds)
        low, high = max(info.low, min(low, wider.low)), min(info.high, max(high, wider.high))
    return Result(task, variant, metric, len(values), len(known), interval.mean, low, high)


def _spread(task: str, column: Column, members: Mapping[str, Floats]) -> Seeds:
    """Each seed's mean over what is known of it, and how far they lie apart."""
    means = {name: float(np.nanmean(some)) if not np.isnan(some).all() else None for name, some in members.items()}
    known = [mean for mean in means.values() if mean is not None]
    deviation = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return Seeds(task, column[0], column[1], tuple(means.items()), deviation)
