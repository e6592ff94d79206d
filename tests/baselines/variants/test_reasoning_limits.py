"""The limit and the stop strings of an answer under reasoning: what is kept, what is sent to a server, what is refused."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from baselines.support.predicting import reasoning_mistakes
from baselines.variants.prompting import Prompting
from harness.answers.text import Text
from harness.components.completing import for_model
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.scripted import Scripted
from harness.records.inputs import Cell, Generation, Sample
from harness.records.outputs import Prediction
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.text.templates import Template

SAMPLE = Sample(id="1", task="norm", input="左膝", targets=("乙",))
LONG = "甲还是乙？" * 60  # 300 characters, a token each


def norm(answer: Any = None, **options: Any) -> Task:
    return Task(
        name="norm", data=Dataset(test=(SAMPLE,)), template=Template("{{ input }}", "test"), system=None,
        answer=answer or Text(), generation=Generation(**{"max_tokens": 8, **options}),
    )  # fmt: skip


def ask(variant: Prompting, task: Task, model: Model, folder: Path) -> Prediction:
    with closing(Cache(folder / "calls.sqlite")) as cache:
        context = Context({"m": model}, cache, Display(), seed=7)
        context.begin(Cell("norm", "v"))
        (prediction,) = variant.answer(task, task.data.test, context, Resources())
    return prediction


@pytest.mark.parametrize(
    ("reply", "settings", "options", "answer", "finish"),
    [
        (f"{LONG}\n答案：乙", {"chain_of_thought": True}, {}, "乙", "stop"),
        (f"{LONG}\n答案：乙", {}, {}, LONG[:8], "length"),  # no reasoning was asked for
        (f"<think>{LONG}</think>乙", {}, {}, "乙", "stop"),
        (f"[THINK]{LONG}[/THINK]乙丙丁乙丙丁乙丙丁", {}, {}, "乙丙丁乙丙丁乙丙", "length"),
        (f"<think>{LONG}</think>乙", {}, {"reasoning_tokens": 20}, None, "length"),
        (f"<think>{LONG}</think>乙", {"reasoning_tokens": 400}, {"reasoning_tokens": 20}, "乙", "stop"),
        (f"{LONG}\n答案：乙", {"chain_of_thought": True, "reasoning_tokens": 20}, {}, None, "length"),
        (f"<<{LONG}>>乙", {}, {}, f"<<{LONG[:6]}", "length"),
    ],
)
def test_limits_count_behind_the_reasoning(
    reply: str, settings: dict[str, Any], options: dict[str, Any], answer: str | None, finish: str, tmp_path: Path
) -> None:
    prediction = ask(Prompting(model="m", **settings), norm(**options), Scripted(default=reply), tmp_path)
    assert (prediction.reading.answer, prediction.finish) == (answer, finish)


def test_a_models_own_tags_are_known_to_every_reader(tmp_path: Path) -> None:
    model = Scripted(default=f"<<{LONG}>>乙", reasoning_tags=(("<<", ">>"),))
    prediction = ask(Prompting(model="m"), norm(), model, tmp_path)
    assert prediction.reading.answer == "乙"
    assert prediction.text == f"<think>{LONG}</think>乙"


def test_a_marker_of_the_answer_is_a_marker_too(tmp_path: Path) -> None:
    prediction = ask(Prompting(model="m"), norm(Text(after="术语：")), Scripted(default=f"{LONG}术语：乙"), tmp_path)
    assert (prediction.reading.answer, prediction.finish) == ("乙", "stop")


SERVED = OpenAI(model="m", url="http://127.0.0.1:9/v1")
THINKING = Ollama(model="m", think=True)
PLAIN = Ollama(model="m")
COT = {"marker": "答案："}


@pytest.mark.parametrize(
    ("model", "options", "is_total", "tokens"),
    [
        (SERVED, {}, False, 64),
        (SERVED, COT, False, 64 + 2048),  # the answer's limit would cut the reasoning
        (SERVED, COT, True, 64),  # the variant's own limit was given for both
        (SERVED, {**COT, "reasoning_tokens": 500}, True, 564),
        (SERVED, {"reasoning_tokens": 500}, False, 564),
    ],
)
def test_a_server_has_a_single_limit(model: Model, options: dict[str, Any], is_total: bool, tokens: int) -> None:
    generation = for_model(Generation(max_tokens=64, **options), model, is_total)
    assert generation == Generation(max_tokens=tokens)
    assert for_model(Generation(max_tokens=64, **options), Scripted(), is_total).max_tokens == 64


@pytest.mark.parametrize("model", [THINKING, PLAIN])
@pytest.mark.parametrize("options", [{}, COT, {"reasoning_tokens": 500}])
def test_ollama_keeps_both_limits_itself(model: Model, options: dict[str, Any]) -> None:
    assert for_model(Generation(max_tokens=64, **options), model, False) == Generation(max_tokens=64, **options)


STOP = {"stop": ("\n",)}


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        (SERVED, {**COT, **STOP}, "stop strings would cut its reasoning"),
        (THINKING, STOP, None),  # its replies are streamed, and stopped behind the reasoning
        (SERVED, {**STOP, "reasoning_tokens": 9}, "stop strings would cut its reasoning"),
        (SERVED, STOP, None),
        (SERVED, COT, None),
        (PLAIN, STOP, None),
        (Scripted(), {**COT, **STOP}, None),
        (PLAIN, {"reasoning_tokens": 8192}, "has room for 8192"),
        (PLAIN, {"reasoning_tokens": 4096}, None),
    ],
)
def test_what_cannot_be_kept_is_refused(model: Model, options: dict[str, Any], reason: str | None) -> None:
    problems = reasoning_mistakes(Generation(**options), "m", {"m": model})
    assert len(problems) == (reason is not None)
    assert all(str(reason) in problem for problem in problems)


@pytest.mark.parametrize("tags", [[["<a>", "<a>"]], [["", "</a>"]], [["<a>", " "]], [["<a>"]], ["<a>"]])
def test_tags_that_are_no_pair_are_refused(tags: Any) -> None:
    with pytest.raises(ValueError, match="reasoning_tags"):
        Scripted(reasoning_tags=tags)
