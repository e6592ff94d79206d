"""json_fields and choice against hand-computed values."""

import json

import pytest

from harness.components.metric import Mark
from harness.metrics.choice import Choice
from harness.metrics.json_fields import JsonFields
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading


def pair(reading: Reading, *targets: str) -> tuple[Sample, Prediction]:
    sample = Sample(id="1", task="t", input="q", targets=targets, options=("甲", "乙", "丙"))
    return sample, Prediction(sample_id="1", task="t", variant="v", messages=(), text="", reading=reading)


def values(marks: dict[str, Mark]) -> dict[str, float | None]:
    return {part: mark.value for part, mark in marks.items()}


TARGET = json.dumps({"主诉": "咳嗽", "诊断": "感冒", "天数": 3, "建议": "休息"}, ensure_ascii=False)


def test_json_fields_counts_equal_fields() -> None:
    answer = {"主诉": " 咳嗽 ", "诊断": "肺炎", "天数": "3", "备注": "无"}
    marks = JsonFields().score(*pair(Reading(answer=answer), TARGET))
    # 主诉 (after stripping) and 天数 (3 as text) of four: 2 / 4
    assert values(marks) == {
        "": 0.5, "主诉": 1.0, "诊断": 0.0, "天数": 1.0, "建议": 0.0, "parsed": 1.0, "missing": 1.0, "extra": 1.0,
    }  # fmt: skip
    assert marks[""].reason == "wrong: 诊断、建议"
    assert marks["诊断"].reason == "“肺炎” is not “感冒”"
    assert (marks["missing"].reason, marks["extra"].reason) == ("建议", "备注")


def test_named_fields_decide_what_is_counted() -> None:
    marks = JsonFields(fields=("主诉", "诊断")).score(*pair(Reading(answer={"主诉": "咳嗽", "诊断": "感冒"}), TARGET))
    assert values(marks) == {"": 1.0, "主诉": 1.0, "诊断": 1.0, "parsed": 1.0, "missing": 0.0, "extra": 0.0}


def test_punctuation_counts() -> None:
    assert JsonFields(fields=("诊断",)).score(*pair(Reading(answer={"诊断": "感冒。"}), TARGET))[""].value == 0.0


def test_an_unread_answer_has_every_field_wrong() -> None:
    marks = JsonFields(fields=("主诉", "诊断")).score(*pair(Reading(reason="no object"), TARGET))
    assert values(marks) == {"": 0.0, "主诉": 0.0, "诊断": 0.0, "parsed": 0.0, "missing": 2.0, "extra": 0.0}
    assert {mark.reason for mark in marks.values()} == {"no object"}


def test_the_better_of_two_references_counts() -> None:
    first, second = '{"a": "1", "b": "2", "c": "3"}', '{"a": "1", "b": "9", "c": "8"}'
    # against the first 1 of 3, against the second 2 of 3; 3 of 3 only by mixing both
    marks = JsonFields().score(*pair(Reading(answer={"a": "1", "b": "9", "c": "3x"}), first, second))
    assert values(marks) == pytest.approx(
        {"": 2 / 3, "a": 1.0, "b": 1.0, "c": 0.0, "parsed": 1.0, "missing": 0.0, "extra": 0.0}
    )


def test_a_field_called_like_a_part_keeps_both() -> None:
    marks = JsonFields(fields=("missing",)).score(*pair(Reading(answer={"missing": "x"}), '{"missing": "x"}'))
    assert values(marks) == {"": 1.0, "field missing": 1.0, "parsed": 1.0, "missing": 0.0, "extra": 0.0}


@pytest.mark.parametrize(
    ("strict", "lenient", "targets", "value", "lenient_value", "read"),
    [
        ("B", "B", ("B",), 1.0, 1.0, 1.0),
        ("B", "B", ("C",), 0.0, 0.0, 1.0),
        (None, "B", ("B",), 0.0, 1.0, 0.0),
        (None, None, ("B",), 0.0, 0.0, 0.0),
        ("AC", "AC", ("CA",), 1.0, 1.0, 1.0),
        ("A", "A", ("AC",), 0.0, 0.0, 1.0),  # half of the set is not right
        ("C", "C", ("A", "C"), 1.0, 1.0, 1.0),  # alternatives
    ],
)
def test_choice(
    strict: str | None, lenient: str | None, targets: tuple[str, ...], value: float, lenient_value: float, read: float
) -> None:
    reading = Reading(answer=strict, lenient=lenient, reason=None if strict else "no letter")
    marks = Choice().score(*pair(reading, *targets))
    assert values(marks) == {"": value, "lenient": lenient_value, "read": read}
    assert all(mark.value == 1.0 or mark.reason for mark in marks.values())
