"""Strengths from duels: worked tables, an independent maximiser, and data that leave strengths open."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.statistics import bradley_terry as ranking
from harness.statistics.bradley_terry import Battle, Ranking, rank


@pytest.fixture
def golden(shared_data: Path) -> dict[str, Any]:
    return json.loads((shared_data.parent / "reference" / "stats_golden.json").read_text(encoding="utf-8"))


def duels(first: str, second: str, wins: int, ties: int, losses: int, start: int = 0) -> list[Battle]:
    """So many battles of two names, each on an item of its own."""
    outcomes = [1.0] * wins + [0.5] * ties + [0.0] * losses
    return [Battle(f"{first}{second}{start + i}", first, second, outcome) for i, outcome in enumerate(outcomes)]


def strengths(found: Ranking) -> dict[str, float | None]:
    return {standing.name: standing.strength for standing in found.standings}


def simulated(names: str, items: int, seed: int) -> list[Battle]:
    """Every pair on every item, from known strengths 0, 0.4, 0.8, … and ν = 0.5."""
    rng = np.random.default_rng(seed)
    battles = []
    for item in range(items):
        for i, first in enumerate(names):
            for j in range(i + 1, len(names)):
                gap = 0.4 * (i - j)
                chances = np.array([math.exp(gap / 2), 0.5, math.exp(-gap / 2)])
                outcome = rng.choice([1.0, 0.5, 0.0], p=chances / chances.sum())
                battles.append(Battle(str(item), first, names[j], float(outcome)))
    return battles


def test_baseball_without_ties(golden: dict[str, Any]) -> None:
    table = golden["bt_baseball"]
    teams, wins = table["teams"], table["wins"]
    battles = [
        battle
        for i, team in enumerate(teams)
        for j, other in enumerate(teams)
        for battle in duels(team, other, wins[i][j], 0, 0)
    ]
    found = rank(battles, seed=1)
    theta = strengths(found)
    assert [theta[team] - theta["Baltimore"] for team in teams] == pytest.approx(table["beta"], abs=1e-6)
    assert sum(theta.values()) == pytest.approx(0, abs=1e-9)
    assert [standing.name for standing in found.standings] == teams  # listed from the strongest
    assert (found.nu, found.connected, found.prior, found.converged, found.note) == (0.0, True, 0.0, True, "")
    assert (found.items, found.battles, found.unknown) == (sum(map(sum, wins)), sum(map(sum, wins)), 0)


def test_two_models_with_ties(golden: dict[str, Any]) -> None:
    table = golden["ties_2model"]
    found = rank(duels("a", "b", table["w"], table["t"], table["l"]), seed=1)
    theta = strengths(found)
    assert theta["a"] - theta["b"] == pytest.approx(table["davidson"])  # ln(50/30)
    assert found.nu == pytest.approx(table["davidson_nu"])  # 20/√(50·30)
    assert [standing.win_rate for standing in found.standings] == pytest.approx([0.6, 0.4])  # (50 + 20/2)/100
    # each name has half the difference, whose error is 0.2309 (Davidson): 1.96·0.2309/2 = 0.226
    best = found.standings[0]
    assert (best.high - best.low) / 2 == pytest.approx(1.96 * table["davidson_se"] / 2, rel=0.1)
    assert [(tally.first, tally.wins, tally.ties, tally.losses) for tally in found.tallies] == [
        ("a", 50, 20, 30),
        ("b", 30, 20, 50),
    ]


def test_many_names_with_ties_against_a_general_maximiser() -> None:
    from scipy.optimize import minimize

    battles = simulated("abcd", 40, seed=3)[:-31]  # not all pairs equally often

    def loss(x: np.ndarray) -> float:
        theta = dict(zip("abcd", (0.0, *x[:3]), strict=True))
        total = 0.0
        for _, first, second, outcome in battles:
            win, lose = math.exp(theta[first]), math.exp(theta[second])
            tie = math.exp(x[3]) * math.sqrt(win * lose)
            total -= math.log({1.0: win, 0.5: tie, 0.0: lose}[outcome] / (win + tie + lose))
        return total

    expected = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-6}).x
    found = rank(battles, seed=1)
    theta = strengths(found)
    assert [theta[name] - theta["a"] for name in "bcd"] == pytest.approx(expected[:3], abs=1e-5)
    assert found.nu == pytest.approx(math.exp(expected[3]), abs=1e-5)
    rates = {standing.name: standing.win_rate for standing in found.standings}
    gaps = [theta["b"] - theta[name] for name in "acd"]
    expected_rate = [
        (math.exp(gap / 2) + found.nu / 2) / (math.exp(gap / 2) + found.nu + math.exp(-gap / 2)) for gap in gaps
    ]
    assert rates["b"] == pytest.approx(sum(expected_rate) / 3)
    assert sum(rates.values()) == pytest.approx(4 / 2)  # every battle gives one point to share


def test_six_names_on_five_hundred_items() -> None:
    battles = simulated("abcdef", 500, seed=8)
    found = rank(battles, seed=1)
    assert found.resamples == 1000
    for standing in found.standings:
        true = 0.4 * "abcdef".index(standing.name) - 1.0
        assert standing.low < standing.strength < standing.high
        assert standing.strength == pytest.approx(true, abs=0.15)
        assert 0.05 < standing.high - standing.low < 0.3


def test_items_are_resampled_not_battles() -> None:
    single = duels("a", "b", 30, 10, 20)
    repeated = [battle for battle in single for _ in range(9)]  # nine equal verdicts on each item
    renamed = [battle._replace(item=f"{battle.item}-{i}") for i, battle in enumerate(repeated)]
    one, nine, apart = (rank(battles, seed=1).standings[0] for battles in (single, repeated, renamed))
    assert nine.strength == pytest.approx(one.strength)
    assert nine.high - nine.low == pytest.approx(one.high - one.low)
    assert apart.high - apart.low == pytest.approx((one.high - one.low) / 3, rel=0.15)  # what battles would claim


def swap_sides(battles: Iterable[Battle]) -> list[Battle]:
    return [Battle(b.item, b.second, b.first, None if b.outcome is None else 1 - b.outcome) for b in battles]


def test_sides_and_names_carry_no_meaning() -> None:
    battles = simulated("abcd", 30, seed=5)
    found, turned = rank(battles, seed=1), rank(swap_sides(battles), seed=1)
    assert strengths(turned) == pytest.approx(strengths(found))
    assert turned.tallies == found.tallies
    other = dict(zip("abcd", "zyxw", strict=True))
    renamed = rank([Battle(b.item, other[b.first], other[b.second], b.outcome) for b in battles], seed=1)
    assert strengths(renamed) == pytest.approx({other[name]: value for name, value in strengths(found).items()})
    ends = {other[s.name]: (s.low, s.high) for s in found.standings}
    assert {s.name: (s.low, s.high) for s in renamed.standings} == {
        name: pytest.approx(end) for name, end in ends.items()
    }
    backwards = rank(battles[::-1], seed=1)
    assert strengths(backwards) == pytest.approx(strengths(found))


def test_the_same_seed_gives_the_same_interval() -> None:
    battles = simulated("abc", 20, seed=5)
    assert rank(battles, seed=1) == rank(battles, seed=1)
    assert rank(battles, seed=1).standings[0].low != rank(battles, seed=2).standings[0].low


def test_who_won_everything_is_first_and_its_strength_is_open_above() -> None:
    battles = duels("a", "b", 20, 0, 0) + duels("a", "c", 20, 0, 0) + duels("b", "c", 12, 2, 6)
    found = rank(battles, seed=1)
    assert (found.connected, found.prior, found.regularised, found.converged) == (False, 0.5, 1.0, True)
    assert "half a win and half a loss" in found.note
    best, second, last = found.standings
    assert [best.name, second.name, last.name] == ["a", "b", "c"]
    assert best.high - best.strength > 2 * (best.strength - best.low)  # unanimity bounds it from below only
    assert best.low > second.high > last.strength


def test_two_names_of_which_one_always_won() -> None:
    # prior ½ each way: ln(10.5/0.5) apart; the interval is that of Jeffreys: Beta(10.5, 0.5) at 2.5 % = 0.7823
    from scipy.stats import beta

    found = rank(duels("a", "b", 10, 0, 0), seed=1)
    best = found.standings[0]
    assert 2 * best.strength == pytest.approx(math.log(10.5 / 0.5))
    low = beta.ppf(0.025, 10.5, 0.5)
    assert 2 * best.low == pytest.approx(math.log(low / (1 - low)), abs=0.35)
    assert rank(duels("a", "b", 1, 0, 0) + duels("a", "b", 1, 0, 0, 1), seed=1).standings[0].low < 0.25


def test_ties_do_not_make_up_for_losses_that_are_missing() -> None:
    # 10 wins, 5 ties, no loss: P(loss) → 0 is the likeliest, whatever ν; with ½ each way ln(10.5/0.5), 5/√(10.5·0.5)
    found = rank(duels("a", "b", 10, 5, 0), seed=1)
    assert (found.connected, found.prior) == (False, 0.5)
    assert 2 * found.standings[0].strength == pytest.approx(math.log(21))
    assert found.nu == pytest.approx(5 / math.sqrt(5.25))


W, T = 1.0, 0.5


@pytest.mark.parametrize(
    ("battles", "prior"),
    [
        ([("a", "b", W), ("b", "c", W), ("c", "a", W)], 0.0),
        ([("a", "b", W), ("b", "c", W), ("c", "a", T)], 0.0),  # a cycle of two wins and one tie
        ([("a", "b", W), ("b", "c", T), ("c", "a", T)], 0.5),  # more ties than wins: a 1 above b, c between
        ([("a", "b", W), ("b", "a", W), ("b", "c", T)], 0.0),
        ([("a", "b", W), ("b", "a", W), ("b", "c", W)], 0.5),  # c never won
        ([("a", "b", T), ("b", "c", T)], 0.5),
        ([("a", "b", W), ("b", "a", W), ("x", "y", T)], 0.0),  # ν is known from a and b
        ([("a", "b", W), ("b", "a", W), ("x", "y", W)], 0.5),
    ],
)
def test_when_a_prior_is_needed(
    battles: list[tuple[str, str, float]], prior: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [Battle(str(i), *battle) for i, battle in enumerate(battles)]
    found = rank(told, seed=1)
    assert (found.prior, found.converged) == (prior, True)
    monkeypatch.setattr(ranking, "TOLERANCE", 1e-7)  # a fit that runs away would end elsewhere
    assert strengths(rank(told, seed=1)) == pytest.approx(strengths(found), abs=1e-4)


def test_a_resample_without_a_finite_fit_is_regularised() -> None:
    found = rank(duels("a", "b", 19, 0, 1), seed=1)
    assert (found.connected, found.prior, found.note) == (True, 0.0, "")
    assert found.regularised == pytest.approx(0.95**20, abs=0.05)  # the one loss is not drawn: 36 %
    assert found.standings[0].strength == pytest.approx(math.log(19) / 2)
    assert math.log(19) / 2 < found.standings[0].high < 10


def test_a_name_nobody_met() -> None:
    found = rank([*duels("a", "b", 6, 1, 3), Battle("x", "a", "c", None)], seed=1)
    assert strengths(found)["c"] is None
    last = found.standings[-1]
    assert (last.name, last.low, last.high, last.win_rate) == ("c", None, None, None)
    assert (found.battles, found.unknown, found.connected, found.groups) == (10, 1, False, (("a", "b"), ("c",)))
    assert strengths(found)["a"] == pytest.approx(math.log(2) / 2)  # ln(6/3) apart, whatever c did not do
    assert "a, b; c" in found.note


def test_two_groups_that_never_met_are_not_compared() -> None:
    battles = duels("a", "b", 6, 0, 3) + duels("x", "y", 8, 0, 2)
    found = rank(battles, seed=1)
    theta = strengths(found)
    assert found.groups == (("a", "b"), ("x", "y"))
    assert not found.connected
    assert found.prior == 0.0
    assert theta["a"] + theta["b"] == pytest.approx(0, abs=1e-9)  # each group has its own zero
    assert theta["a"] - theta["b"] == pytest.approx(math.log(2))
    assert theta["x"] - theta["y"] == pytest.approx(math.log(4))
    assert "strengths compare only within one: a, b; x, y" in found.note
    rates = {standing.name: standing.win_rate for standing in found.standings}
    assert rates["x"] == pytest.approx(0.8)  # against y only


def test_all_ties() -> None:
    found = rank(duels("a", "b", 0, 15, 0) + duels("b", "c", 0, 15, 0), seed=1)
    assert strengths(found) == pytest.approx({"a": 0, "b": 0, "c": 0}, abs=1e-9)
    assert (found.prior, found.converged) == (0.5, True)
    assert found.nu == pytest.approx(30)  # 15 ties to ½ win and ½ loss of each pair: 15/√(½·½)
    assert [standing.win_rate for standing in found.standings] == pytest.approx([0.5, 0.5, 0.5])
    assert all(standing.low < -1 and standing.high > 1 for standing in found.standings)  # who would win is open


def test_an_outcome_that_is_unknown_is_neither_tie_nor_loss() -> None:
    battles = duels("a", "b", 6, 1, 3)
    more = [*battles, *(Battle(f"u{i}", "a", "b", None) for i in range(5))]
    found = rank(more, seed=1)
    assert found.standings == rank(battles, seed=1).standings
    assert (found.items, found.battles, found.unknown) == (10, 10, 5)


@pytest.mark.parametrize(
    "battles",
    [
        [Battle("1", "a", "b", 1), Battle("1", "b", "a", 1)],  # one item
        [Battle(str(i), *pair, 1) for i in range(9) for pair in (("a", "b"), ("b", "a"))],  # all items alike
    ],
)
def test_no_interval_where_items_cannot_tell(battles: list[Battle]) -> None:
    found = rank(battles, seed=1)
    assert strengths(found) == pytest.approx({"a": 0, "b": 0}, abs=1e-9)
    assert [(standing.low, standing.high) for standing in found.standings] == [(None, None)] * 2


def test_nothing_known() -> None:
    assert rank([], seed=1).standings == ()
    found = rank([Battle("1", "a", "b", None)], seed=1)
    assert strengths(found) == {"a": None, "b": None}
    assert (found.nu, found.connected, found.unknown, found.tallies) == (None, False, 1, ())
    assert (found.prior, found.note) == (0.0, "no battle links these groups, strengths compare only within one: a; b")


def test_a_fit_that_does_not_converge_gives_no_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "ITERATIONS", 2)
    found = rank(duels("a", "b", 60, 1, 3), seed=1)
    assert not found.converged
    assert strengths(found) == {"a": None, "b": None}
    assert "did not converge" in found.note


@pytest.mark.parametrize(
    ("battle", "message"),
    [
        (Battle("7", "a", "a", 1), "item 7: a cannot meet itself"),
        (Battle("7", "a", "b", 0.7), "item 7: outcome 0.7: expected 1, 0.5, 0 or None"),
    ],
)
def test_what_is_no_battle_is_refused(battle: Battle, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank([battle], seed=1)


@pytest.mark.parametrize("seed", range(8))
def test_random_tables_converge_to_finite_strengths(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    names = "abcdefgh"
    battles = []
    for item in range(int(rng.integers(3, 40))):
        first, second = rng.choice(list(names), 2, replace=False)
        gap = 3.0 * (names.index(second) - names.index(first))
        outcome = 0.5 if rng.random() < 0.2 * seed / 8 else float(rng.random() < 1 / (1 + math.exp(-gap)))
        battles.append(Battle(str(item // 2), str(first), str(second), outcome))
    found = rank(battles, seed=1)
    assert found.converged
    monkeypatch.setattr(ranking, "TOLERANCE", 1e-13)  # strengths that run away would be found elsewhere
    again = rank(battles, seed=1)
    assert again.converged
    for loose, tight in zip(found.standings, again.standings, strict=True):
        for field in ("strength", "low", "high", "win_rate"):
            assert getattr(loose, field) == pytest.approx(getattr(tight, field), abs=1e-3)
