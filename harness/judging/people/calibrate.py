"""A judge against people: it is asked as a run would ask it, on items that people labelled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.answers.text import Text
from harness.components.dataset import Dataset
from harness.components.model import Model
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.errors import DataError, HarnessError, nearest
from harness.judging.asking.combining import by_judge
from harness.judging.asking.judge_metric import LATIN_TOKENS, JudgeMetric
from harness.judging.people.against_people import PAIR, calibration
from harness.judging.people.calibrations import store
from harness.judging.people.label_rows import refuse
from harness.judging.people.labels import PASSAGES, Labels, ScoredItem, check_scale, read_labels
from harness.records.call_counts import CallCounts
from harness.records.figure_names import FigureName
from harness.records.inputs import Cell, Generation, Language, Sample
from harness.records.judgements import Calibration, Judgement
from harness.records.outputs import Prediction, Reading
from harness.runtime.context import Context
from harness.suite.task_language import task_language
from harness.text.counting import counted
from harness.text.templates import Template

if TYPE_CHECKING:
    from harness.suite.suite import Suite

TASK = "calibration"
QUESTION = Template("{{ input }}", TASK)


def calibrate(
    suite: "Suite",
    labels_path: Path,
    figure: str | None,
    context: Context,
    items: Path | None = None,
    answer: str | None = None,
) -> list[Calibration]:
    """Each judge of the metric `figure` ("task.metric") against the labels of a file; stored by the judge's identity.

    Without `figure`, of the one metric of the suite that fits the labels. Every item that holds a label is judged by
    itself, or in both orders, once. Answers that a run would not ask a judge about (an empty one, two equal ones) say
    nothing about it and are left out. Raises HarnessError; nothing is stored if a judge failed on most items.
    """
    labels = _labelled(read_labels(labels_path, items, answer), context)
    name, metric = chosen(suite, figure, bool(labels.pairs), any(item.passages for item in labels.scored))
    task, predictions = _material(labels)
    metric = metric.for_task(replace(task, language=_language(suite, FigureName.parse(name).task, task.data)))
    _refuse_mistakes(metric, labels)
    metric = metric.model_copy(update={"repeats": 1})  # what identifies a judge does not tell how often it is asked
    _check(metric, task, predictions, suite.models)
    context.begin(Cell(name, labels.name))
    scoring = Scoring(
        metric=FigureName.parse(name).metric, task=task, context=context, reference="second", seed=suite.seed
    )
    try:
        samples = {sample.id: sample for sample in task.data.test}
        metric.score_batch([samples[prediction.sample_id] for prediction in predictions], predictions, scoring)
    finally:
        context.close()
    calibrations = [
        calibration(judge, metric, metric.identity(context.model_digest(judge)), labels, judgements, suite.seed)
        for judge, judgements in by_judge(scoring.judgements).items()
    ]
    _tell(labels, calibrations, context.counts, context)
    _refuse_failed(labels, calibrations, scoring.judgements)
    for record in calibrations:
        store(record)
    return calibrations


# -- before any judge is asked ----------------------------------------------------------------------------------------


def chosen(suite: "Suite", figure: str | None, pairwise: bool, has_passages: bool = False) -> tuple[str, JudgeMetric]:
    """The metric to calibrate: the one named, or the only one that fits the labels. Raises HarnessError.

    Metrics that ask the same judges in the same way are one: what is measured of it is shown for all.
    """
    asking = {
        str(FigureName(task, name)): metric
        for task, spec in suite.tasks.items()
        for name, metric in spec.metrics.items()
        if isinstance(metric, JudgeMetric)
    }
    kind = "compares two answers" if pairwise else "judges single answers"
    fitting = {
        name: metric
        for name, metric in asking.items()
        if metric.pairwise == pairwise and (has_passages or name == figure or not metric.needs_passages)
    }
    if figure is not None and figure not in asking:
        raise HarnessError(f"--metric {figure}: no metric of that name asks a judge ({nearest(figure, asking)})")
    if figure is not None and figure not in fitting:
        raise HarnessError(f"--metric {figure}: these labels need a metric that {kind} ({nearest(figure, fitting)})")
    if not fitting:
        raise HarnessError(
            f"{suite.path}: these labels need a metric that {kind}; metrics with a judge: {', '.join(asking) or 'none'}"
        )
    if figure is None and len({(metric.judges, metric.identity("")) for metric in fitting.values()}) > 1:
        raise HarnessError(f"several metrics fit these labels: name one with --metric: {', '.join(fitting)}")
    name = figure or next(iter(fitting))
    return name, fitting[name]


def _language(suite: "Suite", name: str, labelled: Dataset) -> Language:
    """In which language a run asks about a task; where its data are not at hand, that of the labelled items."""
    spec = suite.tasks[name]
    try:
        data = labelled if suite.language != "auto" else spec.data.read(name, suite.seed)
    except HarnessError:
        data = labelled
    return task_language(suite.language, data, [spec.prompt, spec.system])


def _labelled(labels: Labels, context: Context) -> Labels:
    """Without the items that nobody labelled."""
    scored = tuple(item for item in labels.scored if any(score is not None for score in item.scores))
    pairs = tuple(item for item in labels.pairs if any(verdict is not None for verdict in item.verdicts))
    total, labelled = len(labels.scored) + len(labels.pairs), len(scored) + len(pairs)
    if labelled < total:
        context.display.note(f"{labels.name}: left out: {total - labelled} of {total} items, which nobody labelled")
    return replace(labels, scored=scored, pairs=pairs)


def _refuse_mistakes(metric: JudgeMetric, labels: Labels) -> None:
    """Labels that the rubric does not fit."""
    check_scale(labels, metric.rules.low, metric.rules.high)
    if metric.needs_passages:
        refuse(
            f"{item.place}: has no passages; the answer is judged by those that it was written from: add a column "
            f"'{PASSAGES}'"
            for item in labels.scored
            if not item.passages
        )
    parts = sorted({dimension.name for dimension in metric.rules.dimensions} & {*labels.annotators})
    if parts and labels.scored:
        raise DataError(
            f"{labels.name}: {', '.join(parts)}: a dimension of rubric {metric.rules.name} stands where an annotator "
            "should; give each annotator's overall score, as score_NAME"
        )


def _material(labels: Labels) -> tuple[Task, list[Prediction]]:
    """The labelled items as a task with answers, so that they are judged by the very code that judges a run."""
    samples, predictions = [], []
    for item in labels.scored or labels.pairs:
        samples.append(
            Sample(id=item.place, task=TASK, input=item.question, targets=(item.reference,) if item.reference else ())
        )
        answers = (
            {"answer": item.answer} if isinstance(item, ScoredItem) else {PAIR[0]: item.first, PAIR[1]: item.second}
        )
        passages = tuple({"text": text} for text in item.passages) if isinstance(item, ScoredItem) else ()
        for variant, text in answers.items():
            predictions.append(
                Prediction(
                    sample_id=item.place,
                    task=TASK,
                    variant=variant,
                    messages=(),
                    text=text,
                    reading=Reading(text),
                    passages=passages,
                )
            )
    return Task(
        name=TASK, data=Dataset(tuple(samples)), template=QUESTION, system=None, answer=Text(), generation=Generation()
    ), predictions


def _check(metric: JudgeMetric, task: Task, predictions: Sequence[Prediction], models: Mapping[str, Model]) -> None:
    """Raise HarnessError if a judge cannot be asked, or not about the longest item."""
    metric.check()
    problems = [metric.check_task(task)]
    for name in metric.judges:
        try:
            if models[name].base_name is not None:
                raise HarnessError("is made by a run; calibrate a judge that is there without one")
            models[name].check()
        except HarnessError as error:
            problems += [f"models.{name}: {line}" for line in error.lines]
    if not any(problems):
        lengths = Counter[str]()
        for prediction in predictions:
            lengths[prediction.sample_id] += len(prediction.text)
        longest = max(
            task.data.test, key=lambda sample: lengths[sample.id] + len(sample.input) + sum(map(len, sample.targets))
        )
        tokens = int(LATIN_TOKENS * lengths[longest.id]) // (2 if metric.pairwise else 1)
        alone = replace(task, data=Dataset((longest,)), generation=Generation(max_tokens=tokens))
        problems.append(metric.check_models(alone, models))
    if any(problems):
        raise HarnessError(*filter(None, problems))


# -- what came of it --------------------------------------------------------------------------------------------------


def _tell(labels: Labels, calibrations: Sequence[Calibration], counts: CallCounts, context: Context) -> None:
    """How it went, and which labelled items the figures do not rest on."""
    failed = f", {counts.failed} failed" if counts.failed else ""
    context.display.finish(f"{counted(counts.calls, 'call')} in {counts.seconds:.1f} s, {counts.cached} cached{failed}")
    labelled = len(labels.scored) + len(labels.pairs)
    decided = labelled - max((record.items for record in calibrations), default=0)
    if decided:
        context.display.note(
            f"{labels.name}: left out: {decided} of {labelled} items, which are decided without a judge "
            "(an empty answer, or two equal ones)"
        )
    for record in calibrations:
        without = record.items - record.unreadable - record.failed - record.against.items
        if without:
            context.display.note(
                f"{record.judge}: left out of its κ: {without} of {record.items} items, on which the annotators "
                "are divided"
            )


def _refuse_failed(labels: Labels, calibrations: Sequence[Calibration], judgements: Sequence[Judgement]) -> None:
    """A judge that was down most of the time is not measured, and must not replace what was measured before."""
    if not any(record.items for record in calibrations):
        raise HarnessError(f"{labels.name}: no item is left that a judge is asked about; label answers that differ")
    errors = {record.judge: record.error for record in judgements if record.error}
    down = [record for record in calibrations if record.failed * 2 > record.items]
    if down:
        raise HarnessError(
            *(
                f"judge {record.judge} failed on {record.failed} of {record.items} items "
                f"({errors[record.judge]}): nothing was stored; mend it and run the command again: what was "
                "answered is cached"
                for record in down
            )
        )
