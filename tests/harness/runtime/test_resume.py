"""A run that was killed and one that nothing disturbed end equal, items that always fail included."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from pydantic import ConfigDict

from harness.components.display import Display
from harness.models.scripted import Rule, Scripted
from harness.records.inputs import JSON, Cell, Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from tests.shared.commands import run_command

Write = Callable[..., Path]
Run = Callable[..., RunFolder]
GREEDY = Generation(max_tokens=20)
BAD = Rule(match="^bad", fail="refused")


class Killed(BaseException):
    """Stands for the end of the process between two batches."""


class Mortal(Scripted):
    """A scripted model that dies when its batches are used up, and whose backend may be down from some call on."""

    model_config = ConfigDict(frozen=False)

    batches: int = 10**9
    calls_until_down: int = 10**9

    def identity(self) -> dict[str, JSON]:
        return {"component": "mortal"}

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        if not self.batches:
            raise Killed
        self.batches -= 1
        self.calls_until_down -= len(prompts)
        if self.calls_until_down < 0:
            return [Completion(text="", finish="error", error="connection refused") for _ in prompts]
        return super().generate(prompts, generation, repeats)


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Asks a model through the door to a cache by its name; gives the answer or the error of each text."""
    opened: list[Cache] = []

    def go(cache: str, texts: Sequence[str], **settings: int) -> list[str]:
        opened.append(Cache(tmp_path / f"{cache}.sqlite"))
        model = Mortal(rules=[BAD], default="fine", **settings)
        context = Context({"m": model}, opened[-1], Display(), seed=1)
        context.begin(Cell("task", "variant"))
        replies = context.generate("m", [(Message("user", text),) for text in texts], GREEDY)
        return [reply.error or reply.text for reply in replies]

    yield go
    for cache in opened:
        cache.close()


def items(bad: Iterable[int], size: int) -> list[str]:
    failing = set(bad)
    return [f"{'bad' if i in failing else 'good'} {i}" for i in range(size)]


def is_answerable(texts: Sequence[str]) -> list[str]:
    return ["refused" if text.startswith("bad") else "fine" for text in texts]


# Which of how many items always fail, how many make a batch, and how many batches were finished before the kill.
KILLS = [
    ((0, 4, 8), 60, 4, 7),  # the issue's: a failing call in each of the first three batches
    ((0, 4, 8), 60, 4, 3),
    ((3, 7, 11, 15, 19), 60, 4, 14),
    ((0, 1, 2, 3, 20, 21, 22, 23), 40, 4, 5),  # a whole batch that fails, then a part
    (range(1, 30, 2), 30, 2, 10),  # every second item
    (range(4, 16), 40, 4, 2),  # three whole batches in the middle: nobody is down
    (range(3, 30), 31, 1, 20),  # 27 batches in a row, the last item is good
    ((59,), 60, 16, 3),
    (range(12), 60, 4, 2),  # nothing is answered at first
    (range(12), 60, 4, 9),
    ((0, 1, 2, 9), 12, 1, 1),
    ((*range(20), 47, 59), 60, 4, 4),  # the first call that is tried ahead fails too
    ((0, 1, 2, 3, 4, 5, 6, 8), 9, 8, 1),
]


@pytest.mark.parametrize(("bad", "size", "batch_size", "finished"), KILLS)
def test_what_always_fails_leaves_nothing_else_unasked(
    ask: Callable[..., list[str]], bad: Iterable[int], size: int, batch_size: int, finished: int
) -> None:
    texts = items(bad, size)
    with pytest.raises(Killed):
        ask("killed", texts, batch_size=batch_size, batches=finished)
    expected = is_answerable(texts)
    assert ask("killed", texts, batch_size=batch_size) == expected
    assert ask("killed", texts, batch_size=batch_size) == expected  # and once more, with all that failed in a row
    assert ask("undisturbed", texts, batch_size=batch_size) == expected


