"""Whether a run's judges still say what they said of the same answers; one that moved blames no model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydantic import ValidationError

from harness.answers.text import Text
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.metric import Mark, Marks
from harness.components.model import Model
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.errors import HarnessError
from harness.judging.asking.judge_metric import JudgeMetric
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.inputs import JSON, Cell, Generation, Sample
from harness.records.judge_anchors import JudgeAnchor, JudgeStanding
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction, Reading
from harness.records.run_evidence import RunEvidence
from harness.records.sentences import Sentence
from harness.regression.anchors import flips
from harness.regression.paired_runs import rebuilt_metric
from harness.regression.policy import DriftOptions
from harness.regression.recorded_components import recorded_class
from harness.runtime.cache import cache_root
from harness.runtime.context import Context
from harness.runtime.no_stores import NoCompletions
from harness.statistics.e_values import drop_p
from harness.statistics.resampling import Floats
from harness.text.counting import counted
from harness.text.stating import state
from harness.text.templates import Template

SIDES = ("first", "second")  # as which the answers of an anchor are shown
LEAST = 5  # anchors with a verdict: of fewer no test can show anything
QUESTION = Template("{{ input }}", "anchor")


def judge_standing(
    anchors: Sequence[JudgeAnchor], sides: tuple[RunEvidence, RunEvidence], options: DriftOptions, display: Display
) -> JudgeStanding:
    """Ask the judges of a run about its baseline's anchors again, past the cache; `sides` are baseline and run.

    A judge that cannot be asked is a note, and its metric is compared as it is; one that is another is left out.
    """
    before, run = sides
    by_figure: dict[str, list[JudgeAnchor]] = {}
    for anchor in anchors:
        by_figure.setdefault(str(FigureName(anchor.task, anchor.metric)), []).append(anchor)
    identities = [side.record.get("judge_ids") or {} for side in sides]
    moved: dict[str, Sentence] = {}
    notes: list[Sentence] = []
    for figure, own in by_figure.items():
        if figure not in run.summary.metrics or identities[0].get(figure) != identities[1].get(figure):
            continue
        try:
            readings = second_readings(figure, own, run, display)
            reason, is_moved = _standing(own, readings, options, before.summary.metrics[figure])
        except HarnessError as error:
            english = "Whether the judge of {figure} has moved is not known: {problem}."
            notes.append(state("gate.judge_unknown", english, figure=figure, problem="; ".join(error.lines)))
            continue
        if is_moved:
            moved[figure] = reason
        notes.append(state("gate.judge_standing", "The judge of {figure}: {reason}.", figure=figure, reason=reason))
    return JudgeStanding(moved=moved, notes=tuple(notes))


@dataclass(frozen=True, slots=True)
class SecondReading:
    """What came of an anchor now; None: no verdict."""

    score: float | None
    flipped: bool = False


def second_readings(
    figure: str, anchors: Sequence[JudgeAnchor], run: RunEvidence, display: Display
) -> list[SecondReading]:
    """The judges' verdicts on the anchors as they are now, by the very code that judges a run. Raises HarnessError."""
    with TemporaryDirectory() as folder:
        metric = _metric(figure, run, Path(folder))
        models = {name: _judge(name, run) for name in metric.judges}
        for model in models.values():
            model.check()
        context = Context(
            models, NoCompletions(cache_root() / "calls.sqlite"), display, int(run.record.get("seed") or 0)
        )
        task, predictions = _material(anchors)
        metric = metric.for_task(task)
        context.begin(Cell(figure, "anchors"))
        scoring = Scoring(
            metric=anchors[0].metric,
            task=task,
            context=context,
            reference=SIDES[1],
            seed=int(run.record.get("seed") or 0),
        )
        samples = {sample.id: sample for sample in task.data.test}
        try:
            marks = metric.score_batch([samples[own.sample_id] for own in predictions], predictions, scoring)
        finally:
            context.close()
        display.finish(f"{counted(context.counts.calls, 'call')} in {context.counts.seconds:.1f} s")
        return _readings(anchors, predictions, marks, scoring.judgements)


def _metric(figure: str, run: RunEvidence, folder: Path) -> JudgeMetric:
    """The metric as the run had it; a rubric of the suite's own is taken from run.json."""
    info = run.summary.metrics[figure]
    settings, rubrics = dict(info.settings), run.record.get("rubrics") or {}
    name = Path(str(settings.get("rubric", ""))).stem
    metric = rebuilt_metric(info, run)
    if metric is None and name in rubrics:
        path = folder / f"{name}.yaml"
        path.write_text(str(rubrics[name]), encoding="utf-8")
        own = MetricInfo(
            component=info.component,
            settings={**settings, "rubric": str(path)},
            low=info.low,
            high=info.high,
            better=info.better,
        )
        metric = rebuilt_metric(own, run)
    if not isinstance(metric, JudgeMetric):
        raise HarnessError(f"its metric {info.component} cannot be made again from what the run recorded")
    return metric


