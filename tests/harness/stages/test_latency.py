"""Requests timed one at a time: what is asked, what is kept, and what becomes of failures."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from harness.errors import ServerGoneError
from harness.models.scripted import Scripted
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.runtime.context import Context
from harness.runtime.measurements import Measurement, Measurements
from harness.runtime.run_folder import RunFolder
from harness.stages.latency import latency_of
from harness.stages.prepare import prepare
from harness.stages.timed_requests import TimedRequests, timed_requests
from harness.suite.parser import load_suite
from harness.suite.suite import Suite

SUITE = """
models: {{m: {{scripted: {model}}}}}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, train: train.tsv, input: input, target: target}}}}
    prompt: "{{{{ input }}}}"
    metrics: {{a: exact_match}}
variants:
  direct: {{prompting: {{model: m}}}}
  few: {{prompting: {{model: m, shots: 2, pick: nearest}}}}
  nearest: {{floor: {{by: nearest}}}}
"""
TEST = "input\ttarget\n" + "".join(f"asked {number}\tx\n" for number in range(3))
TRAIN = "input\ttarget\n" + "".join(f"row {number}\tx\n" for number in range(60))
Write, Go = Callable[..., Path], Callable[..., RunFolder]


class Asked:
    """The last turns that scripted models are asked, in batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.stop_at: int | None = None
        self.stop: BaseException = KeyboardInterrupt()

    @property
    def rows(self) -> list[str]:
        return [text for batch in self.batches for text in batch if text.startswith("row")]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    record, generate = Asked(), Scripted.generate

    def listen(
        model: Scripted, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]
    ) -> list[Completion]:
        record.batches.append([prompt[-1].content for prompt in prompts])
        if record.stop_at is not None and len(record.rows) > record.stop_at:
            raise record.stop
        return generate(model, prompts, generation, repeats)

    monkeypatch.setattr(Scripted, "generate", listen)
    return record


def suite(write_suite: Write, model: str = "{default: x}", more: str = "latency: {items: 20}\n") -> Path:
    return write_suite(SUITE.format(model=model) + more, test__tsv=TEST, train__tsv=TRAIN)


def requests(reported: str = "v") -> TimedRequests:
    return TimedRequests(reported=reported, variant="v", task=_Named(), warm_up=None, questions={})  # type: ignore[arg-type]


class _Named:
    name = "t"


@pytest.mark.parametrize(
    ("seconds", "p50", "p95", "mean"),
    [
        (range(1, 21), 10.5, 19.05, 10.5),  # place 0.95 × 19 = 18.05: a twentieth of the way from the 19th to the 20th
        ([3.0], 3.0, 3.0, 3.0),
        ([4.0, 2.0], 3.0, 3.9, 3.0),  # 2 + 0.95 × 2
        ([], 0.0, 0.0, None),
    ],
)
def test_quantiles(seconds: Sequence[float], p50: float, p95: float, mean: float | None) -> None:
    measured = latency_of(requests(), [Measurement(seconds=value) for value in seconds])
    assert (measured.items, measured.mean) == (len(seconds), mean)
    assert (measured.p50, measured.p95) == pytest.approx((p50, p95))


def test_cached_tokens_are_added_and_the_highest_peak_counts() -> None:
    times = [
        Measurement(seconds=1, cached_tokens=3, peak_memory=10), Measurement(seconds=1),
        Measurement(seconds=1, cached_tokens=4, peak_memory=30),
    ]  # fmt: skip
    measured = latency_of(requests(), times)
    assert (measured.cached_tokens, measured.peak_memory) == (7, 30)
    assert (latency_of(requests(), times[1:2]).cached_tokens, latency_of(requests(), times[1:2]).peak_memory) == (
        None,
        None,
    )


