"""Cascades: the cheap variant answers what it is sure of, and only the rest goes to the next one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

from baselines.support.confidence import Confidence, holds_rows, searched, unfit
from harness.components.component import named
from harness.components.fields import Reference
from harness.components.knowledge import Knowledge
from harness.components.metric import Mark, Metric
from harness.components.scoring import scoring_phase
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Step
from harness.runtime.context import Context

if TYPE_CHECKING:
    from harness.suite.suite import Suite


def _is_trained_on(task: Task, model: str, suite: "Suite") -> bool:
    """Whether a model, or one that it is made of, learns the task's train rows."""
    made = suite.models[model]
    return task.name in named(made, "tasks") or any(_is_trained_on(task, base, suite) for base in named(made, "models"))


class Cascade(Variant):
    """Asks the cheap variant first, and the next one where its confidence is under a threshold learnt before the test.

    The threshold of each step is the lowest whose score on validation rows (train rows where there are none) is within
    `tolerance` of the best that any threshold reaches there: of equal quality, the cheaper. Test rows are never used.
    """

    single: ClassVar[bool] = False

    of: list[Annotated[str, Reference("variants", "single")]] = Field(min_length=2)  # the cheap ones first
    confidence: Confidence = "logprob"
    metric: str | None = None  # of the task, to be kept up; the first one otherwise
    tolerance: float = Field(0.0, ge=0)  # of that metric, given up for fewer calls
    learn: int = Field(200, ge=10)  # rows at most to learn the thresholds from
    thresholds: list[float] | None = None  # instead of learnt ones, one for each step but the last

    @model_validator(mode="after")
    def _one_each(self) -> "Cascade":
        if self.thresholds is not None and len(self.thresholds) != len(self.of) - 1:
            raise ValueError(f"thresholds: {len(self.of) - 1} are needed, one for each step but the last")
        if len(set(self.of)) < len(self.of):
            raise ValueError("of: the steps must differ")
        return self

    def check(self, task: Task, knowledge: Mapping[str, Knowledge]) -> list[str]:
        if self.thresholds is None and not (task.data.validation or task.data.train):
            return ["there are no validation or train rows to learn thresholds from; give thresholds"]
        if self.metric is not None and self.metric not in (task.parent or task).metrics:
            return [f"metric: '{self.metric}' is not a metric of the task ({', '.join(task.metrics)})"]
        metrics = (task.parent or task).metrics
        deciding = self.metric or next(iter(metrics))
        if self.thresholds is None and scoring_phase(metrics[deciding]):
            return [
                f"thresholds cannot be learnt by {deciding}, which asks models itself; "
                "give metric: one that does not, or thresholds"
            ]
        return []

    def check_steps(self, task: Task, steps: Mapping[str, Variant], suite: "Suite") -> list[str]:
        problems = []
        for name in self.of[:-1]:
            reason = unfit(self.confidence, steps[name], task, suite)
            if reason is not None:
                problems.append(f"confidence: {self.confidence}: step {name} {reason}")
        if self.thresholds is None and not task.data.validation:
            problems += [
                f"knowledge {name} holds the train rows themselves: thresholds learnt on them would be those of "
                "questions whose answer is looked up; give validation rows, or thresholds"
                for name in sorted({name for step in steps.values() for name in searched(step)})
                if holds_rows(suite.knowledge[name].corpus(), task.data.train[: self.learn])
            ]
            problems += [
                f"the model of step {name} is trained on the train rows: thresholds learnt on them would be those of "
                "questions that it knows; give validation rows, or thresholds"
                for name, step in steps.items()
                if any(_is_trained_on(task, model, suite) for model in named(step, "models"))
            ]
        return problems

    def answer(self, task: Task, samples: Sequence[Sample], context: Context) -> list[Prediction]:
        thresholds = self.thresholds if self.thresholds is not None else self._once_learnt(task, context)
        final: dict[str, Prediction] = {}
        spent: dict[str, list[Prediction]] = {sample.id: [] for sample in samples}
        route: dict[str, tuple[Step, ...]] = {sample.id: () for sample in samples}
        left = list(samples)
        for name, threshold in zip(self.of, [*thresholds, None], strict=True):
            predictions = context.variants[name].answer(task, left, context) if left else []
            for prediction in predictions:
                sure = self._sure(prediction) if threshold is not None else None
                route[prediction.sample_id] += (Step(name, _finite(sure), _finite(threshold)),)
                spent[prediction.sample_id].append(prediction)
                if threshold is None or sure is None or sure >= threshold:
                    final[prediction.sample_id] = prediction
            left = [sample for sample in left if sample.id not in final]
        return [_routed(final[sample.id], spent[sample.id], route[sample.id]) for sample in samples]

    def _once_learnt(self, task: Task, context: Context) -> list[float]:
        """The thresholds of the task itself, also for the probes derived from it: they are one system."""
        base = task.parent or task
        key = f"thresholds {context.cell.variant} {base.name}"
        if key not in context.shared:
            context.shared[key] = self._learnt(base, context)
        found: list[float] = context.shared[key]  # type: ignore[assignment]
        return found

    def _sure(self, prediction: Prediction) -> float:
        """The confidence; a reply that failed or in which no answer stands is no reason to stop."""
        if prediction.error is not None or prediction.reading.reason is not None:
            return -math.inf
        if self.confidence not in prediction.confidence:
            return -math.inf  # nothing was found, or a vote failed
        return prediction.confidence[self.confidence]

    def _learnt(self, task: Task, context: Context) -> list[float]:
        rows = (task.data.validation or task.data.train)[: self.learn]
        metric = task.metrics[self.metric or next(iter(task.metrics))]
        trials = []
        for name in self.of:
            predictions = context.variants[name].answer(task, rows, context)
            sure = [] if name == self.of[-1] else [self._sure(prediction) for prediction in predictions]
            trials.append(Trial(sure, _values(metric, rows, predictions)))
        sign = -1.0 if metric.scale_of("").better == "lower" else 1.0
        return learn(trials, sign, self.tolerance)


