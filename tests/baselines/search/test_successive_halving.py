"""The course of a search, by tables worked out by hand: rows and settings of each round, ranks, and the figure."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines.search.search_rows import row_mistakes, search_rows
from baselines.search.selection_figure import SelectionFigure, selection_figure
from baselines.search.setting_space import unfolded_search
from baselines.search.successive_halving import halve
from baselines.search.trial_ledger import TrialLedger
from baselines.variants.prompting import Prompting
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.metric import Mark, Metric, Scale
from harness.components.task import Task
from harness.metrics.classification import Classification
from harness.metrics.exact_match import ExactMatch
from harness.metrics.judge import Judge
from harness.models.scripted import Scripted
from harness.records.figure_names import FigureName
from harness.records.inputs import Cell, Sample
from harness.records.outputs import Prediction, Reading
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from tests.shared.rag_fixtures import resources
from tests.shared.rag_fixtures import task as norm_task

EXACT = SelectionFigure(name=FigureName("norm", "accuracy"), metric=ExactMatch())


def sample(number: int, split: str = "validation", text: str | None = None) -> Sample:
    return Sample(id=f"{split}:{number}", task="norm", input=text or f"{split} {number}", targets=(f"t{number}",))


def on_rows(validation: int = 0, train: int = 0) -> Task:
    rows = Dataset(
        test=(sample(0, "test"),),
        validation=tuple(map(sample, range(validation))),
        train=tuple(sample(i, "train") for i in range(train)),
    )
    return replace(norm_task(), data=rows)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Callable[..., TrialLedger]]:
    cache = Cache(tmp_path / "calls.sqlite")

    def make(rows: int, budget: int, variants: list[Prompting], model: Scripted | None = None) -> TrialLedger:
        context = Context({"m": model or Scripted(default="x")}, cache, Display(), 7)
        context.begin(Cell("norm", "v"))
        own = TrialLedger(search_rows(on_rows(rows), 7), EXACT, context, resources(on_rows(rows)), budget)
        for variant in variants:
            own.enter(variant)
        return own

    yield make
    cache.close()


@pytest.mark.parametrize(
    ("settings", "samples", "rows", "budget", "course", "spent"),
    [
        # Rounds left, and an equal share of what is left: 7 × 285, which is 3 rows each; ten cost 720, under half of it.
        # Then of 1,280 left 36 × 5 (213), 18 × 12 (220), 9 × 24 (221), 5 × 44 (222), 3 × 74 (224), 2 × 113 (226).
        (72, 1, 1000, 2000,
         [(10, 72), (15, 36), (27, 18), (51, 9), (95, 5), (169, 3), (282, 2)], 2000),
        (4, 1, 8, 32, [(8, 4)], 32),  # enough for all settings on all rows
        (4, 1, 8, 31, [(5, 4), (8, 2)], 26),  # a call less: half is 15, the fewest rows cost 20; then 3 rows for two
        (4, 1, 100, 20, [(5, 4), (5, 2)], 20),  # one round of the fewest rows, and nothing is left for another
        (2, 1, 100, 31, [(15, 2)], 30),
        (2, 3, 100, 31, [(5, 2)], 30),  # three calls a row
        (3, 1, 30, 60, [(10, 3), (25, 2)], 60),
        (3, 1, 12, 34, [(5, 3), (12, 2)], 29),  # the last round has no more rows to ask
    ],
)  # fmt: skip
def test_the_course(
    ledger: Any, settings: int, samples: int, rows: int, budget: int, course: list[tuple[int, int]], spent: int
) -> None:
    variants = [
        Prompting(model="m", max_tokens=1 + i, samples=samples, temperature=0.7 if samples > 1 else None)
        for i in range(settings)
    ]
    own = ledger(rows, budget, variants)
    assert [(turn.rows, len(turn.trials)) for turn in halve(own, range(settings))] == course
    assert (own.spent, own.calls.counts.calls + own.calls.counts.cached) == (spent, spent)


def test_all_settings_of_a_round_answer_the_same_rows_and_the_better_half_goes_on(ledger: Any) -> None:
    # "t1" is right on one row in eight; settings differ by what is cut: max_tokens 1 leaves "t", which is never right
    own = ledger(8, 40, [Prompting(model="m", max_tokens=1), *(Prompting(model="m", max_tokens=n) for n in (2, 3, 4))],
                 Scripted(default="t1"))  # fmt: skip
    (turn,) = halve(own, range(4))
    assert [(trial.setting, trial.score) for trial in turn.trials] == [(1, 0.125), (2, 0.125), (3, 0.125), (0, 0.0)]
    assert len({tuple(p.sample_id for p in answers.predictions) for answers in own.answers}) == 1


def answered(right: str, tokens: int, failed: str = "") -> list[Prediction]:
    """One prediction a sign of `right`: 1 is right, 0 wrong, x failed."""
    return [
        Prediction(
            sample_id=str(i), task="norm", variant="v", messages=(), text=sign, reading=Reading(sign), tokens_in=tokens,
            error="down" if sign == "x" else None,
        )
        for i, sign in enumerate(right)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ([("0011", 5, {}), ("1111", 50, {})], [1, 0]),
        ([("0011", 50, {}), ("1100", 5, {})], [1, 0]),  # equally good: the cheaper
        ([("0011", 5, {"shots": 3}), ("1100", 5, {"shots": 1})], [1, 0]),  # and as dear: what shows less
        ([("0011", 5, {}), ("1100", 5, {})], [0, 1]),  # else the order of the suite
        ([("xxxx", 0, {}), ("0001", 90, {})], [1, 0]),  # what always fails is the worst
        ([("11xx", 5, {}), ("1110", 90, {})], [1, 0]),  # 2 of 4 right, the others unknown, against 3 of 4
    ],
)
def test_ranks(ledger: Any, settings: list[tuple[str, int, dict[str, int]]], order: list[int]) -> None:
    own = ledger(4, 100, [Prompting(model="m", **parameters) for _, _, parameters in settings])
    for answers, (signs, tokens, _) in zip(own.answers, settings, strict=True):
        answers.predictions = answered(signs, tokens)
        answers.marks = [Mark(None) if sign == "x" else Mark(float(sign)) for sign in signs]
    assert [trial.setting for trial in own.ranked(range(len(settings)), 4)] == order


class Odd(Metric):
    """NaN for what is longer than a character."""

    scale = Scale(0.0, 10.0, "lower")

    def score(self, sample: Sample, prediction: Prediction) -> float:
        return float("nan") if len(prediction.text) > 1 else 2.0


@pytest.mark.parametrize(
    ("metric", "part", "answers", "expected"),
    [
        (ExactMatch(), "", ["a", "b", "c", None], 0.25),  # targets a, a, a, a; the failed one counts as wrong
        (Odd(), "", ["a", "bb", "c", "d"], (2 + 10 + 2 + 2) / 4),  # lower is better: NaN is the high end
        (Odd(), "", ["aa", "bb", "cc", None], 10.0),
        (Classification(), "", ["a", "b", "a", "a"], 6 / 7),  # of a, the only label: precision 3/3, recall 3/4
        (Classification(), "", ["a", "a", "a", None], 0.75),  # 1.0 on what is known, 0 on a quarter
        (Classification(), "accuracy", ["a", "b", "a", "a"], 0.75),
    ],
)
def test_the_figure(ledger: Any, metric: Metric, part: str, answers: list[str | None], expected: float) -> None:
    own = ledger(4, 100, [Prompting(model="m")])
    figure = SelectionFigure(name=FigureName("norm", "m", part), metric=metric)
    rows = [Sample(id=str(i), task="norm", input="q", targets=("a",)) for i in range(len(answers))]
    predictions = [
        Prediction(
            sample_id=str(i), task="norm", variant="v", messages=(), text=text or "", reading=Reading(text),
            error=None if text else "down",
        )
        for i, text in enumerate(answers)
    ]  # fmt: skip
    assert figure.value(figure.marks(own.rows.task, rows, predictions, own.calls)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metrics", "headline", "chosen"),
    [
        ({"accuracy": ExactMatch(), "f1": Classification()}, "f1.accuracy", "f1.accuracy"),
        ({"accuracy": ExactMatch()}, "", "accuracy"),
        ({"j": Judge(model="m"), "accuracy": ExactMatch()}, "j", "accuracy"),  # it asks a model
        ({"j": Judge(model="m")}, "j", None),
    ],
)
def test_what_decides(metrics: dict[str, Metric], headline: str, chosen: str | None) -> None:
    given = replace(resources(on_rows(), metrics=metrics), headlines={"norm": headline} if headline else {})
    figure = selection_figure("norm", given)
    assert (figure.name.full_metric if figure else None) == chosen


def test_rows_held_back_leave_train_and_validation_rows_are_taken_before() -> None:
    own = search_rows(on_rows(train=50), 7)
    assert (own.source, len(own.rows), len(own.task.data.train)) == ("train", 10, 40)
    assert not {row.id for row in own.rows} & {row.id for row in own.task.data.train}
    assert own == search_rows(on_rows(train=50), 7) != search_rows(on_rows(train=50), 8)
    validation = search_rows(on_rows(validation=6, train=50), 7)
    assert (validation.source, len(validation.rows), len(validation.task.data.train)) == ("validation", 6, 50)


@pytest.mark.parametrize(
    ("validation", "train", "problem"),
    [
        (4, 100, "4 validation rows are too few to choose settings by; give at least 5"),
        (0, 24, "there are no validation rows to choose settings by, and 24 train rows are too few to hold a fifth of "
                "them back (25 are needed); give validation rows"),
        (5, 0, None), (0, 25, None),
    ],
)  # fmt: skip
def test_too_few_rows(validation: int, train: int, problem: str | None) -> None:
    task = on_rows(validation, train)
    assert row_mistakes(task, [Prompting(model="m")], resources(task), {"m": Scripted()}) == (
        [problem] if problem else []
    )


RAG = {"rag": {"model": "base", "knowledge": "icd9"}}


@pytest.mark.parametrize(
    ("over", "count"),
    [
        (
            {"k": [1, 3, 5, 10], "retriever": ["tfidf", "lexical", "hybrid"], "shots": [0, 3, 5], "prompt": ["a", "b"]},
            72,
        ),
        ({"shots": [0, 3], "pick": ["fixed", "nearest"]}, 3),  # nothing is picked for 0 shots
        ({"closed_book": [False, True], "k": [1, 3], "retriever": ["tfidf", "lexical"]}, 5),  # nothing is looked up
        ({"temperature": [0, 0.5], "system": [None, "x"]}, 4),
    ],
)
def test_the_settings_of_a_space(over: dict[str, list[Any]], count: int) -> None:
    unfolded = unfolded_search({"of": RAG, "over": over, "budget": 1})
    assert (len(unfolded.parameters["candidates"]), unfolded.mistakes) == (count, ())
    assert len({tuple(own.items()) for own in unfolded.parameters["levels"]}) == count
    assert unfolded.parameters["of"] == unfolded.parameters["candidates"][0]


def test_long_levels_keep_apart() -> None:
    unfolded = unfolded_search({"of": RAG, "over": {"prompt": ["x" * 80 + "a", "x" * 80 + "b"]}, "budget": 1})
    first, second = (own["prompt"] for own in unfolded.parameters["levels"])
    assert first != second
