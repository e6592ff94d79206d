"""Figures as text: the same rounding everywhere, and nothing that reads better than it is."""

import math

import pytest

from harness.records.figures import Comparison, MetricInfo, Result
from reports.facts import numbers

SHARE = MetricInfo(component="", settings={}, low=0.0, high=1.0, better="higher")
LIKERT = MetricInfo(component="", settings={}, low=1.0, high=5.0, better="higher")
OPEN = MetricInfo(component="", settings={}, low=0.0, high=math.inf, better="lower")
BLEU = MetricInfo(component="", settings={}, low=0.0, high=100.0, better="higher")
SIMILAR = MetricInfo(component="", settings={}, low=-1.0, high=1.0, better="higher")
PERPLEXITY = MetricInfo(component="", settings={}, low=1.0, high=1e9, better="lower")  # 1e9: no end


@pytest.mark.parametrize(
    ("value", "info", "alone", "signed"),
    [
        (0.7667, SHARE, "76.7 %", "+76.7"),
        (1.0, SHARE, "100.0 %", "+100.0"),
        (0.0, SHARE, "0.0 %", "0.0"),
        (-0.0001, SHARE, "0.0 %", "0.0"),
        (-0.08, SHARE, "−8.0 %", "−8.0"),
        (4.126, LIKERT, "4.13", "+4.13"),  # a range of 4 is worth two decimals
        (-0.3, LIKERT, "−0.30", "−0.30"),
        (0.01234, OPEN, "0.0123", "+0.0123"),  # no range: three significant digits
        (12345.6, OPEN, "12,346", "+12,346"),
        (34.2, BLEU, "34.2", "+34.2"),
        (100.0, BLEU, "100.0", "+100.0"),
        (-3.04, BLEU, "−3.0", "−3.0"),
        (0.8314, SIMILAR, "0.831", "+0.831"),  # a similarity of at most 1: three decimals, however low it may go
        (-0.0035, SIMILAR, "−0.004", "−0.004"),
        (14.04, PERPLEXITY, "14.0", "+14.0"),
        (3.0, PERPLEXITY, "3.00", "+3.00"),
        (123.0, PERPLEXITY, "123", "+123"),
        (999.7, PERPLEXITY, "1,000", "+1,000"),
        (1e9, PERPLEXITY, "1,000,000,000", "+1,000,000,000"),
        (0.0, PERPLEXITY, "0.00", "0.00"),
    ],
)
def test_value_and_difference(value: float, info: MetricInfo, alone: str, signed: str) -> None:
    assert numbers.with_unit(value, info) == alone
    assert numbers.signed(value, info) == signed


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.2, 0.433, "20.0–43.3"), (-0.05, 0.117, "−5.0 to 11.7"), (-0.4, -0.1, "−40.0 to −10.0"), (None, 0.4, None)],
)
def test_interval(low: float | None, high: float | None, text: str | None) -> None:
    assert numbers.interval(low, high, SHARE) == text


@pytest.mark.parametrize(
    ("p", "adjusted", "text"),
    [
        (0.0004, 0.0004, "p < 0.001"),
        (0.0123, 0.0123, "p = 0.012"),
        (0.0123, 0.0246, "adjusted p = 0.025"),
        (0.267, None, "p = 0.27"),
        (1.0, 1.0, "p > 0.99"),
        (None, None, None),
    ],
)
def test_p_value(p: float | None, adjusted: float | None, text: str | None) -> None:
    found = Comparison(
        task="t",
        metric="m",
        variant="a",
        reference="b",
        samples=9,
        difference=0.1,
        low=0.0,
        high=0.2,
        p=p,
        p_adjusted=adjusted,
        test="",
        wins=1,
        losses=0,
        ties=8,
        verdict="inconclusive",
        detectable=None,
        needed=None,
    )
    assert numbers.p_value(found) == text


@pytest.mark.parametrize(
    ("info", "text"),
    [(SHARE, "0 to 1"), (LIKERT, "1 to 5"), (BLEU, "0 to 100"), (OPEN, "0 upwards"), (PERPLEXITY, "1 upwards")],
)
def test_scale(info: MetricInfo, text: str) -> None:
    assert numbers.scale(info) == text


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.617, "-", "0.62"),
        (-0.617, "-", "−0.62"),
        (0.617, "+", "+0.62"),
        (-0.001, "+", "0.00"),
        (None, "-", "not defined"),
    ],
)
def test_coefficient(value: float | None, sign: str, text: str) -> None:
    assert numbers.coefficient(value, sign) == text


@pytest.mark.parametrize(
    ("known", "samples", "text"),
    [
        (30, 30, None),
        (28, 30, "28 of 30 known (93.3 %)"),
        (9999, 10000, "9,999 of 10,000 known (99.9 %)"),  # 99.99 % never rounds up to 100 %
        (0, 5, "0 of 5 known (0.0 %)"),
        (0, 0, None),
    ],
)
def test_coverage(known: int, samples: int, text: str | None) -> None:
    assert (
        numbers.coverage(
            Result(task="t", variant="a", metric="m", samples=samples, known=known, mean=None, low=None, high=None)
        )
        == text
    )


@pytest.mark.parametrize(("count", "text"), [(7, "7"), (36, "36"), (137, "140"), (840, "840"), (12010, "13,000")])
def test_planning_figures_are_rounded_up_to_two_digits(count: int, text: str) -> None:
    assert numbers.about(count) == text
