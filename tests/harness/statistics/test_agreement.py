"""Agreement between readers: worked examples, scikit-learn, and the stored verdicts of PandaLM's annotators."""

import json
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from harness.statistics.agreement import agreement, cohen_kappa, fleiss_kappa, interval, kendall, majority, spearman

YES_NO = (["y"] * 25 + ["n"] * 25, ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15)


@pytest.mark.parametrize(
    ("a", "b", "weights", "kappa"),
    [
        # Wikipedia's grant proposals: agree 35/50 = 0.7, by chance 0.5·0.6 + 0.5·0.4 = 0.5 → 0.2/0.5
        (*YES_NO, None, 0.4),
        ([1, 2, 3], [1, 2, 3], None, 1.0),
        ([1, 1, 2, 2], [2, 2, 1, 1], None, -1.0),  # agree 0, by chance 1/2 → -0.5/0.5
        ([1, 1, 2, 2], [1, 1, 1, 1], None, 0.0),  # agree 1/2, by chance 1/2
        ([1, None, 2, 1], [1, 2, 2, None], None, 1.0),  # two items are known to both
        ([0, "tie"], [0, "tie"], None, 1.0),  # labels need no order
        # distances 0, 0, 3: observed 3/3 = 1; expected, a 1 2 2 against b 1 2 5: (0+1+4 + 1+0+3 + 1+0+3)/9 = 13/9
        ([1, 2, 2], [1, 2, 5], "linear", 1 - 9 / 13),
        # squares 0, 0, 9: observed 3; expected (0+1+16 + 1+0+9 + 1+0+9)/9 = 37/9
        ([1, 2, 2], [1, 2, 5], "quadratic", 1 - 27 / 37),
        ([1], [1], None, None),  # one item
        ([1], [2], None, None),
        ([], [], None, None),
        ([1, 1, 1], [1, 1, 1], None, None),  # expected agreement 1
        ([None, None], [1, 2], None, None),
        ([float("nan"), 1], [1, 1], None, None),
    ],
)  # fmt: skip
def test_cohen(a: list, b: list, weights: str | None, kappa: float | None) -> None:
    assert cohen_kappa(a, b, weights) == (None if kappa is None else pytest.approx(kappa))
    assert cohen_kappa(b, a, weights) == (None if kappa is None else pytest.approx(kappa))


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@pytest.mark.parametrize("seed", range(5))
def test_cohen_is_scikit_learns_on_a_scale_without_gaps(weights: str | None, seed: int) -> None:
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(seed)
    a = rng.integers(0, 5, 60)
    b = np.clip(a + rng.integers(-1, 2, 60), 0, 4)
    expected = cohen_kappa_score(a, b, labels=range(5), weights=weights)
    assert cohen_kappa(a.tolist(), b.tolist(), weights) == pytest.approx(expected, abs=1e-12)


def test_scikit_learn_would_weigh_by_rank_among_the_labels_that_occur() -> None:
    from sklearn.metrics import cohen_kappa_score

    a, b = [1, 2, 2], [1, 2, 5]
    by_rank = cohen_kappa([1, 2, 2], [1, 2, 3], "linear")
    assert cohen_kappa_score(a, b, weights="linear") == pytest.approx(by_rank)
    assert cohen_kappa(a, b, "linear") != pytest.approx(by_rank)


def test_lists_of_unequal_length_are_refused() -> None:
    for of in (agreement, cohen_kappa, spearman, kendall):
        with pytest.raises(ValueError, match=r"zip\(\)"):
            of([1, 2, 3], [1, 2])


WIKIPEDIA = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip


def labels(counts: list[tuple[int, ...]]) -> list[list[int]]:
    return [[label for label, count in enumerate(row) for _ in range(count)] for row in counts]


def test_fleiss_worked_example() -> None:
    # P̄ = 0.378, P̄e = 0.213 → (0.37802 - 0.21276) / 0.78724 = 0.210
    found = fleiss_kappa(labels(WIKIPEDIA))
    assert found == pytest.approx(0.20993, abs=1e-5)


@pytest.mark.parametrize(
    ("ratings", "kappa"),
    [
        # P = 1, 1/3, 1/3, 1 → 2/3; labels 6 a, 6 b: 1/2 → (2/3 - 1/2)/(1/2)
        (["aaa", "aab", "abb", "bbb"], 1 / 3),
        (["aaa", "aab", "abb", "bbb", "ab", "a", ""], 1 / 3),
        (["ab", "ba", "aaa", "bbb"], 1.0),  # two and two: the larger number of ratings
        (["a", "b", "a", "ab", "ba"], -1.0),  # one rating shows no agreement; P = 0, by chance 1/2
        (["aa", "aa"], None),
        (["ab"], None),
        (["a", "b"], None),
        ([], None),
    ],
)
def test_fleiss(ratings: list[str], kappa: float | None) -> None:
    found = fleiss_kappa(ratings)
    assert found == (None if kappa is None else pytest.approx(kappa))


