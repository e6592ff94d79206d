"""The comparison table as text, and who may be called best."""

from dataclasses import replace

import pytest

from harness.records.figures import Comparison, MetricInfo, Result
from harness.records.summary import Summary
from reports.charts.whiskers import Axis, value_axis, whisker
from reports.facts.comparison_table import comparison_tables, leaders
from reports.facts.metric_columns import metric_columns
from reports.sections.differences import Differences
from reports.verdict import findings
from tests.shared.finished import finished

HIGHER = MetricInfo(component="", settings={}, low=0.0, high=1.0, better="higher")


def test_headline_first_then_each_task_with_parts_last(summary: Summary) -> None:
    tables = comparison_tables(summary)
    assert [(table.title, [column.name for column in table.columns]) for table in tables] == [
        ("Headline", ["norm.accuracy", "exam.accuracy"]),
        ("norm", ["norm.terms", "norm.edits", "norm.terms.precision"]),
    ]
    assert [(row.variant, row.is_reference) for row in tables[0].rows] == [
        ("zero-shot", True),
        ("few-shot-nearest", False),
        ("rag", False),
    ]


def test_cells_as_text(summary: Summary) -> None:
    cells = [
        (entry.value, entry.interval, entry.coverage, entry.difference, entry.verdict, entry.distinction)
        for row in comparison_tables(summary)[0].rows
        for entry in row.entries
        if entry
    ]
    known = "28 of 30 known (93.3 %)"
    assert cells == [
        ("50.0 %", "33.2–66.8", None, None, None, None),
        ("50.0 %", "18.8–81.2", None, None, None, None),
        ("66.7 %", "48.8–80.8", None, "+16.7", "inconclusive", None),
        ("66.7 %", "30.0–90.3", None, "+16.7", "inconclusive", None),
        # the interval of few-shot-nearest reaches 78.6, so rag leads without being clearly best
        ("78.6 %", "60.5–89.8", known, "+28.6", "better", "leading"),
        ("83.3 %", "43.7–97.0", None, "+33.3", "inconclusive", None),  # highest, but unconfirmed: no mark
    ]


def made(variant: str, mean: float | None, low: float | None, high: float | None) -> Result:
    return Result(task="t", variant=variant, metric="m", samples=10, known=10, mean=mean, low=low, high=high)


def compared(variant: str, verdict: str) -> Comparison:
    return Comparison(
        task="t",
        metric="m",
        variant=variant,
        reference="ref",
        samples=10,
        difference=0.1,
        low=0.0,
        high=0.2,
        p=0.01,
        p_adjusted=0.01,
        test="",
        wins=1,
        losses=0,
        ties=9,
        verdict=verdict,
        detectable=None,
        needed=None,
    )


REF, A, B = ("ref", 0.2, 0.1, 0.3), ("a", 0.9, 0.8, 1.0), ("b", 0.5, 0.4, 0.6)
NEAR, TOP, LOW = ("b", 0.85, 0.7, 0.95), ("ref", 0.9, 0.8, 1.0), ("a", 0.4, 0.2, 0.6)


@pytest.mark.parametrize(
    ("results", "verdicts", "tested", "better", "expected"),
    [
        ([REF, A, B], "better better", "better", "higher", {"a": "best"}),
        ([REF, A, B], "better better", "inconclusive", "higher", {"a": "leading"}),  # however far apart they look
        ([REF, A, B], "better better", None, "higher", {"a": "leading"}),
        ([REF, A, NEAR], "better better", "inconclusive", "higher", {"a": "leading", "b": "leading"}),
        ([REF, A, NEAR], "better better", "better", "higher", {"a": "best"}),  # paired, they may differ for sure
        ([REF, ("a", 0.4, 0.2, 0.6), ("b", 0.1, 0.0, 0.2)], "inconclusive worse", None, "higher", {}),
        ([REF, ("a", 0.4, 0.2, 0.6), ("b", 0.1, 0.0, 0.2)], "better worse", None, "higher", {"a": "best"}),  # second: ref
        ([TOP, LOW, ("b", 0.1, 0.0, 0.2)], "worse worse", None, "higher", {"ref": "best"}),
        ([TOP, LOW, ("b", 0.1, 0.0, 0.2)], "worse inconclusive", None, "higher", {"ref": "best"}),
        ([TOP, LOW, ("b", 0.8, 0.7, 0.9)], "worse inconclusive", None, "higher", {}),
        ([TOP, ("a", 0.1, 0.0, 0.2), B], "better better", "better", "lower", {"a": "best"}),
        ([TOP, ("a", 0.1, 0.0, 0.2), B], "better better", "better", "neither", {}),
        ([("ref", None, None, None), ("a", 0.4, None, None), ("b", None, None, None)], "better better", None, "higher", {}),
    ],
)  # fmt: skip
def test_leaders(
    results: list[tuple[str, float | None, float | None, float | None]],
    verdicts: str,
    tested: str | None,
    better: str,
    expected: dict[str, str],
) -> None:
    against = {variant: compared(variant, verdict) for variant, verdict in zip("ab", verdicts.split(), strict=True)}
    pair = None if tested is None else replace(compared("a", tested), reference="b")
    info = MetricInfo(component="", settings={}, low=0.0, high=1.0, better=better)
    assert leaders({row[0]: made(*row) for row in results}, against, pair, "ref", info) == expected


