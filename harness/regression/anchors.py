"""A small seeded set of judged answers, drawn when a baseline is accepted and kept beside it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.errors import StoreError, reason_of
from harness.judging.asking.combining import Pair, outcome, verdicts
from harness.judging.asking.judge_metric import judged_text, passage_texts
from harness.judging.people.rated_task import RatedTask, rated_task
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Language
from harness.records.judge_anchors import AnchoredAnswer, JudgeAnchor
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction
from harness.runtime.run_folder import RunFolder
from harness.runtime.whole_files import replace_file, writing

ANCHORS = "anchors.jsonl"
ITEMS = 30  # of each judged metric: a judge that moved on all of them is seen, and asking so many takes little
_ANCHOR = TypeAdapter(JudgeAnchor)


def write_anchors(folder: RunFolder | None, place: Path) -> int:
    """Draw the anchors of a run and write them beside its baseline; returns how many. Without any an older file goes.

    Raises StoreError.
    """
    anchors = draw_anchors(folder) if folder is not None else []
    path = place / ANCHORS
    with writing(path):
        if anchors:
            replace_file(path, [_ANCHOR.dump_json(own) + b"\n" for own in anchors])
        else:
            path.unlink(missing_ok=True)
    return len(anchors)


def read_anchors(place: Path) -> list[JudgeAnchor]:
    """The anchors beside a baseline; none where it has no judged metric. Raises StoreError that names the line."""
    path = place / ANCHORS
    if not path.is_file():
        return []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {reason_of(error)}") from error
    anchors = []
    for number, line in enumerate(lines, 1):
        try:
            anchors.append(_ANCHOR.validate_json(line))
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise StoreError(f"{path}:{number}: no anchor ({problem}); accept the baseline again") from error
    return anchors


def draw_anchors(folder: RunFolder) -> list[JudgeAnchor]:
    """ITEMS items of each judged metric at most, one answer or pair of each, the variants in turn."""
    judgements = folder.judgements()
    if not judgements:
        return []
    finished = folder.finished()
    by_metric: dict[tuple[str, str], list[Judgement]] = {}
    for judgement in judgements:
        by_metric.setdefault((judgement.task, judgement.metric), []).append(judgement)
    records: Mapping[str, JSON] = finished.run.get("tasks") or {}
    return [
        anchor
        for (task, metric), own in by_metric.items()
        for anchor in _drawn(finished, rated_task(finished, task), metric, own, _language(records.get(task) or {}))
    ]


def _language(record: Mapping[str, JSON]) -> Language:
    return "en" if record.get("language") == "en" else "zh"


def _drawn(
    finished: FinishedRun, task: RatedTask, metric: str, judgements: Sequence[Judgement], language: Language
) -> Iterator[JudgeAnchor]:
    """The anchors of one metric."""
    by_item: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        if judgement.sample_id in task.samples and judgement.attempts:
            by_item.setdefault(judgement.sample_id, []).append(judgement)
    scores = {
        (own.sample_id, own.variant): own.value
        for own in finished.scores
        if (own.task, own.metric) == (task.name, metric)
    }
    items = sorted(by_item)
    random.Random(int(finished.run.get("seed") or 0)).shuffle(items)
    drawn = 0
    for sample in items:
        anchor = _anchor(task, metric, by_item[sample], scores, drawn, language)
        if anchor is not None:
            yield anchor
            drawn += 1
        if drawn == ITEMS:
            return


def _anchor(
    task: RatedTask,
    metric: str,
    judgements: Sequence[Judgement],
    scores: Mapping[tuple[str, str], float | None],
    turn: int,
    language: Language,
) -> JudgeAnchor | None:
    """One item; None where nothing is known of any of its answers."""
    sample = task.samples[judgements[0].sample_id]
    variant_sets = sorted({(own.variant,) if own.rival is None else (own.variant, own.rival) for own in judgements})
    for variants in (*variant_sets[turn % len(variant_sets) :], *variant_sets[: turn % len(variant_sets)]):
        answers = [task.answers[sample.id].get(variant) for variant in variants]
        flipped = False
        if len(variants) == 2:
            pair: Pair = (variants[0], variants[1])
            own = [judgement for judgement in judgements if {judgement.variant, judgement.rival} == set(pair)]
            score, flipped = outcome(own, pair), flips(own, pair)
        else:
            score = scores.get((sample.id, variants[0]))
        if score is not None and all(answer is not None for answer in answers):
            return JudgeAnchor(
                task=task.name,
                metric=metric,
                sample_id=sample.id,
                language=language,
                question=task.question(sample),
                reference=task.reference(sample),
                answers=tuple(_anchored(answer) for answer in answers if answer is not None),
                score=score,
                flipped=flipped,
            )
    return None


def flips(judgements: Sequence[Judgement], pair: Pair) -> bool:
    """Whether any reading of a pair says otherwise in the other order."""
    return any(None not in both and both[0] != both[1] for both in verdicts(judgements, pair))


def _anchored(prediction: Prediction) -> AnchoredAnswer:
    return AnchoredAnswer(variant=prediction.variant, text=judged_text(prediction), passages=passage_texts(prediction))
