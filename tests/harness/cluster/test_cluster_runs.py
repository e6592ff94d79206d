"""Runs on a real Ray cluster of two processes: equal to local ones, and no less after one of them was killed."""

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="needs the extra `ray`")
pytest.importorskip("torch", reason="needs the extra `local`")

from harness.cluster.cluster_context import ClusterContext
from harness.cluster.cluster_session import cluster_session
from harness.cluster.cluster_wish import ClusterWish
from harness.cluster.fill import fill
from harness.cluster.workers import Workers
from harness.components.display import Display
from harness.errors import DeviceGoneError
from harness.records.inputs import Generation
from harness.run import run
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.selftest.tiny_models import CHATML, save_model
from harness.suite.parser import load_suite
from reports.html import render
from tests.shared.spread_suite import write_spread_suite
from tests.shared.tiny_models import user

pytestmark = [pytest.mark.internals, pytest.mark.filterwarnings("default"), pytest.mark.xdist_group("cluster")]
SLOW = """\
import time
from pathlib import Path

from harness.components.model import Model
from harness.records.outputs import Completion


class Slow(Model):
    local = True

    log: str

    def identity(self):
        return {"component": "slow"}

    def plan(self, prompts, generation):
        return [[i, i + 1] for i in range(0, len(prompts), 2)]

    def generate(self, prompts, generation, repeats):
        texts = [prompt[-1].content for prompt in prompts]
        with Path(self.log).open("a") as file:
            file.write(" ".join(texts) + "\\n")
        time.sleep(0.4)
        return [Completion(text=text.upper(), finish="stop", tokens_in=1, tokens_out=1) for text in texts]
"""


ASKED_BY = (
    "models:\n  own: {{{}}}\ntasks:\n  t: {{data: {{csv: {{path: t.csv, input: q, target: a}}}}, "
    "prompt: '{{{{ input }}}}', metrics: {{acc: exact_match}}}}\nvariants:\n  v: {{prompting: {{model: own}}}}\n"
)
HUNGRY = """\
from harness.components.model import Model


class Hungry(Model):
    local = True

    def identity(self):
        return {"component": "hungry"}

    def generate(self, prompts, generation, repeats):
        raise MemoryError
"""
PLANNED = """\
import os
import time

from harness.models.huggingface import HuggingFace
from harness.records.outputs import Completion


class Planned(HuggingFace):
    def plan(self, prompts, generation):
        self._is_compiled = len(prompts) > 2
        return [[i] for i in range(len(prompts))]

    def generate_each(self, prompts, generation, repeats):
        time.sleep(0.4)
        text = f"{self._is_compiled} {os.getpid()}"
        yield from ((i, Completion(text=text, finish="stop", tokens_in=1, tokens_out=1)) for i in range(len(prompts)))
"""


class Watch(Display):
    """Keeps what the processes did at the same time."""

    def __init__(self) -> None:
        self.works: list[set[str]] = []

    def spread(self, places: Sequence[str]) -> None:
        self.works.append({place.partition(": ")[2] for place in places})


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Two processes of a Ray that lives as long as the tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OMP_NUM_THREADS", "1")
        with cluster_session(ClusterWish(devices=2), lambda line: None) as started:
            yield started


def answers(folder: RunFolder) -> list[tuple[str, ...]]:
    lines = map(json.loads, (folder.path / "predictions.jsonl").read_text().splitlines())
    return [(line["variant"], line["sample_id"], line["text"]) for line in lines]


def digest_of(folder: RunFolder) -> str:
    return hashlib.sha256((folder.path / "scores.jsonl").read_bytes()).hexdigest()


