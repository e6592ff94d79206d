"""Figures of a whole corpus against plain loops over the same resamples, and the decisions that are made of them."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.components.metric import Metric, Scale
from harness.records.figures import Confused, MetricInfo, Overlap, Result, Twin
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from harness.statistics import resampling
from harness.statistics.groups import Groups
from harness.statistics.intervals import Interval, wilson
from harness.statistics.resampling import RESAMPLES, resamples
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.corpus_figures import ENDLESS, CorpusFigures
from harness.summary.estimator import Compared
from harness.summary.score_columns import score_columns
from tests.shared.summaries import summary_of

Row = tuple[float, float] | None  # right and given of one sample; None: unknown
Seen = Mapping[str, Sequence[Row]]  # by variant


class Rate(Metric):
    """Right per given, a ratio of sums; part given: how many there were a sample."""

    corpus: ClassVar[bool] = True
    part_scales: ClassVar[Mapping[str, Scale]] = {"odds": Scale(0.0, ENDLESS, "lower")}

    def parts(self) -> tuple[str, ...]:
        return ("odds",)

    def aggregate(self, totals: Mapping[str, Any]) -> Mapping[str, Any]:
        right, given = totals.get("right", 0 * totals["given"]), totals["given"]
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"": np.where(given > 0, right / given, np.nan), "odds": 1e4 * (1 + given - right)}

    def confusion(self, totals: Mapping[str, float]) -> Confused:
        return Confused(("right",), ((round(totals.get("right", 0)),),))


RATE = Rate()
INFO = {
    "t.rate": MetricInfo(component="Rate", settings={}, low=0.0, high=1.0, better="higher", corpus=True),
    "t.rate.odds": MetricInfo(component="Rate", settings={}, low=0.0, high=ENDLESS, better="lower", corpus=True),
    "t.acc": MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better="higher"),
}
A: list[Row] = [(2, 3), (1, 1), (0, 2), (3, 4), (1, 5), (2, 2), (0, 1), (4, 4), (1, 2), (2, 6)]
B: list[Row] = [(1, 3), (1, 2), (2, 2), (3, 3), (4, 5), (1, 2), (1, 1), (4, 4), (2, 2), (5, 6)]


def scores(seen: Seen, metric: str = "rate") -> list[Score]:
    return [
        Score(sample_id=str(i), task="t", variant=variant, metric=metric, value=None, reason=None, error="server gone") if row is None
        else Score(sample_id=str(i), task="t", variant=variant, metric=metric, value=row[0] / row[1] if row[1] else 0.0,
                   counts={name: count for name, count in zip(("right", "given"), row, strict=True) if count})
        for variant, rows in seen.items() for i, row in enumerate(rows)
    ]  # fmt: skip


def figures_of(
    seen: Seen, pools: Mapping[str, Sequence[str]] | None = None, info: Mapping[str, MetricInfo] = INFO
) -> CorpusFigures:
    ids = [str(i) for i in range(len(next(iter(seen.values()))))]
    return CorpusFigures(
        "t",
        "rate",
        RATE,
        score_columns(ids, Groups.single(len(ids)), scores(seen), pools or {}, with_counts=True),
        info,
        3,
    )


def summary(
    seen: Seen, headline: Sequence[str] = ("t.rate",), overlaps: Sequence[Overlap] = (), **design: Any
) -> Summary:
    """The summary of one task whose only metric is a figure of the corpus, unless `more` scores are given."""
    more: Sequence[Score] = design.pop("more", ())
    count = len(next(iter(seen.values())))
    samples = [Sample(id=str(i), task="t", input="q", targets=("a",)) for i in range(count)]
    predictions = [
        Prediction(sample_id=str(i), task="t", variant=one, messages=(), text="x", reading=Reading("x"))
        for one in seen
        for i in range(count)
    ]
    reference = design.pop("reference", "a")
    info = design.pop("info", INFO)
    asked = ComparisonPlan(name="s", seed=3, reference=reference, headline=headline, corpora={"t.rate": RATE}, **design)
    return summary_of(asked, info, samples, predictions, [*scores(seen), *more], overlaps)


def rate(rows: Sequence[Row]) -> float:
    known = [row for row in rows if row is not None]
    return sum(right for right, _ in known) / sum(given for _, given in known)


def looped(rows: Sequence[Row]) -> list[float]:
    """The rate of each resample, by a plain loop over the samples it draws."""
    return _looped(tuple(row for row in rows if row is not None))


@cache
def _looped(rows: tuple[tuple[float, float], ...]) -> list[float]:
    found = []
    for weights in resamples(len(rows), 3):
        for drawn in weights.tolist():
            pairs = list(zip(drawn, rows, strict=True))
            found.append(sum(w * right for w, (right, _) in pairs) / sum(w * given for w, (_, given) in pairs))
    return found


def ends(figure: float, resampled: Sequence[float], n: int) -> tuple[float, float]:
    """Percentiles, and at least Student's t with the deviation of the resamples, which is too small by √((n − 1)/n)."""
    from scipy.stats import t

    half = t.ppf(0.975, n - 1) * np.std(resampled, ddof=1) * math.sqrt(n / (n - 1))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return min(low, figure - half), max(high, figure + half)


