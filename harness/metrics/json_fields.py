"""Structured answers field by field: which fields are exactly right, which are missing, whether the form was kept."""

import json
from collections.abc import Mapping
from typing import ClassVar

from harness.component import Mark, Metric, Scale
from harness.text import as_text
from harness.types import Prediction, Sample

_MOST = 100  # a runaway reply with thousands of fields must not decide a mean
_COUNT = Scale(0.0, float(_MOST), "lower")
_OWN_PARTS = ("parsed", "missing", "extra")


class JsonFields(Metric):
    """The share of fields that are equal after stripping, in [0, 1]; higher is better. Nothing else is normalised.

    Over samples its mean is equal fields / (samples × fields): an answer that could not be read has no field right.
    Parts: each field (1 or 0), parsed (1 or 0), missing and extra (numbers of fields, at most 100, lower is better). A
    field called like one of these parts is reported as "field <name>". Fields come from the parameter, or else from the
    target. Of alternative targets the one with the best share counts, the first among equals.
    """

    part_scales: ClassVar[Mapping[str, Scale]] = {"missing": _COUNT, "extra": _COUNT}
    answers: ClassVar[tuple[str, ...]] = ("json",)

    fields: tuple[str, ...] = ()

    def parts(self) -> tuple[str, ...] | None:
        return (*map(_part, self.fields), *_OWN_PARTS) if self.fields else None

    def score(self, sample: Sample, prediction: Prediction) -> dict[str, Mark]:
        """The share, and the parts against the best target."""
        targets = [_fields_of(target) for target in sample.targets]
        answer = prediction.reading.answer
        if answer is None:
            return _unread(self.fields or tuple(targets[0]), prediction.reading.reason)
        return max((_compare(answer, target, self.fields or tuple(target)) for target in targets), key=_share)


def _share(marks: Mapping[str, Mark]) -> float:
    return marks[""].value or 0.0


def _fields_of(target: str) -> dict[str, str]:
    return {name: as_text(value) for name, value in json.loads(target).items()}


def _part(field: str) -> str:
    return f"field {field}" if field in ("", *_OWN_PARTS) else field


def _unread(fields: tuple[str, ...], reason: str | None) -> dict[str, Mark]:
    """No field right, all missing."""
    return {
        "": Mark(0.0, reason),
        **{_part(field): Mark(0.0, reason) for field in fields},
        "parsed": Mark(0.0, reason),
        "missing": Mark(float(min(len(fields), _MOST)), reason),
        "extra": Mark(0.0, reason),
    }


def _compare(answer: Mapping[str, str], target: Mapping[str, str], fields: tuple[str, ...]) -> dict[str, Mark]:
    by_field = {field: _field(field, answer, target) for field in fields}
    right = sum(mark.value == 1.0 for mark in by_field.values())
    wrong = [field for field, mark in by_field.items() if mark.value != 1.0]
    missing = [field for field in fields if field not in answer]
    extra = [field for field in answer if field not in fields]
    return {
        "": Mark(right / len(fields) if fields else 0.0, f"wrong: {'、'.join(wrong)}" if wrong else None),
        **{_part(field): mark for field, mark in by_field.items()},
        "parsed": Mark(1.0),
        "missing": Mark(float(min(len(missing), _MOST)), "、".join(missing) or None),
        "extra": Mark(float(min(len(extra), _MOST)), "、".join(extra) or None),
    }


def _field(field: str, answer: Mapping[str, str], target: Mapping[str, str]) -> Mark:
    if field not in answer:
        return Mark(0.0, "the field is missing")
    given, wanted = answer[field].strip(), target.get(field, "").strip()
    return Mark(1.0) if given == wanted else Mark(0.0, f"“{given}” is not “{wanted}”")
