"""Answers that are labels: precision and recall of each label, which accuracy hides where one label is rare."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import model_validator

from harness.answers.choice import Choice as ChoiceAnswer
from harness.components.metric import Mark, Marks, Metric
from harness.errors import nearest
from harness.metrics.support.normalisation import Normalisation
from harness.records.figures import Confused
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.text.normalise import option_letters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.scoring import Scoring
    from harness.components.task import Task

    Floats = NDArray[np.float64]

NO_LABEL = "(no label)"  # the column of answers that are none of the labels, or could not be read
_NOTHING = 1e-9  # counts are whole, or means over seeds, whose sums may miss 0 by a rounding
_MOST = 200  # distinct labels; beyond, targets are texts and each label's figures rest on nothing


class Classification(Normalisation, Metric):
    """F1 over labels, in [0, 1]; higher is better. Parts: accuracy, precision, recall, each in [0, 1], higher better.

    average: "macro" is the mean over labels, "weighted" that mean by each label's number of samples, "micro" counts
    over all labels together, "binary" looks at `positive` alone. labels: all that an answer may be; without it, those
    of the task's targets. An answer is a label if it equals one after normalisation.

    An answer that is no label, or could not be read, is the column "(no label)": against recall and accuracy, in no
    label's precision. Of alternative targets the one that was met is the right one, else the first. A label without a
    sample among those counted is left out of macro, precision or recall of nothing is 0, and binary is not defined
    without a positive sample: so a resample that happens to miss a rare label is not taken for a failure on it.

    Equal to scikit-learn's accuracy_score and precision_recall_fscore_support with zero_division=0 and, as `labels`,
    those that have a sample (micro: all). Source: van Rijsbergen 1979, chapter 7; averages as in Sokolova & Lapalme
    2009, table 3. The macro F1 is the mean of the labels' F1.
    """

    answers: ClassVar[tuple[str, ...]] = ("text", "choice")
    corpus: ClassVar[bool] = True

    average: Literal["macro", "micro", "weighted", "binary"] = "macro"
    """The mean over labels, over all counts together, over labels by their number of samples, or of one label."""
    positive: str | None = None
    """The label that `average: binary` looks at; null: with the other averages."""
    labels: tuple[str, ...] = ()
    """All that an answer may be; empty: the labels among the task's targets."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.average == "binary") != (self.positive is not None):
            raise ValueError("average: binary needs positive, the label that is looked for; the others have none")
        forms = self._by_form(self.labels)
        if self.labels and (len(forms) < max(2, len(self.labels)) or "" in forms):
            raise ValueError("labels must be at least two, different and not empty after normalisation")
        return self

    def parts(self) -> tuple[str, ...]:
        return ("accuracy", "precision", "recall")

    def check_task(self, task: "Task") -> str | None:
        """Targets that are no labels: too many, too few, none of `labels`, nothing after normalisation."""
        labels = self._labels(task.data.test, task)
        pairs = [(sample, target) for sample in task.data.test for target in _targets(sample, task)]
        bare = [sample.id for sample in task.data.test if not sample.targets]
        if bare:
            return f"sample {bare[0]} has no right answer to compare with"
        for sample, target in pairs:
            if not self.normal(target):
                return f"sample {sample.id}: nothing is left of the label “{target}”; set punctuation: keep"
            if self.normal(target) not in labels:
                near = nearest(target, labels.values())
                return f"sample {sample.id}: the target “{target}” is not among labels ({near})"
        if len(labels) > _MOST:
            return f"its targets have {len(labels)} distinct labels, more than {_MOST}; use exact_match"
        if len(labels) < 2:
            return f"its targets have {len(labels)} label; classification needs two, or give labels"
        if self.positive is not None and self.normal(self.positive) not in labels:
            return f"positive: “{self.positive}” is not among the labels ({nearest(self.positive, labels.values())})"
        return None

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[Marks]:
        """1 if the answer is a target, else 0 with the reason. The labels are those of the whole task."""
        task = scoring.task if scoring else None
        labels = self._labels([*(task.data.test if task else ()), *samples], task)
        return [
            self._mark(_targets(sample, task), prediction, labels)
            for sample, prediction in zip(samples, predictions, strict=True)
        ]

    def aggregate(self, totals: "Mapping[str, Floats]") -> "Mapping[str, Floats]":
        import numpy as np

        cells = {_cell(name): count for name, count in totals.items()}
        place = {label: i for i, label in enumerate(self._order(cells))}
        draws = len(next(iter(cells.values())))
        hits, gold_counts, answer_counts = (np.zeros((len(place), draws)) for _ in range(3))
        for (gold, answer), count in cells.items():
            gold_counts[place[gold]] += count
            if answer is not None:
                answer_counts[place[answer]] += count
            if answer == gold:
                hits[place[gold]] += count
        accuracy = _ratio(hits.sum(0), gold_counts.sum(0), np.nan)
        precision, recall, f1 = self._averaged(hits, gold_counts, answer_counts, place)
        return {"": f1, "accuracy": accuracy, "precision": precision, "recall": recall}

    def confusion(self, totals: Mapping[str, float]) -> Confused:
        """Rows: the labels. Columns: the labels and, where it was said, "(no label)", which has no row."""
        cells = {_cell(name): round(count) for name, count in totals.items()}
        order = self._order(cells)
        stray = any(count for (_, answer), count in cells.items() if answer is None)
        columns: list[str | None] = [*order, None] if stray else [*order]
        counts = tuple(tuple(cells.get((gold, answer), 0) for answer in columns) for gold in order)
        return Confused(tuple(NO_LABEL if label is None else label for label in columns), counts)

    def _averaged(
        self, hits: "Floats", gold_counts: "Floats", answer_counts: "Floats", place: Mapping[str, int]
    ) -> "tuple[Floats, Floats, Floats]":
        """Precision, recall and F1 [m] of counts by label [labels, m]."""
        import numpy as np

        if self.average == "micro":
            hits, gold_counts, answer_counts = (values.sum(0) for values in (hits, gold_counts, answer_counts))
        figures = (
            _ratio(hits, answer_counts, 0.0),
            _ratio(hits, gold_counts, 0.0),
            _ratio(2 * hits, gold_counts + answer_counts, 0.0),
        )
        if self.average == "micro":
            return figures
        if self.average == "binary":
            at = self._by_form(list(place)).get(self.normal(self.positive or ""))
            weights = (gold_counts > _NOTHING) * np.array([label == at for label in place])[:, None]
        else:
            weights = gold_counts if self.average == "weighted" else gold_counts > _NOTHING
        precision, recall, f1 = (_ratio((values * weights).sum(0), weights.sum(0) * 1.0, np.nan) for values in figures)
        return precision, recall, f1

    def _order(self, cells: "Mapping[tuple[str, str | None], object]") -> list[str]:
        """The labels as declared, else by name: which came first is not known to the counts."""
        labels = {label for cell in cells for label in cell if label is not None}
        return list(dict.fromkeys([*self.labels, *sorted(labels)]))

    def _by_form(self, labels: Sequence[str]) -> dict[str, str]:
        """Labels by what is compared of them; of several writings the first."""
        forms: dict[str, str] = {}
        for label in labels:
            forms.setdefault(self.normal(label), label)
        return forms

    def _labels(self, samples: Sequence[Sample], task: "Task | None") -> dict[str, str]:
        return self._by_form(self.labels or [target for sample in samples for target in _targets(sample, task)])

    def _mark(self, targets: Sequence[str], prediction: Prediction, labels: Mapping[str, str]) -> Mark:
        right = [labels[self.normal(target)] for target in targets]
        answer = prediction.reading.answer
        label = None if answer is None else labels.get(self.normal(answer))
        gold = label if label in right else right[0]
        counts = {json.dumps([gold, label], ensure_ascii=False): 1.0}
        if label is not None and label == gold:
            return Mark(1.0, None, counts)
        if label is None:
            return Mark(0.0, prediction.reading.reason or f"“{answer}” is none of the labels", counts)
        return Mark(0.0, f"“{label}” is not {' or '.join(f'“{target}”' for target in right)}", counts)


def _targets(sample: Sample, task: "Task | None") -> tuple[str, ...]:
    """The right labels; letters of a choice in their normal form."""
    if task is not None and isinstance(task.answer, ChoiceAnswer):
        return tuple(option_letters(target) for target in sample.targets)
    return sample.targets


def _cell(name: str) -> tuple[str, str | None]:
    """(right label, said label) of a count's name; said is None where the answer was no label."""
    gold, answer = json.loads(name)
    return gold, answer


def _ratio(part: "Floats", whole: "Floats", nothing: float) -> "Floats":
    """part / whole, and `nothing` where there is nothing."""
    import numpy as np

    return np.divide(part, whole, out=np.full_like(whole, nothing), where=whole > _NOTHING)
