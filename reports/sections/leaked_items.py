"""Which test items stand, as they are or nearly, in what models learn from or variants look up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.figures import Overlap, Twin
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import MetricColumn, metric_columns, results_by_variant
from reports.facts.phrases import counted, counted_range, listed
from reports.facts.source_names import spoken_source
from reports.section import Section
from reports.wording import say

KINDS: Mapping[str, str] = {
    "exact": "leaked_items.exact",
    "normalised": "leaked_items.normalised",
    "near": "leaked_items.near",
}
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


@dataclass(frozen=True, slots=True)
class LeakageRow:
    """One source that was checked."""

    overlap: Overlap
    source: str
    use: str
    share: str  # of the test items


@dataclass(frozen=True, slots=True)
class TwinPair:
    """A test item and what says the same."""

    twin: Twin
    kind: str
    place: str
    address: str  # of the item


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakedTask:
    """One task whose test items stand elsewhere."""

    task: str
    samples: str
    overlaps: tuple[LeakageRow, ...]
    pairs: tuple[TwinPair, ...]
    has_more: bool  # whether there are pairs that are not shown
    tables: tuple[CleanTable, ...]


@dataclass(frozen=True, slots=True)
class LeakageFacts:
    """All tasks that were checked."""

    clean: tuple[str, ...]  # of tasks without any overlap, what was checked
    tasks: tuple[LeakedTask, ...]


class LeakedItems(Section):
    order = 90

    def build(self, finished: FinishedRun) -> LeakageFacts | None:
        """None where nothing was checked."""
        by_task = _by_task(finished.summary)
        if not by_task:
            return None
        leaked = {task: overlaps for task, overlaps in by_task.items() if any(map(_count, overlaps))}
        clean = tuple(_clean_sentence(task, overlaps) for task, overlaps in by_task.items() if task not in leaked)
        return LeakageFacts(clean, tuple(_task(finished.summary, task, overlaps) for task, overlaps in leaked.items()))

    def cautions(self, finished: FinishedRun) -> tuple[str, ...]:
        """One sentence for a task with items that stand elsewhere, identical but for writing; with near ones."""
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
    pairs = tuple(_twin_pair(overlap, twin) for overlap in overlaps for twin in overlap.twins)
    columns = [column for column in metric_columns(summary) if column.task == task and column.headline]
    return LeakedTask(
        task=task,
        samples=counted(overlaps[0].samples, "test item"),
        overlaps=tuple(
            LeakageRow(overlap, spoken_source(overlap.source), _use(overlap, overlaps), _share(overlap))
            for overlap in overlaps
        ),
        pairs=pairs,
        has_more=len(pairs) < sum(map(_count, overlaps)),
        tables=tuple(table for column in columns if (table := _clean_table(summary, column))),
    )


def _share(overlap: Overlap) -> str:
    return numbers.share(_count(overlap) / max(1, overlap.samples))


def _twin_pair(overlap: Overlap, twin: Twin) -> TwinPair:
    place = say("leaked_items.place", source=spoken_source(overlap.source), place=twin.place)
    return TwinPair(twin, say(KINDS[twin.kind]), place, _address(overlap.task, twin))


def _address(task: str, twin: Twin) -> str:
    return f"#{urlencode({'sample': f'{task}/{twin.sample_id}'})}"


def _use(overlap: Overlap, overlaps: Sequence[Overlap]) -> str:
    """What is done with a source. Runs of older versions do not name the learners of a source without twins."""
    own = _own_use(overlap, overlaps)
    if not overlap.named_in:
        return own
    return say("leaked_items.named_in", use=own, n=len(overlap.named_in), knowledge=listed(overlap.named_in))


def _own_use(overlap: Overlap, overlaps: Sequence[Overlap]) -> str:
    if overlap.models:
        return say("leaked_items.learnt_by", models=listed(overlap.models))
    if not overlap.source.startswith(LOOKED_UP):
        return say("leaked_items.learnt")
    taught = {name for other in overlaps if (name := _name(other)) and not other.source.startswith(LOOKED_UP)}
    return say("leaked_items.looked_up" if _name(overlap) in taught else "leaked_items.only_looked_up")


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
    clean = [result.samples for result in summary.clean if result.task == task]
    return say(
        "leaked_items.caution_with_clean" if clean else "leaked_items.caution",
        task=task,
        items=counted(overlaps[0].samples, "test item"),
        sources=listed(_leak(overlap, overlaps) for overlap in overlaps if _count(overlap)),
        clean=counted_range(clean, "item") if clean else "",
    )


def _leak(overlap: Overlap, overlaps: Sequence[Overlap]) -> str:
    """How many items stand in a source, and how nearly: the clean ones are those without any of these."""
    same, notes = overlap.exact + overlap.normalised, _use(overlap, overlaps)
    if overlap.normalised:
        notes = say("leaked_items.partly_rewritten" if overlap.exact else "leaked_items.rewritten", use=notes)
    if overlap.near and same:
        notes = say("leaked_items.and_near", notes=notes, near=f"{overlap.near:,}")
    elif overlap.near:
        notes = say("leaked_items.only_near", use=notes)
    count = f"{same or overlap.near:,}"
    return say("leaked_items.leak", count=count, source=spoken_source(overlap.source), notes=notes)


def _clean_sentence(task: str, overlaps: Sequence[Overlap]) -> str:
    sources = listed(
        say("leaked_items.source", source=spoken_source(overlap.source), use=_use(overlap, overlaps))
        for overlap in overlaps
    )
    items = counted(overlaps[0].samples, "test item")
    return say("leaked_items.clean_sentence", task=task, items=items, sources=sources)
