"""The scores of a run as columns of numbers: what all figures are made of, in eight bytes a score."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.records.derived_names import reported_name
from harness.records.figure_names import FigureName
from harness.records.inputs import Sample
from harness.records.outputs import Score
from harness.statistics.resampling import Floats

Column = tuple[str, str]  # the metric with its part, the variant


class TaskScores:
    """The scores of a task, in the order in which their columns occur: of each sample the value, NaN for unknown."""

    def __init__(self, ids: Sequence[str], is_counted: Callable[[str], bool]) -> None:
        """`is_counted` says of a metric, with its part, whether what its samples add to corpus figures is kept."""
        self.ids = ids
        self.values: dict[Column, Floats] = {}  # [n]
        self.causes: dict[Column, Counter[str]] = {}  # why values are unknown: how often each error or reason
        self._row = {sample_id: i for i, sample_id in enumerate(ids)}
        self._is_counted = is_counted
        self._counts: dict[Column, dict[str, Floats]] = {}  # of each kind [n]

    def add(self, score: Score) -> None:
        """One more score."""
        column = (score.metric, score.variant)
        values = self.values.get(column)
        if values is None:
            values = self.values[column] = np.full(len(self.ids), np.nan)
            self.causes[column] = Counter()
        if score.value is None:
            self.causes[column][score.error or score.reason or ""] += 1
            return
        row = self._row[score.sample_id]
        values[row] = score.value
        if score.counts and self._is_counted(score.metric):
            kinds = self._counts.setdefault(column, {})
            for kind, count in score.counts.items():
                if kind not in kinds:
                    kinds[kind] = np.zeros(len(self.ids))
                kinds[kind][row] = count

    def of_sample(self, column: Column) -> Mapping[str, float | None]:
        """The values of a column by sample; empty where there is no such column."""
        values = self.values.get(column)
        if values is None:
            return {}
        return {
            sample_id: None if np.isnan(value) else value
            for sample_id, value in zip(self.ids, values.tolist(), strict=True)
        }

    def kinds(self, columns: Iterable[Column]) -> tuple[str, ...]:
        """The names of all counts of some columns."""
        return tuple(sorted({kind for column in columns for kind in self._counts.get(column, ())}))

    def count_matrix(self, column: Column, kinds: Sequence[str]) -> Floats:
        """The counts of a column [n, kinds]: 0 for what a sample does not add to, NaN where its value is unknown."""
        own = self._counts.get(column, {})
        none = np.zeros(len(self.ids))
        counts = np.stack([own.get(kind, none) for kind in kinds], axis=1) if kinds else np.empty((len(self.ids), 0))
        counts[np.isnan(self.values[column])] = np.nan
        return counts


class ScoreTable:
    """The scores of a run by task."""

    def __init__(self, samples: Iterable[Sample], corpora: Iterable[str]) -> None:
        """`corpora` are the figures, "task.metric", whose counts are kept."""
        ids: dict[str, list[str]] = {}
        for sample in samples:
            ids.setdefault(sample.task, []).append(sample.id)
        counted = {(name.task, name.metric) for name in map(FigureName.parse, corpora)}
        self.tasks = {task: TaskScores(own, _counts_of(task, counted)) for task, own in ids.items()}
        self.names: dict[tuple[str, str], None] = {}  # (task, metric with its part) in the order of the scores

    @classmethod
    def of(cls, samples: Iterable[Sample], scores: Iterable[Score], corpora: Iterable[str] = ()) -> "ScoreTable":
        """The table of these scores."""
        table = cls(samples, corpora)
        for score in scores:
            table.names.setdefault((score.task, score.metric))
            if (own := table.tasks.get(score.task)) is not None:
                own.add(score)
        return table

    def values_of(self, task: str, variant: str, metric: str | None) -> Mapping[tuple[str, str, str], float | None]:
        """The values of a metric of a cell by (task, variant, sample)."""
        own = self.tasks[task].of_sample((metric or "", variant))
        return {(task, variant, sample_id): value for sample_id, value in own.items()}


def _counts_of(task: str, counted: set[tuple[str, str]]) -> Callable[[str], bool]:
    return lambda metric: (task, FigureName.within(task, metric).metric) in counted


def reported(scores: Iterable[Score]) -> Iterator[Score]:
    """The scores with models that were asked by themselves under their own names."""
    for score in scores:
        name = reported_name(score.variant)
        yield score if name == score.variant else replace(score, variant=name)
