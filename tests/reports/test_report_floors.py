"""What is said of variants that do not beat the best one without a model."""

from dataclasses import replace

import pytest

from harness.records.figures import Comparison
from harness.records.summary import Summary
from reports.facts.comparison_table import comparison_tables
from reports.facts.floors import floor_alarms, floor_sentences, floor_standings
from reports.sections.differences import Differences
from reports.verdict import findings
from tests.shared.finished import finished
from tests.shared.grounded import FLOORS


def test_the_verdict_names_below_open_and_above(grounded_summary: Summary) -> None:
    (found,) = findings(grounded_summary)
    assert found.sentence.startswith("On norm.accuracy, cascade beats zero-shot by 48.3 points")
    assert found.floor == (
        # 10/30 − 15/30 = −16.7; the interval is 15 points to either side
        "zero-shot stays below the floor: nearest reaches 50.0 % without any model (zero-shot −16.7, 95 % CI −31.7 to "
        "−1.7, p = 0.031).",
        # 12/30 − 15/30 = −10.0; 205 rounded up to two digits
        "few-shot looks worse than it, not confirmed (few-shot −10.0, 95 % CI −25.0 to 5.0, p = 0.41, about 210 items needed to confirm it).",
        # rag (18 − 15)/29, lora 6/30, cascade (24 − 15)/29
        "rag, lora and cascade are above it (rag +10.3, p = 0.028; lora +20.0, p = 0.012; cascade +31.0, p = 0.002).",
    )
    assert found.remainder == (
        "Also better: nearest (no model), rag, lora. Worse: majority (no model). Inconclusive: few-shot."
    )


def judged(verdicts: str) -> tuple[Comparison, ...]:
    """zero-shot, few-shot and rag, with these verdicts."""
    return tuple(replace(c, verdict=v, needed=None) for c, v in zip(FLOORS, verdicts.split(), strict=False))


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ("worse worse better", ()),
        ("inconclusive inconclusive better", ()),
        (
            "worse worse worse",
            (
                "No variant is worth deploying on norm.accuracy: all 3 that ask a model stay below nearest, which reaches "
                "50.0 % without any model.",
            ),
        ),
        (
            "worse inconclusive inconclusive",
            (
                "No variant is shown to be worth deploying on norm.accuracy: none of the 3 that ask a model is shown to be "
                "above nearest, which reaches 50.0 % without any model.",
            ),
        ),
        (
            "worse",
            (
                "No variant is worth deploying on norm.accuracy: the only one that asks a model stays below nearest, which "
                "reaches 50.0 % without any model.",
            ),
        ),
    ],
)
def test_a_warning_where_no_model_beats_the_floor(
    grounded_summary: Summary, verdicts: str, expected: tuple[str, ...]
) -> None:
    assert floor_alarms(replace(grounded_summary, floors=judged(verdicts))) == expected


def test_the_first_sentence_introduces_the_floor(grounded_summary: Summary) -> None:
    (floor,) = floor_standings(replace(grounded_summary, floors=FLOORS[3:4])).values()
    assert floor_sentences(floor) == (
        "lora is above the floor: nearest reaches 50.0 % without any model (lora +20.0, p = 0.012).",
    )
    (floor,) = floor_standings(replace(grounded_summary, floors=judged("worse worse"))).values()
    assert floor_sentences(floor)[0].startswith(
        "zero-shot and few-shot stay below the floor: nearest reaches 50.0 % without"
    )


def test_lower_is_better_is_said(grounded_summary: Summary) -> None:
    lower = replace(grounded_summary.metrics["norm.accuracy"], better="lower")
    (floor,) = floor_standings(replace(grounded_summary, floors=FLOORS[:1], metrics={"norm.accuracy": lower})).values()
    assert floor_sentences(floor)[0].startswith(
        "zero-shot stays below the floor (lower is better): nearest reaches 50.0 %"
    )


