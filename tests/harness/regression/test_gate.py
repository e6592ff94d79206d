"""Verdicts on cells and over all, with the arithmetic beside: drops, floors, coverage, what changed, tiers, waivers."""

from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import binom

from harness.errors import HarnessError
from harness.records.figures import MetricInfo
from harness.records.gate_results import Verdict
from harness.records.judge_anchors import JudgeStanding
from harness.records.run_evidence import RunEvidence
from harness.text.stating import state
from tests.shared.gated import RECORD, cell, evidence, held, right

LOSS = MetricInfo(component="Score", settings={}, low=0.0, high=1e9, better="lower")
BASE = evidence({"a": right(160, 200), "b": right(100, 200)}, "base")


def lost(down: int, up: int = 0) -> list[float]:
    """Of 160 right of 200, so many lost and so many wrong ones gained."""
    return [0.0] * down + [1.0] * (160 - down) + [1.0] * up + [0.0] * (40 - up)


def night(values: list[Any], **changes: Any) -> RunEvidence:
    return evidence({"a": values, "b": right(100, 200)}, "night", **changes)


@pytest.mark.parametrize(
    ("down", "up", "policy", "expected"),
    [
        (0, 0, {}, "PASS"),  # every answer is the same
        (30, 5, {}, "BLOCK"),  # 12.5 points: P(X >= 30 of 35) = 1.1e-5 < 0.2 / 30 / 2 = 0.0033
        (30, 5, {"drop": 0.13}, "WARN"),  # less than what is allowed; more is not ruled out
        (30, 5, {"drop": 0.30}, "PASS"),  # ruled out with confidence
        (4, 4, {}, "WARN"),  # the same figure, but 2.6 points of loss are not ruled out: 1.645 √8 / 200 = 2.3 points
        (4, 4, {"drop": 0.03}, "PASS"),
        (8, 2, {}, "WARN"),  # 3 points: P(X >= 8 of 10) = 0.055 proves nothing
        (8, 2, {"tiers": {"normal": {"doubt": "inconclusive"}}}, "INCONCLUSIVE"),
        (8, 2, {"tier": "critical"}, "INCONCLUSIVE"),
        (30, 5, {"tier": "watch"}, "WARN"),
        (8, 2, {"tier": "watch"}, "PASS"),
        (0, 20, {}, "PASS"),  # better
        (30, 5, {"drop": "13 points"}, "WARN"),
        (30, 5, {"drop": "12 points"}, "BLOCK"),
        (30, 5, {"drop": "16 %"}, "WARN"),  # 16 % of 0.8 are 12.8 points
        (30, 5, {"drop": "15 %"}, "BLOCK"),  # 12 points
        (0, 0, {"floor": 0.8}, "PASS"),
        (0, 0, {"floor": 0.81}, "BLOCK"),
        (0, 0, {"floor": 0.78, "floor_by": "bound"}, "WARN"),  # the interval reaches 0.739
        (0, 0, {"floor": 0.73, "floor_by": "bound"}, "PASS"),
    ],
)
def test_drops_and_floors(down: int, up: int, policy: dict[str, Any], expected: Verdict) -> None:
    drop_only = {**policy, "gates": [{"variant": "b", "tier": "watch", "floor": 0.0}]} if "floor" in policy else policy
    result = held(BASE, night(lost(down, up)), **drop_only)
    assert cell(result).verdict == expected, cell(result).checks
    assert result.verdict == expected


def test_a_drop_has_its_figures() -> None:
    drop = cell(held(BASE, night(lost(30, 5)))).drop
    assert drop is not None
    assert (drop.items, drop.differing, drop.groups) == (200, 35, None)
    assert drop.drop == pytest.approx(25 / 200)
    assert drop.p == pytest.approx(binom.sf(29, 35, 0.5))
    assert drop.level == pytest.approx(0.2 / 30 / 2)
    assert drop.margin == pytest.approx(0.02)


def test_where_lower_is_better_and_the_scale_has_no_end() -> None:
    """Perplexities: 5 % of the baseline's mean of 10 may be lost; + 1 on each item is 10 %."""
    before = evidence({"a": [8.0, 12.0] * 30, "b": [10.0] * 60}, "base", LOSS)
    assert cell(held(before, evidence({"a": [9.0, 13.0] * 30, "b": [10.0] * 60}, info=LOSS))).verdict == "BLOCK"
    assert cell(held(before, evidence({"a": [8.2, 12.2] * 30, "b": [10.0] * 60}, info=LOSS))).verdict == "PASS"
    assert (
        cell(held(before, evidence({"a": [7.0, 11.0] * 30, "b": [10.0] * 60}, info=LOSS), floor=9.5)).verdict == "PASS"
    )
    assert cell(held(before, before, floor=9.5)).verdict == "BLOCK"
    better = evidence(
        {"a": [7.0, 11.0] * 30, "b": [10.0] * 60}, info=LOSS
    )  # 9 ± 2.0 · 2.02 / √60: the worse end is 9.5
    assert cell(held(before, better, floor=9.2, floor_by="bound")).verdict == "WARN"


