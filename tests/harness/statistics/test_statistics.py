"""The statistics against hand-worked values and against scipy and statsmodels."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from harness.statistics import resampling
from harness.statistics.groups import Groups, error_of_mean
from harness.statistics.intervals import (
    BoundedMean,
    Interval,
    ValueRange,
    bounded_means,
    crossed,
    mean_interval,
    reconciled,
    score_interval,
    student_interval,
    wilson,
)
from harness.statistics.paired import PairedDifference
from harness.statistics.power import detectable, detectable_at, detectable_share, needed, needed_at, needed_share
from harness.statistics.resampling import RESAMPLES, Floats, coin_tosses, resamples
from harness.statistics.tests import SignFlips, holm, holm_levels, mcnemar, mcnemar_interval

SHARE = ValueRange(0.0, 1.0)


def bounded(
    values: np.ndarray, groups: Groups | None = None, scale: ValueRange = SHARE, unseen: float = 1.0
) -> BoundedMean:
    return bounded_means(values[:, None], groups or Groups.single(len(values)), [scale], [unseen], seed=1)[0]


def interval_of(values: list[float], scale: ValueRange = SHARE) -> Interval:
    array = np.array(values)
    return mean_interval(array, Groups.single(len(array)), bounded(array, scale=scale))


def paired(ours: np.ndarray, theirs: np.ndarray, groups: Groups | None = None) -> PairedDifference:
    groups = groups or Groups.single(len(ours))
    return PairedDifference(ours, theirs, groups, bounded(ours - theirs, groups, SHARE.of_differences), seed=1)


# Two systems on ten items, worked by hand: A is right on 7, B on 5; A alone on 3 items, B alone on 1.
A = np.array([1, 1, 1, 0, 1, 0, 1, 1, 0, 1.0])
B = np.array([1, 0, 1, 0, 0, 1, 1, 1, 0, 0.0])


def test_wilson_for_seven_of_ten() -> None:
    # centre (0.7 + 3.8415/20) / 1.38415 = 0.64449; half 1.96/1.38415·√(0.021 + 0.0096036) = 0.24771
    assert wilson(0.7, 10) == pytest.approx((0.39677814746, 0.89220873259))
    assert wilson(0.0, 10)[0] == 0.0
    assert wilson(1.0, 10)[1] == 1.0


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (3, 1, 0.625),  # 2·(1 + 4)/16
        (3, 0, 0.25),  # 2·1/8
        (0, 0, 1.0),
        (2, 2, 1.0),
        (26, 14, 0.0806904677519924),
        (15, 5, 0.04138946533203125),
        (121, 59, 4.4344492637551645e-06),
    ],
)
def test_mcnemar(wins: int, losses: int, p: float) -> None:
    assert mcnemar(wins, losses) == pytest.approx(p, rel=1e-9)


def test_mcnemar_for_many_pairs_is_the_binomial_test() -> None:
    from scipy.stats import binomtest

    assert mcnemar(560, 470) == pytest.approx(binomtest(560, 1030).pvalue)
    assert mcnemar(510, 480) == pytest.approx(binomtest(510, 990).pvalue)


def flip(differences: np.ndarray) -> float:
    return SignFlips(differences, Groups.single(len(differences)), seed=1).p()


def test_sign_flip_is_exact_for_few_items() -> None:
    # differences +1 three times, −1 once, 0 six times: |sum| ≥ 2 in 10 of the 16 sign patterns of the four
    assert flip(A - B) == pytest.approx(10 / 16)
    # 0.5, 0.25, 0.25: all eight sums are ±1, ±0.5, 0, 0 …; |sum| ≥ 1 in two of them
    assert flip(np.array([0.5, 0.25, 0.25])) == pytest.approx(2 / 8)


def test_sign_flip_agrees_with_scipy_for_many_items() -> None:
    from scipy.stats import permutation_test

    differences = np.random.default_rng(3).normal(0.15, 1, 80)
    expected = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    ).pvalue
    assert flip(differences) == pytest.approx(expected, abs=0.015)


def test_sign_flip_of_large_samples_stays_in_memory() -> None:
    differences = np.full(50_000, 1e-3) + np.random.default_rng(0).normal(0, 1, 50_000)
    assert 0 < flip(differences) <= 1


def test_holm() -> None:
    # sorted 0.005·4, 0.01·3, 0.03·2, 0.04·1 → 0.02, 0.03, 0.06, max(0.06, 0.04)
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@pytest.mark.parametrize(
    ("adjusted", "levels"),
    [
        ([0.2], [0.05]),
        ([0.01], [0.05]),  # rejected: α / (1 − 1 + 1)
        ([0.01, 0.3, 0.4], [0.05 / 3, 0.05 / 2, 0.05 / 2]),  # one of three rejected
        ([0.01, 0.02, 0.04], [0.05, 0.05, 0.05]),  # all of three: the last was compared with α / 1
    ],
)
def test_each_interval_has_the_level_at_which_holm_tested_it(adjusted: list[float], levels: list[float]) -> None:
    assert holm_levels(adjusted) == pytest.approx(levels)


def test_clustered_errors_of_the_fixture() -> None:
    """E1: five pairs of items; CR1, and Student's t with four degrees of freedom."""
    clusters = Groups.of([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    assert error_of_mean(A, clusters) == pytest.approx(0.1224744871391589)
    assert error_of_mean(A - B, clusters) == pytest.approx(0.12247448713915893)
    assert error_of_mean(A, Groups.single(10)) == pytest.approx(0.15275252316519464)  # s / √n
    interval = student_interval(0.2, error_of_mean(A - B, clusters), 4)
    assert (interval.low, interval.high) == pytest.approx((-0.14004369032912795, 0.5400436903291279))


def test_items_without_a_label_are_groups_by_themselves() -> None:
    groups = Groups.of(["a", None, "a", None, "b"])
    assert (groups.count, groups.are_items) == (4, False)
    assert groups.sums(np.arange(5.0)).tolist() == [2.0, 1.0, 3.0, 4.0]
    assert groups.at(np.array([False, True, False, True, True])).are_items
    assert Groups.of([None, "a", "b"]).are_items


def test_sixty_rows_written_five_times_are_sixty() -> None:
    values = np.array([1.0] * 23 + [0.0] * 37)
    copies, groups = np.repeat(values, 5), Groups.of(np.repeat(range(60), 5).tolist())
    interval = mean_interval(copies, groups, bounded(copies, groups))
    assert (interval.mean, interval.low, interval.high) == pytest.approx((23 / 60, 0.271, 0.510), abs=5e-4)
    # One row more breaks the equal sizes; the interval is hardly another, and no narrower than that of 61 rows.
    more, labels = np.append(copies, 1.0), Groups.of([*np.repeat(range(60), 5).tolist(), 60])
    wider = mean_interval(more, labels, bounded(more, labels))
    assert (wider.low, wider.high) == pytest.approx((0.27, 0.52), abs=0.02)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([1.0] * 20, 0.8389, 1.0),  # Wilson: n / (n + z²)
        ([1.0] * 19 + [0.99], 0.83, 1.0),  # no jump: Clopper & Pearson have 0.025^(1/20) = 0.8316
        ([0.0] * 19 + [0.01], 0.0, 0.17),
        ([0.5] * 20, 0.5 - 0.5 * 0.1684, 0.5 + 0.5 * 0.1684),  # an unseen share of up to 1 − 0.025^(1/20) at either end
        ([1.0] * 39 + [0.98], 0.91, 1.0),  # 0.025^(1/40) = 0.9119
    ],
)
def test_values_that_hardly_vary_have_an_interval_without_a_jump(values: list[float], low: float, high: float) -> None:
    interval = interval_of(values)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.006)


