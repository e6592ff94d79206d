"""Retrieval's section: the counts, what is said of them, and that the page counts as the engine does."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.records.figures import Retrieved
from harness.records.outputs import Alternatives, RetrievalTrace, RightAnswer
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from harness.statistics.retrieval_outcomes import OUTCOMES
from harness.summary.error_causes import deciding, retrieved
from reports.facts.answer_path import retrieval_note
from reports.facts.comparison_table import comparison_tables
from reports.facts.item_payload import ItemRecords, items_payload
from reports.facts.metric_columns import ordinary_columns
from reports.html import render
from reports.sections.differences import Differences
from reports.sections.retrieval_quality import RetrievalQuality
from tests.shared import grounded
from tests.shared.finished import finished
from tests.shared.summaries import values_of


def cell(*counts: int, variant: str = "rag", **gaps: int) -> Retrieved:
    return Retrieved(
        task="norm",
        variant=variant,
        metric="accuracy",
        samples=sum(counts),
        counts=dict(zip(OUTCOMES, counts, strict=True)),
        examples={},
        cut=0,
        left_out=0,
        **gaps,
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            (5, 15, 0, 6, 0, 0),
            "of 21 wrong answers, 15 had the gold passage in front of them: generation failed; 6 never saw it: retrieval "
            "missed.",
        ),
        (
            (5, 6, 0, 15, 0, 3),
            "of 21 wrong answers, 15 never saw the gold passage: retrieval missed; 6 had it in front of them: generation "
            "failed.",
        ),
        (
            (5, 4, 0, 4, 0, 0),
            "of 8 wrong answers, 4 had the gold passage in front of them (generation failed) and 4 never saw it (retrieval "
            "missed); neither dominates.",
        ),
        ((5, 3, 0, 0, 0, 0), "all 3 wrong answers had the gold passage in front of them: generation failed."),
        ((5, 0, 0, 2, 0, 0), "all 2 wrong answers never saw the gold passage: retrieval missed."),
        ((5, 1, 0, 0, 0, 0), "the only wrong answer had the gold passage in front of it: generation failed."),
        ((5, 0, 0, 1, 0, 0), "the only wrong answer never saw the gold passage: retrieval missed."),
        ((5, 0, 2, 0, 0, 4), "no answer is wrong among the 7 whose gold passage is known."),
        (
            (5, 15, 0, 6, 3, 0),
            "of 24 wrong answers, 15 had the gold passage in front of them: generation failed; 6 never saw it: retrieval "
            "missed; 3 did not see it, though it was retrieved: no room or under the threshold.",
        ),
        (
            (5, 0, 0, 2, 3, 0),
            "of 5 wrong answers, 3 did not see the gold passage, though it was retrieved: no room or under the threshold; 2 never saw "
            "it: retrieval missed.",
        ),
        (
            (5, 4, 0, 4, 1, 0),
            "of 9 wrong answers, 4 had the gold passage in front of them (generation failed) and 4 never saw it "
            "(retrieval missed); neither dominates; 1 did not see it, though it was retrieved: no room or under the threshold.",
        ),
        (
            (5, 0, 0, 0, 2, 0),
            "all 2 wrong answers did not see the gold passage, though it was retrieved: no room or under the threshold.",
        ),
    ],
)
def test_the_dominating_cause(grounded_summary: Summary, counts: tuple[int, ...], expected: str) -> None:
    (sentence,) = RetrievalQuality().sentences(finished(replace(grounded_summary, retrieved=(cell(*counts),))))
    assert sentence == f"On norm, rag: {expected}"


def test_nothing_is_said_where_no_gold_is_known(grounded_summary: Summary) -> None:
    assert RetrievalQuality().sentences(finished(replace(grounded_summary, retrieved=(cell(0, 0, 0, 0, 0, 9),)))) == ()


@pytest.mark.parametrize(
    ("cells", "sentences", "cautions"),
    [
        (
            [cell(0, 0, 0, 0, 0, 16, unmatched=4)],
            (),
            ("On norm, 4 of 16 queries of rag matched no passage.",),
        ),
        (
            [cell(0, 0, 0, 0, 0, 1, unmatched=1), cell(0, 0, 0, 0, 0, 1, variant="first", unmatched=1)],
            (),
            ("On norm, 1 of 1 query of rag and first matched no passage.",),
        ),
        (
            [cell(0, 0, 0, 0, 0, 2000, absent=121)],
            ("On norm, 121 of 2,000 items have no right passage in the knowledge of rag; recall is that of the other 1,879.",),
            (),
        ),
        (
            [cell(0, 0, 0, 0, 0, 9, absent=1), cell(0, 0, 0, 0, 0, 9, variant="oracle", absent=1)],
            ("On norm, 1 of 9 items has no right passage in the knowledge of rag and oracle; recall is that of the other 8.",),
            (),
        ),
        (
            [cell(0, 0, 0, 0, 0, 60, absent=60)],
            ("On norm, none of the 60 items has a right passage in the knowledge of rag: retrieval has no figures, unless gold says "
             "by what else a passage is right.",),
            (),
        ),
        (
            [cell(0, 0, 0, 0, 0, 60, partly=2, unmatched=3)],
            ("On norm, 2 of 60 items have a right answer that the knowledge of rag lacks beside those that it has; what it lacks "
             "counts as not found.",),
            ("On norm, 3 of 60 queries of rag matched no passage.",),
        ),
    ],
)  # fmt: skip
def test_what_no_retriever_could_find(
    grounded_summary: Summary, cells: list[Retrieved], sentences: tuple[str, ...], cautions: tuple[str, ...]
) -> None:
    run = finished(replace(grounded_summary, retrieved=tuple(cells)))
    assert RetrievalQuality().sentences(run) == sentences
    assert RetrievalQuality().cautions(run) == cautions


def test_a_floor_generates_nothing_that_could_fail(grounded_summary: Summary) -> None:
    floor = cell(5, 3, 0, 2, 0, 0, variant="nearest")
    assert "nearest" in grounded_summary.unaided
    assert RetrievalQuality().sentences(finished(replace(grounded_summary, retrieved=(floor,)))) == ()


def test_section(grounded_summary: Summary) -> None:
    _, predictions, _ = grounded.records()
    (part,) = RetrievalQuality().build(finished(grounded_summary, predictions=predictions))
    assert (part.task, part.metric, part.labels) == (
        "norm",
        "norm.accuracy",
        ("recall@k", "recall@1", "recall@10", "MRR"),
    )
    rag, oracle, _ = part.rows
    assert (rag.depth, rag.cell.cut, rag.cell.left_out) == (
        "k = 5",
        1,
        3,
    )  # n04 cut; n04, n08, n12 had passages left out
    assert oracle.depth is None  # it does not ask for k: it is given
    assert part.has_not_shown  # n04
    # of 30: 17/30, 5/30, 1/30, 5/30, 1/30, 1/30
    assert [(rag.cell.counts[outcome.name], outcome.share) for outcome in rag.outcomes] == [
        (17, "56.7 %"),
        (5, "16.7 %"),
        (1, "3.3 %"),
        (5, "16.7 %"),
        (1, "3.3 %"),
        (1, "3.3 %"),
    ]
    assert [outcome.start for outcome in rag.outcomes] == [0.0, 56.67, 73.33, 76.67, 93.33, 96.67]
    assert part.figures is not None
    # over the 29 that did not fail: at rank 1 to 5 24 − n07 = 23, at rank 1 12 − n07 = 11, to 10 23 + 3 = 26;
    # MRR (11 + 12/3 + 3/8)/29 = 0.530
    assert [entry and entry.value for entry in part.figures.rows[0].entries] == ["79.3 %", "37.9 %", "89.7 %", "53.0 %"]
    assert [row.variant for row in part.figures.rows] == ["rag", "cascade"]


def test_a_column_of_its_own_only_where_any_was_found_but_not_shown(
    grounded_summary: Summary, make_folder: Callable[..., RunFolder]
) -> None:
    page = render(make_folder(grounded_summary, *grounded.records()).finished())
    assert "Retrieved, no room</th>" in page
    assert 'href="#task=norm&amp;variant=rag&amp;retrieval=not+shown"' in page
    assert 'aria-label="rag, not shown: show the 1 item"' in page
    assert '<option value="not shown">not shown</option>' in page
    none = replace(grounded_summary, retrieved=(cell(5, 3, 0, 2, 0, 0),))
    (part,) = RetrievalQuality().build(finished(none, predictions=()))
    assert not part.has_not_shown
    assert [outcome.name for outcome in part.rows[0].outcomes] == [kind for kind in OUTCOMES if kind != "not shown"]
    assert "Retrieved, no room</th>" not in render(make_folder(none, *grounded.records()).finished())


def test_shown_once(grounded_summary: Summary) -> None:
    assert [column.name for table in comparison_tables(grounded_summary) for column in table.columns] == [
        "norm.accuracy"
    ]
    assert [forest.column.name for forest in Differences().build(finished(grounded_summary))] == ["norm.accuracy"]
    named = replace(grounded_summary, headline=("norm.accuracy", "norm.retrieval", "norm@icd-after.accuracy"))
    assert [column.name for column in ordinary_columns(named)] == list(named.headline)
    assert RetrievalQuality().build(finished(named, predictions=()))[0].labels == ("recall@1", "recall@10", "MRR")
    old = replace(grounded_summary, retrieved=())  # without the section they stay where they were
    assert "norm.retrieval" in [column.name for column in ordinary_columns(old)]


def test_the_page_counts_as_the_engine_does(grounded_summary: Summary) -> None:
    items, predictions, scores = grounded.records()
    chosen = deciding(grounded_summary.headline, grounded_summary.metrics)
    engine = retrieved(predictions, values_of(scores, chosen), chosen, grounded_summary.metrics)
    assert tuple(replace(found, examples={}) for found in engine) == grounded_summary.retrieved
    run = finished(grounded_summary, {}, items, predictions, scores)
    page = Counter(
        (answer["variant"], answer["retrieved"])
        for item in items_payload(ItemRecords(run), 0, len(items))["items"]
        for answer in item["answers"]
        if "retrieved" in answer
    )
    assert page == Counter(
        {(c.variant, kind): n for c in grounded_summary.retrieved for kind, n in c.counts.items() if n}
    )


def trace(ranks: tuple[int | None, ...], answers: Alternatives) -> RetrievalTrace:
    gold = tuple(str(place) for place in range(len(ranks)))
    return RetrievalTrace(gold=gold, ranks=ranks, depth=100, k=5, answers=answers)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (RetrievalTrace(gold=("a",), ranks=(3,), depth=100, k=5), "gold at rank 3"),
        (RetrievalTrace(gold=("a", "b"), ranks=(4, 1), depth=100, k=5), "gold at ranks 1, 4"),
        (
            RetrievalTrace(gold=("a", "b"), ranks=(None, 2), depth=100, k=5),
            "gold at rank 2; 1 more not among the first 100",
        ),
        (RetrievalTrace(gold=("a",), ranks=(None,), depth=100, k=5), "gold not among the first 100"),
        (RetrievalTrace(gold=(), ranks=(), depth=100, k=5), "gold passages unknown"),
        (RetrievalTrace(gold=(), ranks=None, depth=0, k=0), "nothing was looked up; gold passages unknown"),
        (RetrievalTrace(gold=("a",), ranks=None, depth=0, k=1), "gold passages were given; nothing was searched"),
        (
            RetrievalTrace(gold=("a",), ranks=(1,), depth=100, k=5, left_out=2, cut=1),
            "gold at rank 1 · 1 passage cut · 2 passages left out",
        ),
        (trace((2, None), ((RightAnswer("甲", (0, 1)),),)), "gold at rank 2"),  # its copy is not missed
        (
            trace((2, None), ((RightAnswer("甲", (0,)), RightAnswer("乙", (1,))),)),
            "gold at rank 2; 1 more not among the first 100",
        ),
        (trace((2, None), ((RightAnswer("甲", (0,)),), (RightAnswer("乙", (1,)),))), "gold at rank 2"),
        (
            trace((1,), ((RightAnswer("甲", (0,)), RightAnswer("乙", ()), RightAnswer("丙", ())),)),
            "gold at rank 1; the knowledge lacks “乙” and “丙”",
        ),
        (
            trace((None,), ((RightAnswer("甲", (0,)), RightAnswer("乙", ())),)),
            "gold not among the first 100; the knowledge lacks “乙”",
        ),
        (trace((), ((RightAnswer("甲", ()),),)), "no passage of the knowledge is right"),
    ],
)
def test_where_the_gold_was(found: RetrievalTrace, expected: str) -> None:
    assert retrieval_note(found) == expected
