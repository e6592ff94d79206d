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
from reports.facts.phrases import counted, joined
from reports.section import Section
from reports.wording import say

LABELS = {  # of the figures of retrieval, by part, with what they are; what is missing here is called by its name
    "mrr": ("retrieval_quality.mrr", "retrieval_quality.mrr_explained"),
    "ndcg@10": ("retrieval_quality.ndcg", "retrieval_quality.ndcg_explained"),
    "cited": ("retrieval_quality.cited", "retrieval_quality.cited_explained"),
    "": ("retrieval_quality.recall", "retrieval_quality.recall_explained"),
}
OUTCOME_WORDS = {  # as the filter of the items says them
    "hit and right": "explorer.retrieved_hit_and_right",
    "hit and wrong": "explorer.retrieved_hit_and_wrong",
    "miss and right": "explorer.retrieved_miss_and_right",
    "miss and wrong": "explorer.retrieved_miss_and_wrong",
    "not shown": "explorer.retrieved_not_shown",
    "unknown": "explorer.retrieved_unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """How a cause of wrong answers is said: keys of the catalogue."""

    only: str  # where there is no other
    first: str  # as the first clause
    later: str  # in a further clause, which need not name the passage again
    meaning: str  # of a clause
    shared: str  # of a clause whose count others have as well


CAUSES = {
    "hit and wrong": Cause(
        only="retrieval_quality.only_hit",
        first="retrieval_quality.had_passage",
        later="retrieval_quality.had_it",
        meaning="retrieval_quality.generation_failed",
        shared="retrieval_quality.generation_failed_too",
    ),
    "miss and wrong": Cause(
        only="retrieval_quality.only_miss",
        first="retrieval_quality.never_saw_passage",
        later="retrieval_quality.never_saw_it",
        meaning="retrieval_quality.retrieval_missed",
        shared="retrieval_quality.retrieval_missed_too",
    ),
    "not shown": Cause(
        only="retrieval_quality.only_not_shown",
        first="retrieval_quality.passage_not_shown",
        later="retrieval_quality.it_not_shown",
        meaning="retrieval_quality.had_no_room",
        shared="retrieval_quality.had_no_room_too",
    ),
}


@dataclass(frozen=True, slots=True)
class RetrievalRow:
    """One variant that looked something up."""

    cell: Retrieved
    depth: str | None  # passages asked for
    outcomes: tuple[Segment, ...]  # shares of its answers
    words: Mapping[str, str]  # for each outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalFacts:
    """One task."""

    task: str
    is_only: bool  # whether no further task looks anything up
    figures: ComparisonTable | None
    labels: tuple[str, ...]  # of the figures' columns
    explanations: tuple[str, ...]  # of the same columns
    metric: str  # what decides between right and wrong
    has_not_shown: bool  # whether any gold passage was retrieved but not shown: its own column
    rows: tuple[RetrievalRow, ...]
    sentences: tuple[str, ...]
    gaps: tuple[GapList, ...]  # the items that no retriever could find, and those that this one found nothing for


class RetrievalQuality(Section):
    order = 60

    def build(self, finished: FinishedRun) -> tuple[RetrievalFacts, ...]:
        """One part a task; probes are shown as such, not here."""
        by_task = _by_task(finished.summary)
        return tuple(_facts(finished, task, cells, len(by_task) == 1) for task, cells in by_task.items())

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """What dominates each variant's wrong answers, and what the knowledge lacks, task by task."""
        return tuple(
            say("retrieval_quality.on_task", task=task, sentence=sentence)
            for task, cells in _by_task(finished.summary).items()
            for sentence in (*_causes(finished.summary, cells), *gap_sentences(cells))
        )

    def cautions(self, finished: FinishedRun) -> tuple[str, ...]:
        """How many queries found nothing, task by task."""
        return tuple(
            say("retrieval_quality.on_task", task=task, sentence=sentence)
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
        labels=tuple(_label(column.figure.part) for column in columns),
        explanations=tuple(_explanation(column.figure.part) for column in columns),
        metric=str(FigureName.of(cells[0])),
        has_not_shown=has_not_shown,
        rows=tuple(_row(cell, depths.get(cell.variant), outcomes) for cell in cells),
        sentences=(
            *_causes(summary, cells),
            *(f"{gap[0].upper()}{gap[1:]}" for gap in (*gap_sentences(cells), *unmatched_sentences(cells))),
        ),
        gaps=gap_lists({sample.id: sample for sample in finished.samples if sample.task == task}, predictions),
    )


def _label(part: str) -> str:
    return say(LABELS[part][0]) if part in LABELS else part


def _explanation(part: str) -> str:
    return say(LABELS[part][1] if part in LABELS else "retrieval_quality.figure_explained")


def _causes(summary: Summary, cells: Sequence[Retrieved]) -> list[str]:
    """What dominates the wrong answers of each variant that asks a model; a floor generates nothing that could fail."""
    return [_sentence(cell) for cell in cells if _counted(cell) and cell.variant not in summary.unaided]


def _row(cell: Retrieved, depth: str | None, outcomes: Sequence[str]) -> RetrievalRow:
    bar = segments([(outcome, cell.counts.get(outcome, 0)) for outcome in outcomes])
    return RetrievalRow(cell, depth, bar, {outcome: say(OUTCOME_WORDS[outcome]) for outcome in outcomes})


def _counted(cell: Retrieved) -> int:
    """The answers whose outcome is known."""
    return sum(cell.counts.get(outcome, 0) for outcome in OUTCOMES[:-1])


def _sentence(cell: Retrieved) -> str:
    """The dominating cause first, e.g. "generation failed" where most had the gold passage in front of them."""
    counts = {outcome: count for outcome in CAUSES if (count := cell.counts.get(outcome, 0))}
    wrong = sum(counts.values())
    if not wrong:
        return say("retrieval_quality.no_wrong", variant=cell.variant, count=f"{_counted(cell):,}")
    answers = counted(wrong, "wrong answer")
    if len(counts) == 1:
        return say(CAUSES[next(iter(counts))].only, n=wrong, variant=cell.variant, answers=answers)
    clauses = say("nouns.semicolon").join(_clauses(counts))
    return say("retrieval_quality.several", variant=cell.variant, answers=answers, clauses=clauses)


def _clauses(counts: Mapping[str, int]) -> list[str]:
    """One a cause, the largest first; causes of the same largest count share one."""
    ordered = sorted(counts, key=lambda outcome: -counts[outcome])
    tied = [outcome for outcome in ordered if counts[outcome] == counts[ordered[0]]]
    answers = {
        outcome: say(CAUSES[outcome].later if place else CAUSES[outcome].first, count=f"{counts[outcome]:,}")
        for place, outcome in enumerate(ordered)
    }
    parts = [say(CAUSES[outcome].meaning, answers=answers[outcome]) for outcome in ordered]
    if len(tied) == 1:
        return parts
    *front, last = (say(CAUSES[outcome].shared, answers=answers[outcome]) for outcome in tied)
    equal = say("retrieval_quality.equal", first=joined(*front), last=last)
    conclusion = say("retrieval_quality.neither_dominates" if len(tied) == 2 else "retrieval_quality.none_dominates")
    return [equal, conclusion, *parts[len(tied) :]]


def _depths(predictions: Iterable[Prediction]) -> dict[str, str]:
    """How many passages each variant asked for; the oracle takes as many as there are gold ones."""
    depths: dict[str, set[int]] = {}
    for prediction in predictions:
        if prediction.retrieval is not None and prediction.retrieval.ranks is not None:
            depths.setdefault(prediction.variant, set()).add(prediction.retrieval.k)
    return {
        variant: say("retrieval_quality.depth", depths=joined(*map(str, sorted(depth))))
        for variant, depth in depths.items()
    }
