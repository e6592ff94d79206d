"""All pairs of deployable variants in one family: what is compared, and that interval, p and verdict never disagree."""

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from harness.records.deployment_terms import DeploymentTerms
from harness.statistics.tests import holm, mcnemar
from tests.shared.scored_suites import SHARE, Values, summary

HOLM = DeploymentTerms(correction="holm")
RNG = np.random.default_rng(11)
HARD = RNG.normal(size=60)


def answers(ease: float, kind: str = "right", count: int = 60) -> list[float]:
    """Values of a variant; all share the difficulty of the items."""
    latent = HARD[:count] + RNG.normal(size=count) + ease
    return [float(x > 0) if kind == "right" else float(1 / (1 + np.exp(-x))) for x in latent]


@pytest.mark.parametrize(
    ("design", "pairs"),
    [
        ({}, ["a b", "a c", "a d", "b c", "b d", "c d"]),
        ({"floors": ["b"]}, ["a c", "a d", "c d"]),
        ({"bounds": ["a"]}, ["b c", "b d", "c d"]),
        ({"floors": ["a"], "bounds": ["b", "c"]}, []),  # one is left
        ({"floors": ["a", "b"], "bounds": ["c", "d"]}, []),  # none is left
        ({"approaches": {"d": "RAG", "b": "prompting", "a": "floor", "c": "upper bound"}}, ["d b"]),  # suite's order
        ({"approaches": dict.fromkeys("abcd", "RAG"), "floors": ["a"]}, ["a b", "a c", "a d", "b c", "b d", "c d"]),
        ({"headline": []}, []),
        ({"info": {"t.m": replace(SHARE, better="neither")}}, []),
        ({"terms": HOLM, "floors": ["b"]}, ["a c", "a d", "c d"]),
    ],
)
def test_which_pairs_are_tested(design: dict[str, Any], pairs: list[str]) -> None:
    made = summary({"t": {name: answers(0.0) for name in "abcd"}}, **design).decisions.pairs
    assert [f"{own.variant} {own.reference}" for own in made] == pairs
    assert {own.family for own in made} <= {len(pairs)}


def kinds() -> dict[str, dict[str, Any]]:
    """Suites of every kind: right or wrong, graded, lower better, groups, two tasks, unknown values, corpora, seeds."""
    right = {name: answers(ease) for name, ease in zip("abcd", (0.0, 0.1, 0.8, 1.5), strict=True)}
    marks = {name: answers(ease, "graded") for name, ease in zip("abcd", (0.0, 0.1, 0.5, 1.5), strict=True)}
    holes = {name: [None if (i + place) % 7 == 0 else v for i, v in enumerate(column)]
             for place, (name, column) in enumerate(marks.items())}  # fmt: skip
    corpus = {"t.m": replace(SHARE, corpus=True)}
    pools = {"ab": ["a", "b"], "cd": ["c", "d"]}
    few = {name: column[:12] for name, column in right.items()} | {"e": [0.0] * 12}
    return {
        "right or wrong": {"tasks": {"t": right}},
        "graded": {"tasks": {"t": marks}},
        "lower is better": {"tasks": {"t": marks}, "info": {"t.m": replace(SHARE, better="lower")}},
        "without an end": {"tasks": {"t": marks}, "info": {"t.m": replace(SHARE, high=1e9)}},
        "groups": {"tasks": {"t": marks}, "group": 4},
        "groups of right or wrong": {"tasks": {"t": right}, "group": 4},
        "two tasks": {"tasks": {"t": right, "u": marks}},
        "exact": {"tasks": {"t": few}},
        "holes": {"tasks": {"t": holes}},
        "repeated items": {"tasks": {"t": {name: np.repeat(c, 3).tolist() for name, c in right.items()}}, "group": 3},
        "corpus": {"tasks": {"t": right}, "info": corpus},
        "corpus with holes": {"tasks": {"t": holes}, "info": corpus},
        "corpus of groups": {"tasks": {"t": marks}, "info": corpus, "group": 4},
        "corpus and mean": {"tasks": {"t": right, "u": marks}, "info": corpus},
        "seeds": {"tasks": {"t": {**right, "x": answers(2.5), "y": answers(-1.5)}}, "pools": pools},
        "seeds of a corpus": {"tasks": {"t": {**right, "x": answers(2.5)}}, "pools": pools, "info": corpus},
        "holm": {"tasks": {"t": right, "u": marks}, "terms": HOLM},
    }