def test_sentences(summary: Summary) -> None:
    assert [(found.verdict, found.sentence, found.remainder) for found in findings(summary)] == [
        (
            "better",
            "On norm.accuracy, rag beats zero-shot by 28.6 points (95 % CI 7.1–50.0, p = 0.039, 28 of 30 items).",
            "Inconclusive: few-shot-nearest.",
        ),
        (
            "inconclusive",
            "On exam.accuracy, nothing is confirmed; the largest difference: rag looks better than zero-shot by 33.3 points "
            "(95 % CI −33.0 to 100.0, p = 0.62, 6 items); about 36 items would be needed to confirm a difference of "
            "this size.",
            "Inconclusive: few-shot-nearest.",
        ),
    ]


def test_sentence_for_a_metric_where_lower_is_better(summary: Summary) -> None:
    (found,) = findings(replace(summary, headline=("norm.edits",)))
    assert found.sentence == (
        "On norm.edits, rag beats zero-shot by 1.8 (lower is better) (95 % CI −2.9 to −0.7, p < 0.001, 28 of 30 items)."
    )


def test_sentence_when_all_are_worse(summary: Summary) -> None:
    worse = replace(summary.comparisons[1], difference=-0.08, low=-0.14, high=-0.02, verdict="worse")
    (found, _) = findings(replace(summary, comparisons=(worse,)))
    assert found.sentence == (
        "On norm.accuracy, zero-shot stands: rag is worse by 8.0 points (95 % CI −14.0 to −2.0, p = 0.039, "
        "28 of 30 items)."
    )


def test_sentences_without_a_comparison(summary: Summary) -> None:
    plain = replace(summary, reference=None, comparisons=(), headline=("norm.accuracy",))
    assert findings(plain)[0].sentence == (
        "On norm.accuracy, rag leads with 78.6 % (95 % CI 60.5–89.8, 28 of 30 items); no difference was tested."
    )
    alone = replace(plain, results=plain.results[:1])
    assert findings(alone)[0].sentence == (
        "On norm.accuracy, zero-shot reaches 50.0 % (95 % CI 33.2–66.8, 30 items); there is no other variant to "
        "compare it with."
    )
    unknown = replace(
        plain,
        results=(
            Result(task="norm", variant="rag", metric="accuracy", samples=30, known=0, mean=None, low=None, high=None),
        ),
    )
    assert findings(unknown)[0].sentence == "On norm.accuracy, nothing is known: no item has a value."
    assert comparison_tables(unknown)[0].rows[0].entries[0].value == "unknown"


def test_a_part_is_read_as_its_metric(summary: Summary) -> None:
    found = {column.name: column.info.component for column in metric_columns(summary)}
    assert found["norm.terms.precision"] == "term_set"


def test_whisker_places() -> None:
    assert whisker(value_axis([], HIGHER), 0.5, 0.25, 1.0).middle == 50.0
    marks = whisker(Axis(0.0, 1.0), 0.5, 0.25, 1.2)  # beyond the end is drawn at the end
    assert (marks.low, marks.middle, marks.high) == (25.0, 50.0, 100.0)
    assert whisker(Axis(0.0, 1.0), 0.5, None, 1.0).low is None


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(-0.1, 0.5, [0.0, 0.2, 0.4]), (0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]), (-3.1, 1.1, [-2.0, 0.0])],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert Axis(low, high).ticks() == ticks


def test_forest_holds_zero_and_the_numbers(summary: Summary) -> None:
    first = Differences().build(finished(summary))[0]
    assert first.column.name == "norm.accuracy"
    assert [label for _, label in first.ticks] == ["0", "+20", "+40"]
    (few, few_whisker), (rag, rag_whisker) = first.rows
    assert (few.variant, rag.wins, rag.losses, rag.ties) == ("few-shot-nearest", 11, 3, 14)
    assert few_whisker.low < first.zero < rag_whisker.low