def test_bounded_means_of_right_or_wrong_values_are_clopper_pearson() -> None:
    from scipy.stats import beta

    interval = bounded(A).interval()  # 7 of 10
    assert (interval.low, interval.high) == pytest.approx((beta.ppf(0.025, 7, 4), beta.ppf(0.975, 8, 3)), abs=0.01)
    assert interval.low == pytest.approx(0.3475471499400027, abs=0.01)
    narrow = bounded(A).interval(0.01)
    assert (narrow.low, narrow.high) == pytest.approx((beta.ppf(0.005, 7, 4), beta.ppf(0.995, 8, 3)), abs=0.015)


def test_many_values_have_nearly_the_normal_interval() -> None:
    values = np.random.default_rng(1).uniform(0.2, 0.9, 3000)
    interval, half = interval_of(values.tolist()), 1.96 * values.std() / math.sqrt(3000)
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.1)


def test_bounded_means_resample_groups() -> None:
    """Twenty groups of ten equal values are as sure as twenty values."""
    values = np.random.default_rng(2).uniform(0, 1, 20)
    alone, together = (
        bounded(values).interval(),
        bounded(np.repeat(values, 10), Groups.of(np.repeat(range(20), 10).tolist())),
    )
    assert (together.interval().low, together.interval().high) == pytest.approx((alone.low, alone.high), abs=1e-9)