def test_a_rating_that_is_not_there_is_no_label() -> None:
    assert fleiss_kappa([["a", "a", None], ["b", None, "b"]]) == 1.0


@pytest.mark.parametrize(
    ("a", "b", "rho", "tau"),
    [
        # ranks 1 2.5 2.5 4 against 1 2 3 4: covariance 4.5, squares 4.5 and 5 → 4.5/√22.5; pairs 5 of √(5·6)
        ([1, 2, 2, 3], [10, 20, 30, 40], 4.5 / 22.5**0.5, 5 / 30**0.5),
        ([1, 2, 3], [3, 2, 1], -1.0, -1.0),
        ([1, None, 2, 3], [1, 9, 2, None], 1.0, 1.0),
        ([1, 1, 1], [1, 2, 3], None, None),
        ([1], [2], None, None),
        ([], [], None, None),
    ],
)
def test_rank_correlations(a: list, b: list, rho: float | None, tau: float | None) -> None:
    assert spearman(a, b) == (None if rho is None else pytest.approx(rho))
    assert kendall(a, b) == (None if tau is None else pytest.approx(tau))


@pytest.mark.parametrize(
    ("votes", "winner"),
    [
        ([1, 1, 2], 1),
        ([0, 1, 1, 0], None),
        ([1, 2, 0], None),
        ([1, 1, 2, 0], 1),  # the commonest, though no more than half
        ([None, None, 2], 2),
        ([0], 0),
        ([None], None),
        ([], None),
    ],
)
def test_majority(votes: list, winner: int | None) -> None:
    assert majority(votes) == winner


def test_agreement() -> None:
    assert agreement([1, 2, None, 0], [1, 1, 1, 0]) == pytest.approx(2 / 3)
    assert agreement([None], [1]) is None


def test_interval_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(4)
    a = rng.integers(0, 3, 150)
    b = np.where(rng.random(150) < 0.7, a, rng.integers(0, 3, 150))
    expected = bootstrap(
        (a, b), lambda x, y: cohen_kappa(x.tolist(), y.tolist()), paired=True, vectorized=False,
        method="percentile", n_resamples=2000, rng=rng,
    ).confidence_interval  # fmt: skip
    low, high = interval(a.tolist(), b.tolist(), statistic=cohen_kappa, seed=1)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.02)
    assert (low, high) == interval(a.tolist(), b.tolist(), statistic=cohen_kappa, seed=1)
    assert (low, high) != interval(a.tolist(), b.tolist(), statistic=cohen_kappa, seed=2)


def test_interval_of_one_column() -> None:
    # 40 of 100: standard error √(0.24/100) = 0.049, so 0.4 ∓ 0.096
    low, high = interval([1.0] * 40 + [0.0] * 60, statistic=lambda column: sum(column) / len(column), seed=0)
    assert (low, high) == pytest.approx((0.304, 0.496), abs=0.015)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1], [1]),
        ([1, 2] * 30, [1, 2] * 30),  # κ is 1 in every resample: that is no certainty
        ([None, None, 1], [1, 2, None]),
        ([1, None, None], [1, 1, 2]),
        ([1] * 9 + [2], [1] * 8 + [2, 2]),  # 0.8¹⁰ = 11 % of the resamples hold one label only
    ],
)
def test_no_interval_where_resamples_cannot_tell(a: list[int], b: list[int]) -> None:
    assert interval(a, b, statistic=cohen_kappa, seed=0) is None


def raters(n: int, labels: int, agree: float, seed: int = 0) -> tuple[list[int], list[int]]:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, labels, n)
    return a.tolist(), np.where(rng.random(n) < agree, a, rng.integers(0, labels, n)).tolist()


@pytest.mark.parametrize(
    ("n", "labels", "weights"),
    [
        (40, 2, None),
        (60, 3, None),
        (100, 5, "quadratic"),
        pytest.param(100, 3, None, marks=pytest.mark.nightly),
        pytest.param(200, 4, "linear", marks=pytest.mark.nightly),
    ],
)
def test_another_seed_prints_the_same_interval_of_kappa(n: int, labels: int, weights: str | None) -> None:
    kappa = partial(cohen_kappa, weights=weights)
    ends = np.array([interval(*raters(n, labels, 0.7), statistic=kappa, seed=seed) for seed in range(2)])
    assert np.ptp(ends, axis=0).max() < 0.0025  # with 1,000 resamples 0.02 and more
    assert {f"{low:.2f} {high:.2f}" for low, high in ends} == {f"{ends[0][0]:.2f} {ends[0][1]:.2f}"}


