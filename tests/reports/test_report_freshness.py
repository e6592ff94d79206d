"""Probes are shown as one section: before, after, and who repeats the old answer."""

from dataclasses import replace

import pytest

from harness.records.figures import Result
from harness.records.summary import Summary
from reports.facts.comparison_table import comparison_tables
from reports.facts.metric_columns import freshness_probes
from reports.sections.freshness import Freshness
from reports.verdict import findings
from tests.shared.finished import finished
from tests.shared.grounded import AFTER, BEFORE, WITHDRAWN


def test_section(grounded_summary: Summary) -> None:
    (part,) = Freshness().build(finished(grounded_summary))
    assert (part.task, part.knowledge) == ("norm", "icd")
    assert [(column.title, column.detail, column.items) for column in part.columns] == [
        ("Before", "accuracy", "12 items"),
        ("After", "accuracy", "12 items"),
        ("Repeats the old answer", "lower is better", "12 items"),
        ("Repeats what was withdrawn", "lower is better", "3 items"),
    ]
    shown = {row.variant: [figure and figure.value for figure in row.figures] for row in part.rows}
    # of 12, 12, 12 and 3
    assert shown["rag"] == ["83.3 %", "75.0 %", "8.3 %", "0.0 %"]  # 10, 9, 1, 0
    assert shown["lora"] == ["91.7 %", "8.3 %", "83.3 %", "100.0 %"]  # 11, 1, 10, 3
    assert next(iter(shown)) == "zero-shot"
    assert [row.variant for row in part.rows if row.is_floor] == ["nearest", "majority"]
    stale = next(row for row in part.rows if row.variant == "lora").figures[2]
    assert stale is not None
    assert stale.interval == "68.3–98.3"
    assert stale.address == "#task=norm%40icd-after&variant=lora&metric=norm%40icd-after.stale&outcome=wrong"


def test_sentences(grounded_summary: Summary) -> None:
    assert Freshness().sentences(finished(grounded_summary)) == (
        "After the change of icd, rag reaches 75.0 % accuracy on the 12 affected questions of norm (83.3 % before) and repeats the "
        "old answer in 8.3 %; lora reaches 8.3 % (91.7 % before) and repeats the old answer in 83.3 %.",
        # never: majority, rag, oracle, cascade
        "To the 3 questions whose answers were withdrawn, lora still gives the old answer in 100.0 %; 4 of the 8 variants never "
        "do.",
    )


def probed(*results: tuple[str, str, str, float]) -> tuple[Result, ...]:
    made = [Result(task="norm", variant="a", metric="accuracy", samples=9, known=9, mean=0.5, low=None, high=None)]
    return (
        *made,
        *(
            Result(task=t, variant=v, metric=m, samples=24, known=24, mean=mean, low=None, high=None)
            for t, v, m, mean in results
        ),
    )


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (  # 20/24; nobody says the old
            [(AFTER, "a", "accuracy", 20 / 24), (AFTER, "a", "stale", 0.0)],
            ["After the change of icd, a reaches 83.3 % accuracy on the 24 affected questions of norm."],
        ),
        (  # the best is also who says the old most
            [
                (AFTER, "a", "accuracy", 0.5),
                (AFTER, "a", "stale", 0.25),
                (AFTER, "b", "accuracy", 0.1),
                (AFTER, "b", "stale", 0.0),
            ],
            [
                "After the change of icd, a reaches 50.0 % accuracy on the 24 affected questions of norm and repeats the "
                "old answer in 25.0 %."
            ],
        ),
        (
            [(WITHDRAWN, "a", "stale", 0.0), (WITHDRAWN, "b", "stale", 0.0)],
            ["No variant still gives the old answer to the 24 questions whose answers were withdrawn."],
        ),
        (
            [(WITHDRAWN, "a", "stale", 0.5), (WITHDRAWN, "b", "stale", 0.0)],
            [
                "To the 24 questions whose answers were withdrawn, a still gives the old answer in 50.0 %; 1 of the 2 variants never "
                "does."
            ],
        ),
        ([(BEFORE, "a", "accuracy", 0.5)], []),
    ],
)
def test_what_is_said(
    grounded_summary: Summary, results: list[tuple[str, str, str, float]], expected: list[str]
) -> None:
    assert list(Freshness().sentences(finished(replace(grounded_summary, results=probed(*results))))) == expected


def test_deciding_is_the_tasks_headline(grounded_summary: Summary) -> None:
    results = probed((AFTER, "a", "accuracy", 0.5), (AFTER, "a", "terms", 0.25))
    results += (Result(task="norm", variant="a", metric="terms", samples=9, known=9, mean=0.5, low=None, high=None),)
    (part,) = Freshness().build(finished(replace(grounded_summary, results=results, headline=("norm.terms",))))
    assert [column.detail for column in part.columns] == ["terms"]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("norm@icd-after", ("norm", "icd", "after")),
        ("norm@icd-9-before", ("norm", "icd-9", "before")),
        ("norm@icd", None),
        ("other@icd-after", None),  # no such task: a name of the author's own
        ("norm@icd-later", None),
    ],
)
def test_names(grounded_summary: Summary, task: str, expected: tuple[str, str, str] | None) -> None:
    found = freshness_probes(replace(grounded_summary, results=probed((task, "a", "accuracy", 0.5)))).get(task)
    assert (found and (found.task, found.knowledge, found.version)) == expected


def test_probes_are_no_ordinary_tasks(grounded_summary: Summary) -> None:
    assert [table.title for table in comparison_tables(grounded_summary)] == ["Headline"]
    assert [found.metric for found in findings(replace(grounded_summary, headline=()))] == ["norm.accuracy"]
    named = replace(grounded_summary, headline=("norm.accuracy", f"{AFTER}.accuracy"))
    assert [found.metric for found in findings(named)] == list(named.headline)
