"""What a run is compared by: read from its folder, or from the baseline that was made of one."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import StoreError
from harness.records.derived_names import reported_name, without_seed
from harness.records.figure_names import FigureName
from harness.records.inputs import Sample
from harness.records.outputs import Score
from harness.records.run_evidence import QuestionId, RunEvidence
from harness.records.sentences import Sentence
from harness.records.summary import Summary
from harness.regression.baseline_folder import is_baseline, read_baseline
from harness.regression.item_digests import answer_digests, question_digests
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_lookup import run_at
from harness.runtime.run_shelf import FINISHED
from harness.text.counting import counted
from harness.text.stating import state

Cells = Counter[tuple[str, str, str]]  # task, variant, metric → scores with a value


def read_evidence(place: Path) -> RunEvidence:
    """A run folder, the newest run below a folder such as runs/NAME, or a baseline.

    Raises StoreError where it is neither, not finished, or its files do not belong together.
    """
    return read_baseline(place) if is_baseline(place) else run_evidence(run_at(place), place)


def run_evidence(folder: RunFolder, place: Path) -> RunEvidence:
    """A finished run, named as the user named it. Raises StoreError."""
    record = folder.read_run()
    status = record.get("status", "complete")
    if status not in FINISHED:
        raise StoreError(f"{folder.path}: the run is not finished (status {status}); run the same suite again")
    samples, summary = folder.samples(), folder.summary()
    scores = [replace(own, variant=reported_name(own.variant)) for own in folder.scores()]
    finite, remarks = _finite(scores)
    _refuse_lost(folder, summary, scores)
    _refuse_strangers(folder, samples, scores)
    return RunEvidence(
        place=str(place),
        key=folder.path.resolve().name,
        suite=str(record["suite"].get("name") or summary.name),
        started=str(record.get("started", "")),
        record=record,
        summary=summary,
        scores=finite,
        questions=question_digests(samples, record),
        answers=answer_digests(folder.predictions()),
        groups=_groups(samples),
        limited=record.get("limited") or {},
        remarks=tuple(remarks),
    )


def _groups(samples: Sequence[Sample]) -> dict[QuestionId, str]:
    return {(sample.task, sample.id): sample.group for sample in samples if sample.group is not None}


def _finite(scores: Sequence[Score]) -> tuple[list[Score], list[Sentence]]:
    """The scores, those that are no numbers as unknown; and which cells have such."""
    strange = [own for own in scores if not _is_finite(own)]
    cells = Counter((own.task, own.metric, own.variant) for own in strange)
    places = {id(own) for own in strange}
    finite = [replace(own, value=None, counts=None) if id(own) in places else own for own in scores]
    return finite, [
        state(
            "comparison.not_a_number",
            "{task}.{metric}, {variant}: {count} scores are no finite number; they count as unknown",
            task=task,
            metric=metric,
            variant=variant,
            count=count,
        )
        for (task, metric, variant), count in cells.items()
    ]


def _is_finite(score: Score) -> bool:
    numbers = (score.value, *(score.counts or {}).values())
    return all(number is None or math.isfinite(number) for number in numbers)


def _refuse_lost(folder: RunFolder, summary: Summary, scores: Sequence[Score]) -> None:
    """Raise StoreError where fewer scores lie in the folder than its figures were made of."""
    lost = list(_lost(summary, Counter((own.task, own.variant, own.metric) for own in scores if own.value is not None)))
    if lost:
        more = f", and {counted(len(lost) - 1, 'further cell')}" if len(lost) > 1 else ""
        raise StoreError(
            f"{folder.path / 'scores.jsonl'}: cut short: {lost[0]}{more}; "
            "score the run again with `harness run SUITE --from score`"
        )


def _lost(summary: Summary, cells: Cells) -> Iterator[str]:
    """The cells of whose scores the file holds fewer than their figure was made of."""
    pools = {own.variant for own in summary.seeds}
    members: dict[str, set[str]] = {}
    for _, variant, _ in cells:
        members.setdefault(without_seed(variant) if without_seed(variant) in pools else variant, set()).add(variant)
    for result in (*summary.results, *summary.general):
        figure = FigureName.of(result)
        info = summary.metrics.get(str(figure))
        variants = members.get(result.variant, {result.variant})
        is_summed = figure.part and info is not None and info.corpus  # made of the counts of the metric itself
        metric = figure.metric if is_summed else result.metric
        count = min(cells[result.task, variant, metric] for variant in variants)
        if count < result.known:
            yield f"it holds {count} of the {result.known} scores of {figure}, {result.variant}"


def _refuse_strangers(folder: RunFolder, samples: Sequence[Sample], scores: Sequence[Score]) -> None:
    """Raise StoreError where scores are of items that the folder does not have."""
    items = {(sample.task, sample.id) for sample in samples}
    stranger = next((own for own in scores if (own.task, own.sample_id) not in items), None)
    if stranger is not None:
        raise StoreError(
            f"{folder.path / 'scores.jsonl'}: item {stranger.sample_id} of {stranger.task} is not in samples.jsonl; "
            "run the suite again"
        )
