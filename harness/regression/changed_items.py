"""Items whose answers are newly wrong or newly right: where to look first after a figure moved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import StoreError
from harness.records.derived_names import reported_name
from harness.records.figure_names import FigureName
from harness.records.figures import ENDLESS, MetricInfo
from harness.records.outputs import Score
from harness.records.run_comparisons import LISTED_ITEMS, ItemChange, ItemCounts, ItemTexts, PairedCell
from harness.records.run_evidence import RunEvidence
from harness.regression.cell_pairing import paired_cells
from harness.regression.paired_runs import metric_infos
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_lookup import run_at
from harness.summary.error_causes import deciding

FAILED = 2.0  # the size of a change to or from an answer that failed: more than any share of a range

AnswerKey = tuple[str, str, str]  # task, variant, id


def changed_items(
    before: RunEvidence, after: RunEvidence, items: Mapping[str, Sequence[str]]
) -> tuple[tuple[ItemCounts, ...], tuple[ItemChange, ...]]:
    """By the headline figures, of a task without one by its first metric: the counts of each cell, and its first items.

    An item is broken when its value falls by at least half of the metric's range, or its answer fails now.
    """
    infos = metric_infos(before, after)
    headline = {*after.summary.headline, *before.summary.headline}
    figures = {*headline, *(str(FigureName.within(*own)) for own in deciding([*headline], infos).items())}
    chosen = {task: set(ids) for task, ids in items.items()}
    counts: list[ItemCounts] = []
    listed: list[ItemChange] = []
    for cell in paired_cells(before, after):
        info = infos.get(str(FigureName.of(cell)))
        if info is None or info.better == "neither" or str(FigureName.of(cell)) not in figures:
            continue
        changes = sorted(_changes(cell, info, chosen.get(cell.task, set())), key=lambda own: -own[0])
        kinds = [own.kind for _, own in changes]
        if changes:
            broken = kinds.count("broken")
            counts.append(
                ItemCounts(
                    task=cell.task, variant=cell.variant, metric=cell.metric, broken=broken, fixed=len(kinds) - broken
                )
            )
        for kind in ("broken", "fixed"):
            listed += [own for _, own in changes if own.kind == kind][:LISTED_ITEMS]
    return tuple(counts), tuple(_with_texts(listed, before, after))


def _changes(cell: PairedCell, info: MetricInfo, chosen: set[str]) -> Iterator[tuple[float, ItemChange]]:
    """The items of a cell that changed by at least half of the range, with the size of the change in ranges."""
    pairs = [pair for pair in zip(cell.before, cell.after, strict=True) if pair[0].sample_id in chosen]
    span = _span(pairs, info)
    for old, new in pairs:
        gain = _gain(old, new, info, span)
        if gain is not None and abs(gain) >= 0.5:
            yield (
                abs(gain),
                ItemChange(
                    kind="fixed" if gain > 0 else "broken",
                    task=cell.task,
                    variant=cell.variant,
                    metric=cell.metric,
                    sample_id=old.sample_id,
                    before=old.value,
                    after=new.value,
                    texts=ItemTexts(reason=new.error or new.reason or ""),
                ),
            )


def _gain(old: Score, new: Score, info: MetricInfo, span: float) -> float | None:
    """By which share of the range the later answer is better; None where nothing can be said."""
    if old.value is None or new.value is None:
        if new.error is not None and old.value is not None:
            return -FAILED
        return FAILED if old.error is not None and new.value is not None else None
    return (new.value - old.value) / span * (-1 if info.better == "lower" else 1) if span else None


def _span(pairs: Sequence[tuple[Score, Score]], info: MetricInfo) -> float:
    """The length of the scale; of one without an end, of the values at hand."""
    if info.low > -ENDLESS and info.high < ENDLESS:
        return info.high - info.low
    values = [own.value for pair in pairs for own in pair if own.value is not None]
    return max(values) - min(values) if values else 0.0


def _with_texts(changes: Sequence[ItemChange], before: RunEvidence, after: RunEvidence) -> Iterator[ItemChange]:
    """The items with what can be read of them, where a side is a run."""
    keys = {(own.task, own.variant, own.sample_id) for own in changes}
    folders = [_folder(side) if changes else None for side in (before, after)]
    answers = [_answers(folder, keys) if folder else {} for folder in folders]
    questions: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}
    for folder in (own for own in folders if own):
        questions |= {(own.task, own.id): (own.input, own.targets) for own in folder.samples()}
    for own in changes:
        question, targets = questions.get((own.task, own.sample_id), ("", ()))
        left, right = (side.get((own.task, own.variant, own.sample_id)) for side in answers)
        yield replace(own, texts=replace(own.texts, question=question, targets=targets, before=left, after=right))


def _folder(evidence: RunEvidence) -> RunFolder | None:
    """The folder of a run; None of a baseline, and of one that went away."""
    if evidence.acceptance is not None:
        return None
    place = Path(evidence.place)
    try:
        folder = run_at(place)
    except StoreError:
        return None
    return folder if folder.path.resolve().name == evidence.key else RunFolder(place / evidence.key)


def _answers(folder: RunFolder, keys: set[AnswerKey]) -> dict[AnswerKey, str]:
    named = ((reported_name(own.variant), own) for own in folder.predictions())
    return {
        (own.task, variant, own.sample_id): own.text
        for variant, own in named
        if (own.task, variant, own.sample_id) in keys and own.error is None
    }