KINDS = kinds()


@pytest.mark.parametrize("kind", KINDS)
def test_interval_p_and_verdict_agree(kind: str) -> None:
    made = summary(**KINDS[kind])
    pairs = made.decisions.pairs
    means = {(own.task, own.variant): own.mean for own in made.results}
    assert len({own.verdict for own in pairs}) > 1, "the suite shows nothing"
    for own in pairs:
        info = made.metrics[f"{own.task}.m"]
        assert own.p is not None
        assert own.p_adjusted is not None
        assert own.low is not None
        assert own.high is not None
        assert own.p_adjusted >= own.p
        assert (own.low > 0 or own.high < 0) == (own.p_adjusted < 0.05)
        assert own.low < own.difference <= own.high
        assert own.difference < own.high or own.high == 1.0
        assert -(info.high - info.low) <= own.low <= own.high <= info.high - info.low
        ahead = own.difference > 0 if info.better == "higher" else own.difference < 0
        expected = "inconclusive" if own.p_adjusted >= 0.05 else "better" if ahead else "worse"
        assert own.verdict == expected
        assert own.wins + own.losses + own.ties == own.samples
        if "holes" not in kind:
            assert own.difference == pytest.approx(means[own.task, own.variant] - means[own.task, own.reference])
        if own.needed is not None:
            assert own.needed_low <= own.needed
            assert own.verdict != "inconclusive" or own.needed > own.samples


@pytest.mark.parametrize("kind", ["graded", "groups", "corpus", "corpus of groups"])
def test_a_family_of_one_is_the_comparison_with_the_reference(kind: str) -> None:
    """The same test by other code: SignFlips for means, approximate randomisation for figures of the corpus."""
    setup = KINDS[kind] | {"tasks": {"t": {name: KINDS[kind]["tasks"]["t"][name] for name in "bc"}}}
    made = summary(**setup, reference="c")
    (pair,), (plain,) = made.decisions.pairs, made.comparisons
    assert (pair.variant, pair.reference, pair.difference) == ("b", "c", pytest.approx(plain.difference))
    assert (pair.samples, pair.groups, pair.wins, pair.losses) == (
        plain.samples,
        plain.groups,
        plain.wins,
        plain.losses,
    )
    assert pair.p == pair.p_adjusted == plain.p
    assert (pair.low, pair.high) == (pytest.approx(plain.low, abs=0.01), pytest.approx(plain.high, abs=0.01))


def test_holm_where_the_suite_asks_for_it() -> None:
    right = KINDS["right or wrong"]["tasks"]["t"]
    pairs = summary({"t": right}, terms=HOLM).decisions.pairs
    plain = [mcnemar(own.wins, own.losses) for own in pairs]
    assert {own.test for own in pairs} == {"exact McNemar"}
    assert [own.p for own in pairs] == pytest.approx(plain)
    assert [own.p_adjusted for own in pairs] == pytest.approx(holm(plain))


