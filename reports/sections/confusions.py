"""Which labels are taken for which, as a picture: where a classifier fails, not only how often."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import Confusion
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.charts.curves import text_width
from reports.facts.phrases import counted
from reports.section import Section
from reports.wording import say

MOST = 20  # labels that stand each by itself; of more, those that are confused most
SEPARATE = 15
NAMED = 3  # confusions that the sentence names
NO_LABEL = "(no label)"  # as records name the last column, of answers that are none of the labels
STEPS = (0.1, 0.25, 0.5, 0.75)  # shares of a row at which the shade deepens


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionCell:
    """How often one label was taken for another."""

    count: str
    shade: int  # 0 where it never happened, to 5
    is_right: bool
    hint: str
    note: str | None  # where labels are summed: how many of them are right


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """One right label."""

    label: str
    cells: tuple[ConfusionCell, ...]
    total: str
    recall: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusionMatrix:
    """One variant."""

    variant: str
    labels: tuple[str, ...]  # of the columns
    is_upright: bool  # whether the labels are too long to stand above a narrow column
    rows: tuple[ConfusionRow, ...]
    totals: tuple[str, ...]
    summed: str | None  # what "other" stands for
    sentence: str


@dataclass(frozen=True, slots=True)
class ConfusionFacts:
    """One metric of one task."""

    figure: str
    is_wide: bool  # whether two pictures have no room side by side
    matrices: tuple[ConfusionMatrix, ...]


class Confusions(Section):
    order = 125

    def build(self, finished: FinishedRun) -> tuple[ConfusionFacts, ...]:
        """One part a metric; variants in the suite's order, the reference first."""
        keys = dict.fromkeys((confusion.task, confusion.metric) for confusion in finished.summary.confusions)
        return tuple(_confusion_facts(finished.summary, task, metric) for task, metric in keys)


def _confusion_facts(summary: Summary, task: str, metric: str) -> ConfusionFacts:
    confusions = [c for c in summary.confusions if (c.task, c.metric) == (task, metric)]
    confusions.sort(key=lambda confusion: confusion.variant != summary.reference)
    matrices = tuple(map(_matrix, confusions))
    figure = str(FigureName.within(task, metric))
    return ConfusionFacts(figure, any(len(matrix.labels) > 8 for matrix in matrices), matrices)


def _matrix(confusion: Confusion) -> ConfusionMatrix:
    """Rows that no item has, and columns that are neither right nor answered, are left out."""
    groups, summed = _grouped(confusion)
    counts = [[sum(_count(confusion, i, j) for i in rows for j in columns) for columns in groups] for rows in groups]
    labels = _labels(confusion)
    names = [labels[group[0]] if len(group) == 1 else say("confusions.others", count=len(group)) for group in groups]
    columns = [j for j in range(len(groups)) if any(row[j] for row in counts) or any(counts[j])]
    rows = []
    for i, group in enumerate(groups):
        hits = sum(_count(confusion, label, label) for label in group)
        if any(counts[i]):
            rows.append(_row(names, i, counts[i], hits if len(group) > 1 else None, columns))
    return ConfusionMatrix(
        variant=confusion.variant,
        labels=tuple(names[j] for j in columns),
        is_upright=any(text_width(names[j]) > 6 for j in columns),  # wider than a column of figures
        rows=tuple(rows),
        totals=tuple(f"{sum(row[j] for row in counts):,}" for j in columns),
        summed=summed,
        sentence=_sentence(confusion),
    )


def _labels(confusion: Confusion) -> tuple[str, ...]:
    """Names of the columns, in the language that is spoken."""
    labels = confusion.labels
    is_open = len(labels) > len(confusion.counts) and labels[-1] == NO_LABEL
    return (*labels[:-1], say("confusions.no_label")) if is_open else labels


def _grouped(confusion: Confusion) -> tuple[list[tuple[int, ...]], str | None]:
    """Places of labels that stand together: each by itself, or the least confused ones as the last."""
    size = len(confusion.labels)
    if size <= MOST:
        return [(i,) for i in range(size)], None
    wrong = [sum(_count(confusion, i, j) + _count(confusion, j, i) for j in range(size) if j != i) for i in range(size)]
    separate = sorted(sorted(range(size), key=lambda i: -wrong[i])[:SEPARATE])
    remaining = tuple(i for i in range(size) if i not in separate)
    note = say("confusions.summed", count=SEPARATE, labels=size)
    return [*((i,) for i in separate), remaining], note


def _count(confusion: Confusion, right: int, answered: int) -> int:
    """Labels that are never right have no row."""
    return confusion.counts[right][answered] if right < len(confusion.counts) else 0


def _row(
    names: Sequence[str], place: int, counts: Sequence[int], hits: int | None, columns: Sequence[int]
) -> ConfusionRow:
    """One row; `hits` where several labels are summed in it."""
    total = sum(counts)
    cells = tuple(
        ConfusionCell(
            count=f"{counts[j]:,}" if counts[j] else "·",
            shade=1 + sum(counts[j] / total >= step for step in STEPS) if counts[j] else 0,
            is_right=j == place and hits is None,
            hint=say(
                "confusions.hint", right=names[place], answer=names[j], count=f"{counts[j]:,}", total=f"{total:,}"
            ),
            note=say("confusions.within", count=f"{hits:,}") if j == place and hits is not None else None,
        )
        for j in columns
    )
    right = counts[place] if hits is None else hits
    return ConfusionRow(names[place], cells, f"{total:,}", f"{100 * right / total:.1f} %")


def _sentence(confusion: Confusion) -> str:
    labels, total = _labels(confusion), sum(map(sum, confusion.counts))
    if not total:
        return say("confusions.empty")
    wrong = [
        (count, say("confusions.pair", right=labels[i], answer=labels[j], count=f"{count:,}", total=f"{sum(row):,}"))
        for i, row in enumerate(confusion.counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    if not wrong:
        return say("confusions.none", items=counted(total, "item"))
    wrong.sort(key=lambda pair: -pair[0])
    return say("confusions.most", pairs=say("confusions.separator").join(text for _, text in wrong[:NAMED]))
