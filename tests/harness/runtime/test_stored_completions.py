"""Stored completions as they are used again: what an older version stored of a server tells no latency."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.models.openai import OpenAI
from harness.models.scripted import Scripted
from harness.records.outputs import Completion, Serving
from harness.runtime.cache import Cache
from harness.runtime.run_folder import RunFolder
from harness.runtime.stored_completions import recalled
from tests.shared.engines import Script
from tests.shared.openai_stand_in import Hosted
from tests.shared.served_fixtures import serve as serve

SERVED = OpenAI(model="m", url="http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("model", "serving", "expected"),
    [
        (Scripted(), None, None),
        (SERVED, None, Serving(at_once=None)),
        (SERVED, Serving(at_once=4, wall_seconds=2.0), Serving(at_once=4, wall_seconds=2.0)),
        (SERVED, Serving(compute_seconds=0.2), Serving(compute_seconds=0.2)),
    ],
)
def test_what_is_known_of_a_stored_call(model: Any, serving: Serving | None, expected: Serving | None) -> None:
    stored = {"key": Completion(text="x", seconds=0.5, serving=serving)}
    assert recalled(stored, model)["key"] == Completion(text="x", seconds=0.5, serving=expected)


SUITE = """\
name: recalled
models: {{m: {{openai: {{model: smol, url: "{place}/v1", workers: 1}}}}}}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, input: input, target: target}}}}
    metrics: {{accuracy: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""


@pytest.mark.parametrize(("stored", "latency", "shared"), [(0, 0.0, None), (2, 0.0, 9.0), (4, None, 9.0)])
def test_answers_stored_without_their_timing_have_no_latency(
    serve: Callable[[Any], Any], write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder], tmp_path: Path,
    stored: int, latency: float | None, shared: float | None,
) -> None:  # fmt: skip
    """Nine seconds each, most of them in a queue, as an older version wrote them."""
    server = serve(Hosted(Script(lambda body: "x")))
    path = write_suite(SUITE.format(place=server.place), test__tsv="input\ttarget\n" + "a\tx\nb\tx\nc\tx\nd\tx\n")
    run_suite(path)
    cache = Cache(next(tmp_path.rglob("calls.sqlite")))
    rows = cache._database.execute("SELECT key, model FROM calls").fetchall()
    assert len(rows) == 4
    for key, model in rows[:stored]:
        cache.put(model, {key: Completion(text="x", tokens_in=1, tokens_out=1, seconds=9.0)})
    cache.close()
    (usage,) = run_suite(path).summary().usage
    assert usage.timing is not None
    assert (usage.timing.measured, usage.timing.shared) == (4 - stored, shared)
    assert usage.timing.latency == (None if latency is None else pytest.approx(latency, abs=0.5))
    assert usage.timing.at_once == (1 if stored == 0 else None)