def test_a_run_on_two_processes_equals_a_local_one(
    write_suite: Callable[..., Path], workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_spread_suite(write_suite)
    folders, watch = {}, Watch()
    for place in ("local", "cluster"):
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / place / "cache"))
        suite, folders[place] = load_suite(path), RunFolder(tmp_path / place / "run")
        with closing(Cache(cache_root() / "calls.sqlite")) as cache:
            if place == "local":
                run(suite, folders[place], Context(suite.models, cache, Display(), suite.seed), render)
            else:
                door = ClusterContext(suite.models, cache, watch, suite.seed, workers=workers)
                run(suite, folders[place], door, render, ahead=partial(fill, door))
    assert answers(folders["cluster"]) == answers(folders["local"])
    assert digest_of(folders["cluster"]) == digest_of(folders["local"])
    record = folders["cluster"].read_run()
    computed = {cell["variant"]: (cell["calls"], cell["cached"]) for cell in record["cells"]}
    assert computed == {
        "base": (0, 8),
        "served": (8, 0),
        "lora": (0, 8),
        "wide": (0, 8),
        "rag": (0, 8),
    }  # the driver asks servers
    assert any({"train lora", "train wide"} <= works for works in watch.works)  # side by side
    assert [place["device"] for place in record["cluster"]] == ["cpu", "cpu"]
    assert not (tmp_path / "cluster" / "cache" / "cluster").exists() or not list(
        (tmp_path / "cluster" / "cache" / "cluster").glob("making-*")
    )


def test_a_killed_process_repeats_its_batch_only(
    write_suite: Callable[..., Path], workers: Workers, tmp_path: Path
) -> None:
    path = write_suite(
        f"models:\n  slow: {{slow.Slow: {{log: {tmp_path}/log}}}}\ntasks:\n  t: {{data: {{csv: {{path: t.csv, input: q, target: a}}}}, "
        "prompt: '{{ input }}', metrics: {acc: exact_match}}\nvariants:\n  v: {prompting: {model: slow}}\n",
        slow__py=SLOW,
        t__csv="q,a\na,A\n",
    )
    suite, before = load_suite(path), {own.report.process for own in workers.workers}
    texts = [f"w{i}" for i in range(12)]

    def kill() -> None:
        deadline = time.monotonic() + 60
        while not (tmp_path / "log").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(next(own.report.process for own in workers.workers if own.work), signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    with closing(Cache(cache_root() / "calls.sqlite")) as cache:
        door = ClusterContext(suite.models, cache, Display(), 0, workers=workers)
        completions = door.generate("slow", [user(text) for text in texts], Generation())
    thread.join()
    assert [own.text for own in completions] == [text.upper() for text in texts]
    batches = (tmp_path / "log").read_text().split("\n")[:-1]
    assert len(batches) == 6 + 1
    assert len(set(batches)) == 6
    assert len(before & {own.report.process for own in workers.workers}) == 1


def test_memory_that_runs_out_on_a_worker_is_said_in_one_line(
    write_suite: Callable[..., Path], workers: Workers
) -> None:
    path = write_suite(
        ASKED_BY.format("hungry.Hungry: {}"),
        hungry__py=HUNGRY,
        t__csv="q,a\na,A\n",
    )
    suite, node = load_suite(path), workers.workers[0].report.node
    with closing(Cache(cache_root() / "calls.sqlite")) as cache:
        door = ClusterContext(suite.models, cache, Display(), 0, workers=workers)
        with pytest.raises(DeviceGoneError, match=rf"^own, on {node}: memory ran out .* \(MemoryError\); what was"):
            door.generate("own", [user("a")], Generation())


def test_what_a_plan_settles_holds_for_the_process_that_did_not_plan(
    write_suite: Callable[..., Path], workers: Workers
) -> None:
    """Such as whether a cell is long enough to compile its network."""
    path = write_suite(
        ASKED_BY.format("planned.Planned: {path: model}"),
        planned__py=PLANNED,
        t__csv="q,a\na,A\n",
    )
    save_model(path.parent / "model", "Llama", CHATML, 3)
    suite = load_suite(path)
    with closing(Cache(cache_root() / "calls.sqlite")) as cache:
        door = ClusterContext(suite.models, cache, Display(), 0, workers=workers)
        completions = door.generate("own", [user(f"w{i}") for i in range(6)], Generation())
    processes = {str(own.report.process) for own in workers.workers}
    assert {own.text for own in completions} == {f"True {process}" for process in processes}