def test_no_shared_item_is_said(grounded_summary: Summary) -> None:
    none = replace(FLOORS[2], difference=None, low=None, high=None, p=None, p_adjusted=None, verdict="inconclusive")
    (floor,) = floor_standings(replace(grounded_summary, floors=(none,))).values()
    assert floor_sentences(floor)[0].endswith("without any model (rag: no item has a value for both).")


def test_rows_and_cells_are_tagged(grounded_summary: Summary) -> None:
    table = comparison_tables(grounded_summary)[0]
    assert [row.variant for row in table.rows if row.is_floor] == ["nearest", "majority"]
    assert [row.variant for row in table.rows if row.is_bound] == ["oracle"]
    assert [row.variant for row in table.rows if row.entries[0] and row.entries[0].is_below_floor] == ["zero-shot"]


def test_without_floors_nothing_is_said(summary: Summary) -> None:
    assert floor_alarms(summary) == ()
    assert all(found.floor == () for found in findings(summary))


def test_an_upper_bound_is_never_the_winner(grounded_summary: Summary) -> None:
    """It is shown the gold passage: the best of those that can be deployed is named instead."""
    unmarked = replace(grounded_summary, bounds=())
    assert findings(unmarked)[0].sentence != findings(grounded_summary)[0].sentence
    assert "oracle" in findings(unmarked)[0].sentence
    assert "oracle" not in findings(grounded_summary)[0].sentence
    marks = {
        row.variant: row.entries[0].distinction for row in comparison_tables(grounded_summary)[0].rows if row.entries[0]
    }
    assert marks["oracle"] is None


def test_an_upper_bound_quiets_no_alarm(grounded_summary: Summary) -> None:
    above = replace(FLOORS[4], variant="oracle")
    (line,) = floor_alarms(replace(grounded_summary, floors=(*judged("worse worse worse"), above)))
    assert line.startswith("No variant is worth deploying on norm.accuracy: all 3 that ask a model stay below nearest")


def test_an_upper_bound_is_compared_yet_in_no_sentence(grounded_summary: Summary) -> None:
    (found,) = findings(grounded_summary)
    assert "oracle" not in f"{found.sentence} {found.remainder} {found.floor}"
    shown = {row.variant: row.entries[0] for row in comparison_tables(grounded_summary)[0].rows}["oracle"]
    assert shown is not None
    assert (shown.difference, shown.verdict, shown.distinction) == ("+50.0", "better", None)
    assert "oracle" in [comparison.variant for comparison, _ in Differences().build(finished(grounded_summary))[0].rows]


@pytest.mark.parametrize(
    ("kept", "bounds", "expected"),
    [
        (("oracle", "rag"), ("oracle", "rag"), "only what cannot be deployed has a value: rag (upper bound), oracle (upper bound)."),
        (("lora", "oracle"), ("oracle",), "; besides oracle (upper bound), there is no other variant to compare it with."),
        (("lora", "rag", "oracle"), ("oracle",), "lora leads with"),
    ],
)  # fmt: skip
def test_an_upper_bound_never_leads_an_untested_figure(
    grounded_summary: Summary, kept: tuple[str, ...], bounds: tuple[str, ...], expected: str
) -> None:
    results = tuple(r for r in grounded_summary.results if r.task == "norm" and r.variant in kept)
    (found,) = findings(replace(grounded_summary, results=results, comparisons=(), bounds=bounds))
    assert found.verdict == "no comparison"
    assert expected in found.sentence


def test_a_reference_that_is_an_upper_bound_is_called_one(grounded_summary: Summary) -> None:
    worse = tuple(replace(c, reference="oracle", verdict="worse") for c in grounded_summary.comparisons[2:4])
    (found,) = findings(replace(grounded_summary, reference="oracle", comparisons=worse, floors=()))
    assert found.sentence.startswith("On norm.accuracy, oracle (upper bound) stands:")