# -- results ------------------------------------------------------------------------------------------------------------


def test_a_figure_and_its_interval_are_those_of_a_plain_loop() -> None:
    results = figures_of({"a": A}).results()
    own = next(one for one in results if one.metric == "rate")
    # right 2+1+0+3+1+2+0+4+1+2 = 16 of 3+1+2+4+5+2+1+4+2+6 = 30; the mean of the samples' own values is another figure
    assert (own.samples, own.known, own.mean) == (10, 10, pytest.approx(16 / 30))
    assert (own.low, own.high) == pytest.approx(ends(16 / 30, looped(A), 10))
    odds = next(one for one in results if one.metric == "rate.odds")
    assert odds.mean == pytest.approx(1e4 * 15)


def test_unknown_samples_are_in_no_total() -> None:
    some = [*A[:4], None, *A[5:]]
    results = figures_of({"a": some}).results()
    assert (results[0].samples, results[0].known, results[0].mean) == (10, 9, pytest.approx(15 / 25))
    alone = figures_of({"a": [*A[:4], *A[5:]]}).results()
    assert (results[0].low, results[0].high) == (alone[0].low, alone[0].high)


def test_a_count_that_no_sample_has_is_absent() -> None:
    results = figures_of({"a": [(0, 2), (0, 3)]}).results()
    assert results[0].mean == 0.0


@pytest.mark.parametrize("also", [{}, {"b": [(1, 2)] * 3}])
def test_a_variant_of_which_nothing_is_known(also: dict[str, list[Row]]) -> None:
    found = summary({"a": [None] * 3, **also}, pools={})
    assert [one for one in found.results if one.variant == "a"] == [
        Result(task="t", variant="a", metric=name, samples=3, known=0, mean=None, low=None, high=None)
        for name in ("rate", "rate.odds")
    ]
    assert [(one.samples, one.p, one.difference) for one in found.comparisons] == [(0, None, None)] * (2 * len(also))
    assert found.warnings[0] == "t.rate, a: 3 of 3 samples are unknown (server gone)"
    assert len(found.confusions) == (2 if also else 0)


@pytest.mark.parametrize("right", [0, 1, 7, 10])
def test_figures_that_do_not_vary_are_not_certain(right: int) -> None:
    """Every sample has the same rate, also such as 0.7, of which the deviation of 10,000 copies is not quite 0."""
    results = figures_of({"a": [(right, 10)] * 12}).results()
    assert (results[0].low, results[0].high) == pytest.approx(wilson(right / 10, 12))