def test_twenty_rows_are_asked_one_by_one_and_a_second_run_shows_the_same_times(
    write_suite: Write, run_suite: Go, asked: Asked
) -> None:
    path = suite(write_suite, "{default: x, seconds: 0.01}", "latency: {}\n")  # by default
    folder = run_suite(path)
    times = {latency.variant: latency for latency in folder.latencies()}
    assert list(times) == ["direct", "few", "nearest"]
    assert {latency.items for latency in times.values()} == {20}
    assert 0.01 <= times["direct"].p50 <= times["direct"].p95
    assert times["direct"].peak_memory > 10 << 20
    assert len(asked.rows) == 2 * 21  # two variants ask the model, each with one request that is not timed
    assert all(len(batch) == 1 for batch in asked.batches if batch[0].startswith("row"))
    asked.batches.clear()
    again = run_suite(path, "again")
    assert asked.batches == []
    assert again.latencies() == folder.latencies()


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), ServerGoneError("the server is gone")])
def test_a_run_that_stops_in_the_middle_keeps_the_times_that_it_had(
    write_suite: Write, run_suite: Go, asked: Asked, tmp_path: Path, stop: BaseException
) -> None:
    path = suite(write_suite)
    asked.stop_at, asked.stop = 10, stop
    with pytest.raises(type(stop)):
        run_suite(path)
    assert RunFolder(tmp_path / "run").read_run()["status"] == "interrupted"
    asked.stop_at = None
    asked.batches.clear()
    run_suite(path)
    assert len(asked.rows) == 12 + 21  # a warm-up and the 11 that were missing; of the other variant all


@pytest.mark.parametrize(
    ("model", "items", "note"),
    [
        ("{rules: [{match: row, fail: broken pipe}], default: x}", 0, "0 of 20 requests were timed; others failed: broken pipe"),
        ("{rules: [{match: row, fail: broken pipe, times: 2}], default: x}", 19, "19 of 20 requests were timed; others failed: broken pipe"),
    ],
)  # fmt: skip
def test_failures_are_noted(write_suite: Write, run_suite: Go, model: str, items: int, note: str) -> None:
    folder = run_suite(suite(write_suite, model))
    direct = folder.latencies()[0]
    assert (direct.items, direct.note) == (items, note)
    summary = folder.summary()
    assert (summary.decisions.costs[0].latency is None) == (items == 0)
    assert f"latency of direct: {note}" in summary.warnings
    assert folder.read_run()["status"] == "complete"


def test_nothing_is_timed_where_nothing_is_asked_for(write_suite: Write, run_suite: Go, asked: Asked) -> None:
    folder = run_suite(suite(write_suite, more="latency: {items: 0}\n"))
    assert folder.latencies() == []
    assert not (folder.path / "latency.jsonl").exists()
    assert asked.rows == []


def test_it_runs_alone(write_suite: Write, run_suite: Go, asked: Asked) -> None:
    run_suite(suite(write_suite, more="latency: {items: 0}\n"))
    assert [
        own.items for own in run_suite(suite(write_suite, more="latency: {items: 3}\n"), start="latency").latencies()
    ] == [
        3,
        3,
        3,
    ]


def test_more_requests_than_rows_are_filled_with_turned_test_items(
    write_suite: Write, run_suite: Go, asked: Asked
) -> None:
    path = write_suite(
        SUITE.format(model="{default: x}") + "latency: {items: 9}\n", test__tsv="input\ttarget\na b c d e f\tx\n",
        train__tsv="input\ttarget\nrow 1\tx\nrow 2\tx\n",
    )  # fmt: skip
    direct = run_suite(path).latencies()[0]
    assert direct.items == 6  # two rows and five turns, one of which is the warm-up
    assert direct.note == "there are only 6 questions that nobody was asked before"


SERVED = """
models:
  far: {{openai: {{url: "http://192.0.2.1/v1", model: x}}}}
  m: {{scripted: {{default: x}}}}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, train: train.tsv, input: input, target: target}}}}
    prompt: "{{{{ input }}}}"
    metrics: {{a: exact_match}}
variants:
  one: {{prompting: {{model: far}}}}
  two: {{prompting: {{model: far, system: Be short.}}}}
  near: {{prompting: {{model: m}}}}
  low: {{floor: {{by: nearest}}}}
latency: {{items: {items}}}
"""


class Told(Context):
    """A context for which no server has to be there."""

    def model_digest(self, name: str) -> str:
        return name


