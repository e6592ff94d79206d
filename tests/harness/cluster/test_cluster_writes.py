"""A divided run from Python on a real cluster: equal to a local one, and written by the driver alone."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("ray", reason="needs the extra `ray`")
pytest.importorskip("torch", reason="needs the extra `local`")

import harness
from harness.cli import app
from harness.errors import StoreError
from tests.shared.spread_suite import write_spread_suite

pytestmark = [pytest.mark.internals, pytest.mark.filterwarnings("default"), pytest.mark.xdist_group("cluster")]
OWN, WORKERS = 0o022, 0o002  # umasks: what a worker makes is writable by its group, whatever library makes it


def watching(log: Path) -> Callable[[], None]:
    """What a worker does when it begins: note every file that Python changes in it, and mark those that it makes."""
    folder, umask = str(log), WORKERS

    def watch() -> None:
        import os
        import sys

        file = os.open(f"{folder}/{os.getpid()}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
        names = {  # the places of paths among the arguments of an event, each with the place of its folder
            "os.mkdir": ((0, 2),), "os.remove": ((0, 1),), "os.rmdir": ((0, 1),), "os.truncate": ((0, None),),
            "os.rename": ((0, 2), (1, 3)), "os.symlink": ((1, 2),), "os.link": ((1, 3),), "os.chmod": ((0, 2),),
        }  # fmt: skip

        def place(path: Any, beside: Any = -1) -> str:
            base = f"/proc/self/fd/{beside}" if isinstance(beside, int) and beside >= 0 else "."
            whole = Path(base) / os.fsdecode(path)
            return str(whole.parent.resolve() / whole.name)

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            changed = []
            if event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & changing:
                changed = [os.path.realpath(os.fsdecode(arguments[0]))]
            elif event == "sqlite3.connect" and "mode=ro" not in str(arguments[0]):
                changed = [os.path.realpath(str(arguments[0]))]
            elif event in names:
                changed = [
                    place(arguments[own], -1 if beside is None else arguments[beside]) for own, beside in names[event]
                ]
            for path in changed:
                os.write(file, f"{path}\n".encode())

        os.umask(umask)
        sys.addaudithook(audit)

    return watch


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Ray of two CPUs in this process, which runs join; its processes leave there what they change."""
    import ray

    folder = tmp_path / "log"
    folder.mkdir()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    before = os.umask(OWN)
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False,
        namespace="domain-harness", runtime_env={"worker_process_setup_hook": watching(folder)},
    )  # fmt: skip
    try:
        yield folder
    finally:
        ray.shutdown()
        os.umask(before)


def digest_of(run: Path) -> str:
    return hashlib.sha256((run / "scores.jsonl").read_bytes()).hexdigest()


def test_shards_from_python_on_a_cluster(
    log: Path, write_suite: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, cache = write_spread_suite(write_suite), tmp_path / "there"
    local = harness.run(path, out=tmp_path / "local", progress=False)
    monkeypatch.setenv("HARNESS_CACHE", str(cache))
    for shard in ("1/2", "2/2"):
        part = harness.run(path, out=tmp_path / "parts" / shard[0], shard=shard, devices=2, progress=False)
        assert f"shard {shard[0]} of 2" in repr(part)
        with pytest.raises(StoreError, match=f"shard {shard[0]} of 2, a part of a run .* harness merge"):
            _ = part.decision
    merged = CliRunner().invoke(app, ["merge", str(tmp_path / "parts"), "--out", str(tmp_path / "merged"), "-q"])
    assert merged.exit_code == 0, merged.output
    assert digest_of(tmp_path / "merged") == digest_of(local.folder)
    record = harness.load(tmp_path / "merged").finished.run
    computed = {cell["variant"]: (cell["calls"], cell["cached"]) for cell in record["cells"]}
    assert computed == {
        "base": (0, 8), "served": (8, 0), "lora": (0, 8), "wide": (0, 8), "rag": (0, 8),
    }  # fmt: skip

    places = [Path(line) for file in log.iterdir() for line in file.read_text().splitlines()]
    own = [place for place in places if place.is_relative_to(cache.resolve())]
    assert {place.relative_to(cache.resolve()).parts[0] for place in own} == {"cluster"}
    kept = (cache / "trained", *(tmp_path / name for name in ("parts", "merged", "suite")))
    assert not [place for place in places if any(place.is_relative_to(folder.resolve()) for folder in kept)]
    made = [file for file in (*cache.rglob("*"), *(tmp_path / "parts").rglob("*")) if is_of_a_worker(file)]
    assert made
    assert {file.relative_to(cache).parts[0] for file in made} == {"trained"}  # what the driver has taken from there


def is_of_a_worker(file: Path) -> bool:
    return bool(file.lstat().st_mode & stat.S_IWGRP) and not file.is_symlink()
