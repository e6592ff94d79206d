"""json_fields with a text metric inside: how similar each field is, beside whether it is equal."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from harness.components.dataset import Dataset
from harness.components.metric import Mark, Marks, Scale
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.errors import SuiteError
from harness.metrics.json_fields import JsonFields
from harness.metrics.judge import Judge
from harness.metrics.python import Python
from harness.metrics.rouge import Rouge
from harness.metrics.term_set import TermSet
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.stages.score_metric import score_metric
from harness.suite.parser import load_suite


def target(**fields: str) -> str:
    return json.dumps(fields, ensure_ascii=False)


def said(answer: dict[str, str] | None, *targets: str, number: str = "1") -> tuple[Sample, Prediction]:
    reading = Reading(answer, None if answer is not None else "no object")
    return Sample(id=number, task="t", input="q", targets=targets), Prediction(
        sample_id=number, task="t", variant="v", messages=(), text="", reading=reading
    )


def values(marks: dict[str, Mark]) -> dict[str, float | None]:
    return {part: mark.value for part, mark in marks.items()}


REPORT = target(主诉="咳嗽三天", 诊断="感冒", 建议="多休息")


def test_the_same_in_other_words_is_seen_beside_what_is_equal() -> None:
    answer = {"主诉": "三天咳嗽", "诊断": "感冒", "备注": "无"}
    plain = JsonFields().score(*said(answer, REPORT))
    marks = JsonFields(similarity=Rouge()).score(*said(answer, REPORT))
    # 主诉: 2 of 4 characters in order, 诊断 equal, 建议 missing
    assert values(marks) == pytest.approx({
        **values(plain), "similarity": 0.5, "similarity of 主诉": 0.5, "similarity of 诊断": 1.0, "similarity of 建议": 0.0,
    })  # fmt: skip
    assert {part: marks[part] for part in plain} == plain
    assert marks["similarity of 建议"].reason == "the field is missing"
    assert marks["similarity of 主诉"].reason == "2 of the reference's 4 characters in their order; the answer has 4"


def test_an_unread_answer_has_no_similarity() -> None:
    marks = JsonFields(fields=("主诉",), similarity=Rouge()).score(*said(None, REPORT))
    assert marks["similarity"].value == 0.0
    assert marks["similarity of 主诉"] == Mark(0.0, "no object")


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        ("", "", Mark(1.0)),
        (" ", "\n", Mark(1.0)),
        ("", "咳嗽", Mark(0.0, "the reference's field is blank")),
        ("咳嗽", " ", Mark(0.0, "no word or number is in the answer")),
        ("——", " ——", Mark(1.0)),  # no token to compare: equal or not
        ("——", "咳嗽", Mark(0.0, "the reference's field is “——”")),
    ],
)
def test_fields_in_which_there_is_nothing_to_compare(wanted: str, given: str, expected: Mark) -> None:
    marks = JsonFields(similarity=Rouge()).score(*said({"主诉": given}, target(主诉=wanted)))
    assert marks["similarity of 主诉"].value == expected.value
    assert marks["similarity"].value == expected.value
    if expected.reason:
        assert marks["similarity of 主诉"].reason == expected.reason


def test_the_similarity_is_to_the_target_that_counts() -> None:
    # the first target has 1 of 2 fields equal, the second none, though its a is nearer
    marks = JsonFields(similarity=Rouge()).score(
        *said({"a": "咳嗽三天", "b": "无"}, target(a="发热", b="无"), target(a="咳嗽三日", b="有"))
    )
    assert values(marks) == {
        "": 0.5, "a": 0.0, "b": 1.0, "parsed": 1.0, "missing": 0.0, "extra": 0.0,
        "similarity": 0.5, "similarity of a": 0.0, "similarity of b": 1.0,
    }  # fmt: skip


def test_fields_called_like_parts_keep_both() -> None:
    names = ("similarity", "similarity of a", "a")
    metric = JsonFields(fields=names, similarity=Rouge())
    marks = metric.score(*said(dict.fromkeys(names, "咳嗽"), json.dumps(dict.fromkeys(names, "咳嗽"))))
    assert set(marks) == {"", *(metric.parts() or ())}
    assert set(marks) - {"", "parsed", "missing", "extra"} == {
        "field similarity", "field similarity of a", "a",
        "similarity", "similarity of similarity", "similarity of similarity of a", "similarity of a",
    }  # fmt: skip
    assert "similarity" in {*(JsonFields(fields=names).parts() or ())}  # without it, the parts of before


@pytest.mark.parametrize(
    ("answer", "precision", "recall", "f1"),
    [
        ("a##c##d", 1 / 3, 1 / 2, 0.4),  # 1 of the answer's 3 terms, 1 of the target's 2: 2 · 1/3 · 1/2 / (5/6)
        ("a##b", 1.0, 1.0, 1.0),
        ("a", 1.0, 1 / 2, 2 / 3),
        ("c", 0.0, 0.0, 0.0),
        (None, 0.0, 0.0, 0.0),  # the field is missing
    ],
)
def test_precision_and_recall_of_each_field(answer: str | None, precision: float, recall: float, f1: float) -> None:
    given = {"blank": ""} | ({} if answer is None else {"terms": answer})
    metric = JsonFields(fields=("terms", "blank"), similarity=TermSet())
    marks = metric.score(*said(given, target(terms="a##b", blank="")))
    assert set(marks) == {"", *(metric.parts() or ())}
    assert {part: mark.value for part, mark in marks.items() if part.startswith("similarity")} == pytest.approx({
        "similarity": (f1 + 1) / 2, "similarity of terms": f1, "similarity of blank": 1.0,
        "similarity precision": (precision + 1) / 2, "similarity precision of terms": precision,
        "similarity precision of blank": 1.0,
        "similarity recall": (recall + 1) / 2, "similarity recall of terms": recall, "similarity recall of blank": 1.0,
    })  # fmt: skip


class Counting(Rouge):
    """Rouge that remembers how often it was asked."""

    calls: ClassVar[list[int]] = []

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring | None = None
    ) -> list[Marks]:
        self.calls.append(len(samples))
        return super().score_batch(samples, predictions, scoring)


def test_all_fields_of_all_predictions_are_asked_at_once() -> None:
    metric = Counting()
    pairs = [
        said({"a": "咳嗽", "b": ""}, target(a="咳嗽", b=""), number="1"),
        said({"a": "发热"}, target(a="咳嗽", b="三天"), number="2"),
        said(None, target(a="咳嗽", b="三天"), number="3"),
    ]
    marks = JsonFields(similarity=metric).score_batch([sample for sample, _ in pairs], [one for _, one in pairs])
    assert metric.calls == [5]  # all but the blank one
    # (1 + 1) / 2, 0 and missing, unread
    assert [one["similarity"].value for one in marks] == [1.0, 0.0, 0.0]  # type: ignore[index]


def test_nothing_to_ask_is_not_asked() -> None:
    metric = Counting(tokens="words")
    metric.calls.clear()
    assert JsonFields(similarity=metric).score_batch([], []) == []
    marks = JsonFields(similarity=metric).score(*said({"a": "x"}, "{}"))
    assert marks["similarity"] == Mark(None, "there is no field to compare")
    assert metric.calls == []


def test_the_tokens_are_chosen_by_the_fields_of_the_whole_task(scoring: Callable[..., Scoring]) -> None:
    """By their texts, not by the names of the fields, and not by the one sample that was answered."""
    name = "main complaint and history of the patient"  # in the JSON text Latin words would be the most
    english = said({name: "severe pains"}, json.dumps({name: "severe pain"}))
    rest = Sample(id="2", task="t", input="q", targets=(json.dumps({name: "患者咳嗽三天"}, ensure_ascii=False),))
    surroundings = scoring("json")
    both = replace(surroundings, task=replace(surroundings.task, data=Dataset((english[0], rest))))
    by = {
        score.metric: score.value
        for score in score_metric(JsonFields(similarity=Rouge()), [english[0]], [english[1]], both)
    }
    assert by["json.similarity"] == 0.5  # pains is not stemmed, since the references are mostly Chinese


def test_an_unknown_field_makes_the_mean_unknown(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def score(answer, targets, sample):\n    return None if answer == '?' else 1", encoding="utf-8")
    metric = JsonFields(similarity=Python(file=str(path)))
    marks = metric.score(*said({"a": "?", "b": "x"}, target(a="y", b="z")))
    assert marks["similarity"] == Mark(None, "unknown: a")
    assert (marks["similarity of a"].value, marks["similarity of b"].value, marks[""].value) == (None, 1.0, 0.0)


def test_the_parts_have_the_scale_of_the_metric_inside(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def score(answer, targets, sample):\n    return 50", encoding="utf-8")
    metric = JsonFields(similarity=Python(file=str(path), high=100.0))
    assert metric.scale_of("similarity") == metric.scale_of("similarity of a") == Scale(0.0, 100.0)
    assert metric.scale_of("") == metric.scale_of("a") == Scale()
    assert metric.scale_of("missing").better == "lower"
    assert metric.scale_of("missing").high == 100.0  # the fields of each target
    assert JsonFields(fields=("a", "b")).scale_of("missing") == Scale(0.0, 2.0, "lower")  # no more can be missing
    assert metric.score(*said({"a": ""}, target(a="")))["similarity"].value == 100.0


SUITE = """
models: {m: {scripted: {}}}
tasks:
  t:
    data: {jsonl: {path: data.jsonl, input: input, target: target}}
    answer: {json: {fields: [a]}}
    metrics: {fields: {json_fields: {similarity: %s}}}
