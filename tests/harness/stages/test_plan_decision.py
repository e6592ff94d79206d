"""What `harness plan` says of the decision before anything is paid for."""

import math
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError
from harness.stages.plan_decision import ForeseenDecision, foresee_decision, foresee_timing
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite

SUITE = """\
name: colours
models:
  a: {scripted: {default: 红}}
  b: {scripted: {default: 蓝}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match, bleu: bleu, length: {python: {file: m.py, high: 50, better: lower}}, words: {python: {file: m.py, better: neither}}}
variants:
  floor: {floor: {by: majority}}
  plain: {prompting: {model: a}}
  VARIANTS
"""
TWO, FOUR = "grid: {model: [b]}", "grid: {model: [a, b], shots: [0, 1], exclude: [{model: a, shots: 0}]}"
ROWS = 2500  # above 2,000 items the power is a formula that can be written down here
Write = Callable[..., Path]


@pytest.fixture
def write(write_suite: Write) -> Callable[..., Path]:
    """The suite with its data; of `groups`, the column of what a row belongs to."""

    def make(variants: str, more: str = "", rows: int = ROWS, groups: int = 0) -> Path:
        own = [f"词{i}\t色{i}\t{i % groups if groups else i}\n" for i in range(rows)]
        text = SUITE.replace("VARIANTS", variants).replace("input", "group: 群, input" if groups else "input")
        files = {
            "test__tsv": "".join(["词\t色\t群\n", *own]),
            "train__tsv": "词\t色\t群\n甲\t红\t甲\n乙\t蓝\t乙\n",
            "m__py": "def score(answer, targets, sample):\n    return 1.0\n",
        }
        return write_suite(text + more, **files)

    return make


@pytest.fixture
def foreseen(write: Callable[..., Path]) -> Callable[..., ForeseenDecision]:
    """What is foreseen of the suite."""

    def foresee(variants: str, more: str = "", discordance: float = 0.2, **sizes: int) -> ForeseenDecision:
        suite = load_suite(write(variants, more, **sizes))
        return foresee_decision(suite, prepare(suite), discordance)

    return foresee


def connor(difference: float, n: int, discordance: float, comparisons: int) -> float:
    """The power of McNemar's test, Connor 1987, formula (1), at the level 0.05 / comparisons."""
    z = NormalDist().inv_cdf(1 - 0.025 / comparisons)
    root = math.sqrt(discordance - difference**2)
    return NormalDist().cdf((difference * math.sqrt(n) - z * math.sqrt(discordance)) / root)


@pytest.mark.parametrize(
    ("variants", "more", "deployable", "comparisons"),
    [
        (TWO, "", 2, 1),  # the floor is none of them
        (FOUR, "", 4, 6),  # plain, a with an example, b with and without: 4 · 3 / 2
        (FOUR, "compare: {headline: [colour.accuracy, colour.length]}\n", 4, 12),
    ],
)
@pytest.mark.parametrize("discordance", [0.1, 0.2, 0.5])
def test_the_difference_that_is_shown_four_times_in_five(
    foreseen: Callable[..., ForeseenDecision],
    variants: str,
    more: str,
    deployable: int,
    comparisons: int,
    discordance: float,
) -> None:
    decision = foreseen(variants, more, discordance)
    assert (decision.deployable, decision.comparisons) == (deployable, comparisons)
    accuracy = decision.figures[0]
    assert (accuracy.figure, accuracy.items, accuracy.margin) == ("colour.accuracy", ROWS, 0.02)
    assert accuracy.detectable is not None
    assert accuracy.needed is not None
    assert connor(accuracy.detectable, ROWS, discordance, comparisons) == pytest.approx(0.8, abs=1e-4)
    assert connor(0.02, accuracy.needed, discordance, comparisons) == pytest.approx(0.8, abs=1e-3)


def test_a_scale_of_another_width_and_a_stated_margin(foreseen: Callable[..., ForeseenDecision]) -> None:
    more = "compare: {headline: [colour.accuracy, colour.length], margin: {colour.length: 5}}\n"
    accuracy, length = foreseen(TWO, more).figures
    assert length.detectable == pytest.approx(50 * (accuracy.detectable or 0.0))  # from 0 to 50
    assert length.margin == 5.0
    assert length.needed == pytest.approx((accuracy.needed or 0) * (0.02 / 0.1) ** 2, rel=0.1)  # a tenth of the range
    assert (length.difference(), length.margin_text()) == (f"{length.detectable:.3g}", "5")


def test_groups_are_the_evidence(foreseen: Callable[..., ForeseenDecision]) -> None:
    (figure,) = foreseen(TWO, groups=50).figures
    (independent,) = foreseen(TWO, rows=50).figures
    assert (figure.groups, figure.counted_items()) == (50, "2,500 in 50 groups")
    assert figure.detectable == independent.detectable


@pytest.mark.parametrize(
    ("metric", "reason"),
    [("bleu", "is a figure of all items together"), ("words", "has no better end")],
)
def test_what_no_count_of_items_tells(foreseen: Callable[..., ForeseenDecision], metric: str, reason: str) -> None:
    decision = foreseen(TWO, f"compare: {{headline: [colour.{metric}]}}\n")
    assert (decision.figures[0].reason, decision.figures[0].difference()) == (reason, "not known before")
    assert decision.sentences()[1:] == [f"colour.{metric} {reason}: the run will tell what it shows."]


def test_too_few_items_show_nothing(foreseen: Callable[..., ForeseenDecision]) -> None:
    (figure,) = foreseen(TWO, rows=3).figures  # the smallest p of three items is 2 / 2³ = 0.25
    assert (figure.detectable, figure.difference()) == (None, "none: too few items")


def test_one_variant_decides_nothing(foreseen: Callable[..., ForeseenDecision]) -> None:
    decision = foreseen("other: {floor: {by: nearest}}")
    assert decision.sentences() == ["1 variant can be deployed: there is nothing to decide between."]


@pytest.mark.parametrize("discordance", [0.0, -0.1, 1.1, math.nan, math.inf])
def test_a_discordance_is_a_share(foreseen: Callable[..., ForeseenDecision], discordance: float) -> None:
    with pytest.raises(
        HarnessError, match=r"^--discordance is a share of the items above 0 and up to 1, e\.g\. 0\.2, not"
    ):
        foreseen(TWO, discordance=discordance)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("latency: {}\n", "Latency: 60 requests of colour one at a time, 20 each of 3 variants, after one to warm up."),
        ("latency: {items: 5}\n", "Latency: 15 requests of colour one at a time, 5 each of 3 variants, after one to warm up."),
        ("latency: {items: 0}\n", "None"),
    ],
)  # fmt: skip
def test_requests_that_are_timed(write: Callable[..., Path], more: str, sentence: str) -> None:
    assert str(foresee_timing(load_suite(write(TWO, more)))) == sentence


def test_the_command_shows_it(write: Callable[..., Path]) -> None:
    path = write(TWO, "latency: {}\n", rows=100)
    shown = CliRunner().invoke(app, ["plan", str(path), "--discordance", "0.3"])
    assert shown.exit_code == 0
    assert "What this suite can decide" in shown.output
    assert "Shown with 80 % power where two variants differ on 30 % of the items" in " ".join(shown.output.split())
    assert "Latency: 60 requests" in shown.output
