"""Every model call goes through one door: cached by content, made once, counted, and honest about failure."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.components.display import Display
from harness.components.model import Model
from harness.models.scripted import Rule, Scripted
from harness.records.inputs import JSON, Cell, Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.dry_context import DryContext

GREEDY = Generation(max_tokens=20)
asked: list[str] = []  # the texts that reached a model, in order


class Recorder(Scripted):
    """A scripted model that writes down what reaches it."""

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        asked.extend(prompt[-1].content for prompt in prompts)
        return super().generate(prompts, generation, repeats)


class Local(Recorder):
    """A model that counts as weights in this process."""

    local: ClassVar[bool] = True
    label: str = ""
    closed: ClassVar[list[str]] = []

    def close(self) -> None:
        self.closed.append(self.label)


def prompts(*texts: str) -> list[Prompt]:
    return [(Message("user", text),) for text in texts]


@pytest.fixture
def door(tmp_path: Path) -> Any:
    caches: list[Cache] = []

    def make(**models: Model) -> Context:
        caches.append(Cache(tmp_path / "calls.sqlite"))
        context = Context(models, caches[-1], Display(), seed=1)
        context.begin(Cell("task", "variant"))
        asked.clear()
        return context

    yield make
    for cache in caches:
        cache.close()


Door = Callable[..., Context]


def test_equal_calls_are_made_once_and_answers_keep_their_order(door: Door) -> None:
    context = door(m=Recorder(rules=[Rule(match="(.)", reply=r"\1!")]))
    replies = context.generate("m", prompts("b", "a", "b", "c"), GREEDY)
    assert [reply.text for reply in replies] == ["b!", "a!", "b!", "c!"]
    assert sorted(asked) == ["a", "b", "c"]
    assert (context.counts.calls, context.counts.cached) == (3, 1)


def test_a_second_run_asks_nothing(door: Door) -> None:
    door(m=Recorder(default="x")).generate("m", prompts("a", "b"), GREEDY)
    context = door(m=Recorder(default="x"))
    context.generate("m", prompts("b", "a"), GREEDY)
    assert asked == []
    assert (context.counts.calls, context.counts.cached) == (0, 2)


@pytest.mark.parametrize(
    ("change", "served"),
    [
        ({}, True),
        ({"generation": Generation(max_tokens=21)}, False),
        ({"generation": Generation(max_tokens=20, stop=("。",))}, False),
        ({"generation": Generation(max_tokens=20, seed=9)}, True),  # a seed means nothing to greedy decoding
        ({"model": "other"}, False),
        ({"repeats": [1]}, False),
        ({"prompt": (Message("system", "a"),)}, False),
        ({"prompt": (Message("user", "a "),)}, False),
    ],
)
def test_only_the_very_same_call_is_served(door: Door, change: dict[str, Any], served: bool) -> None:
    context = door(m=Recorder(default="x"), other=Recorder(default="y"))
    context.generate("m", prompts("a"), GREEDY)
    asked.clear()
    context.generate(
        change.get("model", "m"),
        [change.get("prompt", prompts("a")[0])],
        change.get("generation", GREEDY),
        change.get("repeats"),
    )
    assert (asked == []) is served


def test_the_name_of_a_model_does_not_matter_but_its_content_does(door: Door) -> None:
    door(m=Recorder(default="x")).generate("m", prompts("a"), GREEDY)
    assert door(renamed=Recorder(default="x")).generate("renamed", prompts("a"), GREEDY)[0].text == "x"
    assert asked == []
    assert door(m=Recorder(default="y")).generate("m", prompts("a"), GREEDY)[0].text == "y"
    assert asked == ["a"]


def test_a_failure_is_not_kept(door: Door) -> None:
    broken = Recorder(rules=[Rule(match="b", fail="backend is down", times=1)], default="x")
    replies = door(m=broken).generate("m", prompts("a", "b"), GREEDY)
    assert [(reply.text, reply.finish, reply.error) for reply in replies] == [
        ("x", "stop", None),
        ("", "error", "backend is down"),
    ]
    context = door(m=broken)
    assert [reply.text for reply in context.generate("m", prompts("a", "b"), GREEDY)] == ["x", ""]
    assert asked == ["b"]


def test_a_dead_backend_is_given_up(door: Door) -> None:
    dead = Recorder(rules=[Rule(match=".", fail="connection refused")], batch_size=2)
    context = door(m=dead)
    replies = context.generate("m", prompts(*"abcdefghij"), GREEDY)
    assert len(asked) == 8  # three batches of two, and the last of each later batch
    assert {reply.finish for reply in replies} == {"error"}
    errors = ["connection refused"] * 6 + ["not asked: 3 batches in a row had failed", "connection refused"] * 2
    assert [reply.error for reply in replies] == errors
    assert context.counts.failed == 10


def test_only_one_local_model_is_loaded_at_a_time(door: Door) -> None:
    Local.closed.clear()
    context = door(a=Local(label="a"), b=Local(label="b"))
    context.generate("a", prompts("x"), GREEDY)
    context.generate("a", prompts("y"), GREEDY)
    assert Local.closed == []
    context.generate("b", prompts("x"), GREEDY)
    assert Local.closed == ["a"]


def test_options_are_scored_and_kept(door: Door) -> None:
    context = door(m=Recorder(rules=[Rule(match="^(.)", reply=r"\1")]))
    first = context.score_options("m", prompts("B", "A"), [("A", "B")] * 2)
    assert [(reply.text, reply.logprobs) for reply in first] == [("B", (-3.0, -0.1)), ("A", (-0.1, -3.0))]
    again = context.score_options("m", prompts("B"), [("A", "B")])
    assert again == first[:1]
    assert context.counts.cached == 1


class Broken(Recorder):
    """Gives what no model should."""

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        return [Completion(text="A", logprobs=(float("nan"), -1.0)) for _ in prompts]

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        return [Completion(text="左\ud800") for _ in prompts]


def test_numbers_that_are_none_are_failures_and_are_not_kept(door: Door) -> None:
    context = door(m=Broken())
    (reply,) = context.score_options("m", prompts("q"), [("A", "B")])
    assert (reply.finish, reply.error) == ("error", "the model returned NaN or infinity")
    assert context.counts.failed == 1
    context.score_options("m", prompts("q"), [("A", "B")])
    assert context.counts.cached == 0


def test_a_lone_surrogate_does_not_stop_the_run(door: Door) -> None:
    assert door(m=Broken()).generate("m", prompts("q"), GREEDY)[0].text == "左?"


def test_a_stored_value_that_cannot_be_read_is_made_again(door: Door, tmp_path: Path) -> None:
    import sqlite3

    door(m=Recorder(default="x")).generate("m", prompts("a"), GREEDY)
    with sqlite3.connect(tmp_path / "calls.sqlite") as database:
        database.execute("UPDATE calls SET value = '{}'")
    database.close()
    assert door(m=Recorder(default="x")).generate("m", prompts("a"), GREEDY)[0].text == "x"
    assert asked == ["a"]


def test_a_model_leaves_before_the_batches_of_the_next_are_planned(door: Door) -> None:
    class Planner(Local):
        def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
            self.closed.append(f"plan {self.label}")
            return super().plan(prompts, generation)

    Local.closed.clear()
    context = door(a=Planner(label="a"), b=Planner(label="b"))
    context.generate("a", prompts("x"), GREEDY)
    context.generate("b", prompts("x"), GREEDY)
    assert Local.closed == ["plan a", "a", "plan b"]


# -- planning only --------------------------------------------------------------------------------------------------------


class Away(Recorder):
    """A model whose weights would have to be downloaded before its digest is known."""

    def at_hand(self) -> bool:
        return False

    def identity(self) -> dict[str, JSON]:
        pytest.fail("downloads")


def planned(door: Door, **models: Model) -> DryContext:
    """A dry context over the calls that are stored."""
    context = DryContext(models, door().cache, Display(), seed=1)
    context.begin(Cell("task", "variant"))
    return context


def test_planning_asks_no_model_and_counts(door: Door) -> None:
    door(m=Recorder(default="x")).generate("m", prompts("a", "b"), GREEDY)
    context = planned(door, m=Recorder(default="x"))
    replies = context.generate("m", prompts("a", "c", "c", "b"), GREEDY)
    assert [(reply.text, reply.error) for reply in replies] == [
        ("x", None), ("", "not computed yet"), ("", "not computed yet"), ("x", None),
    ]  # fmt: skip
    assert (context.counts.calls, context.counts.cached) == (1, 3)  # "c" is made once
    assert asked == []


def test_a_model_that_is_not_here_has_no_stored_call(door: Door) -> None:
    """Though the cache holds the same calls of the same content, nobody knows yet that it is the same."""
    stored = door(m=Recorder(default="x"), away=Recorder(default="y"))
    for name in ("m", "away"):
        stored.generate(name, prompts("a", "b"), GREEDY)
        stored.score_options(name, prompts("a"), [("A", "B")])
    context = planned(door, m=Recorder(default="x"), away=Away(default="y"), other=Away(default="y"))
    context.generate("m", prompts("a", "b"), GREEDY)
    assert (context.counts.calls, context.counts.cached) == (0, 2)
    for name in ("away", "other"):
        context.begin(Cell("task", name))
        context.generate(name, prompts("a", "b", "a"), GREEDY)
        context.score_options(name, prompts("a"), [("A", "B")])
        assert (context.counts.calls, context.counts.cached, context.counts.estimate) == (3, 1, None)
    digests = {context.model_digest(name) for name in ("m", "away", "other")}
    assert len(digests) == 3
    assert {digest for digest in digests if len(digest) == 64} == {stored.model_digest("m")}  # no other is a sha256


def test_equal_calls_of_several_cells_are_planned_once(door: Door) -> None:
    """As a run makes them: what an earlier cell asked is cached when a later one asks; models are told by content."""
    context = planned(door, m=Recorder(default="x"), twin=Recorder(default="x"), other=Recorder(default="y"))
    counts = []
    for model, texts in [("m", "ab"), ("m", "bac"), ("twin", "abc"), ("other", "ab"), ("m", "")]:
        context.begin(Cell("task", model))
        context.generate(model, prompts(*texts), GREEDY)
        counts.append((context.counts.calls, context.counts.cached))
    assert counts == [(2, 0), (1, 2), (0, 3), (2, 0), (0, 0)]


def test_the_estimate_is_the_mean_of_the_stored_calls(door: Door) -> None:
    door(m=Timed()).generate("m", prompts("2", "4"), GREEDY)
    context = planned(door, m=Timed(), other=Recorder(default="x"))
    context.generate("m", prompts("2", "a", "b"), GREEDY)
    assert context.counts.estimate == 6.0  # two calls are missing, (2 + 4) / 2 seconds each
    context.generate("m", prompts("a"), GREEDY)  # counted already
    assert context.counts.estimate == 6.0
    context.begin(Cell("task", "other"))
    context.generate("other", prompts("a"), GREEDY)
    assert context.counts.estimate is None  # none of its calls was ever timed
    context.generate("m", prompts("c"), GREEDY)
    assert context.counts.estimate is None  # part of the time is no estimate of the whole


class Timed(Recorder):
    """Says that a call took as many seconds as its prompt names."""

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        return [Completion(text="x", seconds=float(prompt[-1].content)) for prompt in prompts]
