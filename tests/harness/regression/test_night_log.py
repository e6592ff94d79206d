"""The sequential rule over nights: what counts as a new night, and that many small losses add up."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.records.figures import MetricInfo
from harness.records.gate_results import GateResult
from harness.records.judge_anchors import JudgeStanding
from harness.records.run_evidence import RunEvidence
from harness.regression.gate import GateInputs, gate
from harness.regression.night_log import NIGHTS, NightLog, read_nights, write_nights
from harness.regression.policy import GatePolicy
from tests.shared.gated import cell, evidence, right

BASE = evidence({"a": right(150, 200)}, "base")
POLICY = GatePolicy(rule="sequential")


def night(key: str, lost: range, started: str = "2026-11-30T02:15:00+00:00") -> RunEvidence:
    """A run in which some right items are wrong."""
    values = [0.0 if i in lost else value for i, value in enumerate(right(150, 200))]
    return replace(evidence({"a": values}, key), started=started)


def gated(log: NightLog, *nights: RunEvidence) -> tuple[GateResult, NightLog]:
    own = None
    for after in nights:
        own, counted = gate(GateInputs(before=BASE, after=after, policy=POLICY, judges=JudgeStanding(), log=log))
        assert counted is not None
        log = counted
    assert own is not None
    return own, log


def nights_of(result: GateResult) -> int:
    drop = cell(result).drop
    assert drop is not None
    return drop.nights


EMPTY = NightLog(baseline="x")
SAME_TIME = [night(f"n{i}", range(i, i + 8)) for i in range(3)]


@pytest.mark.parametrize(
    ("nights", "expected"),
    [
        ([BASE], 0),  # the baseline's own answers say nothing
        (SAME_TIME, 3),  # three nights with one time stamp
        ([*SAME_TIME, SAME_TIME[1]], 3),  # one of them is gated again
        ([SAME_TIME[0], replace(SAME_TIME[0], key="n9")], 1),  # its answers came from the cache
        ([*SAME_TIME, night("n4", range(9, 12), "2020-01-01T00:00:00+00:00")], 4),  # a clock set back
        ([replace(SAME_TIME[0], record={**BASE.record, "seed": 2})], 0),  # not comparable
    ],
)
def test_a_night_counts_once(nights: list[RunEvidence], expected: int) -> None:
    assert nights_of(gated(EMPTY, *nights)[0]) == expected


def test_a_night_that_is_gated_again_is_what_it_is_now() -> None:
    once = gated(EMPTY, night("n1", range(8)))[1]
    again = gated(once, night("n1", range(3)))[1]
    assert again == gated(EMPTY, night("n1", range(3)))[1]


def test_the_order_of_nights_within_a_count_does_not_matter() -> None:
    drops = [cell(gated(EMPTY, *nights)[0]).drop for nights in (SAME_TIME, SAME_TIME[::-1])]
    assert drops[0] is not None
    assert drops[1] is not None
    assert drops[0].p == pytest.approx(drops[1].p)


def test_a_real_loss_blocks_and_says_over_how_many_nights() -> None:
    result, log = gated(EMPTY, *(night(f"n{i}", range(i, i + 16)) for i in range(3)))
    assert cell(result).verdict == "BLOCK"
    assert "3 nights together" in cell(result).checks[0].text.text
    assert gated(log, night("repaired", range(0)))[0].verdict == "PASS"


def test_without_ends_of_the_scale_the_level_is_spent_over_nights() -> None:
    """In night t the share 1/(t (t + 1)) of 0.05: 0.025, then 0.0083."""
    endless = MetricInfo(component="Score", settings={}, low=0.0, high=1e9, better="higher")
    base = evidence({"a": [10.0, 12.0] * 20}, "base", endless)
    log, levels = EMPTY, []
    for key in ("n1", "n2"):
        after = evidence({"a": [10.5, 12.0] * 20}, key, endless)
        inputs = GateInputs(before=base, after=after, policy=POLICY, judges=JudgeStanding(), log=log)
        result, counted = gate(inputs)
        assert counted is not None
        log, drop = counted, cell(result).drop
        assert drop is not None
        levels.append(drop.level)
    assert levels == [pytest.approx(0.05 / 2), pytest.approx(0.05 / 6)]


def test_the_file_is_read_back_and_begins_anew_with_another_baseline(tmp_path: Path) -> None:
    log = gated(read_nights(tmp_path, BASE), *SAME_TIME)[1]
    write_nights(tmp_path, log)
    assert read_nights(tmp_path, BASE) == log
    assert (tmp_path / NIGHTS).stat().st_size < 2000  # only what differs
    assert not read_nights(tmp_path, replace(BASE, key="later")).nights


@pytest.mark.parametrize("text", ["", "{", '{"baseline": 1}', '{"baseline":"x","nights":[{"key":"k"}]}', "[NaN]"])
def test_a_broken_file_is_named_with_its_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / NIGHTS).write_text(text)
    with pytest.raises(StoreError, match=r"gate-nights\.json: no count of nights .*delete it"):
        read_nights(tmp_path, BASE)
