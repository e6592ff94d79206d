"""The cheap variant answers what it is sure of; thresholds come from rows that are not scored."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from baselines.knowledge.texts import Texts
from baselines.variants.cascade import Cascade, Trial, _values, learn_thresholds
from baselines.variants.floor import Floor
from baselines.variants.prompting import Prompting
from baselines.variants.rag import Rag
from harness.components.metric import Scale
from harness.components.retriever import Retriever
from harness.components.task import Task
from harness.metrics.exact_match import ExactMatch
from harness.metrics.judge import Judge
from harness.metrics.python import Python
from harness.models.scripted import Scripted
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, Step
from tests.shared.rag_fixtures import resources

INF = math.inf


@pytest.mark.parametrize(
    ("sure", "own", "after", "tolerance", "expected"),
    [
        # sure of the right ones: stop at 3 and above gains all four; escalating only the two doubtful ones
        ([4, 3, 2, 1], [1, 1, 0, 0], [1, 1, 1, 1], 0.0, 3),
        # the next step is no better: never ask it
        ([4, 3, 2, 1], [1, 1, 0, 0], [0, 0, 0, 0], 0.0, -INF),
        ([4, 3, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], 0.0, -INF),
        # the cheap one is never right: always go on
        ([4, 3, 2, 1], [0, 0, 0, 0], [1, 1, 1, 1], 0.0, INF),
        # means by cut: -inf 2/4, 2 → 3/4, 3 → 4/4; a tolerance of 0.25 takes the cheaper cut, of 0.5 the cheapest
        ([4, 3, 2, 1], [1, 1, 0, 0], [1, 1, 1, 1], 0.25, 2),
        ([4, 3, 2, 1], [1, 1, 0, 0], [1, 1, 1, 1], 0.5, -INF),
        # what could not be read has no confidence and goes on at every cut but "always"
        ([4, -INF], [1, 0], [0, 1], 0.0, 4),
        # equal confidences cannot be told apart: 2 and 2 both stop or both go on
        ([2, 2], [1, 0], [0, 1], 0.0, -INF),
    ],
)
def test_the_threshold_learnt(
    sure: list[float], own: list[float], after: list[float], tolerance: float, expected: float
) -> None:
    assert learn_thresholds([Trial(sure, own), Trial([], after)], tolerance=tolerance) == [expected]


def test_three_steps_are_learnt_from_the_last_backwards() -> None:
    # second step: sure of its first two → with the third behind it all four are right above 3
    # first step: its only right answer is one that the others get right too, so stopping there saves calls: 9
    first = Trial([9, 1, 1, 1], [1, 0, 0, 0])
    second = Trial([4, 3, 2, 1], [1, 1, 0, 0])
    assert learn_thresholds([first, second, Trial([], [1, 1, 1, 1])]) == [9, 3]


def test_a_metric_where_lower_is_better() -> None:
    assert learn_thresholds([Trial([2, 1], [0, 1]), Trial([], [0, 0])], sign=-1.0) == [2]


@pytest.fixture
def steps(overlap: Retriever) -> dict[str, Any]:
    cheap = Rag(model="m", knowledge="kb", retriever=overlap, k=1)
    return {"cheap": cheap, "dear": Prompting(model="m")}


def test_samples_take_the_route_their_confidence_sends_them(ask: Any, steps: dict[str, Any]) -> None:
    cascade = Cascade(of=["cheap", "dear"], confidence="retrieval", thresholds=[4.0])
    model = Scripted(default="某手术")
    first, second, third = ask(cascade, model, variants=steps)
    # overlaps: 左膝关节换了 5, 白内障 3, 肝移植 none
    assert first.route == (Step("cheap", 5.0, 4.0),)
    assert second.route == (Step("cheap", 3.0, 4.0), Step("dear", None, None))
    assert third.route == (Step("cheap", None, 4.0), Step("dear", None, None))
    assert first.messages[-1].content.startswith("参考资料")
    assert second.messages[-1].content == "白内障 →"
    alone = ask(steps["dear"], model)[1].tokens_in
    assert second.tokens_in > alone  # the first step is paid for too


def test_thresholds_are_learnt_on_train_and_never_on_test(ask: Any, steps: dict[str, Any], norm: Any) -> None:
    # On the train rows the cheap step answers with the passage found (right for all three, overlaps 5, 3 and 4), the
    # dear one repeats the question (always wrong): the cheap one always answers, whatever the test rows would want.
    cascade = Cascade(of=["cheap", "dear"], confidence="retrieval")
    model = Scripted(echo="last_line", rules=({"match": r"^参考资料：\n\[1\] (.*)", "reply": r"\1"},))
    predictions = ask(cascade, model, variants=steps)
    assert [len(prediction.route) for prediction in predictions] == [1, 1, 1]
    assert predictions[0].route[0].threshold is None  # always: no number


def test_a_failed_step_is_no_answer_and_goes_on(ask: Any, steps: dict[str, Any]) -> None:
    model = Scripted(default="某手术", rules=({"match": "参考资料", "fail": "down"},))
    first, *_ = ask(Cascade(of=["cheap", "dear"], confidence="retrieval", thresholds=[0.0]), model, variants=steps)
    assert (first.error, first.reading.answer, len(first.route)) == (None, "某手术", 2)


@pytest.mark.parametrize(
    ("of", "confidence", "problem"),
    [
        (["dear", "cheap"], "agreement", "step dear answers once; give it samples: 5, temperature: 0.7"),
        (["dear", "cheap"], "retrieval", "step dear looks nothing up; it must be a rag variant that retrieves"),
        (["dear", "cheap"], "margin", "step dear scores no options; that takes answer: {choice: {by: loglikelihood}}"),
        (["dear", "cheap"], "logprob", "step dear asks m, which does not tell log-probabilities; use confidence: agreement or retrieval"),
        (["floor", "cheap"], "retrieval", "step floor asks no model, so nothing tells how sure it is"),
        (["cheap", "dear"], "retrieval", None),
    ],
)  # fmt: skip
def test_a_confidence_that_a_step_cannot_give(
    steps: dict[str, Any], norm: Any, terms: Any, of: list[str], confidence: Any, problem: str | None
) -> None:
    chosen = {name: {**steps, "floor": Floor(by="majority")}[name] for name in of}
    cascade = Cascade(of=of, confidence=confidence)
    problems = cascade.check(norm(), resources(norm(), terms, chosen), {"m": Scripted()})
    assert problems == ([f"confidence: {confidence}: {problem}"] if problem else [])


def test_train_rows_that_the_knowledge_holds_teach_nothing(steps: dict[str, Any], norm: Any, tmp_path: Path) -> None:
    """A base made of the train questions answers those, and only those."""
    rows = tuple(Sample(id=f"t{i}", task="norm", input=f"第{i}个问题怎么回答", targets=(f"答案{i}",)) for i in range(5))
    path = tmp_path / "faq.txt"
    path.write_text("\n".join(f"{row.input}：{row.targets[0]}" for row in rows), encoding="utf-8")
    task, models = norm(train=rows), {"m": Scripted()}
    provided = resources(task, Texts(path=str(path)), steps)
    cascade = Cascade(of=["cheap", "dear"], confidence="retrieval")
    (problem,) = cascade.check(task, provided, models)
    assert problem.startswith("knowledge kb holds the train rows themselves")
    preset = Cascade(of=["cheap", "dear"], confidence="retrieval", thresholds=[1.0])
    assert preset.check(task, provided, models) == []


def test_a_probe_goes_by_the_thresholds_of_its_task(ask: Any, steps: dict[str, Any], norm: Any) -> None:
    base = norm()
    probe = replace(base, name="norm@kb-withdrawn", parent=base, version="withdrawn", updated="kb")
    cascade = Cascade(of=["cheap", "dear"], confidence="retrieval", metric="accuracy")
    model = Scripted(echo="last_line", rules=({"match": r"^参考资料：\n\[1\] (.*)", "reply": r"\1"},))
    on_task, on_probe = (ask(cascade, model, on=one, variants=steps) for one in (base, probe))
    assert [p.route for p in on_probe] == [p.route for p in on_task]


@pytest.mark.parametrize(("better", "worst"), [("higher", 0.0), ("lower", 9.0)])
def test_what_failed_counts_as_the_worst(better: Any, worst: float) -> None:
    class Errors(ExactMatch):
        scale = Scale(0.0, 9.0, better)

    rows = [Sample(id="a", task="t", input="?", targets=("x",)), Sample(id="b", task="t", input="?", targets=("x",))]
    failed = Prediction(sample_id="a", task="t", variant="v", messages=(), text="", reading=Reading(), error="down")
    answered = Prediction(sample_id="b", task="t", variant="v", messages=(), text="x", reading=Reading("x"))
    assert _values(Errors(), rows, [failed, answered]) == [worst, 1.0]


def test_the_scale_of_a_metric_may_depend_on_its_settings(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def score(answer, targets, sample):\n    return 3.0\n", encoding="utf-8")
    errors = Python(file=str(tmp_path / "m.py"), high=5.0, better="lower")
    row, failed = (
        Sample(id="a", task="t", input="?", targets=("x",)),
        Prediction(sample_id="a", task="t", variant="v", messages=(), text="", reading=Reading(), error="down"),
    )
    assert _values(errors, [row], [failed]) == [5.0]  # the worst of 0 to 5, where lower is better


@pytest.fixture
def problems(steps: dict[str, Any], terms: Texts) -> Callable[..., list[str]]:
    """What keeps a cascade from answering a task."""

    def check(task: Task, metrics: Any = None, **settings: Any) -> list[str]:
        cascade = Cascade(of=["cheap", "dear"], confidence="retrieval", **settings)
        return cascade.check(task, resources(task, terms, steps, metrics), {"m": Scripted()})

    return check


def test_thresholds_are_not_learnt_by_what_asks_models(norm: Any, problems: Any) -> None:
    task = norm()
    metrics = {"quality": Judge(model="j"), "accuracy": ExactMatch()}
    problem = "thresholds cannot be learnt by quality, which asks models itself; give metric: one that does not, or thresholds"
    assert problem in problems(task, metrics)
    assert problem not in problems(task, metrics, metric="accuracy")
    assert problem not in problems(task, metrics, thresholds=[1.0])


def test_settings_and_data_that_cannot_be(norm: Any, problems: Any) -> None:
    with pytest.raises(ValidationError, match="the steps must differ"):
        Cascade(of=["a", "b", "a"])
    with pytest.raises(ValidationError, match="thresholds: 1 are needed"):
        Cascade(of=["a", "b"], thresholds=[1, 2])
    assert "no validation or train rows" in problems(norm(train=()))[0]
    assert problems(norm(), metric="f1") == ["metric: 'f1' is not a metric of the task (accuracy)"]
