"""What lies in the cache, what is broken in it, and what goes first when it becomes smaller."""

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from harness.cli.caching import parse_age, parse_size
from harness.errors import HarnessError
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.cache_checks import verify
from harness.runtime.cache_inventory import inventory
from harness.runtime.digests import file_digest
from harness.runtime.pruning import prune_cache
from tests.shared.commands import run_command

DAY = 86_400.0


def tensors(size: int = 8) -> bytes:
    """A .safetensors file with one tensor of so many bytes, as its header says."""
    header = json.dumps({"t": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A cache with three answers of two models, one training, one conversion, one index and one package."""
    root = tmp_path / "cache"
    cache = Cache(root / "calls.sqlite")
    for model, keys in (("m1", "ab"), ("m2", "c")):
        cache.put(model, {key: Completion(text=key, finish="stop", tokens_in=1, tokens_out=1) for key in keys})
    cache.close()
    for place, content in (
        ("trained/t/model.safetensors", tensors()), ("trained/t/record.json", b"{}"),
        ("models/c-float32/model.safetensors", tensors(3000)), ("indexes/i/index.faiss", bytes(500)),
        ("packages/p==1/model.gguf", bytes(2000)),
    ):  # fmt: skip
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(content)
    return root


def age(entry: Path, days: float) -> None:
    time = entry.stat().st_mtime - days * DAY
    for file in (entry, *entry.rglob("*")):
        os.utime(file, (time, time))


def test_what_lies_in_it(root: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "clinic" / "limited" / "2026"
    run.mkdir(parents=True)
    record = {"suite": {"name": "clinic"}, "models": {"small": {"digest": "m1"}, "gone": {"digest": "m9"}}}
    (run / "run.json").write_text(json.dumps(record))
    contents = inventory(tmp_path / "runs")
    counts = {kind.name: kind.count for kind in contents.kinds}
    assert counts == {
        "answers of models": 3, "trained weights": 1, "converted weights": 1, "downloaded weights": 1, "indexes": 1,
    }  # fmt: skip
    assert {kind.name: kind.size for kind in contents.kinds}["downloaded weights"] == 2000
    assert [(suite.name, suite.answers) for suite in contents.suites] == [("clinic", 2)]
    assert contents.unused is not None
    assert contents.unused.answers == 1


def cut_database(root: Path) -> None:
    file = root / "calls.sqlite"
    file.write_bytes(file.read_bytes()[:-3000])


def spoil_row(root: Path) -> None:
    with sqlite3.connect(root / "calls.sqlite") as database:
        database.execute("UPDATE calls SET value = '{' WHERE key = 'a'")


def shorten(root: Path) -> None:
    file = root / "trained" / "t" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def change_silently(root: Path) -> None:
    """A bit turns: neither the size nor the times of the file change. The inode's own time is what we cannot set."""
    file = root / "packages" / "p==1" / "model.gguf"
    before = file_digest(file)
    memo = next(own for own in (root / "digests").iterdir() if own.read_text() == before)
    memo.write_text("0" * 64)


def forget_record(root: Path) -> None:
    (root / "trained" / "t" / "record.json").unlink()


def leave_partial(root: Path) -> None:
    (root / "models" / "tmpabcd1234").mkdir()


@pytest.mark.parametrize(
    ("damage", "place", "reason", "is_broken"),
    [
        (spoil_row, "calls.sqlite", "1 rows of calls cannot be read", True),
        (cut_database, "calls.sqlite", "", True),
        (shorten, "trained/t", "model.safetensors: it has ", True),
        (change_silently, "packages/p==1", "model.gguf: its content changed although its time did not", True),
        (forget_record, "trained/t", "it has no record of its training", True),
        (leave_partial, "models/tmpabcd1234", "left by a process that was killed", False),
    ],
)
def test_what_is_broken_is_named_and_mended(
    damage: Callable[[Path], None], place: str, reason: str, is_broken: bool, root: Path
) -> None:
    assert verify() == []
    damage(root)
    (fault,) = verify()
    assert (fault.place, fault.is_broken, fault.is_mended) == (place, is_broken, False)
    assert reason in fault.reason
    (mended,) = verify(is_repairing=True)
    assert mended.is_mended
    assert verify() == []
    if damage is spoil_row:
        assert set(Cache(root / "calls.sqlite").get(["a", "b", "c"])) == {"b", "c"}


@pytest.mark.parametrize(
    ("below", "older", "removed"),
    [
        (None, 30 * DAY, ["models/c-float32", "trained/t"]),  # not used for 40 and 50 days
        (0, None, ["models/c-float32", "packages/p==1", "indexes/i", "trained/t"]),  # oldest first, weights last
        (10**9, None, []),
        (None, 60 * DAY, []),
    ],
)
def test_what_goes_first(below: int | None, older: float | None, removed: list[str], root: Path) -> None:
    for place, days in (("models/c-float32", 40), ("trained/t", 50), ("packages/p==1", 20), ("indexes/i", 5)):
        age(root / place, days)
    foreseen = prune_cache(below, older, is_dry=True)
    assert list(foreseen.removed) == removed
    assert all((root / place).exists() for place in removed)
    pruned = prune_cache(below, older)
    assert pruned == foreseen
    assert pruned.size_before - pruned.size_after == sum(pruned.removed.values())
    assert not any((root / place).exists() for place in removed)
    assert set(Cache(root / "calls.sqlite").get(["a", "b", "c"])) == {"a", "b", "c"}


def test_what_a_process_holds_stays(root: Path) -> None:
    (root / "trained" / "u.partial").mkdir()
    with FileLock(root / "trained" / "u.lock"), FileLock(root / "trained" / "t.lock"):
        assert not any(place.startswith("trained") for place in prune_cache(below=0).removed)


@pytest.mark.parametrize(
    ("text", "size"), [("20GB", 20 * 10**9), ("1.5 mb", 1_500_000), ("7k", 7000), ("0", 0), ("300B", 300)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "seconds"), [("90d", 90 * DAY), ("12h", 43_200.0), ("2w", 14 * DAY)])
def test_ages(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_size, "20 apples"), (parse_size, "-3GB"), (parse_size, ""), (parse_age, "90"), (parse_age, "3m")],
)
def test_neither_size_nor_age(parse: Callable[[str], float], text: str) -> None:
    with pytest.raises(HarnessError, match="must be"):
        parse(text)


def test_the_commands(root: Path, tmp_path: Path) -> None:
    shown = run_command("cache", cwd=tmp_path, HARNESS_CACHE=str(root))
    assert "answers of models: 3 answers" in shown.stdout
    told = json.loads(run_command("cache", "--json", cwd=tmp_path, HARNESS_CACHE=str(root)).stdout)
    assert told["size"] == sum(kind["size"] for kind in told["kinds"])
    assert run_command("cache", "verify", cwd=tmp_path, HARNESS_CACHE=str(root)).stdout.endswith("all is well\n")
    shorten(root)
    broken = run_command("cache", "verify", cwd=tmp_path, HARNESS_CACHE=str(root))
    assert (broken.returncode, "harness cache verify --repair" in broken.stdout) == (1, True)
    refused = run_command("cache", "prune", cwd=tmp_path, HARNESS_CACHE=str(root))
    assert (refused.returncode, "give --below SIZE, --older AGE, or both" in refused.stderr) == (2, True)
    assert run_command("cache", "verify", "nowhere", cwd=tmp_path).returncode == 2
