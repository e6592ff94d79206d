"""The JSON schema of an answer: the fields in their order, values of the types that the targets have, and no others."""

import json
from typing import Any

import jsonschema
import pytest

from harness.answers.choice import Choice
from harness.answers.json import Json
from harness.answers.text import Text
from harness.components.answer import Answer
from harness.errors import HarnessError
from harness.records.inputs import Sample
from tests.shared.paths import REAL_DATA

NUMBER = {"minimum": -(10**15), "maximum": 10**15}
TEXT = {"type": "string"}


def rows(*values: Any) -> list[Sample]:
    """Samples whose target has these values in the field `f`."""
    return [
        Sample(id=str(number), task="t", input="?", targets=(json.dumps({"f": value}, ensure_ascii=False),))
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        (["发热", ""], TEXT),
        ([3, -4], {"type": "integer", **NUMBER}),
        ([3, 1.5], {"type": "number", **NUMBER}),
        ([2.0], {"type": "number", **NUMBER}),
        ([4 * 10**16], {"type": "integer", "minimum": -(10**17), "maximum": 10**17}),
        ([True], {"type": "boolean"}),
        ([["a"], ["b", "c"]], {"type": "array", "items": TEXT}),
        ([[]], {"type": "array", "items": TEXT}),  # nothing tells what its entries are
        ([[1], ["b"]], {"type": "array", "items": {"anyOf": [TEXT, {"type": "integer", **NUMBER}]}}),
        (["a", None], {"anyOf": [TEXT, {"type": "null"}]}),
        ([None], {"anyOf": [TEXT, {"type": "null"}]}),  # an empty field says nothing about a full one
        (["a", ["b"]], {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}),
        ([{"药": "a", "剂量": 2}, {"剂量": 3, "药": "b"}], {
            "type": "object", "properties": {"药": TEXT, "剂量": {"type": "integer", **NUMBER}},
            "required": ["药", "剂量"], "additionalProperties": False}),
        ([], TEXT),
    ],
)  # fmt: skip
def test_values_have_the_types_of_the_targets(values: list[Any], schema: dict[str, Any]) -> None:
    whole = Json(fields=("f",)).reply_schema(rows(*values))
    assert whole == {"type": "object", "properties": {"f": schema}, "required": ["f"], "additionalProperties": False}
    jsonschema.Draft202012Validator.check_schema(whole)
    for value in values:
        jsonschema.validate({"f": value}, whole)


@pytest.mark.parametrize("fields", [("诊断", "主诉", "建议"), ("b", "a"), ("a",)])
def test_fields_stand_in_their_order_and_no_others(fields: tuple[str, ...]) -> None:
    target = json.dumps({"z": 1, **dict.fromkeys(sorted(fields), "x")}, ensure_ascii=False)
    schema = Json(fields=fields).reply_schema([Sample(id="1", task="t", input="?", targets=(target,))])
    assert list(schema["properties"]) == schema["required"] == list(fields)
    for wrong in ({}, {"z": 1, **dict.fromkeys(fields, "x")}, dict.fromkeys(fields, 1)):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_no_content_of_a_target_stands_in_a_schema() -> None:
    schema = Json(fields=("f",)).reply_schema(rows("右上肺腺癌", "结节", ["胃炎"], 7))
    text = json.dumps(schema, ensure_ascii=False)
    assert not any(content in text for content in ("右上肺腺癌", "结节", "胃炎", "7"))


def test_unfit_targets_are_left_to_the_check_of_the_data() -> None:
    broken = [Sample(id="1", task="t", input="?", targets=(text,)) for text in ("{", "[]", '{"g": 1}')]
    assert Json(fields=("f",)).reply_schema(broken)["properties"] == {"f": TEXT}


@pytest.mark.parametrize(
    ("answer", "values", "reason"),
    [
        (Json(fields=("f",)), [{"阿莫西林": "3"}, {"青霉素": "1"}], "the field f is an object whose members differ"),
        (Json(fields=("f",)), [[{"a": 1}, {"b": 1}]], "an entry of the field f is an object whose members differ"),
        (Json(fields=("f",)), [{"x": {"a": 1}}, {"x": {}}], "the field f.x is an object whose members differ"),
        (Json(fields=("f",), form="sections"), ["a"], "form: sections reads lines"),
        (Text(), ["a"], "an answer of the kind text has no JSON schema"),
        (Choice(), ["a"], "an answer of the kind choice has no JSON schema"),
        (Choice(by="loglikelihood"), ["a"], "an answer of the kind choice has no JSON schema"),
    ],
)
def test_what_has_no_schema_says_why_and_what_to_do(answer: Answer, values: list[Any], reason: str) -> None:
    with pytest.raises(HarnessError, match=reason) as error:
        answer.reply_schema(rows(*values))
    assert "leave out constrained" in str(error.value)


@pytest.mark.parametrize(
    "reply",
    [
        {"f": 'ein "Wort"\\ \u2028 \x7f\n'}, {"f": ""}, {"f": "<think>"}, {"f": [["a", None], []]}, {"f": 10**15},
        {"f": -0.5}, {"f": {"b": True, "a": "}{"}}, {"f": None},
    ],
)  # fmt: skip
@pytest.mark.parametrize("layout", [{}, {"indent": 4, "ensure_ascii": False}])
def test_the_reader_takes_what_the_schema_allows(reply: dict[str, Any], layout: dict[str, Any]) -> None:
    answer = Json(fields=("f",))
    jsonschema.validate(reply, answer.reply_schema(rows(reply["f"])))
    reading = answer.read(rows(reply["f"])[0], json.dumps(reply, **layout))
    assert reading.reason is None
    assert set(reading.answer) == {"f"}


@pytest.mark.parametrize("number", ["1e999", "-1e400", "9" * 5000])
def test_a_number_that_no_reader_takes_is_beyond_the_bounds(number: str) -> None:
    bounds = Json(fields=("f",)).reply_schema(rows(1, 2.5))["properties"]["f"]
    assert not bounds["minimum"] <= float(number) <= bounds["maximum"]


def test_real_reports_fit_their_schema(shared_data: None) -> None:
    path = REAL_DATA / "imcs-mrg" / "IMCS-MRG-900.json"
    fields = ("主诉", "现病史", "辅助检查", "既往史", "诊断", "建议")
    lines = [dict(line.split("：", 1) for line in row["target"].split("\n") if "：" in line)
             for row in json.loads(path.read_text(encoding="utf-8"))[:50]]  # fmt: skip
    targets = [json.dumps({field: line.get(field, "") for field in fields}, ensure_ascii=False) for line in lines]
    schema = Json(fields=fields).reply_schema([Sample(id=t, task="t", input="?", targets=(t,)) for t in targets])
    assert schema["properties"] == dict.fromkeys(fields, TEXT)
    for target in targets:
        jsonschema.validate(json.loads(target), schema)