def test_killed_at_any_point_with_any_items_failing(ask: Callable[..., list[str]]) -> None:
    """A sweep of 150 runs, each killed up to three times."""
    chance = random.Random(28)
    for trial in range(150):
        size, batch_size = chance.randint(1, 48), chance.choice((1, 2, 3, 4, 8, 16))
        share = chance.choice((0.05, 0.3, 0.6, 0.95))
        texts = items((i for i in range(size) if chance.random() < share), size)
        if chance.random() < 0.5:  # failures that lie together
            texts.sort(key=lambda text: (text[0], int(text.split()[1])), reverse=chance.random() < 0.5)
        for _ in range(chance.randint(1, 3)):
            with suppress(Killed):
                ask(f"killed {trial}", texts, batch_size=batch_size, batches=chance.randint(0, size // batch_size + 1))
        killed = ask(f"killed {trial}", texts, batch_size=batch_size)
        whole = ask(f"whole {trial}", texts, batch_size=batch_size)
        assert killed == whole, (texts, batch_size)
        if not any("not asked" in outcome for outcome in whole) or share < 0.5:
            assert whole == is_answerable(texts), (texts, batch_size)


# Limits that follow each other on one cache, and which of the items fail.
LIMITS = [
    ((12, 24), (0, 4, 8)),
    ((20, 60), (0, 4, 8, 12, 16)),
    ((24, 12), (1, 2, 11)),
    ((4, 8, 12, 40), range(0, 40, 3)),
]


@pytest.mark.parametrize(("limits", "bad"), LIMITS)
@pytest.mark.parametrize("batch_size", [1, 4, 5])
def test_a_larger_limit_ends_as_if_it_had_come_first(
    ask: Callable[..., list[str]], limits: Sequence[int], bad: Iterable[int], batch_size: int
) -> None:
    texts = items(bad, 60)
    for limit in limits:
        last = ask("grown", texts[:limit], batch_size=batch_size)
    assert last == ask("fresh", texts[: limits[-1]], batch_size=batch_size) == is_answerable(texts[: limits[-1]])


# Calls that are answered before the backend goes down, how many make a batch, and which of 40 are asked in vain: three
# batches and, where nothing was answered before, calls from further on.
OUTAGES = [
    (0, 4, [*range(12), 39, 31, 23]),  # later batches end at 15, 19, … 39; every second from the last
    (0, 16, [*range(40)]),
    (8, 4, [*range(8, 20)]),
    (20, 1, [20, 21, 22]),
    (12, 6, [*range(12, 30)]),
]


@pytest.mark.parametrize(("answered", "batch_size", "in_vain"), OUTAGES)
def test_a_backend_that_answers_nothing_any_more_is_given_up(
    ask: Callable[..., list[str]], answered: int, batch_size: int, in_vain: Sequence[int]
) -> None:
    texts = items((), 40)
    outcomes = ask("outage", texts, batch_size=batch_size, calls_until_down=answered)
    assert outcomes == [
        "fine" if i < answered
        else "connection refused" if i in in_vain
        else "not asked: 3 batches in a row had failed"
        for i in range(40)
    ]  # fmt: skip
    assert ask("outage", texts, batch_size=batch_size) == ["fine"] * 40  # once it is up again


# -- the whole path -------------------------------------------------------------------------------------------------

SUITE = """\
name: colours
models:
  robot: {{scripted: {{rules: [{{match: "坏", fail: refused}}], default: 绿, batch_size: {batch_size}, seconds: {seconds}}}}}
tasks:
  colour:
    data: {{tsv: {{path: test.tsv, input: 词, target: 色}}}}
    metrics: {{accuracy: exact_match}}
variants:
  a: {{prompting: {{model: robot}}}}
  b: {{prompting: {{model: robot, system: 好}}}}
compare: {{reference: a}}
"""


def rows(bad: Iterable[int], size: int) -> str:
    failing = set(bad)
    return "词\t色\n" + "".join(f"{'坏' if i in failing else '草'}{i}\t绿\n" for i in range(size))


@pytest.mark.parametrize(
    ("bad", "size", "batch_size", "batch"),
    [((0, 4, 8), 60, 4, 8), ((0, 4, 8), 60, 4, 24), (range(2, 40, 3), 40, 3, 20), ((5,), 12, 1, 0), ((), 12, 4, 5)],
)
def test_a_run_that_died_in_any_cell_gives_the_same_scores_and_figures(
    write_suite: Write, run_suite: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    bad: Iterable[int], size: int, batch_size: int, batch: int,
) -> None:  # fmt: skip
    suite = write_suite(SUITE.format(batch_size=batch_size, seconds=0), test__tsv=rows(bad, size))
    generate, numbers = Scripted.generate, count()

    def mortal(model: Scripted, *arguments: Sequence[object]) -> list[Completion]:
        if next(numbers) == batch:
            raise Killed
        return generate(model, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Scripted, "generate", mortal)
        with pytest.raises(Killed):
            run_suite(suite, "killed")
    killed = run_suite(suite, "killed")
    (tmp_path / "cache" / "calls.sqlite").rename(tmp_path / "other.sqlite")
    whole = run_suite(suite, "whole")
    assert (killed.path / "scores.jsonl").read_bytes() == (whole.path / "scores.jsonl").read_bytes()
    results = killed.summary().results
    assert results == whole.summary().results
    assert {result.known for result in results} == {size - len(list(bad))}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from harness.cli import main; main()", *arguments]


def stored_calls(cache: Path) -> int:
    try:
        return int(
            sqlite3.connect(f"{cache.as_uri()}?mode=ro", uri=True).execute("SELECT count(*) FROM calls").fetchone()[0]
        )
    except sqlite3.Error:
        return 0


@pytest.mark.parametrize(
    ("bad", "batch_size", "calls"), [((0, 4, 8), 4, 20), ((0, 4, 8, 12), 4, 3), (range(0, 40, 2), 2, 12)]
)
def test_kill_9_leaves_no_good_item_unasked(
    write_suite: Write, tmp_path: Path, bad: Iterable[int], batch_size: int, calls: int
) -> None:
    suite = write_suite(SUITE.format(batch_size=batch_size, seconds=0.1), test__tsv=rows(bad, 40))
    process = subprocess.Popen(command("run", str(suite)), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while stored_calls(tmp_path / "cache" / "calls.sqlite") < calls:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    result = run_command("run", str(suite), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (folder,) = (tmp_path / "runs" / "colours").iterdir()
    assert {score.error for score in RunFolder(folder).scores()} == {None, "refused"}
    assert {result.known for result in RunFolder(folder).summary().results} == {40 - len(list(bad))}