def test_bounded_means_in_small_chunks_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).uniform(0, 1, 37)
    whole = bounded(values).interval()
    monkeypatch.setattr(resampling, "CHUNK", 37 * 101)
    parts = bounded(values).interval()
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=0.01)


def test_unknown_values_change_no_mean() -> None:
    columns = np.column_stack([A, np.where(A == 1, A, np.nan)])
    both = bounded_means(columns, Groups.single(10), [SHARE, SHARE], [1.0, 1.0], seed=7)
    assert [own.mean for own in both] == [0.7, 1.0]
    assert both[1].interval().low == pytest.approx(0.025 ** (1 / 7), abs=0.01)
    assert both[1].freedom == 6


def test_equal_columns_have_equal_intervals() -> None:
    values = np.random.default_rng(5).uniform(0, 1, 12)
    three = bounded_means(np.column_stack([values] * 3), Groups.single(12), [SHARE] * 3, [1.0] * 3, seed=1)
    ends = np.array([(own.interval().low, own.interval().high) for own in three])
    assert np.ptp(ends, axis=0).max() < 1e-12
    single = bounded(values).interval()
    assert (three[0].interval().low, three[0].interval().high) == pytest.approx((single.low, single.high))


def test_a_scale_without_end_has_a_students_interval_there() -> None:
    values = np.array([3.0, 5.0, 4.0, 8.0])
    interval = bounded(values, scale=ValueRange(0.0, 1e9)).interval()
    assert interval.high == pytest.approx(5 + 3.182446305 * values.std(ddof=1) / 2)
    assert 0 <= interval.low < 5


# The end that solves Tango's equation was found by a grid of 10⁷ steps in an independent computation of his formula.
@pytest.mark.parametrize(
    ("wins", "losses", "n", "ends"),
    [
        (0, 0, 20, (-0.161125, 0.161125)),  # z² / (n + z²)
        (9, 2, 80, None),
        (12, 0, 40, None),
        (3, 3, 10, None),
        (40, 44, 1000, None),
    ],
)
def test_score_interval_solves_tangos_equation(
    wins: int, losses: int, n: int, ends: tuple[float, float] | None
) -> None:
    interval = score_interval(wins, losses, n, 0.05)
    if ends:
        assert (interval.low, interval.high) == pytest.approx(ends, abs=1e-5)
    for delta in (interval.low, interval.high):
        q = tango_q(wins, losses, n, delta)
        statistic = (wins - losses - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))
        assert abs(statistic) == pytest.approx(1.959964, abs=1e-4)


def tango_q(wins: int, losses: int, n: int, delta: float) -> float:
    """The likeliest share of lost items when the shares differ by delta, by search."""
    grid = np.linspace(max(0.0, -delta) + 1e-9, (1 - delta) / 2 - 1e-9, 2_000_001)
    likelihood = wins * np.log(grid + delta) + losses * np.log(grid) + (n - wins - losses) * np.log1p(-2 * grid - delta)
    return float(grid[np.argmax(likelihood)])


@pytest.mark.parametrize(("estimated", "inverted", "joined"), [
    ((-0.1, 0.3), (0.02, 0.2), (0.02, 0.3)),  # the test excludes 0: so does the interval
    ((0.05, 0.3), (-0.01, 0.2), (-0.01, 0.3)),  # the test does not: 0 is within
    ((0.05, 0.3), (0.07, 0.2), (0.05, 0.3)),
    ((-0.3, 0.1), (-0.2, -0.02), (-0.3, -0.02)),
    ((-0.3, -0.1), (-0.2, 0.0), (-0.3, 0.0)),
])  # fmt: skip
def test_an_interval_agrees_with_its_test(
    estimated: tuple[float, float], inverted: tuple[float, float], joined: tuple[float, float]
) -> None:
    interval = reconciled(Interval(0.0, *estimated), Interval(0.0, *inverted))
    assert (interval.low, interval.high) == joined


