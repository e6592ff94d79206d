"""The scores of a task as columns: one value a sample for each metric and variant, seeds pooled, unknown as NaN."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.records.outputs import Score
from harness.statistics.groups import Groups
from harness.statistics.resampling import Floats
from harness.summary.score_table import Column, TaskScores

Rows = NDArray[np.bool_]  # [n] which samples are looked at


@dataclass(frozen=True, kw_only=True)
class ScoreColumns:
    """The columns of a task in the order in which they occur in its scores.

    A variant whose model was trained several times has the mean over its seeds, known where all seeds are known; a part
    that only some of its seeds have is unknown throughout.
    """

    values: Mapping[Column, Floats]  # [n]
    groups: Groups  # of the samples
    seeds: Mapping[Column, Mapping[str, Floats]] = field(default_factory=dict)  # of each seed [n], by variant
    counts: Mapping[Column, tuple[Floats, ...]] = field(default_factory=dict)  # [n, kinds] of each seed, or of the one
    kinds: tuple[str, ...] = ()  # the names of the counts of a corpus metric

    def at(self, rows: Rows, metrics: Collection[str]) -> "ScoreColumns":
        """The columns of some metrics on some samples."""
        return ScoreColumns(
            values={column: values[rows] for column, values in self.values.items() if column[0] in metrics},
            groups=self.groups.at(rows),
            seeds={
                column: {name: values[rows] for name, values in members.items()}
                for column, members in self.seeds.items()
            },
            counts={column: tuple(member[rows] for member in members) for column, members in self.counts.items()},
            kinds=self.kinds,
        )

    def seed_means(self, column: Column, rows: Rows) -> list[Floats]:
        """The means over some rows of each seed [k]; nothing for what was trained once."""
        members = self.seeds.get(column)
        return [np.array([values[rows].mean() for values in members.values()])] if members else []


def score_columns(
    ids: Sequence[str],
    groups: Groups,
    scores: Iterable[Score],
    pools: Mapping[str, Sequence[str]],
    with_counts: bool = False,
) -> ScoreColumns:
    """Columns over the samples `ids`; `pools` are the variants that stand for those of several seeds."""
    table = TaskScores(ids, is_counted=lambda metric: with_counts)
    for score in scores:
        table.add(score)
    return pooled_columns(table, groups, pools, list(table.values), with_counts)


def pooled_columns(
    table: TaskScores,
    groups: Groups,
    pools: Mapping[str, Sequence[str]],
    columns: Sequence[Column],
    with_counts: bool = False,
) -> ScoreColumns:
    """Some columns of a task, one in place of those of several seeds."""
    kinds = table.kinds(columns) if with_counts else ()
    values = {column: table.values[column] for column in columns}
    counts = {column: table.count_matrix(column, kinds) for column in columns}
    return _pooled(values, counts, kinds, pools, groups)


def _pooled(
    values: Mapping[Column, Floats],
    counts: Mapping[Column, Floats],
    kinds: tuple[str, ...],
    pools: Mapping[str, Sequence[str]],
    groups: Groups,
) -> ScoreColumns:
    """One column in place of those of several seeds."""
    pool_of = {member: pool for pool, members in pools.items() for member in members}
    members: dict[Column, list[Column]] = {}
    for metric, variant in values:
        members.setdefault((metric, pool_of.get(variant, variant)), []).append((metric, variant))
    pooled: dict[Column, Floats] = {}
    for column, columns in members.items():
        if column[1] not in pools:
            pooled[column] = values[columns[0]]
        elif len(columns) < len(pools[column[1]]):
            pooled[column] = np.full_like(values[columns[0]], np.nan)
        else:
            pooled[column] = np.mean([values[member] for member in columns], axis=0)
    return ScoreColumns(
        values=pooled,
        groups=groups,
        seeds={
            column: {member[1]: values[member] for member in columns}
            for column, columns in members.items()
            if column[1] in pools
        },
        counts={column: tuple(counts[member] for member in columns) for column, columns in members.items()},
        kinds=kinds,
    )
