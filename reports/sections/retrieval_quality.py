"""Where wrong answers come from: retrieval that missed, or generation that failed with the passage in front of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import Retrieved
from harness.records.finished_run import FinishedRun
from harness.records.outputs import Prediction
from harness.records.summary import Summary
from harness.statistics.retrieval_outcomes import OUTCOMES
from reports.charts.whiskers import Segment, segments
from reports.facts.comparison_table import ComparisonTable, comparison_table
from reports.facts.knowledge_gaps import GapList, gap_lists, gap_sentences, unmatched_sentences
from reports.facts.metric_columns import freshness_probes, retrieval_columns
from reports.facts.phrases import counted
from reports.section import Section

LABELS = {"mrr": "MRR", "ndcg@10": "nDCG@10", "cited": "cited", "": "recall@k"}
CAUSES = {  # of a wrong answer: what was shown, and what that means
    "hit and wrong": ("had {} in front of them", "generation failed"),
    "miss and wrong": ("never saw {}", "retrieval missed"),
    "not shown": ("did not see {}, though it was retrieved", "no room or under the threshold"),
}


@dataclass(frozen=True, slots=True)
class RetrievalRow:
    """One variant that looked something up."""

    cell: Retrieved
    depth: str | None  # passages asked for
    outcomes: tuple[Segment, ...]  # shares of its answers


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalFacts:
    """One task."""

    task: str
    is_only: bool  # whether no further task looks anything up
    figures: ComparisonTable | None
    labels: tuple[str, ...]  # of the figures' columns
    metric: str  # what decides between right and wrong
    has_not_shown: bool  # whether any gold passage was retrieved but not shown: its own column
    rows: tuple[RetrievalRow, ...]
    sentences: tuple[str, ...]
    gaps: tuple[GapList, ...]  # the items that no retriever could find, and those that this one found nothing for


class RetrievalQuality(Section):
    order = 130

    def build(self, finished: FinishedRun) -> tuple[RetrievalFacts, ...]:
        """One part a task; probes are shown as such, not here."""
        by_task = _by_task(finished.summary)
        return tuple(_facts(finished, task, cells, len(by_task) == 1) for task, cells in by_task.items())

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """What dominates each variant's wrong answers, and what the knowledge lacks, task by task."""
        return tuple(
            f"On {task}, {sentence}"
            for task, cells in _by_task(finished.summary).items()
            for sentence in (*_causes(finished.summary, cells), *(f"{gap}." for gap in gap_sentences(cells)))
        )

    def cautions(self, finished: FinishedRun) -> tuple[str, ...]:
        """How many queries found nothing, task by task."""
        return tuple(
            f"On {task}, {sentence}."
            for task, cells in _by_task(finished.summary).items()
            for sentence in unmatched_sentences(cells)
        )


def _by_task(summary: Summary) -> Mapping[str, list[Retrieved]]:
    probes = freshness_probes(summary)
    by_task: dict[str, list[Retrieved]] = {}
    for cell in summary.retrieved:
        if cell.task not in probes:
            by_task.setdefault(cell.task, []).append(cell)
    return by_task


def _facts(finished: FinishedRun, task: str, cells: Sequence[Retrieved], is_only: bool) -> RetrievalFacts:
    summary = finished.summary
    predictions = [prediction for prediction in finished.predictions if prediction.task == task]
    columns = [column for column in retrieval_columns(summary) if column.task == task and not column.headline]
    has_not_shown = any(cell.counts.get("not shown") for cell in cells)
    outcomes = [outcome for outcome in OUTCOMES if has_not_shown or outcome != "not shown"]
    depths = _depths(predictions)
    return RetrievalFacts(
        task=task,
        is_only=is_only,
        figures=comparison_table(summary, task, columns) if columns else None,
        labels=tuple(LABELS.get(column.figure.part, column.figure.part) for column in columns),
        metric=str(FigureName.of(cells[0])),
        has_not_shown=has_not_shown,
        rows=tuple(_row(cell, depths.get(cell.variant), outcomes) for cell in cells),
        sentences=(
            *_causes(summary, cells),
            *(f"{gap[0].upper()}{gap[1:]}." for gap in (*gap_sentences(cells), *unmatched_sentences(cells))),
        ),
        gaps=gap_lists({sample.id: sample for sample in finished.samples if sample.task == task}, predictions),
    )


def _causes(summary: Summary, cells: Sequence[Retrieved]) -> list[str]:
    """What dominates the wrong answers of each variant that asks a model; a floor generates nothing that could fail."""
    return [_sentence(cell) for cell in cells if _counted(cell) and cell.variant not in summary.unaided]


def _row(cell: Retrieved, depth: str | None, outcomes: Sequence[str]) -> RetrievalRow:
    return RetrievalRow(cell, depth, segments([(outcome, cell.counts.get(outcome, 0)) for outcome in outcomes]))


def _counted(cell: Retrieved) -> int:
    """The answers whose outcome is known."""
    return sum(cell.counts.get(outcome, 0) for outcome in OUTCOMES[:-1])


def _sentence(cell: Retrieved) -> str:
    """The dominating cause first, e.g. "generation failed" where most had the gold passage in front of them."""
    counts = {outcome: count for outcome in CAUSES if (count := cell.counts.get(outcome, 0))}
    wrong = sum(counts.values())
    if not wrong:
        return f"{cell.variant}: no answer is wrong among the {_counted(cell):,} whose gold passage is known."
    if len(counts) == 1:
        shown, cause = CAUSES[next(iter(counts))]
        predicate = f"{shown.format('the gold passage')}: {cause}"
        if wrong == 1:
            return f"{cell.variant}: the only wrong answer {predicate.replace('front of them', 'front of it')}."
        return f"{cell.variant}: all {counted(wrong, 'wrong answer')} {predicate}."
    ordered = sorted(counts, key=lambda outcome: -counts[outcome])
    tied = [outcome for outcome in ordered if counts[outcome] == counts[ordered[0]]]
    clauses = {
        outcome: f"{counts[outcome]:,} {CAUSES[outcome][0].format('it' if place else 'the gold passage')}"
        for place, outcome in enumerate(ordered)
    }
    parts = [f"{clauses[outcome]}: {CAUSES[outcome][1]}" for outcome in ordered]
    if len(tied) > 1:
        equal = [f"{clauses[outcome]} ({CAUSES[outcome][1]})" for outcome in tied]
        conclusion = "neither dominates" if len(tied) == 2 else "none dominates"
        parts = [f"{', '.join(equal[:-1])} and {equal[-1]}", conclusion, *parts[len(tied) :]]
    return f"{cell.variant}: of {counted(wrong, 'wrong answer')}, {'; '.join(parts)}."


def _depths(predictions: Iterable[Prediction]) -> dict[str, str]:
    """How many passages each variant asked for; the oracle takes as many as there are gold ones."""
    depths: dict[str, set[int]] = {}
    for prediction in predictions:
        if prediction.retrieval is not None and prediction.retrieval.ranks is not None:
            depths.setdefault(prediction.variant, set()).add(prediction.retrieval.k)
    return {variant: f"k = {', '.join(map(str, sorted(depth)))}" for variant, depth in depths.items()}