variants: {zero: {prompting: {model: m}}}
"""


def test_a_suite_names_the_metric_inside(write_suite: Callable[..., Path]) -> None:
    metric = load_suite(write_suite(SUITE % "{rouge: {tokens: jieba}}")).tasks["t"].metrics["fields"]
    assert metric.model_dump(mode="json") == {"fields": [], "similarity": {"rouge": {"tokens": "jieba"}}}
    assert load_suite(write_suite(SUITE % "null")).tasks["t"].metrics["fields"] == JsonFields()


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        (
            "bleu",
            "Bleu makes one figure of a whole corpus and cannot compare fields; use a metric of single texts, e.g. rouge",
        ),
        ("choice", "Choice scores choice answers, but a field is text; use a metric of single texts, e.g. rouge"),
        ("stale", "Stale is not higher for more similar texts; use a metric of single texts, e.g. rouge"),
        ("ruge", "metric 'ruge' is not known (did you mean rouge?)"),
    ],
)
def test_a_metric_that_cannot_compare_fields_is_refused(
    inside: str, told: str, write_suite: Callable[..., Path]
) -> None:
    with pytest.raises(SuiteError) as caught:
        load_suite(write_suite(SUITE % inside))
    assert len(caught.value.mistakes) == 1
    assert caught.value.mistakes[0].endswith(told)


def test_what_the_metric_inside_needs_is_checked(tmp_path: Path, scoring: Callable[..., Scoring]) -> None:
    with pytest.raises(Exception, match=r"nothing\.py: cannot be read"):
        JsonFields(similarity=Python(file=str(tmp_path / "nothing.py"))).check()
    task = replace(
        scoring().task,
        data=Dataset((Sample(id="1", task="t", input="q", targets=(target(a="咳嗽", b="", c="——", d="三天"),)),)),
    )
    assert JsonFields(similarity=Strict()).check_task(task) == "1 a, 1 d"
    assert JsonFields(fields=("b", "d"), similarity=Strict()).check_task(task) == "1 d"
    assert JsonFields(similarity=Rouge()).check_task(task) is None
    assert JsonFields().check_task(task) is None


class Strict(Rouge):
    """Refuses every task, and tells by which samples."""

    def check_task(self, task: Task) -> str | None:
        return ", ".join(sample.id for sample in task.data.test)


def test_a_judge_is_no_similarity() -> None:
    with pytest.raises(ValueError, match="Judge asks a judge, whose trust is not known field by field"):
        JsonFields(similarity=Judge(model="j"))