@pytest.mark.parametrize(
    ("weights", "unknown"),
    [
        (None, None),
        ("linear", float("nan")),
        ("quadratic", None),
        pytest.param(None, float("nan"), marks=pytest.mark.nightly),
        pytest.param("linear", None, marks=pytest.mark.nightly),
        pytest.param("quadratic", float("nan"), marks=pytest.mark.nightly),
    ],
)
def test_the_interval_of_kappa_is_that_of_single_resamples(weights: str | None, unknown: float | None) -> None:
    a, b = raters(50, 3, 0.6)
    a[3], b[7] = unknown, unknown
    of_counts = interval(a, b, statistic=partial(cohen_kappa, weights=weights), seed=0)
    drawn = interval(a, b, statistic=lambda x, y: cohen_kappa(x, y, weights), seed=0)
    assert of_counts == pytest.approx(drawn, abs=0.012)


@pytest.mark.parametrize(("copies", "weights"), [pytest.param(4, None, marks=pytest.mark.nightly), (3, "quadratic")])
def test_answers_to_one_question_are_drawn_together(copies: int, weights: str | None) -> None:
    """Each item several times, as one group, is no more certain than once; taken as items by themselves it would be."""
    kappa, (a, b) = partial(cohen_kappa, weights=weights), raters(40, 3, 0.6)
    many = [np.repeat(column, copies).tolist() for column in (a, b)]
    groups = np.repeat(range(40), copies).tolist()
    once, grouped = interval(a, b, statistic=kappa, seed=0), interval(*many, statistic=kappa, seed=0, groups=groups)
    assert grouped == pytest.approx(once, abs=0.004)
    apart = interval(*many, statistic=kappa, seed=0)
    assert apart[1] - apart[0] < 0.75 * (grouped[1] - grouped[0])
    drawn = interval(*many, statistic=lambda x, y: cohen_kappa(x, y, weights), seed=0, groups=groups)
    assert drawn == pytest.approx(grouped, abs=0.015)


def test_one_group_has_no_interval() -> None:
    assert interval([1, 2, 1], [1, 2, 2], statistic=cohen_kappa, seed=0, groups=["q"] * 3) is None


VERDICTS = {"1": 1, "2": 2, "Tie": 0, "garbage": None}


def pandalm(folder: Path) -> tuple[list[tuple[int, int, int]], list[int | None]]:
    """Three annotators and the stored GPT-3.5 verdict of each item (0 tie, 1, 2; None unreadable), joined by idx."""
    people = json.loads((folder / "pandalm" / "testset-v1.json").read_text(encoding="utf-8"))
    judged = json.loads((folder / "pandalm" / "gpt-3.5-turbo-testset-v1.json").read_text(encoding="utf-8"))
    verdicts = {row["idx"]: VERDICTS[row["gpt_result"]] for row in judged}
    votes = [(row["annotator1"], row["annotator2"], row["annotator3"]) for row in people]
    return votes, [verdicts[row["idx"]] for row in people]


def test_the_stored_judge_against_the_annotators(shared_data: Path) -> None:
    votes, verdicts = pandalm(shared_data)
    people = [majority(vote) for vote in votes]
    assert (len(people), people.count(None), verdicts.count(None)) == (999, 0, 25)
    assert agreement(people, verdicts) == pytest.approx(0.7156, abs=5e-5)  # on the 974 readable ones
    assert cohen_kappa(people, verdicts) == pytest.approx(0.4929, abs=5e-5)
    tied = [verdict or 0 for verdict in verdicts]  # unreadable as ties, as the authors did
    assert agreement(people, tied) == pytest.approx(0.7107, abs=5e-5)
    assert cohen_kappa(people, tied) == pytest.approx(0.4958, abs=5e-5)
    low, high = interval(people, verdicts, statistic=cohen_kappa, seed=0)
    assert 0.43 < low < 0.4929 < high < 0.56


def test_the_annotators_among_each_other(shared_data: Path) -> None:
    votes, _ = pandalm(shared_data)
    among = [cohen_kappa(a, b) for a, b in combinations(zip(*votes, strict=True), 2)]
    assert sorted(among) == pytest.approx([0.852, 0.862, 0.879], abs=5e-4)
    fleiss = fleiss_kappa(votes)
    assert fleiss == pytest.approx(sum(among) / 3, abs=1e-3)  # as close as equal margins make it
