"""How much a figure depends on luck: the same training with other seeds."""

from dataclasses import dataclass

from harness.records.figures import Seeds
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, metric_columns, results_by_variant
from reports.section import Section
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedTable:
    """One variant: a row a seed, a column a figure, their means and standard deviations beneath."""

    variant: str
    columns: tuple[MetricColumn, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # the seed's variant, its figures
    means: tuple[tuple[str, str | None], ...]  # value, interval
    deviations: tuple[str, ...]


class TrainingSeeds(Section):
    order = 105

    def build(self, finished: FinishedRun) -> tuple[SeedTable, ...]:
        """One part a variant whose model was trained several times."""
        variants = dict.fromkeys(seeds.variant for seeds in finished.summary.seeds)
        return tuple(_table(finished.summary, variant) for variant in variants)

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """How far apart the seeds are on each headline figure."""
        columns = {column.key: column for column in metric_columns(finished.summary) if column.headline}
        return tuple(
            sentence
            for seeds in finished.summary.seeds
            if (column := columns.get((seeds.task, seeds.metric))) and (sentence := _sentence(column, seeds))
        )


def _table(summary: Summary, variant: str) -> SeedTable:
    by_key = {(seeds.task, seeds.metric): seeds for seeds in summary.seeds if seeds.variant == variant}
    columns = tuple(column for column in metric_columns(summary) if column.key in by_key)
    columns = tuple(column for column in columns if column.headline) or columns
    names = dict.fromkeys(name for seeds in by_key.values() for name, _ in seeds.members)
    members = [(column.info, dict(by_key[column.key].members)) for column in columns]
    return SeedTable(
        variant=variant,
        columns=columns,
        rows=tuple((name, tuple(numbers.with_unit(m.get(name), info) for info, m in members)) for name in names),
        means=tuple(
            numbers.figure(results[variant], column.info) if variant in results else ("–", None)
            for column in columns
            for results in [results_by_variant(summary, column.key)]
        ),
        deviations=tuple(_deviation(column, by_key[column.key]) for column in columns),
    )


def _sentence(column: MetricColumn, seeds: Seeds) -> str | None:
    means = [(mean, name) for name, mean in seeds.members if mean is not None]
    if len(means) < 2:
        return None
    (low, worst), (high, best) = min(means), max(means)
    return say(
        "training_seeds.sentence" if seeds.deviation is None else "training_seeds.sentence_deviation",
        figure=column.name,
        variant=seeds.variant,
        low=numbers.with_unit(low, column.info),
        worst=worst,
        high=numbers.with_unit(high, column.info),
        best=best,
        seeds=len(means),
        deviation=_deviation(column, seeds),
    )


def _deviation(column: MetricColumn, seeds: Seeds) -> str:
    return "–" if seeds.deviation is None else numbers.points(seeds.deviation, column.info)
