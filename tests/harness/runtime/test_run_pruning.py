"""Which runs go: all older than the newest nights that are kept, and never what is in use, kept elsewhere, or no run."""

from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_pruning import plan_run_pruning, remove_runs
from tests.shared.night_runs import night_at


def started(day: int) -> str:
    return f"2026-01-{day:02d}T02:00:00+00:00"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for day in range(1, 6):
        night_at(tmp_path, f"night-{day}", started=started(day))
    night_at(tmp_path, "cut-short-old", started=started(2), status="predicted")
    night_at(tmp_path, "cut-short-new", started=started(6), status="predicted")
    night_at(tmp_path / "limited", "try", started=started(1), limited={"limit": 3})
    night_at(tmp_path / "limited", "no-night", started=started(7), limited={"limit": 3})
    (night_at(tmp_path, "labelled", started=started(1)) / "labels.jsonl").touch()
    (night_at(tmp_path, "broken", started=started(1)) / "run.json").write_text("{")
    (tmp_path / "notes").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (1, ["cut-short-old", "limited/try", "night-1", "night-2", "night-3", "night-4"]),
        (3, ["cut-short-old", "limited/try", "night-1", "night-2"]),
        (5, ["limited/try"]),  # it began with the oldest night that stays, and its name comes first
        (6, []),
        (99, []),
    ],
)
def test_what_is_older_than_the_nights_that_stay_goes(runs: Path, keep: int, expected: list[str]) -> None:
    pruning = plan_run_pruning(runs, keep)
    assert sorted(own.name for own in pruning.removals) == expected
    assert all(own.size > 0 for own in pruning.removals)
    assert remove_runs(pruning, runs) == []
    assert not any((runs / name).exists() for name in expected)
    assert {"broken", "cut-short-new", "labelled", "night-5", "notes"} <= {path.name for path in runs.iterdir()}
    assert not list(runs.rglob(".*.pruned"))


def test_running_runs_and_those_of_baselines_stay(runs: Path) -> None:
    with RunFolder(runs / "night-1").locked():
        pruning = plan_run_pruning(runs, 4)
        assert {own.name: own.reason for own in pruning.kept}["night-1"] == "running"
        assert "night-1" not in {own.name for own in pruning.removals}
    pruning = plan_run_pruning(runs, 1, protected=["night-2"])
    assert {own.name: own.reason for own in pruning.kept} == {
        "broken": "unreadable", "labelled": "other files", "night-2": "baseline",
    }  # fmt: skip
    with RunFolder(runs / "night-3").locked():  # begun again after it was planned
        assert [own.name for own in remove_runs(pruning, runs)] == ["night-3"]
    assert (runs / "night-2").is_dir()
    assert (runs / "night-3" / "summary.json").is_file()


@pytest.mark.parametrize(("name", "message"), [("night-1", "this is one run"), ("nowhere", "no folder")])
def test_what_is_no_folder_of_runs_is_refused(runs: Path, name: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        plan_run_pruning(runs / name, 1)
