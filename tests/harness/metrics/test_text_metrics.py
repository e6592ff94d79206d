"""exact_match, contains and term_set against hand-computed values."""

import pytest

from harness.components.metric import Mark
from harness.metrics.contains import Contains
from harness.metrics.exact_match import ExactMatch
from harness.metrics.term_set import TermSet
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading


def pair(answer: str | None, *targets: str, reason: str | None = None) -> tuple[Sample, Prediction]:
    reading = Reading(answer=answer, reason=reason)
    sample = Sample(id="1", task="t", input="q", targets=targets)
    return sample, Prediction(sample_id="1", task="t", variant="v", messages=(), text=answer or "", reading=reading)


@pytest.mark.parametrize(
    ("settings", "answer", "targets", "value"),
    [
        ({}, "左膝关节置换术", ("左膝关节置换术",), 1.0),
        ({}, "左膝关节置换术。", ("左膝关节置换术",), 1.0),
        ({"punctuation": "unify"}, "左膝关节置换术。", ("左膝关节置换术",), 0.0),
        ({"punctuation": "unify"}, "胃镜（无痛）", ("胃镜(无痛)",), 1.0),
        ({"punctuation": "keep", "nfkc": False}, "胃镜（无痛）", ("胃镜(无痛)",), 0.0),
        ({}, "ＣＴ 检查", ("ct检查",), 1.0),
        ({"case": False}, "CT", ("ct",), 0.0),
        ({"nfkc": False}, "ＣＴ", ("ct",), 0.0),
        ({"whitespace": False}, "胃 镜", ("胃镜",), 0.0),
        ({}, "1.5", ("15",), 0.0),
        ({}, "-5", ("5",), 0.0),
        ({}, ".5mg", ("5mg",), 0.0),
        ({}, "10⁹/L", ("109/L",), 0.0),
        ({}, "10⁹/L", ("10^9/L",), 1.0),
        ({}, "1,000 ml", ("1000 ml",), 1.0),
        ({}, "乙", ("甲", "乙"), 1.0),
        ({}, "甲乙", ("甲", "乙"), 0.0),
    ],
)
def test_exact_match(settings: dict[str, object], answer: str, targets: tuple[str, ...], value: float) -> None:
    assert ExactMatch(**settings).score(*pair(answer, *targets)).value == value


def test_exact_match_shows_what_was_compared() -> None:
    assert ExactMatch().score(*pair("胃 镜。", "肠镜", "喉镜")) == Mark(0.0, "“胃镜” is not “肠镜” or “喉镜”")


@pytest.mark.parametrize("metric", [ExactMatch(), Contains()])
def test_an_unread_answer_is_wrong_for_the_reason_of_its_reading(metric: ExactMatch | Contains) -> None:
    assert metric.score(*pair(None, "胃镜", reason="the reply is empty")) == Mark(0.0, "the reply is empty")


@pytest.mark.parametrize(
    ("require", "answer", "targets", "value"),
    [
        ("any", "建议做胃镜。", ("胃镜", "肠镜"), 1.0),
        ("all", "建议做胃镜。", ("胃镜", "肠镜"), 0.0),
        ("all", "建议做胃镜和肠镜。", ("胃镜", "肠镜"), 1.0),
        ("any", "建议休息", ("胃镜",), 0.0),
        ("any", "建议休息", ("。",), 0.0),  # nothing is left of the target
        ("any", "不是胃炎", ("胃炎",), 1.0),  # its known weakness
    ],
)
def test_contains(require: str, answer: str, targets: tuple[str, ...], value: float) -> None:
    assert Contains(require=require).score(*pair(answer, *targets)).value == value


@pytest.mark.parametrize(
    ("answer", "targets", "f1", "precision", "recall", "exact"),
    [
        ("甲##乙", ("乙##甲",), 1.0, 1.0, 1.0, 1.0),
        ("甲##丙", ("甲##乙",), 0.5, 0.5, 0.5, 0.0),  # 1 of 2 given, 1 of 2 wanted
        ("甲", ("甲##乙##丙",), 0.5, 1.0, 1 / 3, 0.0),  # 2 · 1 · ⅓ / (1 + ⅓) = ⅔ / 4⁄3 = ½
        ("甲##甲##乙", ("甲",), 2 / 3, 0.5, 1.0, 0.0),  # a set: {甲, 乙}; 2 · ½ · 1 / 1½ = ⅔
        ("丙", ("甲##乙",), 0.0, 0.0, 0.0, 0.0),
        ("甲＃＃乙", ("甲##乙",), 1.0, 1.0, 1.0, 1.0),
        ("甲 ## 乙。##", ("甲##乙",), 1.0, 1.0, 1.0, 1.0),
        ("甲##乙", ("甲", "甲##乙##丙"), 0.8, 1.0, 2 / 3, 0.0),  # ⅔ against the first; 2 · ⅔ / (5⁄3) = ⅘ the second
        ("##", ("甲",), 0.0, 0.0, 0.0, 0.0),
        ("10⁹/L", ("109/L",), 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_term_set(
    answer: str, targets: tuple[str, ...], f1: float, precision: float, recall: float, exact: float
) -> None:
    marks = TermSet().score(*pair(answer, *targets))
    expected = {"": f1, "precision": precision, "recall": recall, "exact": exact}
    assert {part: mark.value for part, mark in marks.items()} == pytest.approx(expected)


def test_term_set_tells_what_differs() -> None:
    assert TermSet().score(*pair("甲##丙", "甲##乙"))[""].reason == "missing: 乙; not wanted: 丙"
    assert TermSet().score(*pair(None, "甲", reason="empty"))["recall"] == Mark(0.0, "empty")


def test_a_separator_that_is_punctuation_still_separates() -> None:
    assert TermSet(separator="，").score(*pair("甲，乙", "乙，甲"))[""].value == 1.0


@pytest.mark.parametrize("metric", [ExactMatch, Contains, TermSet])
def test_letters_of_options_are_left_to_the_choice_metric(metric: type[ExactMatch | Contains | TermSet]) -> None:
    assert metric.answers == ("text",)  # a choice is read as "AC" where its target may be written "CA"
