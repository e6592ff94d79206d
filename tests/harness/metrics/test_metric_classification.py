"""classification against hand-computed values and against scikit-learn on hundreds of random draws."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from harness.answers.choice import Choice
from harness.answers.text import Text
from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.metric import Mark
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.metrics.classification import NO_LABEL, Classification
from harness.records.figures import Confused
from harness.records.inputs import Generation, Sample
from harness.records.outputs import Prediction, Reading
from harness.stages.score_metric import score_metric
from harness.text.templates import Template

AVERAGES = ("macro", "micro", "weighted", "binary")


def sample(number: int, *targets: str, options: tuple[str, ...] = ()) -> Sample:
    return Sample(id=str(number), task="t", input="q", targets=targets, options=options)


def prediction(number: int, answer: str | None, reason: str | None = None) -> Prediction:
    return Prediction(
        sample_id=str(number), task="t", variant="v", messages=(), text=answer or "", reading=Reading(answer, reason)
    )


def task(samples: Sequence[Sample], answer: Answer | None = None) -> Task:
    return Task(
        name="t",
        data=Dataset(tuple(samples)),
        template=Template("{{ input }}", "p"),
        system=None,
        answer=answer or Text(),
        generation=Generation(),
    )


def scored(metric: Classification, pairs: Sequence[tuple[Any, str | None]]) -> list[Mark]:
    """The marks of (target or targets, answer) pairs."""
    some = [sample(i, *([target] if isinstance(target, str) else target)) for i, (target, _) in enumerate(pairs)]
    return metric.score_batch(
        some, [prediction(i, answer, None if answer else "unread") for i, (_, answer) in enumerate(pairs)]
    )  # type: ignore[return-value]


def totals(cells: Sequence[tuple[str, str | None]]) -> dict[str, np.ndarray]:
    names = [json.dumps(list(cell), ensure_ascii=False) for cell in cells]
    return {name: np.array([float(names.count(name))]) for name in names}


def figures(metric: Classification, cells: Sequence[tuple[str, str | None]]) -> dict[str, float]:
    return {part: float(value[0]) for part, value in metric.aggregate(totals(cells)).items()}


# -- figures ------------------------------------------------------------------------------------------------------------

# 甲 five times: 3 read as 甲, 1 as 乙, 1 unread. 乙 three times: 2 as 乙, 1 as 甲. 丙 twice: as 甲 and as 丙.
CELLS: list[tuple[str, str | None]] = [
    *[("甲", "甲")] * 3, ("甲", "乙"), ("甲", None), *[("乙", "乙")] * 2, ("乙", "甲"), ("丙", "甲"), ("丙", "丙"),
]  # fmt: skip
# P 甲 3/5, 乙 2/3, 丙 1/1; R 甲 3/5, 乙 2/3, 丙 1/2; F1 甲 3/5, 乙 2/3, 丙 2·1/(2 + 1) = 2/3; right 6 of 10, said 9


@pytest.mark.parametrize(
    ("settings", "f1", "precision", "recall"),
    [
        ({}, (3 / 5 + 2 / 3 + 2 / 3) / 3, (3 / 5 + 2 / 3 + 1) / 3, (3 / 5 + 2 / 3 + 1 / 2) / 3),
        ({"average": "micro"}, 12 / 19, 6 / 9, 6 / 10),  # 2·6/(9 + 10)
        ({"average": "weighted"}, (5 * 3 / 5 + 3 * 2 / 3 + 2 * 2 / 3) / 10, (3 + 2 + 2) / 10, 6 / 10),
        ({"average": "binary", "positive": "丙"}, 2 / 3, 1.0, 1 / 2),
    ],
)
def test_figures_by_hand(settings: dict[str, Any], f1: float, precision: float, recall: float) -> None:
    expected = {"": f1, "accuracy": 0.6, "precision": precision, "recall": recall}
    assert figures(Classification(**settings), CELLS) == pytest.approx(expected)


def by_sklearn(cells: Sequence[tuple[str, str | None]], labels: list[str], average: str) -> dict[str, float]:
    right = [gold for gold, _ in cells]
    said = [one or NO_LABEL for _, one in cells]
    there = labels if average == "micro" else [label for label in labels if label in right]
    if average == "binary":
        if "甲" not in there:
            return {"accuracy": accuracy_score(right, said), **dict.fromkeys(("", "precision", "recall"), np.nan)}
        there = ["甲"]
    how = "macro" if average == "binary" else average  # the mean over one label
    precision, recall, f1, _ = precision_recall_fscore_support(right, said, labels=there, average=how, zero_division=0)
    return {"": f1, "accuracy": accuracy_score(right, said), "precision": precision, "recall": recall}


@pytest.mark.parametrize("average", AVERAGES)
def test_figures_are_scikit_learns(average: str) -> None:
    """200 draws of 1 to 30 samples, with labels that nobody has, that nobody says, alone, and answers that are none."""
    rng = np.random.default_rng(11)
    labels = ["甲", "乙", "丙", "丁"]
    metric = Classification(average=average, positive="甲" if average == "binary" else None)
    seen = {"absent": 0, "alone": 0, "stray": 0, "never said": 0}
    for _ in range(200):
        odds = rng.dirichlet([0.4] * 4), rng.dirichlet([0.4] * 5)
        size = int(rng.integers(1, 31))
        cells = list(zip(rng.choice(labels, size, p=odds[0]).tolist(), [
            None if one == 4 else labels[one] for one in rng.choice(5, size, p=odds[1])
        ], strict=True))  # fmt: skip
        golds, said = {gold for gold, _ in cells}, {one for _, one in cells}
        seen["absent"] += len(golds) < 4
        seen["alone"] += len(golds) == 1
        seen["stray"] += None in said
        seen["never said"] += bool(golds - said)
        assert figures(metric, cells) == pytest.approx(by_sklearn(cells, labels, average), abs=1e-12, nan_ok=True)
    assert min(seen.values()) > 20


def test_binary_is_scikit_learns_own_binary() -> None:
    right, said = ["是", "是", "否", "否", "是"], ["是", "否", "是", "否", "是"]
    expected = precision_recall_fscore_support(right, said, pos_label="是", average="binary")
    found = figures(Classification(average="binary", positive="是"), list(zip(right, said, strict=True)))
    assert [found["precision"], found["recall"], found[""]] == pytest.approx(expected[:3])


@pytest.mark.parametrize("average", AVERAGES)
def test_each_resample_gets_the_figure_of_its_own_samples(average: str) -> None:
    """The point figure and the resamples are one function: many at once are each as if alone."""
    metric = Classification(average=average, positive="甲" if average == "binary" else None)
    rng = np.random.default_rng(5)
    draws = [[CELLS[i] for i in rng.integers(0, len(CELLS), len(CELLS))] for _ in range(50)]
    names = list(totals(CELLS))
    stacked = {name: np.array([totals(draw).get(name, np.zeros(1))[0] for draw in draws]) for name in names}
    for part, values in metric.aggregate(stacked).items():
        alone = [figures(metric, draw)[part] for draw in draws]
        assert values.tolist() == pytest.approx(alone, abs=1e-12, nan_ok=True)


def test_a_draw_without_a_rare_label_says_nothing_of_it() -> None:
    cells = [("甲", "甲"), ("乙", "乙")]
    drawn = {name: np.array([2.0, 0.0, 1.0]) if "甲" in name else np.array([0.0, 2.0, 1.0]) for name in totals(cells)}
    assert Classification().aggregate(drawn)[""].tolist() == [1.0, 1.0, 1.0]  # all answers are right in each draw
    binary = Classification(average="binary", positive="甲").aggregate(drawn)
    assert binary["recall"].tolist() == pytest.approx([1.0, np.nan, 1.0], nan_ok=True)


def test_an_answer_that_is_no_label_is_in_no_labels_precision() -> None:
    found = figures(Classification(), [("甲", "甲"), ("甲", None), ("乙", "乙"), ("乙", None)])
    # both labels: P 1/1, R 1/2, F1 2·1/(1 + 2) = 2/3
    assert found == pytest.approx({"": 2 / 3, "accuracy": 0.5, "precision": 1.0, "recall": 0.5})


def test_all_parts_are_named() -> None:
    assert {"", *Classification().parts()} == set(figures(Classification(), CELLS))


# -- marks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "answer", "value", "cell"),
    [
        ("肺炎", "肺炎", 1.0, ["肺炎", "肺炎"]),
        ("肺炎", " 肺炎。", 1.0, ["肺炎", "肺炎"]),
        ("肺炎", "胃炎", 0.0, ["肺炎", "胃炎"]),
        ("胃炎", "胃炎或肺炎", 0.0, ["胃炎", None]),
        ("胃炎", None, 0.0, ["胃炎", None]),
        (("肺炎", "胃炎"), "胃炎", 1.0, ["胃炎", "胃炎"]),  # the one that was met
        (("肺炎", "胃炎"), "正常", 0.0, ["肺炎", "正常"]),  # else the first
        (("肺炎", "胃炎"), None, 0.0, ["肺炎", None]),
        ("ＣＴ", "ct", 1.0, ["ＣＴ", "ＣＴ"]),
    ],
)
def test_marks(target: Any, answer: str | None, value: float, cell: list[str | None]) -> None:
    others: list[tuple[Any, str | None]] = [("肺炎", "肺炎"), ("胃炎", "胃炎"), ("正常", "正常")]
    mark = scored(Classification(), [*others, (target, answer)])[-1]
    assert mark.value == value
    assert mark.counts == {json.dumps(cell, ensure_ascii=False): 1.0}


def test_a_wrong_answer_has_its_reason() -> None:
    marks = scored(Classification(), [("肺炎", "胃炎"), ("胃炎", "感冒"), ("胃炎", None), (("肺炎", "胃炎"), "胃炎")])
    assert [mark.reason for mark in marks] == ["“胃炎” is not “肺炎”", "“感冒” is none of the labels", "unread", None]


def test_normalisation_decides_what_one_label_is() -> None:
    pairs: list[tuple[Any, str | None]] = [("HER2", "her2"), ("阴性", "阴性")]
    assert scored(Classification(), pairs)[0].value == 1.0
    assert scored(Classification(case=False), pairs)[0].value == 0.0


def test_a_declared_label_may_be_said_where_no_target_has_it() -> None:
    some = [sample(0, "甲"), sample(1, "乙")]
    (mark, _) = Classification(labels=("甲", "乙", "丙")).score_batch(some, [prediction(0, "丙"), prediction(1, "乙")])
    assert mark.counts == {'["甲", "丙"]': 1.0}  # type: ignore[union-attr]
    (mark, _) = Classification().score_batch(some, [prediction(0, "丙"), prediction(1, "乙")])
    assert mark.counts == {'["甲", null]': 1.0}  # type: ignore[union-attr]


def test_labels_are_those_of_the_task_also_where_their_samples_failed(scoring: Callable[..., Scoring]) -> None:
    some = [sample(0, "甲"), sample(1, "乙")]
    failed = Prediction(
        sample_id="1", task="t", variant="v", messages=(), text="", reading=Reading(), error="out of power"
    )
    place = Scoring(metric="label", task=task(some), context=scoring().context)
    first, second = score_metric(Classification(), some, [prediction(0, "乙"), failed], place)
    assert (first.value, first.counts) == (0.0, {'["甲", "乙"]': 1.0})
    assert (second.value, second.counts, second.error) == (None, None, "out of power")


def test_letters_of_a_choice_are_labels(scoring: Callable[..., Scoring]) -> None:
    some = [sample(0, "CA", options=("x", "y", "z")), sample(1, "Ｂ", options=("x", "y", "z"))]
    place = Scoring(metric="label", task=task(some, Choice(multiple=True)), context=scoring().context)
    scores = score_metric(Classification(), some, [prediction(0, "AC"), prediction(1, "A")], place)
    assert [score.counts for score in scores] == [{'["AC", "AC"]': 1.0}, {'["B", null]': 1.0}]


# -- confusion ----------------------------------------------------------------------------------------------------------


def test_confusion() -> None:
    found = Classification().confusion({name: float(count[0]) for name, count in totals(CELLS).items()})
    assert found == Confused(("丙", "乙", "甲", NO_LABEL), ((1, 0, 1, 0), (0, 2, 1, 0), (0, 1, 3, 1)))


def test_confusion_in_declared_order_without_a_stray_answer() -> None:
    declared = Classification(labels=("甲", "乙", "丙"))
    found = declared.confusion({'["乙", "甲"]': 2.0, '["甲", "甲"]': 1.0, '["甲", null]': 0.0})
    assert found == Confused(("甲", "乙", "丙"), ((1, 0, 0), (2, 0, 0), (0, 0, 0)))


# -- what it refuses ----------------------------------------------------------------------------------------------------

TWO = [sample(0, "阳性"), sample(1, "阴性")]
REFUSED = [
    ({}, [sample(i, f"l{i}") for i in range(201)], "201 distinct labels, more than 200; use exact_match"),
    ({}, [sample(0, "甲"), sample(1, "甲。")], "1 label; classification needs two"),
    ({}, [*TWO, sample(2, "？")], "sample 2: nothing is left of the label “？”; set punctuation: keep"),
    ({}, [*TWO, sample(2)], "sample 2 has no right answer"),
    ({"labels": ("阳性", "阴性")}, [*TWO, sample(2, "阴性的")], "“阴性的” is not among labels (did you mean 阴性?)"),
    ({"average": "binary", "positive": "阳性的"}, TWO, "“阳性的” is not among the labels (did you mean 阳性?)"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "samples", "message"), REFUSED, ids=[row[2][:30] for row in REFUSED])
def test_tasks_that_it_refuses(settings: dict[str, Any], samples: list[Sample], message: str) -> None:
    assert message in str(Classification(**settings).check_task(task(samples)))


@pytest.mark.parametrize(
    ("settings", "samples"),
    [
        ({}, [sample(i, f"l{i}") for i in range(200)]),
        ({}, TWO),
        ({"labels": ("甲", "乙")}, [sample(0, "甲")]),
        ({"average": "binary", "positive": "阳性。"}, TWO),
    ],
)
def test_tasks_that_it_takes(settings: dict[str, Any], samples: list[Sample]) -> None:
    assert Classification(**settings).check_task(task(samples)) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"average": "binary"}, "needs positive"),
        ({"positive": "甲"}, "needs positive"),
        ({"labels": ("甲",)}, "at least two"),
        ({"labels": ("甲", "甲。")}, "different"),
        ({"labels": ("甲", "乙", "。")}, "not empty"),
        ({"average": "mean"}, "macro"),
    ],
)
def test_settings_that_it_refuses(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Classification(**settings)