@pytest.mark.parametrize("kind", ["binary", "graded", "sparse", "grouped"])
@pytest.mark.parametrize("level", [0.05, 0.01, 0.002])
def test_intervals_exclude_nothing_but_what_the_test_rejects(kind: str, level: float) -> None:
    rng, rejections = np.random.default_rng(6), 0
    for n in (6, 10, 14, 30, 60) * 8:
        theirs = rng.uniform(0, 1, n)
        ours = np.clip(theirs + rng.normal(rng.choice([0, 0.1, 0.3]), 0.2, n), 0, 1)
        if kind == "binary":
            ours, theirs = (ours > 0.5) * 1.0, (theirs > 0.6) * 1.0
        if kind == "sparse":
            ours = np.where(rng.random(n) < 0.6, theirs, ours)
        groups = Groups.of(rng.integers(0, n // 2, n).tolist()) if kind == "grouped" else None
        pair = paired(ours, theirs, groups)
        interval = pair.interval(level)
        assert (interval.low > 0 or interval.high < 0) == (pair.p < level), (n, interval, pair.p)
        assert interval.low <= interval.mean <= interval.high
        rejections += pair.p < level
    assert rejections > 0


def test_mcnemars_interval_of_six_wins() -> None:
    # Clopper–Pearson for 6 of 6: 0.025^(1/6) = 0.54074; (2 · 0.54074 − 1) · 6/20
    interval = mcnemar_interval(6, 0, 20, 0.05)
    assert (interval.low, interval.high) == pytest.approx((0.0244445, 0.3), abs=1e-6)


@pytest.mark.parametrize(
    ("differences", "widest"),
    [
        ([0.0] * 20, 0.1684),  # 1 − 0.025^(1/20)
        ([0.0] * 19 + [0.01], 0.1684),
        ([0.0] * 18 + [0.01, -0.02], 0.1684),
    ],
)
def test_differences_that_are_mostly_equal_have_an_interval_without_a_jump(
    differences: list[float], widest: float
) -> None:
    theirs = np.full(20, 0.5)
    interval = paired(theirs + np.array(differences), theirs).interval(0.05)
    assert (interval.low, interval.high) == pytest.approx((-widest, widest), abs=0.015)


def test_a_test_of_groups_flips_their_sums() -> None:
    # sums of the three groups: 1.5, 0.5, 1.0; |±1.5 ±0.5 ±1| ≥ 3 in two of eight
    values, groups = np.array([1.0, 0.5, 0.5, 0.25, 0.75]), Groups.of(["a", "a", "b", "c", "c"])
    assert SignFlips(values, groups, seed=1).p() == pytest.approx(2 / 8)


def test_copies_of_items_make_no_difference_more_certain() -> None:
    """60 rows that are twelve written five times each: test, interval and power are those of the twelve."""
    rng = np.random.default_rng(3)
    ours, theirs = rng.integers(0, 2, 12) * 1.0, rng.integers(0, 2, 12) * 1.0
    copies = Groups.of(np.repeat(range(12), 5).tolist())
    many = paired(np.repeat(ours, 5), np.repeat(theirs, 5), copies)
    single = paired(ours, theirs)
    assert (many.p, many.test, many.interval(0.05)) == (single.p, "exact McNemar", single.interval(0.05))
    assert many.needed(0.05) == (single.needed(0.05) or pytest.fail("a difference was drawn")).times(5)
    own = bounded(ours - theirs, scale=SHARE.of_differences)
    assert (many.bounded.interval().low, many.bounded.interval().high) == pytest.approx(
        (own.interval().low, own.interval().high)
    )


def test_power() -> None:
    # Miller 2024: δ = 0.03, variance 1/9 → n = 2.8015852² · (1/9) / 0.0009 = 968.998
    spread = math.sqrt(1 / 9 * 197 / 198)  # so that the sample variance of ± values is 1/9
    differences, groups = np.tile([spread, -spread], 99), Groups.single(198)
    assert differences.var(ddof=1) == pytest.approx(1 / 9)
    assert detectable_at(math.sqrt(1 / 9 / 198), math.inf, 0.05) == pytest.approx(0.0663666639)
    assert detectable(differences, groups) == pytest.approx(0.0663666639, rel=0.01)  # a little more by Student's t
    expected = needed(differences + 0.03, groups)
    assert expected is not None
    assert expected.likely == 969
    assert needed(np.zeros(5), Groups.single(5)) is None


@pytest.mark.parametrize(
    ("n", "discordance", "share"),
    [
        (12, 0.0, 0.578),  # six discordant items all one way: P(Bin(12, 0.578) ≥ 6) = 0.8
        (12, 0.3, 0.578),
        (6, 0.2, 0.9635),  # all six: 0.8^(1/6)
        (5, 0.5, None),  # 2 / 2⁵ is above 0.05
        (1346, 0.2, 0.0347),  # Connor 1987: 0.0342; the exact test is a little weaker
    ],
)
def test_detectable_difference_of_right_or_wrong_values(n: int, discordance: float, share: float | None) -> None:
    assert detectable_share(n, discordance) == (None if share is None else pytest.approx(share, abs=2e-3))


def test_detectable_difference_is_found_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    share = detectable_share(40, 0.3)
    assert share is not None
    wins, losses = (max(0.3, share) + share) / 2, (max(0.3, share) - share) / 2
    draws = rng.multinomial(40, [wins, losses, 1 - wins - losses], 4000)
    assert np.mean([mcnemar(int(won), int(lost)) < 0.05 for won, lost, _ in draws]) == pytest.approx(0.8, abs=0.025)


def test_too_few_groups_can_show_nothing() -> None:
    assert detectable(np.array([0.1, 0.3, 0.2, 0.4, 0.1]), Groups.single(5)) is None  # 2 / 2⁵ is above 0.05
    assert detectable(np.array([0.1, 0.3, 0.2, 0.4, 0.1, 0.2]), Groups.single(6)) is not None
    assert detectable(np.zeros(9), Groups.single(9)) is None


@pytest.mark.parametrize(
    ("wins", "losses", "n", "level", "likely"),
    [
        # Connor: ψ = 0.1, δ = 0.03 → (1.959964·√0.1 + 0.841621·√0.0991)² / 0.0009 = 869.74; 65 : 35 of 1,000
        (65, 35, 1000, 0.05, 870),
        # five wins, one tie: six discordant items are the fewest with p < 0.05, so 6 / (5/6) = 7.2 → 8 items
        (5, 0, 6, 0.05, 8),
        (3, 0, 3, 0.005, 9),  # at α = 0.005: nine discordant items, 2/2⁹ = 0.0039
        (2, 2, 9, 0.05, None),  # no difference
    ],
)
def test_needed_for_right_or_wrong_values(wins: int, losses: int, n: int, level: float, likely: int | None) -> None:
    expected = needed_share(wins, losses, n, level)
    assert expected is not None
    assert expected.likely == likely
    assert expected.high is None or expected.low <= expected.high
    assert needed_share(0, 0, n) is None


def test_a_pilot_names_a_range_that_holds_the_true_number() -> None:
    """ψ = 0.3, δ = 0.1: 234 items. Pilots of 50 name single numbers from 61 to 5,100; their ranges hold it in 80 %."""
    rng, hits = np.random.default_rng(0), 0
    for wins, losses, _ in rng.multinomial(50, [0.2, 0.1, 0.7], 1000):
        named = needed_share(int(wins), int(losses), 50)
        hits += named is not None and named.low <= 234 and (named.high is None or named.high >= 234)
    assert 0.75 < hits / 1000 < 0.92


def test_needed_by_a_standard_error() -> None:
    # 100 items, difference 0.1, error 0.05: 100 · (2.801585 · 0.05 / 0.1)² = 196.2; at 0.1 ± 1.28155 · 0.05: 72.9 and 1,520.6
    expected = needed_at(0.1, 0.05, 100, 0.05)
    assert expected is not None
    assert (expected.low, expected.likely, expected.high) == (73, 197, 1521)
    tiny = needed_at(1e-17, 0.05, 100, 0.05)
    assert tiny is not None
    assert tiny.high is None


@pytest.mark.parametrize(
    ("values", "labels", "level", "likely"),
    [
        ([0.5, 0.51], None, 0.05, 6),  # the formula says 1; of five items all 2⁵ signs leave p = 1/16, of six 1/32
        ([0.5, 0.51], None, 0.05 / 18, 10),  # 2⁻⁹ = 0.00195 is below 0.00278, 2⁻⁸ is not
        ([0.5, 0.51, 0.49, 0.5] * 3, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], 0.01, 16),  # eight groups of two
        ([0.4, 0.4, 0.41, 0.0], None, 0.05, 8),  # three of four differ at all: 6 · 4/3
    ],
)
def test_no_fewer_items_are_named_than_a_permutation_test_takes(
    values: list[float], labels: list[int] | None, level: float, likely: int
) -> None:
    groups = Groups.of(labels) if labels else Groups.single(len(values))
    expected = needed(np.array(values), groups, level)
    assert expected is not None
    assert expected.likely == pytest.approx(likely, abs=0)
    assert expected.low >= likely


@pytest.mark.parametrize(
    ("groups", "level", "possible"),
    [(5, 0.05, False), (6, 0.05, True), (9, 0.05 / 18, False), (500, 0.05 / 490, True), (500, 0.05 / 1200, False)],
)
def test_a_figure_of_few_groups_names_no_detectable_difference(groups: int, level: float, possible: bool) -> None:
    assert (detectable_at(0.1, groups, level) is not None) == possible


def test_items_crossed_with_seeds() -> None:
    from scipy.stats import t, ttest_1samp

    values = np.array([0.0, 1.0, 1.0, 0.5])
    error = error_of_mean(values, Groups.single(4))
    same = np.array([0.625, 0.625])  # seeds that do not differ add nothing: a one-sample t-test
    interval, p = crossed(0.625, error, 3, [same])
    expected = ttest_1samp(values, 0)
    assert p == pytest.approx(expected.pvalue)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    # items: variance 0.229167 (ddof 1) / 4 = 0.0572917, 3 degrees; seeds 0.5 and 0.75: 0.03125 / 2 = 0.015625, 1 degree
    interval, p = crossed(0.625, error, 3, [np.array([0.5, 0.75])])
    variance = 0.0572917 + 0.015625  # = 0.0729167, error 0.270031
    freedom = variance**2 / (0.0572917**2 / 3 + 0.015625**2 / 1)  # = 3.9730
    assert freedom == pytest.approx(3.9730, abs=1e-4)
    assert interval.mean == 0.625
    assert interval.high - interval.mean == pytest.approx(t.ppf(0.975, freedom) * 0.270031, rel=1e-5)
    assert p == pytest.approx(2 * t.sf(0.625 / 0.270031, freedom), rel=1e-5)
    # Both sides trained several times: both spreads count.
    wider, larger = crossed(0.625, error, 3, [np.array([0.5, 0.75]), np.array([0.1, 0.6])])
    assert wider.high > interval.high
    assert larger > p


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.25, 0.0)])
def test_what_never_varies_has_no_width_of_its_own(value: float, p: float) -> None:
    interval, chance = crossed(value, 0.0, 4, [np.full(2, value)])
    assert (interval.low, interval.high, chance) == (value, value, p)


@pytest.mark.parametrize("draw", [resamples, coin_tosses])
@pytest.mark.parametrize("count", [1, 7, 300])
def test_draws_that_are_kept_are_those_of_every_comparison(
    draw: Callable[[int, int], Iterator[Floats]], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [rows.copy() for rows in draw(count, 3)]
    for rows in draw(count, 3):
        rows += 1.0  # what is handed out is nobody else's
    again = list(draw(count, 3))
    monkeypatch.setattr(resampling, "KEPT", 0)
    fresh = list(draw(count, 3))
    assert all(np.array_equal(a, b) and np.array_equal(a, c) for a, b, c in zip(kept, again, fresh, strict=True))
    assert sum(map(len, kept)) == RESAMPLES
