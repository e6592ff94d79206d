"""How a judge behaved: hand-made judgements with figures worked out by hand."""

from dataclasses import replace

import pytest

from harness.components.metric import Mark
from harness.judging.asking.combining import outcome, pointwise
from harness.judging.reliability import Judged, panel, ranked, reliability
from harness.judging.trust import demotion, examined
from harness.records.judgements import Agreed, Calibration, Judgement, Reliability
from harness.suite.options import Trust
from reports.facts.spoken_sentences import spoken_statement

KNOWN = Judged(
    task="t",
    metric="m",
    rubric="score100",
    pairwise=False,
    descriptions={"j": "a judge"},
    calibrations={},
    kin={"j": ("b",)},
    itself={"j": ("c",)},
)
DUELS = replace(KNOWN, pairwise=True)


def scored(item: str, variant: str, value: float | None, **further: object) -> Judgement:
    values = {} if value is None else {"score": value}
    return replace(
        Judgement(
            task="t",
            metric="m",
            judge="j",
            sample_id=item,
            variant=variant,
            rival=None,
            repeat=0,
            values=values,
            lengths=(10,),
        ),
        **further,
    )


def duel(item: str, first: str, second: str, value: float | None, **further: object) -> Judgement:
    values = {} if value is None else {"": value}
    return replace(
        Judgement(
            task="t",
            metric="m",
            judge="j",
            sample_id=item,
            variant=first,
            rival=second,
            repeat=0,
            values=values,
            lengths=(10, 20),
        ),
        **further,
    )


def only(found: list[Reliability]) -> Reliability:
    assert len(found) == 1
    return found[0]


def test_noise_is_the_mean_difference_between_two_readings_of_one_answer() -> None:
    # item 1: 10, 20, 40 → differences 10, 30, 20, mean 20; item 2: 50, 50 → 0; item 3 was read once. (20 + 0) / 2 = 10
    judgements = [
        *(scored("1", "a", value, repeat=n) for n, value in enumerate((10, 20, 40))),
        *(scored("2", "a", 50, repeat=n) for n in range(2)),
        scored("3", "a", 90), scored("3", "a", None, repeat=1, unreadable="no number"),
    ]  # fmt: skip
    found = only(reliability(KNOWN, judgements))
    assert (found.noise, found.repeats) == (10, 3)
    assert (found.judgements, found.unreadable, found.failed) == (7, 1, 0)


def test_what_was_decided_without_the_judge_says_nothing_about_it() -> None:
    judgements = [
        scored("1", "a", 0, attempts=0),
        scored("2", "a", 80, attempts=2, tokens_in=7, tokens_out=3, seconds=1.5),
    ]
    found = only(reliability(KNOWN, judgements))
    assert (found.judgements, found.retried) == (1, 1)
    assert (found.tokens_in, found.tokens_out, found.seconds) == (7, 3, 1.5)
    assert (found.description, found.kin, found.itself) == ("a judge", ("b",), ("c",))
    assert found.noise is None
    assert found.flips is None


def test_length_is_compared_within_an_item_only() -> None:
    # Item 1 has long answers and high scores, item 2 short ones and low scores: between items longer looks better.
    # Within both the shorter answer has the higher score: ρ of the centred values is -1.
    judgements = [
        scored("1", "a", 90, lengths=(100,)), scored("1", "b", 80, lengths=(120,)),
        scored("2", "a", 20, lengths=(10,)), scored("2", "b", 10, lengths=(30,)),
    ]  # fmt: skip
    assert only(reliability(KNOWN, judgements)).length == pytest.approx(-1)
    assert only(reliability(KNOWN, judgements[::2])).length is None  # one answer an item: nothing to compare


def test_flips_are_counted_over_the_pairs_that_were_read_in_both_orders() -> None:
    judgements = [
        duel("1", "a", "b", 1.0), duel("1", "b", "a", 0.0),  # a both times
        duel("2", "a", "b", 1.0), duel("2", "b", "a", 1.0),  # whoever comes first: a flip
        duel("3", "a", "b", 0.5), duel("3", "b", "a", 0.0),  # a tie, then a: a flip
        duel("4", "a", "b", 1.0), duel("4", "b", "a", None, unreadable="prose"),  # unknown
        duel("5", "b", "a", 1.0), duel("5", "a", "b", 0.0),  # b both times, asked the other way round first
    ]  # fmt: skip
    found = only(reliability(DUELS, judgements))
    assert (found.pairs, found.flips) == (4, 0.5)
    assert found.unreadable == 1
    # The longer is always the one shown second (20 against 10). Decided verdicts: 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0
    # → the longer wins where the value is 0: 3 of 8, the shorter 5 of 8: 3/8 - 5/8 = -0.25.
    assert found.length == pytest.approx(-0.25)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([("a", "b", 1.0), ("b", "a", 0.0)], 1.0),
        ([("a", "b", 0.0), ("b", "a", 1.0)], 0.0),
        ([("a", "b", 1.0), ("b", "a", 1.0)], 0.5),  # flipped with the order
        ([("a", "b", 0.5), ("b", "a", 0.5)], 0.5),
        ([("a", "b", 1.0), ("b", "a", None)], None),  # one order is missing: unknown, no tie
        ([("a", "b", 1.0)], None),
    ],
)
def test_both_orders_make_one_outcome(verdicts: list[tuple[str, str, float | None]], expected: float | None) -> None:
    judgements = [duel("1", *one) for one in verdicts]
    assert outcome(judgements, ("a", "b")) == expected
    assert outcome(judgements, ("b", "a")) == (None if expected is None else 1 - expected)


