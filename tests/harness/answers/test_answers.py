"""The answer kinds: how an answer is asked for, written in an example, and read back."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from harness.answers.choice import Choice
from harness.answers.json import Json
from harness.answers.text import Text
from harness.records.inputs import Language, Sample
from harness.text.templates import Template
from tests.shared.paths import REAL_DATA

REPORTS = REAL_DATA / "imcs-mrg" / "IMCS-MRG-900.json"
SECTIONS = ("主诉", "现病史", "辅助检查", "既往史", "诊断", "建议")


def sample(*targets: str, options: tuple[str, ...] = ()) -> Sample:
    return Sample(id="1", task="t", input="哪一项？", targets=targets, options=options)


@pytest.mark.parametrize(
    ("after", "reply", "answer", "reason"),
    [
        (None, " 左膝关节置换术\n", "左膝关节置换术", None),
        (None, "<think>先看左右</think>\n左膝", "左膝", None),
        (None, "看左右</think>左膝", "左膝", None),  # the template has opened the block
        (None, "左膝<think>对吗？</think>", "左膝", None),
        (None, "<think>甲<think>乙</think>丙</think>丁", "丁", None),
        (None, "<think>还没想完", None, "not closed"),
        (None, "<think>只想</think>", None, "nothing but"),
        (None, " \n", None, "empty"),
        ("答案：", "先……答案：甲。再想想。答案：乙", "乙", None),
        ("答案：", "答案: 乙", "乙", None),
        ("答案：", "**答案：** 乙", "乙", None),
        ("答案：", "**答案：乙**", "乙", None),
        ("答案：", "<think>答案：甲</think>乙", None, "is missing"),
        ("答案：", "乙", None, "is missing"),
        ("答案：", "答案：", None, "nothing follows"),
    ],
)
def test_text(after: str | None, reply: str, answer: str | None, reason: str | None) -> None:
    reading = Text(after=after).read(sample("x"), reply)
    assert reading.answer == answer
    assert (reading.reason is None) if reason is None else (reason in (reading.reason or ""))


@pytest.mark.parametrize("answer", [Text(), Text(after="答案：")])
def test_a_text_example_can_be_read_back(answer: Text) -> None:
    item = sample("左膝关节置换术")
    assert answer.read(item, answer.example(item)).answer == "左膝关节置换术"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ('{"a": "1", "b": "2"}', {"a": "1", "b": "2"}),
        ('好的：\n```json\n{"a": "1"}\n```\n以上。', {"a": "1"}),
        ('{"a": "1"} {"a": "2"}', {"a": "1"}),
        ('<think>{"a": "0"}</think>{"a": "1"}', {"a": "1"}),
        ('格式为 {字段}，如下 {"a": "}"}', {"a": "}"}),
        ('{"a": 1, "b": [1, "x"], "c": {"z": 1, "y": null}, "d": null, "e": true}',
         {"a": "1", "b": '[1, "x"]', "c": '{"y": null, "z": 1}', "d": "", "e": "true"}),
        ('[{"a": "1"}]', {"a": "1"}),
        ('{"a": "1",} 更正：{"a": "2"}', {"a": "2"}),
        ('{5" 管} {"a": "1"}', {"a": "1"}),  # a quotation mark that is never closed
    ],
)  # fmt: skip
def test_the_first_object_that_parses_wins(reply: str, answer: dict[str, str]) -> None:
    reading = Json(fields=("a", "b")).read(sample(), reply)
    assert (reading.answer, reading.reason) == (answer, None)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("没有", "there is no JSON object in the reply"),
        ("", "the reply is empty"),
        ('说明\n{"a": "1",}', "the JSON object at line 2 column 1 does not parse: "),
        ("{'a': 1}", "in double quotes at line 1 column 2"),
        ('{"a": "1"', "does not parse: Expecting ',' delimiter at line 1 column 10"),
        ('{"a": 无, "b": {"a": "1"}}', "does not parse: Expecting value at line 1 column 7"),
        ('{"a": 无, "b": {"a": "1"}', "does not parse: Expecting value at line 1 column 7"),
        ('{"a": NaN}', "NaN is not a number in JSON"),
        ('{"a": "1", "a": "2"}', 'in the JSON object at line 1 column 1 the key "a" stands twice'),
        ('说明\n{"b": "", "a": "1", "a": "1"}', 'in the JSON object at line 2 column 1 the key "a" stands twice'),
        ('```json\n{"a": "1", "b": {"z": 1, "z": 2}}\n```', 'the key "z" stands twice'),
        ('{"a": [{"z": 1, "z": 2}]}', 'the key "z" stands twice'),
        ('{"a": "1", "\\u0061": "2"}', 'the key "a" stands twice'),
        ('{"a": "1", "a": "2"} 更正：{"a": "3"}', 'the key "a" stands twice'),
        ('{"a": "一\n二"}', "Invalid control character"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("<think>{", "not closed"),
    ],
)
def test_what_does_not_parse_is_wrong_with_the_reason(reply: str, reason: str) -> None:
    reading = Json(fields=("a", "b")).read(sample(), reply)
    assert reading.answer is None
    assert reason in (reading.reason or "")


@pytest.mark.parametrize(
    "unit", ["{", "{ ", "{a", '{a"', '{\\"', "{}", "{'a': ", '"{', "{\n", '{a"{\\"', "甲{", '{"a":']
)
def test_a_runaway_of_braces_is_read(unit: str) -> None:
    reply = (unit * 20_000)[:20_000]
    expected = {} if unit == "{}" else None  # quadratic reading took more than a minute
    assert Json(fields=("a",)).read(sample(), reply).answer == expected


@pytest.mark.parametrize("before", ["{" * 5_000, "{x} " * 2_000, r"\frac{1}{2} " * 500, "{甲 " * 2_000])
def test_an_object_behind_many_braces_is_found(before: str) -> None:
    assert Json(fields=("a",)).read(sample(), before + ' {"a": "1"}').answer == {"a": "1"}


def test_sections() -> None:
    answer = Json(fields=("主诉", "诊断"), form="sections")
    reply = "报告如下：\n**主诉**：咳嗽，\n三天。\n【诊断】: 感冒\n主诉：再说一遍"
    assert answer.read(sample(), reply).answer == {"主诉": "咳嗽，\n三天。", "诊断": "感冒"}
    assert answer.read(sample(), "咳嗽三天").reason == "no line begins with one of: 主诉：, 诊断："


@pytest.mark.parametrize("form", ["json", "sections"])
def test_a_fields_example_can_be_read_back(form: str) -> None:
    item = sample('{"诊断": "感冒", "主诉": "咳嗽\\"三天"}')
    answer = Json(fields=("主诉", "诊断"), form=form)
    assert answer.read(item, answer.example(item)).answer == {"主诉": '咳嗽"三天', "诊断": "感冒"}
    assert answer.example(item).index("主诉") < answer.example(item).index("诊断")


@pytest.mark.skipif(not REPORTS.exists(), reason=f"{REPORTS} is absent")
def test_real_reports_are_read_as_sections() -> None:
    answer = Json(fields=SECTIONS, form="sections")
    for row in json.loads(REPORTS.read_text(encoding="utf-8")):
        assert set(answer.read(sample(), row["target"]).answer) == set(SECTIONS)


@pytest.mark.parametrize(
    ("target", "mistake"),
    [
        ('{"a": "1", "b": ""}', None),
        ('{"a": "1"}', "the target lacks b (it has: a)"),
        ("[]", "the target is not a JSON object"),
        ("甲", "the target is not JSON"),
        ('{"a": "1", "a": "2", "b": ""}', 'the target is not JSON: the key "a" stands twice'),
        ('{"a": NaN, "b": ""}', "the target is not JSON: NaN is not a number in JSON"),
    ],
)
def test_targets_of_fields_are_checked(target: str, mistake: str | None) -> None:
    found = Json(fields=("a", "b")).check(sample(target))
    assert found == mistake or (mistake is not None and str(found).startswith(mistake))


def test_fields_are_required() -> None:
    with pytest.raises(ValidationError):
        Json(fields=())


FOUR = ("高血压", "糖尿病", "冠心病", "胃炎")


def test_the_default_prompt_of_a_choice() -> None:
    item = sample("B", options=FOUR)
    text = Template(Choice.default_prompt, "test").render(item)
    assert text == "哪一项？\nA. 高血压\nB. 糖尿病\nC. 冠心病\nD. 胃炎\n答案："


@pytest.mark.parametrize(
    ("language", "ending"),
    [
        ("zh", "D. 胃炎\n只回答正确选项的字母。\n答案："),
        ("en", "D. 胃炎\nReply with the letter of the right option only.\nAnswer:"),
    ],
)
def test_a_first_token_is_asked_for_as_a_letter_only(language: Language, ending: str) -> None:
    text = Template(Choice(by="first_token").prompt_in(language), "test").render(sample("B", options=FOUR))
    assert text == f"哪一项？\nA. 高血压\nB. 糖尿病\nC. 冠心病\n{ending}"


@pytest.mark.parametrize(
    ("by", "options", "is_first_token"),
    [
        ("loglikelihood", ("A", "B", "C", "D"), False),
        ("first_token", ("A", "B", "C", "D"), True),
        ("generation", (), False),
    ],
)
def test_options_have_a_probability_unless_they_are_generated(
    by: Any, options: tuple[str, ...], is_first_token: bool
) -> None:
    item, answer = sample("B", options=FOUR), Choice(by=by)
    assert (answer.options(item), answer.is_first_token) == (options, is_first_token)
    assert answer.read(item, "C").answer == "C"


@pytest.mark.parametrize(
    ("options", "reply", "answer", "reason"),
    [
        (("B", "A", "AB", "O"), "A", "A", None),
        (("B", "A", "AB", "O"), "B", "B", None),
        (("C", "N", "O", "H"), "C", "C", None),
        (("C", "N", "O", "H"), "O", None, "“O” is none of the letters that were scored"),
    ],
)
def test_a_scored_letter_is_not_read_as_prose(
    options: tuple[str, ...], reply: str, answer: str | None, reason: str | None
) -> None:
    for by in ("loglikelihood", "first_token"):
        reading = Choice(by=by).read(sample("A", options=options), reply)
        assert (reading.answer, reading.lenient, reading.reason) == (answer, answer, reason)


@pytest.mark.parametrize(("by", "means"), [("loglikelihood", "log-likelihood"), ("first_token", "the first token")])
def test_several_letters_cannot_be_chosen_by_their_probability(by: Any, means: str) -> None:
    with pytest.raises(ValidationError, match=f"several letters cannot be chosen by {means}; use by: generation"):
        Choice(by=by, multiple=True)


@pytest.mark.parametrize(
    ("targets", "options", "multiple", "mistake"),
    [
        (("B",), FOUR, False, None),
        (("A", "B"), FOUR, False, None),  # alternatives
        (("CA",), FOUR, True, None),
        (("A", "A"), FOUR, True, None),
        (("AC", "ABC"), FOUR, True, None),  # alternative sets
        (
            ("C", "A"),
            FOUR,
            True,
            'targets A、C are alternatives, one letter each; if all are right, write them as one text, "AC", instead of a list, and leave out target_separator',
        ),
        (("CA",), FOUR, False, "target 'CA': 2 letters (AC) where one is asked for"),
        (("E",), FOUR, False, "target 'E': E is not among the options A–D"),
        (("",), FOUR, False, "target '': the letter of an option is needed"),
        (("A",), (), False, "a choice needs 2 to 26 options, the sample has 0"),
        (("A",), ("x",) * 27, False, "a choice needs 2 to 26 options, the sample has 27"),
    ],
)
def test_samples_of_a_choice_are_checked(
    targets: tuple[str, ...], options: tuple[str, ...], multiple: bool, mistake: str | None
) -> None:
    assert Choice(multiple=multiple).check(sample(*targets, options=options)) == mistake


def test_a_choice_example_is_in_normal_form() -> None:
    assert Choice(multiple=True).example(sample("c、A", options=FOUR)) == "AC"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("AC", "2 letters (AC) where one is asked for"),
        ("F", "F is not among the options A–D"),
        ("A或B", "undecided between A、B"),
        ("今天天气好", "it names no option"),
        ("选了B，所以是B这一类", "its form leaves doubt (read leniently: B)"),
        ("答案：A\n更正，应该是C", "it announces A and then concludes C"),
    ],
)
def test_reasons(reply: str, reason: str) -> None:
    assert Choice().read(sample("B", options=FOUR), reply).reason == reason


def test_a_runaway_reply_is_read_in_time() -> None:
    item = sample("B", options=FOUR)
    lists = ("A and B, " * 1000, "AB和" * 1000, "除A" * 1000, "A对B错" * 1000, "A(B不对)" * 1000, "维生素A、B" * 1000)
    for reply in ("A、" * 2000, "A, B, " * 1000, "不是A" * 1000, "[ " * 2000, "A " + " " * 9000 + "x", *lists):
        Choice().read(item, reply)  # quadratic patterns took half a minute here
        Choice(multiple=True).read(item, reply)