def _judge(name: str, run: RunEvidence) -> Model:
    """A judge as the run had it."""
    record: Mapping[str, JSON] = (run.record.get("judges") or {}).get(name) or {}
    own = recorded_class("model", str(record.get("component")))
    try:
        model = own.model_validate(record.get("settings") or {}) if own else None
    except ValidationError as error:
        raise HarnessError(f"its judge {name} cannot be made again: {error.errors()[0]['msg']}") from error
    if not isinstance(model, Model):
        raise HarnessError(f"its judge {name} cannot be made again from what the run recorded")
    return model


def _material(anchors: Sequence[JudgeAnchor]) -> tuple[Task, list[Prediction]]:
    """The anchors as a task with answers."""
    samples, predictions = [], []
    for anchor in anchors:
        targets = (anchor.reference,) if anchor.reference else ()
        samples.append(Sample(id=anchor.sample_id, task=anchor.task, input=anchor.question, targets=targets))
        for side, answer in zip(SIDES, anchor.answers, strict=False):
            predictions.append(
                Prediction(
                    sample_id=anchor.sample_id,
                    task=anchor.task,
                    variant=side,
                    messages=(),
                    text=answer.text,
                    reading=Reading(answer.text),
                    passages=tuple({"text": text} for text in answer.passages),
                )
            )
    task = Task(
        name=anchors[0].task,
        data=Dataset(tuple(samples)),
        template=QUESTION,
        system=None,
        answer=Text(),
        generation=Generation(),
        language=anchors[0].language,
    )
    return task, predictions


def _readings(
    anchors: Sequence[JudgeAnchor],
    predictions: Sequence[Prediction],
    marks: Sequence[Marks],
    judgements: Sequence[Judgement],
) -> list[SecondReading]:
    """The verdict on each anchor, or on its first answer against its second."""
    scores = {
        prediction.sample_id: _value(mark)
        for prediction, mark in zip(predictions, marks, strict=True)
        if prediction.variant == SIDES[0]
    }
    by_item: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        by_item.setdefault(judgement.sample_id, []).append(judgement)
    return [
        SecondReading(
            scores[own.sample_id],
            len(own.answers) == 2 and flips(by_item.get(own.sample_id, []), (SIDES[0], SIDES[1])),
        )
        for own in anchors
    ]


def _value(mark: Marks) -> float | None:
    own = mark.get("") if isinstance(mark, Mapping) else mark
    return own.value if isinstance(own, Mark) else own


def _standing(
    anchors: Sequence[JudgeAnchor], readings: Sequence[SecondReading], options: DriftOptions, info: MetricInfo
) -> tuple[Sentence, bool]:
    """What the paired test says, and whether the judge has moved. Raises HarnessError where too little is known."""
    pairs = [(old, new, new.score) for old, new in zip(anchors, readings, strict=True) if new.score is not None]
    if len(pairs) < min(LEAST, len(anchors)) or 2 * len(pairs) < len(anchors):
        raise HarnessError(f"it gave a verdict on {len(pairs)} of {counted(len(anchors), 'stored answer')}")
    shifts = np.array([score - old.score for old, _, score in pairs])
    turns = np.array([float(new.flipped) - float(old.flipped) for old, new, _ in pairs])
    mean = sum(old.score for old, _, _ in pairs) / len(pairs)
    p, p_turns = two_sided(shifts), two_sided(turns)
    are_pairs = len(anchors[0].answers) == 2
    count = {"n": len(pairs), "count": f"{len(pairs):,}"}
    text = state(
        "gate.judge_scores",
        "the same {answers} had {before} and have {now} (p {p})",
        answers=state("gate.stored_pairs", counted(len(pairs), "stored pair"), **count)
        if are_pairs
        else state("gate.stored_answers", counted(len(pairs), "stored answer"), **count),
        before=f"{mean:.3g}",
        now=f"{mean + float(shifts.mean()):.3g}",
        p=f"{p:.2g}",
    )
    if are_pairs:
        before, after = (
            sum(own.flipped for own in side) for side in ([x for x, _, _ in pairs], [y for _, y, _ in pairs])
        )
        english = "{scores}, and {before} and {after} verdicts changed with the order (p {p})"
        text = state("gate.judge_turns", english, scores=text, before=before, after=after, p=f"{p_turns:.2g}")
    least = options.min_shift * (info.high - info.low)
    has_shifted = p < options.level and abs(float(shifts.mean())) >= least
    has_turned = p_turns < options.level and abs(float(turns.mean())) >= options.min_shift
    if has_shifted or has_turned:
        return state("gate.judge_moved", "the judge has moved: {reason}", reason=text), True
    return text, False


def two_sided(differences: Floats) -> float:
    """Two-sided p of no difference, by signs (`drop_p`)."""
    return min(1.0, 2 * min(drop_p(differences), drop_p(-differences)))