def test_repeats_and_panels_are_decided_by_their_commonest_outcome() -> None:
    def said(judge: str, repeat: int, value: float) -> list[Judgement]:
        both = (duel("1", "a", "b", value), duel("1", "b", "a", 1 - value))
        return [replace(one, judge=judge, repeat=repeat) for one in both]

    wins = said("j", 0, 1.0) + said("j", 1, 0.0) + said("j", 2, 1.0)
    assert outcome(wins, ("a", "b")) == 1.0
    assert outcome(wins + said("k", 0, 0.0), ("a", "b")) == 0.5  # one for each: a draw
    assert outcome(wins + said("k", 0, 0.0) + said("l", 0, 0.0), ("a", "b")) == 0.0
    silent = [duel("1", "a", "b", None, judge="k", error="down")]
    assert outcome(wins + silent, ("a", "b")) is None


@pytest.mark.parametrize(
    ("values", "combine", "expected"),
    [
        ({"j": [80]}, "mean", 80),
        ({"j": [80, 60]}, "mean", 70),  # repeats
        ({"j": [80, None]}, "mean", 80),  # a repeat that could not be read
        ({"j": [80], "k": [50]}, "mean", 65),
        ({"j": [80], "k": [50], "l": [50]}, "majority", 50),
        ({"j": [80], "k": [50], "l": [20]}, "majority", 50),  # no majority: the median
        ({"j": [80], "k": [50]}, "majority", 65),
        ({"j": [80], "k": [None]}, "mean", None),  # a silent judge makes the panel unknown
    ],
)
def test_a_panels_value(values: dict[str, list[float | None]], combine: str, expected: float | None) -> None:
    judgements = [
        scored("1", "a", value, judge=judge, repeat=n, unreadable=None if value is not None else "prose")
        for judge, some in values.items()
        for n, value in enumerate(some)
    ]
    mark = pointwise(judgements, None, combine)  # type: ignore[arg-type]
    assert mark.value == expected
    if expected is None:
        assert mark == Mark(None, "k: prose")


def test_a_panels_disagreement() -> None:
    # Item 1: 80 and 50 → 30. Item 2: 60 and 60 → 0. Item 3: only one judge. Mean 15 over 2.
    judgements = [
        scored("1", "a", 80), scored("1", "a", 50, judge="k"), scored("2", "a", 60), scored("2", "a", 60, judge="k"),
        scored("3", "a", 10), scored("3", "a", None, judge="k", unreadable="prose"),
    ]  # fmt: skip
    found = panel(KNOWN, judgements)
    assert found is not None
    assert (found.judges, found.disagreement, found.items) == (("j", "k"), 15, 2)
    assert panel(KNOWN, judgements[::2]) is None


def test_a_panels_disagreement_on_pairs_is_the_share_not_judged_alike() -> None:
    judgements = [
        duel("1", "a", "b", 1.0), duel("1", "b", "a", 0.0),
        duel("1", "a", "b", 0.0, judge="k"), duel("1", "b", "a", 1.0, judge="k"),  # the opposite
        duel("2", "a", "b", 1.0), duel("2", "b", "a", 0.0),
        duel("2", "b", "a", 0.0, judge="k"), duel("2", "a", "b", 1.0, judge="k"),  # alike
    ]  # fmt: skip
    found = panel(DUELS, judgements)
    assert found is not None
    assert (found.disagreement, found.items) == (0.5, 2)


def test_the_ranking_takes_each_pair_of_an_item_once() -> None:
    judgements = [
        one
        for item, value in (("1", 1.0), ("2", 1.0), ("3", 0.0), ("4", 0.5))
        for one in (duel(item, "a", "b", value), duel(item, "b", "a", 1 - value))
    ]
    found = ranked(DUELS, judgements, seed=1)
    assert found is not None
    assert [(t.first, t.wins, t.ties, t.losses) for t in found.ranking.tallies] == [("a", 2, 1, 1), ("b", 1, 1, 2)]
    assert found.ranking.standings[0].name == "a"
    assert ranked(KNOWN, judgements, seed=1) is None