def test_a_figure_that_is_not_defined_has_none() -> None:
    results = figures_of({"a": [(0, 0)] * 3, "b": [(1, 1)] * 3}).results()
    assert [(one.variant, one.known, one.mean) for one in results if one.metric == "rate"] == [
        ("a", 3, None),
        ("b", 3, 1.0),
    ]
    made = figures_of({"a": [(0, 0)] * 3, "b": [(1, 1)] * 3}).compare({"b": "a"})
    assert [(one.comparison.samples, one.comparison.p) for one in made if one.comparison.metric == "rate"] == [
        (0, None)
    ]


def test_resamples_in_chunks_give_the_same_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = figures_of({"a": A}).results()
    monkeypatch.setattr(resampling, "CHUNK", 10 * 999)
    parts = figures_of({"a": A}).results()
    assert parts[0].mean == whole[0].mean
    assert (parts[0].low, parts[0].high) == pytest.approx((whole[0].low, whole[0].high), abs=0.02)


# -- comparisons --------------------------------------------------------------------------------------------------------


def compared(seen: Seen, part: str = "rate", pools: Mapping[str, Sequence[str]] | None = None) -> Compared:
    made = figures_of(seen, pools).compare({"b": "a"})
    return next(one for one in made if one.comparison.metric == part)


def interval_of(made: Compared) -> Interval:
    assert made.interval is not None
    return made.interval(0.05)


def test_differences_are_paired_on_shared_samples() -> None:
    ours, theirs = [None, *B[1:]], [*A[:9], None]
    made = compared({"a": theirs, "b": ours})
    found, interval = made.comparison, interval_of(made)
    shared = [i for i in range(10) if ours[i] is not None and theirs[i] is not None]
    assert (found.samples, found.difference) == (8, pytest.approx(rate(B[1:9]) - rate(A[1:9])))
    b, a = ([rows[i] for i in shared] for rows in (B, A))
    differences = np.array(looped(b)) - np.array(looped(a))
    low, high = ends(rate(b) - rate(a), differences.tolist(), 8)
    assert interval.low <= low + 1e-9  # at least as wide, and where p is 0.05 or more, 0 is within
    assert interval.high == pytest.approx(high)
    assert (interval.low > 0) == ((found.p or 0) < 0.05)
    gains = [math.copysign(1, d) if (d := x[0] / x[1] - y[0] / y[1]) else 0 for x, y in zip(b, a, strict=True)]  # type: ignore[index]
    assert (found.wins, found.losses, found.ties) == (gains.count(1), gains.count(-1), gains.count(0))
    assert found.test == "approximate randomisation"


def enumerated(ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]]) -> float:
    """p by all 2^n ways to swap the two answers to each sample."""
    observed, hits = abs(rate(ours) - rate(theirs)), 0
    for swaps in itertools.product((False, True), repeat=len(ours)):
        left = [y if swap else x for x, y, swap in zip(ours, theirs, swaps, strict=True)]
        right = [x if swap else y for x, y, swap in zip(ours, theirs, swaps, strict=True)]
        hits += abs(rate(left) - rate(right)) >= observed - 1e-12
    return float(hits / 2 ** len(ours))


