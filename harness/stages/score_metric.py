"""One metric over the predictions of a task: how its marks become scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.components.metric import LARGEST, Mark, Marks, Metric, scoring_phase
from harness.components.scoring import Scoring
from harness.records.figure_names import FigureName
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.text.blocks import inserted
from harness.text.normalise import as_text


class MetricScores:
    """The scores of one metric, block after block, and those that wait until all of a task's predictions are seen.

    What failed before an answer is unknown in every part that the metric gives to others, so that its scores are known
    at the end only.
    """

    def __init__(self, metric: Metric, scoring: Scoring) -> None:
        self.metric = metric
        self.scoring = scoring
        self.failed: list[tuple[int, Prediction]] = []  # with the number of scores that stand before
        self._count = 0
        self._parts: dict[str, str] = {}  # part → the name of its figure, in the order in which they occur
        self._valued: set[str] = set()  # variants to which the metric applies
        self._answered: set[str] = set()

    @property
    def task(self) -> str:
        """The task whose predictions are scored."""
        return self.scoring.task.name

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others of a run."""
        return self.task, self.scoring.metric

    @property
    def is_separable(self) -> bool:
        """Whether it looks at each prediction by itself, so that it may be handed some at a time."""
        return type(self.metric).score_batch is Metric.score_batch and not scoring_phase(self.metric)

    def of(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> list[Score]:
        """The scores of further predictions, without those of failed ones."""
        fit = [(s, p) for s, p in zip(samples, predictions, strict=True) if self.metric.applies(p)]
        answered = [(s, p) for s, p in fit if p.error is None]
        marks = self.metric.score_batch([s for s, _ in answered], [p for _, p in answered], self.scoring)
        if len(marks) != len(answered):
            raise ValueError(f"{self.scoring.metric} gave {len(marks)} marks to {len(answered)} predictions")
        marked = iter(marks)
        scores: list[Score] = []
        for _, prediction in fit:
            if prediction.error is None:
                scores += self._scored(prediction, next(marked))
            else:
                self.failed.append((self._count + len(scores), _without_content(prediction)))
        self._count += len(scores)
        return scores

    def late(self) -> Iterator[tuple[int, Iterator[Score]]]:
        """When all predictions have been seen: the scores of each failed one, and how many scores stand before them."""
        for before, prediction in self.failed:
            yield before, self._of_failed(prediction)

    def _of_failed(self, prediction: Prediction) -> Iterator[Score]:
        """Unknown in every part; nothing where the metric does not apply to the variant at all."""
        if prediction.variant in self._valued or prediction.variant not in self._answered:
            for name in self._parts.values() or [self._name("")]:
                yield _score(prediction, name, Mark(None))

    def _scored(self, prediction: Prediction, given: Marks | None) -> list[Score]:
        """A part may not apply to every sample."""
        marks = _parts(given)
        self._answered.add(prediction.variant)
        if not marks:
            return []
        self._valued.add(prediction.variant)
        if not self._parts.keys() >= marks.keys():
            self._parts |= {part: self._name(part) for part in marks if part not in self._parts}
        own = ((name, marks.get(part)) for part, name in self._parts.items())
        return [_score(prediction, name, mark) for name, mark in own if mark is not None]

    def _name(self, part: str) -> str:
        return as_text(FigureName(self.scoring.task.name, self.scoring.metric, part).full_metric)


def score_metric(
    metric: Metric, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring
) -> list[Score]:
    """One metric over all predictions of a task. What failed before an answer is unknown in every part."""
    own = MetricScores(metric, scoring)
    return list(inserted(own.of(samples, predictions), own.late()))


def _without_content(failed: Prediction) -> Prediction:
    return replace(failed, messages=(), text="", reading=Reading(), passages=(), retrieval=None, rendered=None)


def _parts(marks: Marks | None) -> Mapping[str, Mark]:
    if marks is None:
        return {"": Mark(None, "the metric gave no value")}
    if isinstance(marks, Mark):
        return {"": marks}
    return marks if isinstance(marks, Mapping) else {"": Mark(marks)}


def _score(prediction: Prediction, metric: str, mark: Mark) -> Score:
    """A number that cannot be computed with (NaN, infinity, beyond LARGEST) is unknown, and the score says so.

    Half a character in a reason is "?".
    """
    value = mark.value
    strange = _strange(mark) if mark.counts or (value is not None and not abs(value) <= LARGEST) else []
    if strange:
        value = None
    return Score(
        sample_id=prediction.sample_id,
        task=prediction.task,
        variant=prediction.variant,
        metric=metric,
        value=None if value is None else float(value),
        reason=None if mark.reason is None else as_text(mark.reason),
        error=f"the metric returned {str(strange[0])[:40]}" if strange else prediction.error,
        counts=None if value is None else mark.counts,
    )


def _strange(mark: Mark) -> list[float]:
    numbers = [number for number in (mark.value, *(mark.counts or {}).values()) if number is not None]
    return [number for number in numbers if not abs(number) <= LARGEST]
