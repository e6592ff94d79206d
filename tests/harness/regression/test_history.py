"""Which runs are nights, in which order, and what is said of those that are none."""

import json
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.regression.history import read_histories
from harness.regression.trend import make_trend
from tests.shared.night_runs import night_at
from tests.shared.shelved import made_run

ONE, TWO, THREE = "2026-01-01T02:00:00+00:00", "2026-01-02T02:00:00+00:00", "2026-01-03T02:00:00+00:00"


@pytest.mark.parametrize(
    ("starts", "order", "remarks"),
    [
        ({"2026-01-01_020000": ONE, "2026-01-02_020000": TWO}, ["2026-01-01_020000", "2026-01-02_020000"], []),
        (  # equal starts: by name, and TIME-2 before TIME-10
            {"2026-01-01_020000-10": ONE, "2026-01-01_020000-2": ONE, "2026-01-01_020000": ONE},
            ["2026-01-01_020000", "2026-01-01_020000-2", "2026-01-01_020000-10"],
            ["trend.same_start"],
        ),
        (  # the record counts, not the name
            {"2026-01-09_020000": ONE, "2026-01-02_020000": TWO},
            ["2026-01-09_020000", "2026-01-02_020000"],
            ["trend.clock_set_back"],
        ),
        ({"a": "2026-01-01T03:00:00+02:00", "b": "2026-01-01T01:30:00+00:00"}, ["a", "b"], []),  # 01:00 and 01:30 UTC
        ({"b": "2026-01-01T01:00:00", "a": ONE}, ["b", "a"], []),  # without a zone: UTC
    ],
)
def test_nights_stand_in_the_order_of_their_starts(
    tmp_path: Path, starts: dict[str, str], order: list[str], remarks: list[str]
) -> None:
    for name, started in starts.items():
        night_at(tmp_path, name, started=started, finished=None)
    (history,), _ = read_histories(tmp_path)
    assert [night.key for night in history.nights] == order
    assert [remark.key for remark in history.remarks] == remarks


def test_a_clock_set_back_during_a_run_is_said(tmp_path: Path) -> None:
    night_at(tmp_path, "a", started=TWO, finished=ONE)
    (history,), _ = read_histories(tmp_path)
    assert [remark.key for remark in history.remarks] == ["trend.ended_before"]
    assert make_trend(history, "x").nights[0].seconds is None


def test_runs_that_are_no_nights_are_named(tmp_path: Path) -> None:
    night_at(tmp_path, "good", started=ONE)
    night_at(tmp_path, "limited", started=ONE, limited={"limit": 10})
    night_at(tmp_path, "cut-short", started=ONE, status="predicted")
    night_at(tmp_path, "timeless", started="yesterday")
    (night_at(tmp_path, "half", started=ONE) / "summary.json").write_text("{")
    (night_at(tmp_path, "none", started=ONE) / "summary.json").unlink()
    (night_at(tmp_path, "no-record", started=ONE) / "run.json").write_text("[]")
    (tmp_path / "notes").mkdir()
    (history,), nameless = read_histories(tmp_path)
    assert nameless == []
    assert [night.key for night in history.nights] == ["good"]
    assert {own.key: own.reason for own in history.left_out} == {
        "cut-short": "interrupted", "half": "unreadable", "limited": "limited", "no-record": "unreadable",
        "none": "unreadable", "timeless": "timeless",
    }  # fmt: skip


def test_each_suite_has_its_own_history(tmp_path: Path) -> None:
    made_run(tmp_path / "a" / "1", name="first")
    made_run(tmp_path / "b" / "1", name="second")
    (tmp_path / "b" / "2").mkdir()
    (tmp_path / "b" / "2" / "run.json").write_text("{")
    histories, nameless = read_histories(tmp_path)
    assert [own.suite for own in histories] == ["first", "second"]
    assert [own.key for own in nameless] == ["b/2"]  # of which nobody knows the suite


def test_a_value_that_is_no_number_is_not_known(tmp_path: Path) -> None:
    path = night_at(tmp_path, "a", started=ONE)
    summary = json.loads((path / "summary.json").read_text())
    summary["results"][0]["mean"] = float("nan")
    (path / "summary.json").write_text(json.dumps(summary))
    (history,), _ = read_histories(tmp_path)
    values = {line.variant: line.values[0] for line in make_trend(history, "x").charts[0].lines}
    assert values["zero"] is None
    assert values["lora"] is not None


@pytest.mark.parametrize(("name", "message"), [("run", "this is one run"), ("nowhere", "no folder")])
def test_what_is_no_folder_of_runs_is_refused(tmp_path: Path, name: str, message: str) -> None:
    night_at(tmp_path, "run", started=ONE)
    with pytest.raises(StoreError, match=message):
        read_histories(tmp_path / name)