@pytest.mark.parametrize("count", [4, 8])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_p_is_that_of_every_way_to_swap_answers(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = rng.integers(1, 7, (2, count))
    b, a = ([(float(rng.integers(0, g + 1)), float(g)) for g in row] for row in given)
    expected = enumerated(b, a)
    error = math.sqrt(expected * (1 - expected) / RESAMPLES)
    assert compared({"a": a, "b": b}).comparison.p == pytest.approx(expected, abs=5 * error + 2e-4)


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_ties_count_as_hits_however_large_the_figures_are(seed: int) -> None:
    """Five samples, 0.1 apart, three of them upwards: no way to swap brings the sums closer, but for their last digits."""
    given = np.random.default_rng(seed).uniform(1e3, 1e6, 5).tolist()
    apart = [(0.0, one + sign * 0.1) for one, sign in zip(given, (1, 1, 1, -1, -1), strict=True)]
    assert compared({"a": [(0.0, one) for one in given], "b": apart}, "rate.odds").comparison.p == 1.0


def test_a_figure_that_never_varies_claims_no_certainty_on_any_scale() -> None:
    hundred = {
        **INFO,
        "t.rate": MetricInfo(component="Rate", settings={}, low=0.0, high=100.0, better="higher", corpus=True),
    }
    results = figures_of({"a": [(300, 3)] * 5}, info=hundred).results()
    own, odds = (next(one for one in results if one.metric == name) for name in ("rate", "rate.odds"))
    assert (own.mean, own.high) == (100.0, 100.0)
    assert own.low == pytest.approx(100 * 5 / (5 + 1.959964**2))  # Wilson at the end of the scale
    assert (odds.low, odds.high) == (None, None)  # a scale without end: nothing tells how wide


def test_no_difference_lies_beyond_the_scale() -> None:
    """Two seeds that lie far apart leave an interval wider than the scale."""
    seeds = {"a": B, "b~1": [(5, 5)] * 10, "b~2": [(1, 5)] * 10}
    made = figures_of(seeds, {"b": ("b~1", "b~2")}).compare({"b": "a"})
    interval = next(interval_of(one) for one in made if one.comparison.metric == "rate")
    assert (interval.low, interval.high) == (-1.0, 1.0)


def test_identical_variants_differ_by_nothing_but_not_for_sure() -> None:
    found = compared({"a": A, "b": A})
    one = found.comparison
    # of 10 equal differences up to 1 − 0.025^(1/10) = 0.3085 may still differ, each by at most 1
    width = 1 - 0.025 ** (1 / 10)
    interval = interval_of(found)
    assert (one.p, one.difference) == (1.0, 0.0)
    assert (interval.low, interval.high) == pytest.approx((-width, width))
    assert (one.wins, one.losses, one.ties) == (0, 0, 10)
    assert found.power is not None
    assert found.power(0.05) == (None, None)


def test_on_a_scale_without_end_a_sample_may_differ_as_the_worst_seen() -> None:
    seen: Seen = {"a": [(30, 1), (20, 1)], "b": [(30, 1), (20, 1)]}  # own values 30 and 20, the good end is 0
    interval = interval_of(compared(seen, "rate.odds"))
    width = (1 - 0.025 ** (1 / 2)) * 30
    assert (interval.low, interval.high) == pytest.approx((-width, width))


def test_power_rests_on_the_bootstraps_error() -> None:
    found = compared({"a": A, "b": B})
    differences = np.array(looped(B)) - np.array(looped(A))
    error = float(differences.std(ddof=1)) * math.sqrt(10 / 9)
    assert found.power is not None
    detectable, needed = found.power(0.05)
    assert detectable == pytest.approx(
        (2.262157 + 0.883404) * error, rel=1e-5
    )  # Student's t of 9 degrees at 97.5 and 80 %
    assert needed is not None
    assert needed.likely == math.ceil(10 * (2.801585 * error / (rate(B) - rate(A))) ** 2)


def test_copies_of_items_are_as_sure_as_one_of_each() -> None:
    """Ten samples written three times each, in groups: figures, interval and p of the ten."""
    once = compared({"a": A, "b": B})
    ids = [str(i) for i in range(30)]
    copied = scores({"a": [row for row in A for _ in range(3)], "b": [row for row in B for _ in range(3)]})
    groups = Groups.of([i // 3 for i in range(30)])
    columns = score_columns(ids, groups, copied, {}, with_counts=True)
    thrice = CorpusFigures("t", "rate", RATE, columns, INFO, 3).compare({"b": "a"})[0]
    assert (thrice.comparison.p, thrice.comparison.groups) == (once.comparison.p, 10)
    assert interval_of(thrice) == interval_of(once)
    assert thrice.comparison.test == "approximate randomisation of groups"


# -- several seeds ------------------------------------------------------------------------------------------------------

POOLS = {"pool": ("s~1", "s~2")}


def test_a_variant_of_several_seeds_has_the_mean_of_their_figures() -> None:
    found = summary({"a": A, "s~1": A, "s~2": B}, pools=POOLS)
    own = next(one for one in found.results if (one.variant, one.metric) == ("pool", "rate"))
    assert own.mean == pytest.approx((rate(A) + rate(B)) / 2)
    (seeds,) = [one for one in found.seeds if one.metric == "rate"]
    assert [value for _, value in seeds.members] == pytest.approx([rate(A), rate(B)])
    assert seeds.deviation == pytest.approx(abs(rate(A) - rate(B)) / math.sqrt(2))
    alone = [np.mean(pair) for pair in zip(looped(A), looped(B), strict=True)]
    narrow = np.percentile(alone, [2.5, 97.5])
    assert 0 <= (own.low or 0) < narrow[0] < narrow[1] < (own.high or 0) <= 1  # wider than items alone would have it
    (against,) = [one for one in found.comparisons if one.metric == "rate"]
    assert against.test == "approximate randomisation, and items crossed with seeds"
    assert (against.needed, against.detectable) == (None, None)


def test_seeds_that_agree_do_not_make_three_samples_certain() -> None:
    """All right against all wrong: neither items nor seeds vary, yet 2 of the 8 ways to swap are as far apart."""
    right: list[Row] = [(1, 1)] * 3
    wrong: list[Row] = [(0, 1)] * 3
    found = summary({"a": wrong, "s~1": right, "s~2": right}, pools=POOLS)
    assert found.comparisons[0].difference == 1.0
    assert found.comparisons[0].p == pytest.approx(2 / 8, abs=0.02)
    assert found.comparisons[0].verdict == "inconclusive"


def test_a_sample_is_known_where_every_seed_knows_it() -> None:
    results = figures_of({"s~1": [None, *A[1:]], "s~2": B}, POOLS).results()
    assert (results[0].known, results[0].mean) == (9, pytest.approx((rate(A[1:]) + rate(B[1:])) / 2))


def test_what_only_some_seeds_have_is_not_known_of_the_whole() -> None:
    results = figures_of({"a": A, "s~1": B}, POOLS).results()
    assert [(one.known, one.mean) for one in results if one.variant == "pool"] == [(0, None), (0, None)]


# -- what a summary makes of them ---------------------------------------------------------------------------------------


def test_headline_figures_are_one_family_with_the_others() -> None:
    count = 6
    better: list[Row] = [(1, 1)] * count
    worse: list[Row] = [(0, 1)] * count
    more = [
        Score(sample_id=str(i), task="t", variant=v, metric="acc", value=float(v == "b"))
        for v in "ab"
        for i in range(count)
    ]
    found = summary({"a": worse, "b": better}, ("t.rate", "t.acc"), more=more)
    by_metric = {one.metric: one for one in found.comparisons}
    # McNemar 2/2^6 = 0.03125; randomisation about the same; Holm doubles the smaller and lifts the other to it
    assert by_metric["acc"].p == pytest.approx(2 / 64)
    assert by_metric["rate"].p == pytest.approx(2 / 64, abs=0.01)
    smaller = min(by_metric["acc"].p or 1, by_metric["rate"].p or 1)
    assert [by_metric[name].p_adjusted for name in ("acc", "rate")] == pytest.approx([2 * smaller] * 2)
    assert by_metric["rate.odds"].p_adjusted == by_metric["rate.odds"].p  # no headline: a family of its own
    assert [by_metric[name].verdict for name in ("acc", "rate", "rate.odds")] == [
        "inconclusive",
        "inconclusive",
        "better",
    ]


def test_less_is_better_where_the_scale_says_so() -> None:
    found = summary({"a": [(0, 1)] * 12, "b": [(1, 1)] * 12})
    verdicts = {one.metric: (one.verdict, math.copysign(1, one.difference or 0)) for one in found.comparisons}
    assert verdicts == {"rate": ("better", 1.0), "rate.odds": ("better", -1.0)}


def test_figures_on_items_that_stand_nowhere_else() -> None:
    twins = tuple(
        Twin(sample_id=str(i), place=f"r{i}", kind="exact", similarity=1.0, item="q", row="q") for i in range(4)
    )
    found = summary(
        {"a": A, "b": B},
        overlaps=[
            Overlap(
                task="t",
                source="train rows of t",
                models=("m",),
                samples=10,
                exact=4,
                normalised=0,
                near=0,
                twins=twins,
            )
        ],
    )
    assert [(one.variant, one.metric, one.samples, one.known) for one in found.clean] == [
        ("a", "rate", 6, 6), ("b", "rate", 6, 6),  # only headline figures
    ]  # fmt: skip
    assert [one.mean for one in found.clean] == pytest.approx([rate(A[4:]), rate(B[4:])])
    alone = figures_of({"a": A[4:]}).results()
    assert (found.clean[0].low, found.clean[0].high) == (alone[0].low, alone[0].high)
    assert not summary({"a": A, "b": B}).clean


def test_variants_are_held_against_the_best_floor() -> None:
    low: list[Row] = [(0, given) for _, given in A]  # type: ignore[misc]
    found = summary({"a": A, "b": B, "f": low, "g": A, "bound": B}, floors=("f", "g"), bounds=("bound",))
    assert [(one.variant, one.reference, one.metric) for one in found.floors] == [
        ("a", "g", "rate"),
        ("b", "g", "rate"),
    ]
    assert [one.difference for one in found.floors] == pytest.approx([0.0, rate(B) - rate(A)])
    (lower,) = {one.reference for one in summary({"a": A, "f": low, "g": B}, ["t.rate.odds"], floors=("f", "g")).floors}
    assert lower == "g"  # the fewer odds


def test_a_general_task_tells_only_what_was_forgotten() -> None:
    seen = {"base": B, "lora~1": A, "lora~2": A, "other": A}
    found = summary(
        seen, (), reference="base", general=("t",), made_of={"lora": "base"}, model_pools={"lora": ("lora~1", "lora~2")}
    )
    assert (found.results, found.comparisons, found.confusions, found.seeds) == ((), (), (), ())
    assert {(one.variant, one.metric) for one in found.general} == {(v, "rate") for v in ("base", "lora", "other")}
    (forgotten,) = found.forgotten
    assert (forgotten.variant, forgotten.reference, forgotten.metric) == ("lora", "base", "rate")
    assert forgotten.difference == pytest.approx(rate(A) - rate(B))


def test_another_metric_may_decide_what_was_forgotten() -> None:
    more = [
        Score(sample_id=str(i), task="t", variant=variant, metric="acc", value=1.0)
        for variant in ("base", "lora")
        for i in range(10)
    ]
    found = summary(
        {"base": B, "lora": A}, (), more=more, info=dict(reversed(INFO.items())), reference="base", general=("t",),
        made_of={"lora": "base"},
    )  # fmt: skip
    assert {one.metric for one in found.general} == {one.metric for one in found.forgotten} == {"acc"}


def test_confusion_counts_known_samples_of_all_seeds() -> None:
    found = summary({"a": [None, *A[1:]], "s~1": A, "s~2": B}, pools=POOLS)
    # right: 16 without the 2 of the first; 16 and 1+1+2+3+4+1+1+4+2+5 = 24
    assert [(one.variant, one.counts) for one in found.confusions] == [("a", ((14,),)), ("pool", ((40,),))]


# -- the whole path -----------------------------------------------------------------------------------------------------

SUITE = """\
name: findings
models:
  careful:
    scripted:
      rules: [{match: "咳", reply: 肺炎}, {match: "酸", reply: 胃炎}, {match: "皮", reply: 不知道}, {match: "停", fail: out of power}]
      default: 正常
  lazy: {scripted: {default: 正常}}
tasks:
  finding:
    data: {tsv: {path: test.tsv, input: 主诉, target: 诊断}}
    prompt: "{{ input }}，诊断是什么？"
    metrics: {label: classification}
variants:
  a: {prompting: {model: careful}}
  b: {prompting: {model: lazy}}
compare: {reference: b}
"""
ROWS = "主诉\t诊断\n咳一\t肺炎\n咳二\t肺炎\n咳三\t胃炎\n反酸\t胃炎\n皮疹\t肺炎\n体检\t正常\n停电\t胃炎\n头晕\t正常\n"


def test_the_whole_path(write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder]) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))
    found = folder.summary()
    results = {(one.variant, one.metric): one for one in found.results}
    # a, 7 known: 肺炎 3 (2 met, 1 no label), 胃炎 2 (1 met, 1 as 肺炎), 正常 2 (both met)
    # P 2/3, 1, 1; R 2/3, 1/2, 1; F1 2/3, 2/3, 1
    assert results["a", "label"].mean == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert (results["a", "label"].samples, results["a", "label"].known) == (8, 7)
    assert results["a", "label.accuracy"].mean == pytest.approx(5 / 7)
    assert results["a", "label.precision"].mean == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert results["a", "label.recall"].mean == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    # b: 正常 8 times, right twice: F1 of it 2·2/(2 + 8) = 0.4, of the two others 0
    assert results["b", "label"].mean == pytest.approx(0.4 / 3)
    confusions = {one.variant: one for one in found.confusions}
    # rows and columns 正常, 肺炎, 胃炎 (by code point), then no label
    assert confusions["a"].labels == ("正常", "肺炎", "胃炎", "(no label)")
    assert confusions["a"].counts == ((2, 0, 0, 0), (0, 2, 0, 1), (0, 1, 1, 0))
    assert confusions["b"].counts == ((2, 0, 0), (3, 0, 0), (3, 0, 0))
    against = {one.metric: one for one in found.comparisons}
    assert set(against) == {"label", "label.accuracy", "label.precision", "label.recall"}
    assert (against["label"].samples, against["label"].wins, against["label"].losses) == (7, 3, 0)
    # on the 7 shared samples b: 正常 2 right of 7 said: F1 4/9
    assert against["label"].difference == pytest.approx((2 / 3 + 2 / 3 + 1) / 3 - 4 / 9 / 3)
    assert found.warnings == ("finding.label, a: 1 of 8 samples are unknown (out of power)",)
    assert found.metrics["finding.label.recall"].corpus
    before = (folder.path / "summary.json").read_bytes()
    run_suite(folder.path.parent / "suite" / "suite.yaml", start="summarize")
    assert (folder.path / "summary.json").read_bytes() == before


