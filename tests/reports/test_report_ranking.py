"""Who is said to be first, what people would have scored, and which label is taken for which: each counted on paper."""

import pytest

from harness.records.figures import Confusion
from harness.records.judgements import Judging, PairResult, Ranked, Ranking, Standing
from harness.records.summary import Summary
from reports.sections.confusions import Confusions
from reports.sections.corrected_means import CorrectedMeans
from reports.sections.rankings import RankingFacts, Rankings
from tests.shared.finished import finished


def ranked(*standings: tuple[str, float | None, float | None, float | None], **others: object) -> RankingFacts:
    places = tuple(
        Standing(name=name, strength=strength, low=low, high=high, win_rate=0.5)
        for name, strength, low, high in standings
    )
    made = {"groups": (tuple(name for name, *_ in standings),), "note": "", **others}
    found = Ranking(
        standings=places,
        tallies=(
            PairResult(first="a", second="b", wins=3, ties=1, losses=0),
            PairResult(first="b", second="a", wins=0, ties=1, losses=3),
        ),
        nu=1.0,
        items=4,
        battles=4,
        unknown=0,
        groups=made["groups"],
        connected=True,
        prior=0.5,
        resamples=1000,
        regularised=0.013,
        converged=True,
        note=made["note"],
    )
    summary = Summary(
        name="s",
        reference=None,
        headline=(),
        metrics={},
        results=(),
        comparisons=(),
        usage=(),
        judging=Judging(rankings=(Ranked("t", "m", found),)),
    )
    return Rankings().build(finished(summary))[0]


@pytest.mark.parametrize(
    ("standings", "told"),
    [
        (
            [("a", 0.5, 0.1, 0.9), ("b", -0.5, -0.9, -0.1)],
            "a ranks first of 2, expected to win 50.0 % against b; no other interval reaches its own.",
        ),
        (
            [("a", 0.5, 0.1, 0.9), ("b", 0.0, -0.3, 0.3), ("c", -0.5, -1.0, 0.1)],
            "a ranks first of 3, expected to win 50.0 % against the others; its interval overlaps those of b and c, so "
            "intervals alone do not settle which is first.",
        ),
        ([("a", 0.0, -0.4, 0.4), ("b", 0.0, -0.4, 0.4)], "a and b are level at the top of 2."),
        (
            [("a", 0.5, None, None), ("b", -0.5, None, None)],
            "a ranks first of 2, expected to win 50.0 % against b; there are no intervals, so the order may be luck.",
        ),
        ([("a", None, None, None), ("b", None, None, None)], "There is no ranking: no strengths could be estimated."),
    ],
)
def test_who_ranks_first(standings: list[tuple[str, float | None, float | None, float | None]], told: str) -> None:
    assert ranked(*standings).sentences == (told,)


def test_groups_are_ranked_apart() -> None:
    names = [
        (name, strength, strength - 1, strength + 1)
        for name, strength in (("a", 1.0), ("c", 0.4), ("d", -0.4), ("b", -1.0))
    ]
    part = ranked(*names, groups=(("a", "b"), ("c", "d")))
    assert [(group.title, [variant.standing.name for variant in group.variants]) for group in part.groups] == [
        ("Group of a and b", ["a", "b"]),
        ("Group of c and d", ["c", "d"]),
    ]
    assert part.notice == (
        "No battle links these groups, strengths compare only within one: a, b; c, d; the battles alone give no finite "
        "strengths (one side never lost to another, or too few were decided): half a win and half a loss were added to "
        "each pair that met; an interval's far end is then the prior's."
    )
    assert [sentence.split(",")[0] for sentence in part.sentences] == ["a ranks first of 2", "c ranks first of 2"]
    assert part.details == (
        "4 duels on 4 items; intervals from 1,000 resamples of the items; 1.3 % of the resamples had no finite fit and were "
        "given a random prior; prior: 0.5 of a win and of a loss for each pair that met."
    )
    cells = dict(part.matrix)
    assert [cell and (cell.text, cell.style) for cell in cells["a"]] == [None, None, None, ("3 / 1 / 0", "more")]
    assert [cell and (cell.text, cell.style) for cell in cells["b"]] == [("0 / 1 / 3", "fewer"), None, None, None]
    assert part.groups[1].variants[0].record == "no duel"


def test_corrected_means(judged_summary: Summary) -> None:
    (part,) = CorrectedMeans().build(finished(judged_summary))
    first = part.rows[0]
    assert (first.judged_place, first.whisker.middle) == (47.75, 35.75)  # of 1 to 5: 1.91 / 4, 1.43 / 4
    assert [row.mean.unmatched for row in part.rows] == [0, 0, 2]


def test_confusions(judged_summary: Summary) -> None:
    (part,) = Confusions().build(finished(judged_summary))
    before, after = part.matrices
    assert (len(before.rows), len(before.labels)) == (6, 7)  # no item is rightly "(no label)"
    assert (len(after.rows), len(after.labels)) == (6, 6)  # and lora never says it
    assert [cell.shade for cell in before.rows[0].cells] == [4, 2, 0, 0, 2, 2, 0]  # 60, 20, 0, 0, 10, 10, 0 %
    assert [cell.is_right for cell in before.rows[0].cells] == [True, *[False] * 6]
    assert before.rows[0].cells[1].hint == "心血管内科 taken for 神经内科: 2 of 10"
    assert before.totals == ("13", "12", "6", "11", "6", "8", "4")
    assert before.summed is None


def test_many_labels_keep_the_most_confused_and_every_count() -> None:
    """25 labels, 4 right each; label i is taken for the next one i times: label 24 for label 0, 24 times."""
    counts = tuple(tuple(4 if i == j else i if j == (i + 1) % 25 else 0 for j in range(25)) for i in range(25))
    one = Confusion(task="t", metric="m", variant="v", labels=tuple(f"L{i}" for i in range(25)), counts=counts)
    (part,) = Confusions().build(
        finished(
            Summary(
                name="s",
                reference=None,
                headline=(),
                metrics={},
                results=(),
                comparisons=(),
                usage=(),
                confusions=(one,),
            )
        )
    )
    (matrix,) = part.matrices
    # confused with others: i + (i − 1), label 0: 24. The 15 highest are 11 … 24 (21 … 47) and 0.
    assert matrix.labels == ("L0", *(f"L{i}" for i in range(11, 25)), "other (10)")
    assert sum(int(total.replace(",", "")) for total in matrix.totals) == 25 * 4 + sum(range(25))
    last = matrix.rows[-1]
    # L1 … L10: 40 right; L1 … L9 stay among the others with 1 + … + 9 = 45, L10 goes to L11: 10
    assert (last.cells[-1].count, last.cells[-1].note, last.total, last.recall) == ("85", "40 right", "95", "42.1 %")
    assert not last.cells[-1].is_right
    assert (
        matrix.sentence
        == "Most frequent confusions: L24 for L0 (24 of 28), L23 for L24 (23 of 27), L22 for L23 (22 of 26)."
    )
