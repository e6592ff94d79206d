"""Why everything is asked again: the field that changed, both values, and how many stored answers are not used."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field
from typer.testing import CliRunner

from harness.cli import app
from harness.models.scripted import Scripted
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.model_history import Change, changes_between, earlier_models
from harness.text.canonical import digest

OLLAMA = {"component": "ollama", "digest": "a" * 64, "num_ctx": 4096, "version": "0.24.0"}
DONE = Completion(text="x")


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        (OLLAMA, OLLAMA, []),
        (OLLAMA, {**OLLAMA, "version": "0.33.0"}, [Change("version", "0.24.0", "0.33.0")]),
        (OLLAMA, {**OLLAMA, "digest": "b" * 64}, [Change("digest", "a" * 64, "b" * 64)]),
        (OLLAMA, {**OLLAMA, "version": "0.33.0", "num_ctx": 8192},
         [Change("num_ctx", 4096, 8192), Change("version", "0.24.0", "0.33.0")]),
        (OLLAMA, {**OLLAMA, "version": "0.33.0", "num_ctx": 8192, "think": True}, []),  # another model altogether
        (OLLAMA, {**OLLAMA, "component": "openai"}, []),
        ({"component": "ollama", "digest": "a"}, {"component": "ollama", "digest": "a", "version": "0.33.0"},
         [Change("version", None, "0.33.0")]),
        ({"component": "tuned", "base": {"dtype": "float32", "digest": "a"}},
         {"component": "tuned", "base": {"dtype": "bfloat16", "digest": "a"}},
         [Change("base.dtype", "float32", "bfloat16")]),
        ({"component": "hf", "files": ["a", "b"]}, {"component": "hf", "files": ["a", "c"]},
         [Change("files", ["a", "b"], ["a", "c"])]),
    ],
)  # fmt: skip
def test_the_fields_that_changed(before: dict[str, Any], now: dict[str, Any], changes: list[Change]) -> None:
    assert changes_between(before, now) == changes


class Served(Scripted):
    """A model that says of itself what a test has it say."""

    model: str = "qwen2.5:7b"
    said: dict[str, Any] = Field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        return dict(self.said)


@pytest.fixture
def cache(tmp_path: Path) -> Any:
    with_calls = Cache(tmp_path / "calls.sqlite")
    yield with_calls
    with_calls.close()


def store(cache: Cache, identity: dict[str, Any], answers: int, name: str = "qwen2.5:7b") -> None:
    cache.keep_model(digest(identity), name, identity)
    cache.put(digest(identity), {f"{digest(identity)}{number}": DONE for number in range(answers)})


def reason(cache: Cache, identity: dict[str, Any], *others: dict[str, Any]) -> str | None:
    digests = [digest(other) for other in others]
    earlier = earlier_models(cache, "q", Served(said=identity), digest(identity), digests)
    return earlier[0].reason("q") if earlier else None


NEW = {**OLLAMA, "version": "0.33.0"}
END = " when its stored answers to these prompts were given: they are not used, and everything is asked again of it"


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ([], None),
        ([(OLLAMA, 0)], None),  # no answer is stored of it
        ([(NEW, 7)], None),  # its own
        ([(OLLAMA, 40)], "model q: its version is 0.33.0 and was 0.24.0"),
        ([(OLLAMA, 1200), (NEW, 1)], "model q: its version is 0.33.0 and was 0.24.0"),
        ([(OLLAMA, 1200), ({**NEW, "num_ctx": 512}, 7)], "model q: its version is 0.33.0 and was 0.24.0"),  # the most
        ([({**NEW, "num_ctx": 512}, 7), ({**OLLAMA, "think": True}, 99)], "model q: its num_ctx is 4096 and was 512"),
        ([({**OLLAMA, "digest": "b" * 64}, 7)],
         f"model q: its digest is {'a' * 24}… and was {'b' * 24}… and its version is 0.33.0 and was 0.24.0"),
        ([({"component": "ollama", "digest": "a" * 64, "num_ctx": 4096}, 3)],
         "model q: its version is 0.33.0 and was not told"),
    ],
)  # fmt: skip
def test_the_sentence(cache: Cache, stored: list[tuple[dict[str, Any], int]], expected: str | None) -> None:
    for identity, answers in stored:
        store(cache, identity, answers)
    assert reason(cache, NEW) == (None if expected is None else expected + END)


def test_what_another_model_or_entry_has_answered_is_not_lost(cache: Cache) -> None:
    store(cache, OLLAMA, 40, name="llama3.2")  # another name: another model, though one field differs
    assert reason(cache, NEW) is None
    store(cache, OLLAMA, 40)
    assert reason(cache, NEW) is not None
    assert reason(cache, NEW, OLLAMA) is None  # the suite asks both


def test_a_cache_of_before_has_no_models_and_is_read(tmp_path: Path) -> None:
    import sqlite3

    database = sqlite3.connect(tmp_path / "calls.sqlite")
    database.execute("CREATE TABLE calls (key TEXT PRIMARY KEY, model TEXT, seconds REAL, value BLOB) WITHOUT ROWID")
    database.execute("INSERT INTO calls VALUES ('k', 'm', 1.5, ?)", (b'{"text": "x"}',))
    database.commit()
    database.close()
    old = Cache(tmp_path / "calls.sqlite", read_only=True)
    assert old.get(["k"]) == {"k": DONE}
    assert old.stored_models("qwen2.5:7b") == []
    old.close()
    again = Cache(tmp_path / "calls.sqlite")
    assert again.has_answers("m")
    again.keep_model("m", "qwen2.5:7b", OLLAMA)
    assert [(known.identity, known.answers) for known in again.stored_models("qwen2.5:7b")] == [(OLLAMA, 1)]
    again.close()


SUITE = """\
name: again
models: {{m: {{scripted: {{default: {reply}}}}}}}
tasks:
  t: {{data: {{tsv: {{path: test.tsv, input: input, target: target}}}}, prompt: "{{{{ input }}}}", metrics: {{a: exact_match}}}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""


@pytest.mark.parametrize("command", ["plan", "run"])
def test_plan_and_run_say_it(write_suite: Callable[..., Path], tmp_path: Path, command: str) -> None:
    rows = "input\ttarget\n" + "".join(f"q{number}\tx\n" for number in range(3))
    runner = CliRunner()
    first = write_suite(SUITE.format(reply="x"), test__tsv=rows)
    assert runner.invoke(app, ["run", str(first), "--out", str(tmp_path / "one")]).exit_code == 0
    assert "asked again" not in runner.invoke(app, [command, str(first)]).output
    second = write_suite(SUITE.format(reply="other"), test__tsv=rows)
    arguments = [command, str(second), *(["--out", str(tmp_path / "two")] if command == "run" else [])]
    output = runner.invoke(app, arguments).output
    sentence = (
        "model m: its default is other and was x when its stored answers to these prompts were given: they are not"
    )
    assert " ".join(output.split()).count(sentence) == 1
    assert ("asked again" in runner.invoke(app, arguments).output) == (command == "plan")


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("prompt", "is_said"), [("{{ input }}", True), ("{{ input }}?", False), ("{{ input }} ", False)]
)
def test_only_answers_to_the_same_prompts_are_lost(
    write_suite: Callable[..., Path], tmp_path: Path, command: str, prompt: str, is_said: bool
) -> None:
    """A change is said to every suite that it concerns, whatever others have asked since, and to no other."""
    rows = "input\ttarget\n" + "".join(f"q{number}\tx\n" for number in range(3))
    runner = CliRunner()

    def suite(reply: str, template: str) -> Path:
        text = SUITE.format(reply=reply).replace("{{ input }}", template)
        return write_suite(text, test__tsv=rows)

    assert runner.invoke(app, ["run", str(suite("x", "{{ input }}")), "--out", str(tmp_path / "a")]).exit_code == 0
    assert (
        runner.invoke(app, ["run", str(suite("y", "other {{ input }}")), "--out", str(tmp_path / "b")]).exit_code == 0
    )
    arguments = [command, str(suite("y", prompt)), *(["--out", str(tmp_path / "c")] if command == "run" else [])]
    output = " ".join(runner.invoke(app, arguments).output.split())
    assert ("model m: its default is y and was x" in output) == is_said


@pytest.mark.parametrize("more", [1, 2, 5])
def test_calls_that_are_made_beside_stored_ones_are_no_change(
    write_suite: Callable[..., Path], tmp_path: Path, more: int
) -> None:
    """Both versions have answered some of the items: what is missing of the present one is not asked *again*."""
    runner = CliRunner()

    def suite(reply: str, items: int) -> Path:
        rows = "input\ttarget\n" + "".join(f"q{number}\tx\n" for number in range(items))
        return write_suite(SUITE.format(reply=reply), test__tsv=rows)

    assert runner.invoke(app, ["run", str(suite("x", 2)), "--out", str(tmp_path / "a")]).exit_code == 0
    assert runner.invoke(app, ["run", str(suite("y", 2 + more)), "--out", str(tmp_path / "b")]).exit_code == 0
    assert "asked again" not in runner.invoke(app, ["plan", str(suite("x", 2 + more))]).output