# -- parts of which each sample has a value of its own ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "outcome"),  # of the part, of which less is better: a's values and b's
    [
        ((1.0,) * 10, (2.0,) * 10, (0, 10, 0)),  # the reference a is better everywhere, whatever the rates are
        ((3.0,) * 4 + (1.0,) * 6, (1.0,) * 10, (4, 0, 6)),
        ((None,) * 10, (None,) * 10, None),
    ],
)
def test_a_part_with_values_of_its_own_is_one_figure(
    ours: Sequence[float | None], theirs: Sequence[float | None], outcome: tuple[int, int, int] | None
) -> None:
    own = [
        Score(sample_id=str(i), task="t", variant=variant, metric="rate.odds", value=value)
        for variant, values in (("a", ours), ("b", theirs))
        for i, value in enumerate(values)
    ]
    result = summary({"a": A, "b": B}, more=own)
    plain = summary({"a": A, "b": B})
    names = [(result.metric, result.variant) for result in result.results]
    assert sorted(names) == [("rate", "a"), ("rate", "b"), ("rate.odds", "a"), ("rate.odds", "b")]
    assert len(result.comparisons) == len(plain.comparisons) == 2
    whole, odds = result.comparisons
    assert whole == plain.comparisons[0]
    if outcome is None:
        assert (odds.samples, odds.difference) == (0, None)
    else:
        assert (odds.wins, odds.losses, odds.ties) == outcome
        assert odds.difference == plain.comparisons[1].difference
