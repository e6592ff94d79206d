"""A second cache that several machines read: looked into after one's own, never written, ignored where it is damaged."""

import json
import logging
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError, StoreError
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.cache_publishing import LOCK, publish
from harness.runtime.shared_cache import MANIFEST, read_manifest, shared_place
from harness.runtime.vectors import Vectors
from tests.shared.commands import run_command

SUITE = """\
name: shared
models: {m: {scripted: {default: a}}}
tasks:
  t: {data: {csv: {path: t.csv, input: q, target: a}}, prompt: "{{ input }}", answer: text, metrics: {accuracy: exact_match}}
variants: {first: {prompting: {model: m}}}
latency: {items: 0}
"""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the machine `one` has published; the machine that tests has a cache of its own, and reads it."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "one"))
    cache, vectors = Cache(tmp_path / "one" / "calls.sqlite"), Vectors(tmp_path / "one" / "vectors.sqlite")
    cache.put("m", {"both": completion("theirs"), "their own": completion("only theirs")})
    cache.keep_model("m", "m", {})
    vectors.put({"v": np.ones(3, dtype=np.float32)})
    cache.close()
    vectors.close()
    trained = tmp_path / "one" / "trained" / ("a" * 64)
    trained.mkdir(parents=True)
    (trained / "record.json").write_text("{}")
    (trained / "model.safetensors").write_bytes(b"12345678")
    publish(tmp_path / "shared")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_SHARED_CACHE", str(tmp_path / "shared"))
    return tmp_path / "shared"


def completion(text: str) -> Completion:
    return Completion(text=text, finish="stop", tokens_in=1, tokens_out=1, seconds=0.5)


def texts(cache: Cache, *keys: str) -> dict[str, str]:
    return {key: own.text for key, own in cache.get(keys).items()}


def test_ones_own_answers_come_first_and_nothing_is_written_there(shared: Path, tmp_path: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in shared.rglob("*")}
    cache = Cache(tmp_path / "cache" / "calls.sqlite")
    assert texts(cache, "both", "their own", "nobody's") == {"both": "theirs", "their own": "only theirs"}
    assert cache.has_answers("m")
    cache.put("m", {"both": completion("ours")})
    assert texts(cache, "both", "their own") == {"both": "ours", "their own": "only theirs"}
    assert Vectors(tmp_path / "cache" / "vectors.sqlite").get(["v"])["v"].tolist() == [1.0, 1.0, 1.0]
    cache.close()
    assert {file: file.stat().st_mtime_ns for file in shared.rglob("*")} == before
    assert not list(shared.rglob("*-wal"))


def test_it_is_read_where_nobody_may_write_and_while_it_is_locked(shared: Path, tmp_path: Path) -> None:
    with sqlite3.connect(shared / "calls.sqlite") as other:  # another machine holds whatever lock it likes
        other.execute("BEGIN EXCLUSIVE")
        assert texts(Cache(tmp_path / "cache" / "calls.sqlite"), "their own") == {"their own": "only theirs"}


@pytest.mark.parametrize("damage", ["cut short", "half copied", "no database", "unreadable pages"])
def test_what_is_damaged_is_named_once_and_ignored(
    damage: str, shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = shared / "calls.sqlite"
    content = file.read_bytes()
    if damage == "half copied":  # by other means than publishing: nothing tells its size but its own header
        (shared / MANIFEST).unlink()
    broken = {
        "cut short": content[:-1],
        "half copied": content[: len(content) // 2],
        "no database": b"x" * len(content),
        "unreadable pages": content[:100] + b"\xff" * (len(content) - 100),
    }[damage]
    file.write_bytes(broken)
    read_manifest.cache_clear()
    cache = Cache(tmp_path / "cache" / "calls.sqlite")
    with caplog.at_level(logging.WARNING, "harness"):
        assert texts(cache, "their own") == {}
        assert texts(cache, "both") == {}
    assert len(caplog.messages) == 1
    assert f"shared cache {file}: " in caplog.messages[0]
    assert "it is ignored: publish it again" in caplog.messages[0]
    cache.put("m", {"both": completion("ours")})  # one's own works as ever
    assert texts(cache, "both") == {"both": "ours"}


@pytest.mark.parametrize(
    ("fault", "is_used"), [("none", True), ("shorter", False), ("missing", False), ("strange", False)]
)
def test_weights_are_used_as_they_were_published(fault: str, is_used: bool, shared: Path, tmp_path: Path) -> None:
    """A folder that nobody published may be half copied: there is nothing to tell that by."""
    name = "b" * 64 if fault == "strange" else "a" * 64
    weights = shared / "trained" / name / "model.safetensors"
    if fault == "shorter":
        weights.write_bytes(b"1234")
    elif fault == "missing":
        weights.unlink()
    elif fault == "strange":
        weights.parent.mkdir()
        weights.write_bytes(b"12345678")
    own = tmp_path / "cache" / "trained" / name
    assert shared_place(own, "trained") == (shared / "trained" / name if is_used else own)
    own.mkdir(parents=True)
    assert shared_place(own, "trained") == own


def test_publishing_adds_and_mends(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache" / "calls.sqlite")
    cache.put("m", {"both": completion("ours"), "our own": completion("only ours")})
    assert publish(shared) == ["calls.sqlite: 1 rows"]
    assert publish(shared) == []
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "third"))
    third = Cache(tmp_path / "third" / "calls.sqlite")
    assert texts(third, "both", "our own", "their own") == {
        "both": "theirs", "our own": "only ours", "their own": "only theirs",
    }  # fmt: skip
    (shared / "calls.sqlite").write_bytes(b"x" * 5000)  # whoever publishes next mends it with what it has
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    assert publish(shared) == ["calls.sqlite: 2 rows"]


def test_two_do_not_publish_at_once_and_nobody_publishes_into_his_own(shared: Path, tmp_path: Path) -> None:
    (shared / LOCK).touch()
    with pytest.raises(StoreError, match="another machine publishes; if none does, remove"):
        publish(shared)
    with pytest.raises(HarnessError, match="is your own cache"):
        publish(tmp_path / "cache")


def test_two_processes_with_caches_of_their_own_share_one(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "t.csv").write_text("q,a\n" + "".join(f"q{number},a\n" for number in range(12)), encoding="utf-8")

    def cell(cache: str, *options: str, **environment: str) -> tuple[int, int]:
        places = {"HARNESS_CACHE": str(tmp_path / cache), **environment}
        spoken = run_command("run", "suite.yaml", "--json", *options, "--out", cache + "-run", cwd=tmp_path, **places)
        folder = tmp_path / json.loads(spoken.stdout)["run"]
        (own,) = json.loads((folder / "run.json").read_text(encoding="utf-8"))["cells"]
        return own["calls"], own["cached"]

    assert cell("first", "--limit", "5") == (5, 0)
    published = run_command("cache", "publish", "team", cwd=tmp_path, HARNESS_CACHE=str(tmp_path / "first"))
    assert "calls.sqlite: 5 rows" in published.stdout
    assert cell("second", HARNESS_SHARED_CACHE="team") == (7, 5)
    with sqlite3.connect(tmp_path / "second" / "calls.sqlite") as database:
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (7,)  # what is shared is not copied
    assert not (tmp_path / "team" / "calls.sqlite-wal").exists()
