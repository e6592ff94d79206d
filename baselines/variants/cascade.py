"""Cascades: the cheap variant answers what it is sure of, and only the rest goes to the next one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from baselines.support.confidence import Confidence, contains_rows, searched_knowledge, unfit_reason
from baselines.support.remembered_rows import is_trained_on
from harness.components.calls import Calls
from harness.components.component import named
from harness.components.fields import Reference
from harness.components.metric import Mark, Metric, scoring_phase
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Step
from harness.statistics.serving_times import joint_serving


class Cascade(Variant):
    """Asks the cheap variant first, and the next one where its confidence is under a threshold learnt before the test.

    The threshold of each step is the lowest whose score on validation rows (train rows where there are none) is within
    `tolerance` of the best that any threshold reaches there: of equal quality, the cheaper. Test rows are never used.
    """

    single: ClassVar[bool] = False

    of: list[Annotated[str, Reference("variants", "single")]] = Field(min_length=2)
    """The variants, the cheap ones first."""
    confidence: Confidence = "logprob"
    """What tells how sure an answer is: mean log-probability of its tokens, lead of the likeliest option, share of
    votes, or score of the first hit."""
    metric: str | None = None
    """The task's metric that is to be kept up; null: its first one."""
    tolerance: float = Field(0.0, ge=0)
    """How much of that metric may be given up for fewer calls, in its own units."""
    learn: int = Field(200, ge=10)
    """Most rows that thresholds are learnt from."""
    thresholds: list[float] | None = None
    """Thresholds instead of learnt ones, one for each step but the last; null: they are learnt."""

    @model_validator(mode="after")
    def _steps_fit(self) -> "Cascade":
        if self.thresholds is not None and len(self.thresholds) != len(self.of) - 1:
            raise ValueError(f"thresholds: {len(self.of) - 1} are needed, one for each step but the last")
        if len(set(self.of)) < len(self.of):
            raise ValueError("of: the steps must differ")
        return self

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        steps = {name: resources.variants[name] for name in self.of}
        problems = self._metric_problems(task, resources.metrics[_origin(task).name])
        problems += [
            f"step {name} was made elsewhere, so nothing can be passed to it; name a variant that asks a model"
            for name, step in steps.items()
            if step.is_foreign
        ]
        for name in self.of[:-1]:
            reason = unfit_reason(self.confidence, steps[name], task, models)
            if reason is not None:
                problems.append(f"confidence: {self.confidence}: step {name} {reason}")
        if self.thresholds is None and not task.data.validation:
            problems += [
                f"knowledge {name} holds the train rows themselves: thresholds learnt on them would be those of "
                "questions whose answer is looked up; give validation rows, or thresholds"
                for name in sorted({name for step in steps.values() for name in searched_knowledge(step)})
                if contains_rows(resources.knowledge[name].passage_set(), task.data.train[: self.learn])
            ]
            problems += [
                f"the model of step {name} is trained on the train rows: thresholds learnt on them would be those of "
                "questions that it knows; give validation rows, or thresholds"
                for name, step in steps.items()
                if any(is_trained_on(task, model, models) for model in named(step, "models"))
            ]
        return problems

    def _metric_problems(self, task: Task, metrics: Mapping[str, Metric]) -> list[str]:
        """What keeps thresholds from being learnt by the deciding metric."""
        if self.thresholds is None and not (task.data.validation or task.data.train):
            return ["there are no validation or train rows to learn thresholds from; give thresholds"]
        if self.metric is not None and self.metric not in metrics:
            return [f"metric: '{self.metric}' is not a metric of the task ({', '.join(metrics)})"]
        deciding = self.metric or next(iter(metrics))
        if self.thresholds is None and scoring_phase(metrics[deciding]):
            return [
                f"thresholds cannot be learnt by {deciding}, which asks models itself; "
                "give metric: one that does not, or thresholds"
            ]
        return []

    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        thresholds = self.thresholds if self.thresholds is not None else self._learnt_once(task, calls, resources)
        final: dict[str, Prediction] = {}
        attempts: dict[str, list[Prediction]] = {sample.id: [] for sample in samples}
        route: dict[str, tuple[Step, ...]] = {sample.id: () for sample in samples}
        left = list(samples)
        for name, threshold in zip(self.of, [*thresholds, None], strict=True):
            predictions = resources.variants[name].answer(task, left, calls, resources) if left else []
            for prediction in predictions:
                confidence = self._confidence(prediction) if threshold is not None else None
                route[prediction.sample_id] += (Step(name, _finite(confidence), _finite(threshold)),)
                attempts[prediction.sample_id].append(prediction)
                if threshold is None or confidence is None or confidence >= threshold:
                    final[prediction.sample_id] = prediction
            left = [sample for sample in left if sample.id not in final]
        return [_routed(final[sample.id], attempts[sample.id], route[sample.id]) for sample in samples]

    def _confidence(self, prediction: Prediction) -> float:
        """How sure the step was; a reply that failed or that has no readable answer is no reason to stop."""
        if prediction.error is not None or prediction.reading.reason is not None:
            return -math.inf
        return prediction.confidence.get(self.confidence, -math.inf)  # none: no passage was found, or a vote failed

    def asked_before(self, task: Task) -> Sequence[Sample]:
        return self._rows_to_learn(_origin(task)) if self.thresholds is None else ()

    def labelled_rows(self, task: Task) -> Sequence[Sample]:
        return [*self.asked_before(task)]

    def _learnt_once(self, task: Task, calls: Calls, resources: Resources) -> list[float]:
        """The thresholds of the task itself, also for the probes derived from it: they are one system."""
        origin = _origin(task)
        key = (calls.cell.variant, origin.name)
        if key not in resources.thresholds:
            resources.thresholds[key] = self._learn(origin, calls, resources)
        return resources.thresholds[key]

    def _learn(self, task: Task, calls: Calls, resources: Resources) -> list[float]:
        rows = self._rows_to_learn(task)
        metrics = resources.metrics[task.name]
        metric = metrics[self.metric or next(iter(metrics))]
        trials = []
        for name in self.of:
            predictions = resources.variants[name].answer(task, rows, calls, resources)
            confidences = [] if name == self.of[-1] else [self._confidence(prediction) for prediction in predictions]
            trials.append(Trial(confidences, _values(metric, rows, predictions)))
        sign = -1.0 if metric.scale_of("").better == "lower" else 1.0
        return learn_thresholds(trials, sign, self.tolerance)

    def _rows_to_learn(self, task: Task) -> Sequence[Sample]:
        return (task.data.validation or task.data.train)[: self.learn]