@pytest.mark.parametrize(
    ("values", "policy", "expected"),
    [
        ([None] * 200, {}, "INCONCLUSIVE"),  # a night in which all failed
        ([None] * 200, {"tiers": {"normal": {"missing": "block"}}}, "BLOCK"),
        ([None] * 200, {"tier": "critical"}, "BLOCK"),
        ([None] * 200, {"tier": "watch"}, "INCONCLUSIVE"),
        ([float("nan")] * 200, {}, "INCONCLUSIVE"),
        ([*right(160, 189), *[None] * 11], {}, "INCONCLUSIVE"),  # 94.5 %
        ([*right(160, 190), *[None] * 10], {}, "PASS"),  # 95 %
        ([*right(160, 180), *[None] * 20], {"coverage": 0.9}, "PASS"),
    ],
)
def test_missing_values_never_pass(values: list[Any], policy: dict[str, Any], expected: Verdict) -> None:
    known = [None if value != value else value for value in values]  # as evidence is read: NaN is unknown
    result = held(BASE, night(known), **policy)
    assert cell(result).verdict == expected


def test_a_night_without_any_cell_is_inconclusive() -> None:
    empty = replace(BASE, summary=replace(BASE.summary, results=()), scores=[])
    assert held(empty, empty).verdict == "INCONCLUSIVE"


CHANGES = {
    "data": {"data": {"t": {"files": [{"path": "t.tsv", "sha256": "d2"}], "rows": {"test": 10, "train": 5}}}},
    "prompt": {"tasks": {"t": {**RECORD["tasks"]["t"], "prompt": "Q: {{ input }}"}}},
    "model": {"models": {"net": {"component": "Scripted", "digest": "m2", "settings": {}}}},
    "variant": {"variants": {**RECORD["variants"], "a": {"component": "Rag", "settings": {"model": "net"}}}},
    "seed": {"seed": 2},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_changed_is_never_a_regression(kind: str) -> None:
    after = night(lost(80), **CHANGES[kind])
    result = held(BASE, after)
    assert cell(result).verdict == "NOT COMPARABLE"
    assert kind in cell(result).checks[0].text.text
    assert result.verdict == "NOT COMPARABLE"
    assert cell(held(BASE, after, changed="accept")).verdict == "PASS"
    assert cell(held(BASE, after, changed="accept", floor=0.5)).verdict == "BLOCK"  # 80 of 200 are right: 0.4


def test_a_variant_that_changed_leaves_the_other_comparable() -> None:
    after = night(lost(30, 5), **CHANGES["variant"])
    assert cell(held(BASE, after), "b").verdict == "PASS"


def test_a_package_is_named_and_compared_all_the_same() -> None:
    result = held(BASE, night(lost(30, 5), packages={"torch": "2.7"}))
    assert result.verdict == "BLOCK"
    assert "torch 2.6 → 2.7" in " ".join(note.text for note in result.notes)


def test_items_that_ask_otherwise_are_left_out_and_too_few_are_not_compared() -> None:
    after = night(lost(30, 5))
    others = {key: f"new {text}" if int(key[1]) >= 150 else text for key, text in after.questions.items()}
    assert cell(held(BASE, replace(after, questions=others))).verdict == "NOT COMPARABLE"
    limited = replace(after, limited={"limit": 10})
    assert "part of the suite" in cell(held(BASE, limited)).checks[0].text.text


def test_new_and_gone_cells_are_not_comparable() -> None:
    after = evidence({"a": right(160, 200), "c": right(100, 200)})
    result = held(BASE, after)
    assert {own.variant: own.verdict for own in result.cells} == {
        "a": "PASS", "b": "NOT COMPARABLE", "c": "NOT COMPARABLE",
    }  # fmt: skip


def test_a_judge_that_moved_blames_no_model() -> None:
    judges = JudgeStanding(
        moved={"t.m": state("gate.judge_moved", "the judge has moved: {reason}", reason="it says more")}
    )
    result = held(BASE, night(lost(80)), judges, floor=0.9)
    assert cell(result).verdict == "NOT COMPARABLE"
    assert [check.kind for check in cell(result).checks] == ["judge"]


@pytest.mark.parametrize(
    ("waiver", "expected", "note"),
    [
        ({"until": "2999-01-01"}, "WARN", ""),
        ({"until": "2999-01-01", "covers": ["floor"]}, "BLOCK", "was not needed"),
        ({"until": "2999-01-01", "variant": "b"}, "BLOCK", "was not needed"),
        ({"until": "2026-11-29"}, "BLOCK", "ended on 2026-11-29"),
    ],
)
def test_waivers(waiver: dict[str, Any], expected: Verdict, note: str) -> None:
    result = held(BASE, night(lost(30, 5)), waivers=[{"reason": "the index is rebuilt", **waiver}])
    assert result.verdict == expected
    assert note in " ".join(note.text for note in result.notes)
    assert ("rebuilt" in str(cell(result).waiver)) == (expected == "WARN")


def test_a_clock_set_back_does_not_bring_a_waiver_back() -> None:
    after = replace(night(lost(30, 5)), started="2999-06-01T00:00:00+00:00")  # the run says that it is later
    result = held(BASE, after, waivers=[{"reason": "r", "until": "2999-05-31"}])
    assert result.verdict == "BLOCK"


@pytest.mark.parametrize(("rule", "expected", "chance"), [("nightly", 0.2, None), ("sequential", None, 0.05)])
def test_false_alarms_are_stated(rule: str, expected: float | None, chance: float | None) -> None:
    own = held(BASE, night(lost(0)), rule=rule).false_alarms
    assert own.cells == 2
    assert own.expected == (expected and pytest.approx(expected))
    assert own.chance == (chance and pytest.approx(chance))


def test_runs_of_different_suites_and_limited_baselines_are_refused() -> None:
    with pytest.raises(HarnessError, match="of suite other"):
        held(replace(BASE, suite="other"), night(lost(0)))
    with pytest.raises(HarnessError, match="no baseline"):
        held(replace(BASE, limited={"limit": 10}), night(lost(0)))