@dataclass(frozen=True)
class Trial:
    """One step on the rows to learn from: how sure it was of each, and how good each answer was."""

    sure: Sequence[float]
    values: Sequence[float]


def learn(trials: Sequence[Trial], sign: float = 1.0, tolerance: float = 0.0) -> list[float]:
    """A threshold for each step but the last, from the last backwards, so that each knows what comes after it.

    For every cut between two confidences the mean of "own answer above, the following steps' answer below" is
    computed; the lowest threshold within `tolerance` of the best mean is taken. -inf stops always, inf never.
    """
    after = [sign * value for value in trials[-1].values]
    thresholds: list[float] = []
    for trial in reversed(trials[:-1]):
        own = [sign * value for value in trial.values]
        cuts = [-math.inf, *sorted({value for value in trial.sure if value > -math.inf}), math.inf]
        means = {
            cut: math.fsum(o if s >= cut else a for o, s, a in zip(own, trial.sure, after, strict=True)) for cut in cuts
        }
        best = max(means.values())
        room = tolerance * len(own) + 1e-9
        threshold = next(cut for cut in cuts if means[cut] >= best - room)
        thresholds.insert(0, threshold)
        after = [o if s >= threshold else a for o, s, a in zip(own, trial.sure, after, strict=True)]
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


def _routed(final: Prediction, spent: Sequence[Prediction], route: tuple[Step, ...]) -> Prediction:
    """The answer of the last step asked, at the cost of all steps."""
    return replace(
        final,
        route=route,
        tokens_in=sum(prediction.tokens_in for prediction in spent),
        tokens_out=sum(prediction.tokens_out for prediction in spent),
        seconds=sum(prediction.seconds for prediction in spent),
    )


def _finite(value: float | None) -> float | None:
    """What JSON can hold: always and never have no number."""
    return value if value is not None and math.isfinite(value) else None
