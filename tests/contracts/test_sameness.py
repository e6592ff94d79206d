"""What was recorded comes out the same: bytes of scores, figures, keys of the cache; older run folders are read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.runtime.run_folder import RunFolder
from reports.html import render
from tests.shared.paths import ROOT

RECORDED = ROOT / "tests" / "recorded"
SUITES = ("forms", "retrieval")
SAME_BYTES = ("samples.jsonl", "scores.jsonl", "judgements.jsonl", "overlaps.jsonl")
TIMES = frozenset(("seconds", "latency", "shared", "index_seconds", "time"))  # fields that hold what calls took
NOT_CACHED = {"forms": 3, "retrieval": 0}  # calls that fail, which no cache keeps: "the line broke"


def without_seconds(record: Any) -> Any:
    """A record without the times that its calls took."""
    if isinstance(record, dict):
        return {key: without_seconds(value) for key, value in record.items() if key not in TIMES}
    return [without_seconds(value) for value in record] if isinstance(record, list) else record


def assert_same(record: Any, before: Any, place: str = "summary") -> None:
    """Equal but for the last digits of numbers, in which processors differ."""
    if isinstance(record, dict) and isinstance(before, dict):
        assert list(record) == list(before), place
        for key, value in record.items():
            assert_same(value, before[key], f"{place}.{key}")
    elif isinstance(record, list) and isinstance(before, list):
        assert len(record) == len(before), place
        for number, (value, old) in enumerate(zip(record, before, strict=True)):
            assert_same(value, old, f"{place}[{number}]")
    else:
        expected = pytest.approx(before, rel=1e-9, abs=1e-12) if isinstance(before, float) else before
        assert record == expected, place


def lines(file: Path) -> list[Any]:
    return [without_seconds(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", SUITES)
def test_a_recorded_run_comes_out_the_same(name: str, run_suite: Callable[..., RunFolder], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(exist_ok=True)
    shutil.copy(RECORDED / "calls.sqlite", tmp_path / "cache" / "calls.sqlite")
    folder, before = run_suite(RECORDED / f"{name}.yaml").path, RECORDED / f"run-{name}"
    for file in SAME_BYTES:
        if (before / file).exists():
            assert (folder / file).read_bytes() == (before / file).read_bytes(), file
    assert lines(folder / "predictions.jsonl") == lines(before / "predictions.jsonl")
    summaries = [json.loads((place / "summary.json").read_text(encoding="utf-8")) for place in (folder, before)]
    assert_same(*map(without_seconds, summaries))
    assert sum(cell["calls"] for cell in RunFolder(folder).read_run()["cells"]) == NOT_CACHED[name]


@pytest.mark.parametrize("name", SUITES)
def test_a_run_folder_from_before_is_reported(name: str) -> None:
    page = render(RunFolder(RECORDED / "before" / f"run-{name}").finished())
    assert f"recorded-{name}" in page