def test_a_ranking_resamples_groups() -> None:
    """Twenty duels that are five groups of four equal ones: the interval is that of five items, the counts are of twenty."""

    def readings(copies: int) -> list[Judgement]:
        return [
            reading
            for item, value in enumerate((1.0, 1.0, 0.0, 0.5, 1.0))
            for copy in range(copies)
            for reading in (duel(f"{item}.{copy}", "a", "b", value), duel(f"{item}.{copy}", "b", "a", 1 - value))
        ]

    groups = {f"{item}.{copy}": str(item) for item in range(5) for copy in range(4)}
    grouped = ranked(replace(DUELS, groups=groups), readings(4), seed=1)
    alone, single = ranked(DUELS, readings(4), seed=1), ranked(DUELS, readings(1), seed=1)
    assert grouped is not None
    assert alone is not None
    assert single is not None
    widths = [
        (made.ranking.standings[0].high or 0) - (made.ranking.standings[0].low or 0)
        for made in (grouped, single, alone)
    ]
    assert widths[0] > 1.5 * widths[2]  # not the certainty of twenty
    assert grouped.ranking.items == 20


# -- the rule of trust --------------------------------------------------------------------------------------------


def calibrated(kappa: float | None, items: int = 50, low: float | None = 0.2) -> Calibration:
    against = Agreed(items=items, agreement=0.8, kappa=kappa, low=low, high=0.95)
    return Calibration(
        judge="j",
        identity="i",
        labels="labels.json",
        labels_digest="d",
        pairwise=False,
        items=items,
        unreadable=0,
        failed=0,
        against=against,
        spearman=None,
        kendall=None,
        annotators=3,
        ceiling=None,
        fleiss=None,
        flips=None,
        when="2026",
    )


GOOD = only(reliability(DUELS, [duel("1", "a", "b", 1.0), duel("1", "b", "a", 0.0)]))


@pytest.mark.parametrize(
    ("change", "trust", "doubt"),
    [
        ({"calibration": calibrated(0.4)}, {}, None),
        ({"calibration": calibrated(0.39)}, {}, "its κ against people is 0.39, less than 0.4"),
        ({"calibration": calibrated(0.9, items=29)}, {}, "it is calibrated on only 29 items, fewer than 30"),
        ({"calibration": calibrated(0.9, items=29)}, {"min_items": 20}, None),
        (
            {"calibration": calibrated(0.5, low=-0.1)},
            {},
            "its κ against people, 0.50, may be chance (95 % CI from -0.10)",
        ),
        ({"judgements": 0}, {"min_kappa": None}, "it was not asked about any answer"),
        ({"calibration": calibrated(None)}, {}, "its agreement with people is not defined on 50 items"),
        ({}, {}, "it is not calibrated against people (harness calibrate SUITE --labels FILE)"),
        ({}, {"min_kappa": None}, None),
        ({"flips": 0.2}, {"min_kappa": None}, None),
        ({"flips": 0.21}, {"min_kappa": None}, "21.0% of its verdicts change with the order, more than 20%"),
        ({"flips": 0.9, "pairwise": False}, {"min_kappa": None}, None),
        ({"flips": None}, {"min_kappa": None}, "no pair was read in both orders"),
        ({"judgements": 100, "unreadable": 2}, {"min_kappa": None}, None),
        (
            {"judgements": 100, "unreadable": 3},
            {"min_kappa": None},
            "3.0% of its judgements have no verdict, more than 2%",
        ),
        ({"judgements": 100, "failed": 3}, {"min_kappa": None}, "3.0% of its judgements have no verdict, more than 2%"),
        ({"judgements": 100, "failed": 100}, {"min_kappa": None, "max_unreadable": None}, None),
    ],
)
def test_what_a_judge_must_show(change: dict[str, object], trust: dict[str, object], doubt: str | None) -> None:
    found = examined(replace(GOOD, **change), Trust(**trust))  # type: ignore[arg-type]
    assert found.doubts == ((doubt,) if doubt else ())
    assert demotion([found]) == doubt
    assert [spoken_statement(statement) for statement in found.statements] == list(found.doubts)


def test_a_judge_that_said_nothing_is_named_and_doubted() -> None:
    found = only(reliability(DUELS, []))
    assert (found.judge, found.judgements) == ("j", 0)
    assert examined(found, Trust(min_kappa=None)).doubts == ("it was not asked about any answer",)


def test_one_doubtful_judge_of_a_panel_is_enough() -> None:
    sure = examined(replace(GOOD, calibration=calibrated(0.9)), Trust())
    doubtful = examined(replace(GOOD, judge="k", calibration=calibrated(0.1)), Trust())
    assert demotion([sure, doubtful]) == "k: its κ against people is 0.10, less than 0.4"
    assert demotion([sure, sure]) is None
