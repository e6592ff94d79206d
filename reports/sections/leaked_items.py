"""Which test items stand, as they are or nearly, in what models learn from or variants look up."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.figures import Overlap, Twin
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, metric_columns, results_by_variant
from reports.facts.phrases import counted, counted_range, listed
from reports.section import Section

LOOKED_UP = ("knowledge ", "examples of ")  # sources that need not be learnt; all others are what a model learns from


@dataclass(frozen=True, slots=True)
class CleanRow:
    """A headline figure of one variant, on all items and on the clean ones: value, interval."""

    variant: str
    all: tuple[str, str | None]
    clean: tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class CleanTable:
    """One headline figure of all variants."""

    column: MetricColumn
    items: str
    clean_items: str
    rows: tuple[CleanRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakedTask:
    """One task whose test items stand elsewhere."""

    task: str
    samples: str
    overlaps: tuple[tuple[Overlap, str, str], ...]  # with its use, and its share of the test items
    pairs: tuple[tuple[Overlap, Twin, str], ...]  # with the address of the item
    has_more: bool  # whether there are pairs that are not shown
    tables: tuple[CleanTable, ...]


@dataclass(frozen=True, slots=True)
class LeakageFacts:
    """All tasks that were checked."""

    clean: tuple[str, ...]  # of tasks without any overlap, what was checked
    tasks: tuple[LeakedTask, ...]


class LeakedItems(Section):
    order = 110

    def build(self, finished: FinishedRun) -> LeakageFacts | None:
        """None where nothing was checked."""
        by_task = _by_task(finished.summary)
        if not by_task:
            return None
        leaked = {task: overlaps for task, overlaps in by_task.items() if any(map(_count, overlaps))}
        clean = tuple(_clean_sentence(task, overlaps) for task, overlaps in by_task.items() if task not in leaked)
        return LeakageFacts(clean, tuple(_task(finished.summary, task, overlaps) for task, overlaps in leaked.items()))

    def cautions(self, finished: FinishedRun) -> tuple[str, ...]:
        """One sentence a task: which of its items stand elsewhere, identical but for writing."""
        return tuple(
            _caution(finished.summary, task, overlaps)
            for task, overlaps in _by_task(finished.summary).items()
            if any(overlap.exact or overlap.normalised for overlap in overlaps)
        )


def _by_task(summary: Summary) -> dict[str, list[Overlap]]:
    by_task: dict[str, list[Overlap]] = {}
    for overlap in summary.overlaps:
        by_task.setdefault(overlap.task, []).append(overlap)
    return by_task


def _count(overlap: Overlap) -> int:
    return overlap.exact + overlap.normalised + overlap.near


def _task(summary: Summary, task: str, overlaps: Sequence[Overlap]) -> LeakedTask:
    pairs = tuple((overlap, twin, _address(task, twin)) for overlap in overlaps for twin in overlap.twins)
    columns = [column for column in metric_columns(summary) if column.task == task and column.headline]
    return LeakedTask(
        task=task,
        samples=counted(overlaps[0].samples, "test item"),
        overlaps=tuple((overlap, _use(overlap, overlaps), _share(overlap)) for overlap in overlaps),
        pairs=pairs,
        has_more=len(pairs) < sum(map(_count, overlaps)),
        tables=tuple(table for column in columns if (table := _clean_table(summary, column))),
    )


def _share(overlap: Overlap) -> str:
    return numbers.share(_count(overlap) / max(1, overlap.samples))


def _address(task: str, twin: Twin) -> str:
    return f"#{urlencode({'sample': f'{task}/{twin.sample_id}'})}"


def _use(overlap: Overlap, overlaps: Sequence[Overlap]) -> str:
    """What is done with a source. Runs of older versions do not name the learners of a source without twins."""
    if overlap.models:
        return f"learnt by {listed(overlap.models)}"
    if not overlap.source.startswith(LOOKED_UP):
        return "learnt"
    taught = {name for other in overlaps if (name := _name(other)) and not other.source.startswith(LOOKED_UP)}
    return "looked up" if _name(overlap) in taught else "looked up, not learnt"


def _name(overlap: Overlap) -> str:
    """The task, data set or knowledge base that a source belongs to."""
    return overlap.source.rpartition(" ")[2]


def _clean_table(summary: Summary, column: MetricColumn) -> CleanTable | None:
    clean = {result.variant: result for result in summary.clean if (result.task, result.metric) == column.key}
    results = [r for variant, r in results_by_variant(summary, column.key).items() if variant in clean]
    if not results:
        return None
    rows = tuple(
        CleanRow(r.variant, numbers.figure(r, column.info), numbers.figure(clean[r.variant], column.info))
        for r in results
    )
    items = counted_range([result.samples for result in results], "item")
    return CleanTable(column, items, counted_range([clean[r.variant].samples for r in results], "item"), rows)


def _caution(summary: Summary, task: str, overlaps: Sequence[Overlap]) -> str:
    sources = []
    for overlap in overlaps:
        if overlap.exact or overlap.normalised:
            detail = "" if not overlap.normalised else ", in other writing" if not overlap.exact else (
                ", some in other writing"
            )  # fmt: skip
            sources.append(
                f"{overlap.exact + overlap.normalised:,} in {overlap.source} ({_use(overlap, overlaps)}{detail})"
            )
    clean = [result.samples for result in summary.clean if result.task == task]
    remedy = f" Compare the figures on the clean {counted_range(clean, 'item')}." if clean else ""
    opening = f"Of the {counted(overlaps[0].samples, 'test item')} of {task}, some also stand elsewhere"
    return f"{opening}: {listed(sources)}. A right answer to them may be remembered or copied.{remedy}"


def _clean_sentence(task: str, overlaps: Sequence[Overlap]) -> str:
    sources = listed(f"{overlap.source} ({_use(overlap, overlaps)})" for overlap in overlaps)
    return (
        f"None of the {counted(overlaps[0].samples, 'test item')} of {task} was found in {sources}, neither identical "
        "(apart from case, width, spaces and punctuation) nor nearly identical."
    )