@dataclass(frozen=True)
class Trial:
    """One step on the rows to learn from: how sure it was of its answers, and how good they were."""

    confidences: Sequence[float]
    values: Sequence[float]


def learn_thresholds(trials: Sequence[Trial], sign: float = 1.0, tolerance: float = 0.0) -> list[float]:
    """A threshold for each step but the last, from the last backwards, each against those that follow.

    For every cut between two confidences the mean of "own answer above, the following steps' answer below" is
    computed; the lowest threshold within `tolerance` of the best mean is taken. -inf stops always, inf never.
    """
    after = [sign * value for value in trials[-1].values]
    thresholds: list[float] = []
    for trial in reversed(trials[:-1]):
        own = [sign * value for value in trial.values]
        cuts = [-math.inf, *sorted({value for value in trial.confidences if value > -math.inf}), math.inf]
        rows = list(zip(own, trial.confidences, after, strict=True))
        totals = {cut: math.fsum(o if c >= cut else a for o, c, a in rows) for cut in cuts}
        least = max(totals.values()) - (tolerance * len(own) + 1e-9)
        threshold = next(cut for cut in cuts if totals[cut] >= least)
        thresholds.insert(0, threshold)
        after = [o if c >= threshold else a for o, c, a in rows]
    return thresholds


def _values(metric: Metric, rows: Sequence[Sample], predictions: Sequence[Prediction]) -> list[float]:
    """How good each answer is; a failed one counts as the worst."""
    answered = [i for i, prediction in enumerate(predictions) if prediction.error is None]
    marks = metric.score_batch([rows[i] for i in answered], [predictions[i] for i in answered])
    scale = metric.scale_of("")
    worst = scale.high if scale.better == "lower" else scale.low
    by_index = {i: _value(mark, worst) for i, mark in zip(answered, marks, strict=True)}
    return [by_index.get(i, worst) for i in range(len(rows))]


def _value(marks: object, worst: float) -> float:
    """A metric's own value; unknown counts as the worst."""
    mark = marks.get("") if isinstance(marks, Mapping) else marks
    value = mark.value if isinstance(mark, Mark) else mark
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else worst


def _routed(final: Prediction, attempts: Sequence[Prediction], route: tuple[Step, ...]) -> Prediction:
    """The answer of the last step asked, at the cost of all steps."""
    return replace(
        final,
        route=route,
        tokens_in=sum(prediction.tokens_in for prediction in attempts),
        tokens_out=sum(prediction.tokens_out for prediction in attempts),
        seconds=sum(prediction.seconds for prediction in attempts),
        serving=joint_serving(attempts),
    )


def _finite(value: float | None) -> float | None:
    """A number that JSON can hold; the thresholds of always and never are infinite and become null."""
    return value if value is not None and math.isfinite(value) else None


def _origin(task: Task) -> Task:
    """The task itself, or the one that a probe was derived from."""
    return task.probe_of or task