def timed(suite: Suite, make: Callable[[Suite], Context]) -> dict[str, set[str]]:
    context = make(suite)
    context.__class__ = Told
    return {
        own.variant: {question.input for question in (own.warm_up, *own.questions.values())}
        for own in timed_requests(suite, prepare(suite), context)
    }


def test_variants_of_servers_are_never_asked_the_same(write_suite: Write, context: Callable[[Suite], Context]) -> None:
    path = write_suite(SERVED.format(items=20), test__tsv=TEST, train__tsv=TRAIN)
    questions = timed(load_suite(path), context)
    assert {name: len(own) for name, own in questions.items()} == {"one": 21, "two": 21, "near": 21, "low": 21}
    assert not questions["one"] & questions["two"]
    assert questions["near"] == questions["low"] == questions["one"]
    assert not set().union(*questions.values()) & {"asked 0", "asked 1", "asked 2"}


def test_keys_change_with_what_a_request_is_made_of(write_suite: Write, context: Callable[[Suite], Context]) -> None:
    def keys(text: str) -> set[str]:
        own = load_suite(write_suite(text, test__tsv=TEST, train__tsv=TRAIN))
        return {key for series in timed_requests(own, prepare(own), context(own)) for key in series.questions}

    plain = SUITE.format(model="{default: x}") + "latency: {items: 20}\n"
    assert keys(plain) == keys(plain)
    assert len(keys(plain)) == 60  # of three variants, none of which has the key of another
    few, longer = plain.replace("shots: 2", "shots: 3"), plain.replace('prompt: "', 'prompt: "Please: ')
    assert len(keys(plain) & keys(few)) == 40
    assert not keys(plain) & keys(longer)
    assert not keys(plain) & keys(plain + "seed: 7\n")


def test_a_damaged_time_is_no_time(tmp_path: Path) -> None:
    store = Measurements(tmp_path / "measurements.sqlite")
    store.put("good", Measurement(seconds=1.5, cached_tokens=2))
    with store._database:
        for key, value in (("nan", '{"seconds": NaN}'), ("negative", '{"seconds": -1}'), ("text", "?")):
            store._database.execute("INSERT INTO measurements VALUES (?, ?)", (key, value.encode()))
    assert store.get(["good", "nan", "negative", "text", "absent"]) == {
        "good": Measurement(seconds=1.5, cached_tokens=2)
    }
    store.close()


class Local(Scripted):
    """A scripted model that takes the accelerator's memory."""

    local: ClassVar[bool] = True
    closed: ClassVar[list[int]] = []

    def close(self) -> None:
        self.closed.append(id(self))


def test_the_models_of_one_variant_stay_loaded_together(tmp_path: Path) -> None:
    from harness.components.display import Display
    from harness.runtime.cache import Cache

    models = {"a": Local(default="1"), "b": Local(default="2"), "c": Local(default="3")}
    Local.closed.clear()
    own = Context(models, Cache(tmp_path / "calls.sqlite"), Display(), 0)
    own._free_memory_for("c")
    with own.deployed(["a", "b"]):
        assert Local.closed == [id(models["c"])]
        for name in ("a", "b", "a"):
            own._free_memory_for(name)
        assert Local.closed == [id(models["c"])]
    own._free_memory_for("c")
    assert Local.closed == [id(models["c"]), id(models["a"]), id(models["b"])]
    own.cache.close()


def test_indexes_keep_what_their_first_building_took(write_suite: Write, run_suite: Go) -> None:
    text = (
        SUITE.format(model="{default: x}").replace("  nearest:", "  rag: {rag: {model: m, knowledge: k}}\n  nearest:")
        + "knowledge: {k: {texts: {path: terms.txt}}}\nlatency: {items: 0}\n"
    )
    path = write_suite(text, test__tsv=TEST, train__tsv=TRAIN, terms__txt="x\ny\n")
    first, second = (json.loads((run_suite(path, name).path / "run.json").read_text()) for name in ("run", "again"))
    assert first["indexes"][0]["first_seconds"] == second["indexes"][0]["first_seconds"] > 0
    assert run_suite(path, "again").summary().decisions.costs[-2].index_seconds == first["indexes"][0]["first_seconds"]
