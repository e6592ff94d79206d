"""The statistics against hand-worked values and against scipy and statsmodels."""

import math

import numpy as np
import pytest

from harness.statistics import resampling
from harness.statistics.intervals import crossed, difference_interval, mean_interval, wilson
from harness.statistics.power import detectable, needed
from harness.statistics.resampling import bootstrap_means
from harness.statistics.tests import holm, mcnemar, sign_flip

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


def test_sign_flip_is_exact_for_few_items() -> None:
    # differences +1 three times, −1 once, 0 six times: |sum| ≥ 2 in 10 of the 16 sign patterns of the four
    assert sign_flip(A - B, seed=1) == pytest.approx(10 / 16)
    # 0.5, 0.25, 0.25: all eight sums are ±1, ±0.5, 0, 0 …; |sum| ≥ 1 in two of them
    assert sign_flip(np.array([0.5, 0.25, 0.25]), seed=1) == pytest.approx(2 / 8)


def test_sign_flip_agrees_with_scipy_for_many_items() -> None:
    from scipy.stats import permutation_test

    differences = np.random.default_rng(3).normal(0.15, 1, 80)
    expected = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    ).pvalue
    assert sign_flip(differences, seed=1) == pytest.approx(expected, abs=0.015)


def test_sign_flip_of_large_samples_stays_in_memory() -> None:
    differences = np.full(50_000, 1e-3) + np.random.default_rng(0).normal(0, 1, 50_000)
    assert 0 < sign_flip(differences, seed=1) <= 1


def test_holm() -> None:
    # sorted 0.005·4, 0.01·3, 0.03·2, 0.04·1 → 0.02, 0.03, 0.06, max(0.06, 0.04)
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_paired_bootstrap_agrees_with_scipy() -> None:
    from scipy.stats import bootstrap

    rng = np.random.default_rng(5)
    ours = rng.uniform(0, 1, 120)
    theirs = np.clip(ours + rng.normal(-0.1, 0.2, 120), 0, 1)
    expected = bootstrap(
        (ours - theirs,), np.mean, method="percentile", n_resamples=20_000, rng=rng
    ).confidence_interval
    means = bootstrap_means((ours - theirs)[:, None], seed=1)[:, 0]
    interval = difference_interval(ours - theirs, means, span=1.0)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.004)


def test_columns_are_resampled_together() -> None:
    values = np.column_stack([A, A - 0.25, np.where(A == 1, A, np.nan)])
    means = bootstrap_means(values, seed=7)
    assert np.allclose(means[:, 0] - means[:, 1], 0.25)
    assert np.nanmin(means[:, 2]) == np.nanmax(means[:, 2]) == 1.0  # unknown items change no mean


def test_bootstrap_in_small_chunks_has_the_same_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).uniform(0, 1, (37, 1))
    standard_error = values.std() / math.sqrt(37)
    assert bootstrap_means(values, seed=1).std() == pytest.approx(standard_error, rel=0.03)
    monkeypatch.setattr(resampling, "CHUNK", 37 * 101)
    assert bootstrap_means(values, seed=1).std() == pytest.approx(standard_error, rel=0.03)


def test_no_variation_claims_no_certainty() -> None:
    ones = np.ones(60)
    interval = mean_interval(ones, np.ones(10), 0.0, 1.0)
    assert (interval.mean, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(60 / (60 + 1.959964**2))  # Wilson at 1: n / (n + z²)
    hundred = mean_interval(100 * ones, 100 * np.ones(10), 0.0, 100.0)
    assert (hundred.low, hundred.high) == pytest.approx((100 * interval.low, 100.0))
    unseen = 1 - 0.025 ** (1 / 60)  # Clopper–Pearson for 0 of 60
    nothing = difference_interval(np.zeros(60), np.zeros(10), span=1.0)
    assert (nothing.low, nothing.high) == pytest.approx((-unseen, unseen))


def test_power() -> None:
    # Miller 2024: δ = 0.03, variance 1/9 → n = 2.8015852² · (1/9) / 0.0009 = 968.998
    spread = math.sqrt(1 / 9 * 197 / 198)  # so that the sample variance of ± values is 1/9
    differences = np.tile([spread, -spread], 99)
    assert differences.var(ddof=1) == pytest.approx(1 / 9)
    assert detectable(differences) == pytest.approx(0.0663666639)
    assert needed(differences + 0.03) == 969
    assert needed(np.zeros(5)) is None


def test_needed_for_right_or_wrong_values() -> None:
    # Connor: ψ = 0.1, δ = 0.03 → (1.959964·√0.1 + 0.841621·√0.0991)² / 0.0009 = 869.74; 65 wins and 35 losses of 1,000
    differences = np.repeat([1.0, -1.0, 0.0], [65, 35, 900])
    assert needed(differences) == 870
    # five wins, one tie: six discordant items are the fewest with p < 0.05, so 6 / (5/6) = 7.2 → 8 items
    assert needed(np.array([1.0, 1, 1, 1, 1, 0])) == 8
    # at α = 0.005: nine discordant items, 2/2⁹ = 0.0039
    assert needed(np.ones(3), alpha=0.005) == 9
    assert needed(np.zeros(4)) is None


def test_no_detectable_difference_without_spread() -> None:
    assert detectable(np.zeros(5)) is None


def test_items_crossed_with_seeds() -> None:
    from scipy.stats import t, ttest_1samp

    values = np.array([0.0, 1.0, 1.0, 0.5])
    same = np.array([0.625, 0.625])  # seeds that do not differ add nothing: a one-sample t-test
    interval, p = crossed(values, [same])
    expected = ttest_1samp(values, 0)
    assert p == pytest.approx(expected.pvalue)
    assert (interval.low, interval.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    # items: variance 0.229167 (ddof 1) / 4 = 0.0572917, 3 degrees; seeds 0.5 and 0.75: 0.03125 / 2 = 0.015625, 1 degree
    interval, p = crossed(values, [np.array([0.5, 0.75])])
    variance = 0.0572917 + 0.015625  # = 0.0729167, error 0.270031
    freedom = variance**2 / (0.0572917**2 / 3 + 0.015625**2 / 1)  # = 3.9730
    assert freedom == pytest.approx(3.9730, abs=1e-4)
    assert interval.mean == 0.625
    assert interval.high - interval.mean == pytest.approx(t.ppf(0.975, freedom) * 0.270031, rel=1e-5)
    assert p == pytest.approx(2 * t.sf(0.625 / 0.270031, freedom), rel=1e-5)
    # Both sides trained several times: both spreads count.
    wider, larger = crossed(values, [np.array([0.5, 0.75]), np.array([0.1, 0.6])])
    assert wider.high > interval.high
    assert larger > p


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.25, 0.0)])
def test_what_never_varies_has_no_width_of_its_own(value: float, p: float) -> None:
    interval, found = crossed(np.full(5, value), [np.full(2, value)])
    assert (interval.low, interval.high, found) == (value, value, p)
