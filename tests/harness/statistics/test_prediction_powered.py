"""The corrected mean against worked values of ppi_py, and what the interval promises when drawn many times."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.statistics.prediction_powered import corrected_mean, standard_error

HUMAN = [1, 1, 0, 1, 0, 0, 1, 1, 0, 1]
JUDGED = [1, 1, 0, 1, 1, 0, 1, 0, 0, 1]
REST = [1] * 13 + [0] * 7


@pytest.fixture
def golden(shared_data: Path) -> dict[str, Any]:
    return json.loads((shared_data.parent / "reference" / "stats_golden.json").read_text(encoding="utf-8"))["ppi"]


@pytest.mark.parametrize("case", ["lam0", "lam1", "tuned_ppi_py"])
def test_standard_error_at_a_given_weight(golden: dict[str, Any], case: str) -> None:
    assert (golden["Y"], golden["Yhat"], golden["Yhat_unlabeled"]) == (HUMAN, JUDGED, REST)
    for ddof in (0, 1):
        error = standard_error(HUMAN, JUDGED, REST, golden[case]["lam"], ddof)
        assert error == pytest.approx(golden[case][f"se_ddof{ddof}"])


def test_tuned_weight(golden: dict[str, Any]) -> None:
    from scipy.stats import t

    # cov 5/10 - 0.36 = 0.14; all judged 19/30: 19·11/(30·29) = 0.2402; λ = 0.14 / (1.5·0.2402) = 0.3885
    found = corrected_mean(HUMAN, JUDGED, REST)
    assert found.lam == pytest.approx(golden["tuned_ppi_py"]["lam"])
    assert found.mean == pytest.approx(golden["tuned_ppi_py"]["est"])  # 0.6 + 0.3885·(0.65 - 0.6)
    assert (found.labelled, found.unlabelled) == (10, 20)
    assert found.judged_mean == pytest.approx(19 / 30)
    # labelled: Var(Y - λf) = 0.2667 + λ²·0.2667 - 2λ·0.1556 = 0.186048, /10; rest λ²·0.23947/20 = 0.0018073
    labelled, rest = 0.0186048, 0.0018073
    assert labelled + rest == pytest.approx(golden["tuned_ppi_py"]["se_ddof1"] ** 2, rel=1e-5)
    half = t.ppf(0.975, 8) * (labelled * 9 / 8 + rest) ** 0.5  # λ costs a degree of freedom
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half), rel=1e-4)


@pytest.mark.parametrize(
    ("judged", "lam"),
    [
        ([1 - value for value in HUMAN], 0.0),  # a judge that is always wrong has no say
        ([0.5] * 10, 0.0),
        ([value / 10 for value in HUMAN], 1.0),  # a judge that spreads too little counts no more than fully
    ],
)
def test_weight_is_clipped(judged: list[float], lam: float) -> None:
    rest = judged * 3
    found = corrected_mean(HUMAN, judged, rest)
    assert found.lam == lam
    assert found.mean == pytest.approx(0.6)


@pytest.mark.parametrize("rest", [[], [1.0]])
def test_without_a_rest_it_is_the_mean_of_the_labelled(rest: list[float]) -> None:
    from scipy.stats import t

    found = corrected_mean(HUMAN, JUDGED, rest)
    assert (found.mean, found.lam) == (0.6, 0.0)
    half = t.ppf(0.975, 9) * 0.16329931618554522
    assert (found.low, found.high) == pytest.approx((0.6 - half, 0.6 + half))


def test_too_few_labelled_items_give_nothing() -> None:
    assert corrected_mean([], [], REST) is None
    assert corrected_mean([1, 0], [1, 0], REST) is None
    assert corrected_mean([1, 0, 1], [1, 0, 0], REST) is not None


def test_a_judge_without_an_error_seen_is_not_without_error() -> None:
    blind = corrected_mean(HUMAN, HUMAN, REST)
    assert (blind.low, blind.high) == (None, None)
    found = corrected_mean(HUMAN, HUMAN, REST, span=1.0)
    unseen = 1 - 0.025 ** (1 / 10)  # = 0.3085: so many errors may hide behind none in ten
    assert found.high - found.mean > unseen
    wide = corrected_mean([100 * y for y in HUMAN], [100 * y for y in HUMAN], [100 * y for y in REST], span=100.0)
    assert (wide.mean, wide.low, wide.high) == pytest.approx((100 * found.mean, 100 * found.low, 100 * found.high))


def test_people_who_never_vary() -> None:
    found = corrected_mean([1.0] * 10, JUDGED, REST, span=1.0)
    assert (found.mean, found.lam) == (1.0, 0.0)
    assert found.low == pytest.approx(0.025 ** (1 / 10))  # Clopper-Pearson for 10 of 10
    assert corrected_mean([1.0] * 10, JUDGED, REST).low is None


def test_the_scale_of_the_scores_changes_nothing() -> None:
    found = corrected_mean(HUMAN, JUDGED, REST)
    scaled = corrected_mean(*([20 * value + 5 for value in values] for values in (HUMAN, JUDGED, REST)))
    assert scaled.lam == pytest.approx(found.lam)
    assert (scaled.low, scaled.high) == pytest.approx((20 * found.low + 5, 20 * found.high + 5))


def test_what_cannot_be_used_is_refused() -> None:
    with pytest.raises(ValueError, match="2 human scores for 3 judged ones"):
        corrected_mean([1, 0], [1, 0, 1], REST)
    with pytest.raises(ValueError, match="unknown"):
        corrected_mean([1, 0, None], [1, 0, 1], REST)
    with pytest.raises(ValueError, match="unknown"):
        corrected_mean([1, 0, 1], [1, 0, 1], [float("nan")])


@pytest.mark.parametrize(("noise", "labelled"), [(0.1, 10), (0.3, 10), (0.1, 40), (0.3, 40)])
def test_the_interval_holds_the_truth_as_often_as_it_says(noise: float, labelled: int) -> None:
    rng = np.random.default_rng(0)
    held, narrower, draws = 0, 0, 500
    for _ in range(draws):
        human = rng.beta(4, 2, labelled + 300)  # mean 4/6
        judged = human + rng.normal(0.1, noise, labelled + 300)  # the judge is 0.1 too kind
        found = corrected_mean(human[:labelled], judged[:labelled], judged[labelled:])
        alone = corrected_mean(human[:labelled], judged[:labelled], [])
        held += found.low <= 4 / 6 <= found.high
        narrower += found.high - found.low < alone.high - alone.low
        assert abs(found.mean - 4 / 6) < 0.3
    assert 0.92 <= held / draws <= 0.98  # 0.95 ∓ 3 standard errors of √(0.05·0.95/500) = 0.01
    assert narrower / draws > (0.95 if noise == 0.1 else 0.6)