def test_seeds_of_training_are_chance_too() -> None:
    """Three trainings that differ as much as the variants do: what items alone show, seeds take back."""
    right = [1.0] * 40 + [0.0] * 20
    runs = {"x": [1.0] * 60, "y": right, "z": [1.0, 0.0] * 30, "b": [0.0] * 10 + right[10:]}
    alone = summary({"t": {"b": runs["b"], "a": np.mean([runs[name] for name in "xyz"], axis=0).tolist()}})
    pooled = summary({"t": runs}, pools={"a": ["x", "y", "z"]})
    (items,), (both,) = alone.decisions.pairs, pooled.decisions.pairs
    assert items.verdict == "worse"
    assert (both.variant, both.reference, both.verdict) == ("a", "b", "inconclusive")
    assert both.difference == pytest.approx(-items.difference)
    assert both.high - both.low > items.high - items.low
    assert both.test == "max-T of sign flips, and items crossed with seeds"
    assert both.needed is None


ALL_OPEN = (-1.0, 1.0)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ({"t": {"a": [1.0]}}, []),  # one variant
        ({"t": {"a": [1.0], "b": [0.0]}}, [(1, 1.0, 1.0, *ALL_OPEN)]),  # one item: two signs, both as large
        ({"t": {"a": [1.0, 1.0], "b": [0.0, 0.0]}}, [(2, 1.0, 0.5, *ALL_OPEN)]),  # two items: 2 of 4 signs
        ({"t": {"a": [None] * 3, "b": [None] * 3}}, [(0, None, None, None, None)]),  # all unknown
        ({"t": {"a": [None] * 3, "b": [1.0] * 3}}, [(0, None, None, None, None)]),  # one side unknown
        ({"t": {"a": [1.0, None], "b": [None, 1.0]}}, [(0, None, None, None, None)]),  # nothing shared
        ({"t": {"a": [math.nan, 1.0, 1.0], "b": [1.0, 0.0, 0.0]}}, [(2, 1.0, 0.5, *ALL_OPEN)]),  # NaN is unknown
        ({"t": {"a": [math.nan] * 2, "b": [math.nan] * 2}}, [(0, None, None, None, None)]),
    ],
)
def test_little_or_nothing_to_go_by(tasks: dict[str, Values], expected: list[tuple[Any, ...]]) -> None:
    pairs = summary(tasks).decisions.pairs
    made = [(own.samples, own.difference, own.p_adjusted, own.low, own.high) for own in pairs]
    assert made == [tuple(pytest.approx(value) for value in row) for row in expected]
    assert all(own.verdict == "inconclusive" for own in pairs)


@pytest.mark.parametrize("kind", ["right or wrong", "graded", "corpus"])
@pytest.mark.parametrize("correction", ["max-t", "holm"])
def test_no_difference_seen_is_no_proof_of_none(kind: str, correction: Literal["max-t", "holm"]) -> None:
    column = answers(0.5, "graded" if kind == "graded" else "right")
    info = {"t.m": replace(SHARE, corpus=kind == "corpus")}
    terms = DeploymentTerms(correction=correction)
    pairs = summary({"t": dict.fromkeys("abc", column)}, info, terms=terms).decisions.pairs
    for own in pairs:
        assert (own.difference, own.p, own.p_adjusted) == (0.0, 1.0, 1.0)
        assert own.low < -0.03
        assert own.high > 0.03


def test_a_variant_whose_items_are_unknown_leaves_the_rest_as_it_is() -> None:
    right = KINDS["right or wrong"]["tasks"]["t"]
    plain = summary({"t": right}).decisions.pairs
    more = summary({"t": {**right, "e": [None] * 60}}).decisions.pairs
    assert [own for own in more if "e" not in (own.variant, own.reference)] == list(plain)
    assert {(own.samples, own.family) for own in more if own.reference == "e"} == {(0, None)}


def test_what_moves_together_costs_less_than_holm_takes() -> None:
    """Eight variants of which seven are one: max-T counts them as one, Holm as seven."""
    better, rest = answers(0.9), answers(0.0)
    columns = {"a": better, **dict.fromkeys("bcdefgh", rest)}
    largest, exact = (
        summary({"t": columns}, terms=DeploymentTerms(correction=c)).decisions.pairs[0] for c in ("max-t", "holm")
    )
    assert largest.p_adjusted < exact.p_adjusted / 3
