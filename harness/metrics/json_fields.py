"""Structured answers field by field: which fields are exactly right, which are missing, whether the form was kept."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import field_validator

from harness.components.component import named
from harness.components.fields import Part
from harness.components.metric import Mark, Marks, Metric, Scale
from harness.metrics.support.token_overlap import cut
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.text.normalise import as_text

if TYPE_CHECKING:
    from harness.components.model import Model
    from harness.components.scoring import Scoring
    from harness.components.task import Task

_MOST = 100  # a runaway reply with thousands of fields must not decide a mean
_COUNT = Scale(0.0, float(_MOST), "lower")
_OWN_PARTS = ("parsed", "missing", "extra")
_SIMILAR = "similarity"
_SIDES = ("precision", "recall")  # of a comparison, where the metric inside tells them apart


class JsonFields(Metric):
    """The share of fields that are equal after stripping, in [0, 1]; higher is better. Nothing else is normalised.

    Over samples its mean is equal fields / (samples × fields): an answer that could not be read has no field right.
    Parts: each field (1 or 0), parsed (1 or 0), missing and extra (numbers of fields, at most 100, lower is better). A
    field called like one of these parts is reported as "field <name>". Fields come from the parameter, or else from the
    target. Of alternative targets the one with the best share counts, the first among equals.

    similarity: a metric of single texts, e.g. `rouge`, which compares each field's text with the target's, so that the
    same said in other words is seen. Parts, on that metric's scale: "similarity of <field>", and `similarity`, their
    mean over fields. A field that is missing is scored as that metric scores an answer that could not be read; where
    the target's field holds no word or number, the same has the best value and anything else the worst. Where that
    metric tells precision and recall apart, as `bertscore` does, so do the parts: "similarity precision of <field>",
    "similarity recall of <field>", and their means; "similarity of <field>" is then its F1.
    """

    part_scales: ClassVar[Mapping[str, Scale]] = {"missing": _COUNT, "extra": _COUNT}
    answers: ClassVar[tuple[str, ...]] = ("json",)

    fields: tuple[str, ...] = ()
    """The names of the fields that are compared; empty: those of the target."""
    similarity: Annotated[Metric, Part("metric")] | None = None
    """A metric of single texts, e.g. rouge, that compares each field's text beside exactness; null: none."""

    @field_validator("similarity")
    @classmethod
    def _compares_two_texts(cls, metric: Metric | None) -> Metric | None:
        if metric is not None:
            name, instead = type(metric).__name__, "use a metric of single texts, e.g. rouge"
            if metric.corpus:
                raise ValueError(f"{name} makes one figure of a whole corpus and cannot compare fields; {instead}")
            if metric.answers and "text" not in metric.answers:
                raise ValueError(f"{name} scores {' or '.join(metric.answers)} answers, but a field is text; {instead}")
            if named(metric, "models"):
                raise ValueError(f"{name} asks a judge, whose trust is not known field by field; {instead}")
            if metric.asks_answerers:
                raise ValueError(f"{name} asks the models that answered, who gave no fields; {instead}")
            if metric.scale_of("").better != "higher":
                raise ValueError(f"{name} is not higher for more similar texts; {instead}")
        return metric

    def parts(self) -> tuple[str, ...] | None:
        if not self.fields:
            return None
        similar = [
            name for side in self._sides for name in (_mean_of(side), *(_similarity_of(f, side) for f in self.fields))
        ]
        return (*map(self._part, self.fields), *_OWN_PARTS, *similar)

    def scale_of(self, part: str) -> Scale:
        if self.similarity is not None and (side := self._side_of(part)) is not None:
            return self.similarity.scale_of(side)
        if part == "missing" and self.fields:
            return replace(_COUNT, high=float(min(len(self.fields), _MOST)))  # no more can be missing
        return super().scale_of(part)

    @property
    def _sides(self) -> tuple[str, ...]:
        """The parts of the metric inside that are shown field by field; "" is its own value."""
        if self.similarity is None:
            return ()
        return ("", *(side for side in _SIDES if side in (self.similarity.parts() or ())))

    def _side_of(self, name: str) -> str | None:
        """Which of them a part's name belongs to."""
        return next((s for s in self._sides if name == _mean_of(s) or name.startswith(_similarity_of("", s))), None)

    def check(self) -> None:
        if self.similarity is not None:
            self.similarity.check()

    def check_task(self, task: "Task") -> str | None:
        return None if self.similarity is None else self.similarity.check_task(self._task_of_fields(task))

    def check_models(self, task: "Task", models: "Mapping[str, Model]") -> str | None:
        return None if self.similarity is None else self.similarity.check_models(self._task_of_fields(task), models)

    # A metric may give any Marks; these are always parts.
    def score_batch(  # type: ignore[override]
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[dict[str, Mark]]:
        """The share and the parts against the best target. The metric of similarity sees each field as a sample."""
        pairs = list(zip(samples, predictions, strict=True))
        targets = [self._target(sample, prediction) for sample, prediction in pairs]
        equal = [self._compared(p, target) for (_, p), target in zip(pairs, targets, strict=True)]
        if self.similarity is None:
            return equal
        rows = [self._field_pairs(s, p, target) for (s, p), target in zip(pairs, targets, strict=True)]
        comparable = [pair for row in rows for pair in row.values() if _comparable(pair[0].targets[0])]
        inner = replace(scoring, task=self._task_of_fields(scoring.task)) if scoring else None
        fields, answers = [sample for sample, _ in comparable], [answer for _, answer in comparable]
        marks = iter(self.similarity.score_batch(fields, answers, inner) if comparable else ())
        return [{**share, **self._similar(row, marks)} for share, row in zip(equal, rows, strict=True)]

    def _compared(self, prediction: Prediction, target: Mapping[str, str]) -> dict[str, Mark]:
        answer, fields = prediction.reading.answer, self.fields or tuple(target)
        names = {field: self._part(field) for field in fields}
        if answer is None:
            return _unread(names, prediction.reading.reason)
        return _compare(answer, target, names)

    def _target(self, sample: Sample, prediction: Prediction) -> dict[str, str]:
        """The fields of the target that counts: the best one."""
        return max(map(_fields_of, sample.targets), key=lambda target: _share(self._compared(prediction, target)))

    def _part(self, field: str) -> str:
        reserved = field in ("", *_OWN_PARTS) or self._side_of(field) is not None
        return f"field {field}" if reserved else field

    def _field_pairs(
        self, sample: Sample, prediction: Prediction, target: Mapping[str, str]
    ) -> dict[str, tuple[Sample, Prediction]]:
        """Each field as a sample and a prediction of its own."""
        answer = prediction.reading.answer
        pairs = {}
        for field in self.fields or target:
            if answer is None:
                reading = Reading(reason=prediction.reading.reason)
            elif field not in answer:
                reading = Reading(reason="the field is missing")
            else:
                reading = Reading(answer[field])
            field_sample = _field_sample(sample, field, target.get(field, ""))
            text = reading.answer or ""
            pairs[field] = (field_sample, replace(prediction, sample_id=field_sample.id, text=text, reading=reading))
        return pairs

    def _similar(self, row: Mapping[str, tuple[Sample, Prediction]], marks: Iterator[Marks]) -> dict[str, Mark]:
        """The parts of one prediction; takes its fields' marks from `marks`, in their order."""
        by_field = {
            field: next(marks) if _comparable(sample.targets[0]) else self._equal(sample, prediction)
            for field, (sample, prediction) in row.items()
        }
        parts: dict[str, Mark] = {}
        for side in self._sides:
            values = {field: _mark_of(own_marks, side) for field, own_marks in by_field.items()}
            parts[_mean_of(side)] = _mean(values)
            parts |= {_similarity_of(field, side): mark for field, mark in values.items()}
        return parts

    def _equal(self, sample: Sample, prediction: Prediction) -> dict[str, Mark]:
        """Of a field in which there is nothing that a metric of texts could compare."""
        answer, target = prediction.reading.answer, sample.targets[0].strip()
        is_equal, reason = False, prediction.reading.reason
        if answer is not None:
            is_equal, reason = (
                answer.strip() == target,
                f"the reference's field is {f'“{target}”' if target else 'blank'}",
            )
        scales = {side: self.scale_of(_mean_of(side)) for side in self._sides}
        return {side: Mark(s.high) if is_equal else Mark(s.low, reason) for side, s in scales.items()}

    def _task_of_fields(self, task: "Task") -> "Task":
        """The task as the metric of similarity sees it: a sample for each field that can be compared."""
        samples = [
            _field_sample(sample, field, target.get(field, ""))
            for sample in task.data.test
            for target in map(_fields_of, sample.targets)
            for field in self.fields or target
            if _comparable(target.get(field, ""))
        ]
        return replace(task, data=replace(task.data, test=tuple(samples)))


def _share(marks: Mapping[str, Mark]) -> float:
    return marks[""].value or 0.0


def _fields_of(target: str) -> dict[str, str]:
    return {name: as_text(value) for name, value in json.loads(target).items()}


def _mean_of(side: str) -> str:
    """The name of the mean over fields."""
    return f"{_SIMILAR} {side}" if side else _SIMILAR


def _similarity_of(field: str, side: str = "") -> str:
    return f"{_mean_of(side)} of {field}"


def _mean(marks: Mapping[str, Mark]) -> Mark:
    """Over fields; unknown where one of them is."""
    values = [mark.value for mark in marks.values() if mark.value is not None]
    if unknown := [field for field, mark in marks.items() if mark.value is None]:
        return Mark(None, f"unknown: {'、'.join(unknown)}")
    return Mark(sum(values) / len(values)) if values else Mark(None, "there is no field to compare")


def _comparable(text: str) -> bool:
    return bool(cut(text, "characters"))


def _field_sample(sample: Sample, field: str, target: str) -> Sample:
    return replace(sample, id=f"{sample.id} {field}", targets=(target,))


def _mark_of(marks: Marks, part: str) -> Mark:
    """A metric's own value, or a part of it."""
    if isinstance(marks, Mapping):
        return marks.get(part, Mark(None, "the metric gave no value"))
    return marks if isinstance(marks, Mark) else Mark(float(marks))


def _unread(names: Mapping[str, str], reason: str | None) -> dict[str, Mark]:
    """No field right, all missing."""
    return {
        "": Mark(0.0, reason),
        **{part: Mark(0.0, reason) for part in names.values()},
        "parsed": Mark(0.0, reason),
        "missing": Mark(float(min(len(names), _MOST)), reason),
        "extra": Mark(0.0, reason),
    }


def _compare(answer: Mapping[str, str], target: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Mark]:
    """The marks by part; `names` are the parts' names by field."""
    by_field = {field: _field(field, answer, target) for field in names}
    right = sum(mark.value == 1.0 for mark in by_field.values())
    wrong = [field for field, mark in by_field.items() if mark.value != 1.0]
    missing = [field for field in names if field not in answer]
    extra = [field for field in answer if field not in names]
    return {
        "": Mark(right / len(names) if names else 0.0, f"wrong: {'、'.join(wrong)}" if wrong else None),
        **{names[field]: mark for field, mark in by_field.items()},
        "parsed": Mark(1.0),
        "missing": Mark(float(min(len(missing), _MOST)), "、".join(missing) or None),
        "extra": Mark(float(min(len(extra), _MOST)), "、".join(extra) or None),
    }


def _field(field: str, answer: Mapping[str, str], target: Mapping[str, str]) -> Mark:
    if field not in answer:
        return Mark(0.0, "the field is missing")
    content, expected = answer[field].strip(), target.get(field, "").strip()
    return Mark(1.0) if content == expected else Mark(0.0, f"“{content}” is not “{expected}”")
