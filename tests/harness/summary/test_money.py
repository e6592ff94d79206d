"""Money from prices, the Pareto front, break-even and constraints: each by tables worked out by hand."""

from dataclasses import replace
from typing import Any

import pytest

from harness.records.decisions import BreakEven, ChangeRate, Latency, Teaching, VariantCost
from harness.records.deployment_terms import Constraints, DeploymentTerms, PriceList, Profile, TokenPrice
from harness.records.figures import MetricInfo, Result
from harness.summary.break_even import break_even
from harness.summary.broken_constraints import broken_constraints, stated
from harness.summary.money import Billing, priced
from harness.summary.pareto import with_efficiency

PRICES = PriceList(device_hour=3.6, labelled_row=0.5, upkeep_hour=40.0, hours_per_change=2.0)
LOCAL = Billing(is_hosted=False)
HOSTED = Billing(is_hosted=True, tokens=TokenPrice(million_tokens_in=2.0, million_tokens_out=8.0))


TAUGHT = Teaching(model="big", calls=1000, tokens_in=500_000, tokens_out=250_000, seconds=1000.0)


def cost(variant: str = "v", **further: Any) -> VariantCost:
    return VariantCost(
        **({"variant": variant, "approach": "prompting", "is_local": True, "labelled_rows": 0} | further)
    )


def timed(p50: float, p95: float = 9.0, mean: float | None = None, memory: int | None = None) -> Latency:
    return Latency(variant="v", task="t", items=20, p50=p50, p95=p95, mean=mean, peak_memory=memory)


def terms(prices: PriceList | None = PRICES, changes: ChangeRate | None = None) -> DeploymentTerms:
    return DeploymentTerms(prices=prices, constraints=Constraints(knowledge_changes=changes))


@pytest.mark.parametrize(
    ("own", "billing", "one_off", "per_1000", "unpriced"),
    [
        # 100 rows × 0.5; (1,000 s of training + 200 s of indexing) / 3,600 × 3.6 = 1.2
        ({"labelled_rows": 100, "training_seconds": 500.0, "device_seconds": 1000.0, "index_seconds": 200.0, "seconds": 2.0},
         LOCAL, 51.2, 2.0, ()),  # 1,000 × 2 s = 2,000 s, / 3,600 × 3.6
        # by itself a request takes 0.5 s on average: that counts, not its part of the run's time
        ({"seconds": 2.0, "latency": timed(0.4, mean=0.5)}, LOCAL, 0.0, 0.5, ()),
        # 1,500 tokens in and 250 out a request: 1.5 M × 2 + 0.25 M × 8
        ({"tokens_in": 1500.0, "tokens_out": 250.0}, HOSTED, 0.0, 5.0, ()),
        ({"tokens_in": 1500.0, "tokens_out": 0.0}, HOSTED, 0.0, 3.0, ()),
        ({"tokens_in": 1500.0, "tokens_out": 250.0}, Billing(is_hosted=True), 0.0, None, ("tokens",)),
        # choosing settings: half a million tokens in × 2, 10,000 out × 8 a million; by itself 1,000 s / 3,600 × 3.6
        ({"search_calls": 9.0, "search_tokens_in": 5e5, "search_tokens_out": 1e4, "search_seconds": 1e3, "tokens_in": 0.0,
          "tokens_out": 0.0}, HOSTED, 1.08, 0.0, ()),
        ({"search_calls": 9.0, "search_tokens_in": 5e5, "search_tokens_out": 1e4, "search_seconds": 1e3, "seconds": 2.0},
         LOCAL, 1.0, 2.0, ()),
        ({}, HOSTED, 0.0, None, ()),  # prices, and no usage
        ({}, LOCAL, 0.0, None, ()),
        ({"seconds": 0.0}, LOCAL, 0.0, 0.0, ()),  # a variant without any model
        ({"labelled_rows": None, "seconds": 1.0}, LOCAL, None, 1.0, ()),
        ({"seconds": 1.0}, Billing(is_hosted=False, is_untimed=True), None, 1.0, ()),
        # 0.5 M × 2 + 0.25 M × 8 for the answers that a server wrote; 1,000 s of this machine / 3,600 × 3.6 otherwise
        ({"labelled_rows": 2, "seconds": 1.0}, replace(LOCAL, teaching=((TAUGHT, True, HOSTED.tokens),)), 4.0, 1.0, ()),
        ({"seconds": 1.0}, replace(LOCAL, teaching=((TAUGHT, False, None),)), 1.0, 1.0, ()),
        ({"seconds": 1.0}, replace(LOCAL, teaching=((TAUGHT, True, None),)), None, 1.0, ("tokens",)),
    ],
)  # fmt: skip
def test_money(own: Any, billing: Billing, one_off: float | None, per_1000: float | None, unpriced: Any) -> None:
    charged = priced(cost(**own), billing, terms())
    assert (charged.one_off, charged.per_1000) == pytest.approx((one_off, per_1000))
    assert (charged.unpriced, charged.monthly) == (unpriced, None)


@pytest.mark.parametrize(
    ("missing", "one_off", "per_1000", "unpriced"),
    [
        ("labelled_row", None, 2.0, ("labelled_row",)),
        ("device_hour", None, None, ("device_hour",)),
        ("upkeep_hour", 51.0, 2.0, ()),
    ],
)
def test_what_has_no_price_is_named(missing: str, one_off: float, per_1000: float, unpriced: Any) -> None:
    own = cost(labelled_rows=100, training_seconds=1000.0, device_seconds=1000.0, seconds=2.0)
    charged = priced(own, LOCAL, terms(replace(PRICES, **{missing: None})))
    assert (charged.one_off, charged.per_1000, charged.unpriced) == (pytest.approx(one_off), per_1000, unpriced)


def test_rows_that_are_not_needed_need_no_price() -> None:
    charged = priced(cost(seconds=1.0), LOCAL, terms(replace(PRICES, labelled_row=None)))
    assert (charged.one_off, charged.unpriced) == (0.0, ())


def test_without_prices_there_is_no_money() -> None:
    own = cost(seconds=2.0, labelled_rows=3)
    assert priced(own, LOCAL, terms(None)) == own


TUNED = {"training_seconds": 500.0, "device_seconds": 1000.0}


@pytest.mark.parametrize(
    ("own", "has_knowledge", "changes", "monthly"),
    [
        ({"looks_up": True}, True, "monthly", 80.0),  # 1 × 2 hours × 40
        ({"looks_up": True}, True, "yearly", 80 / 12),
        ({"looks_up": True}, True, "weekly", 80 * 365.25 / 7 / 12),
        ({"looks_up": True}, True, "daily", 80 * 365.25 / 12),
        ({"looks_up": True}, True, "never", 0.0),
        ({"looks_up": True} | TUNED, True, "monthly", 80.0),  # what is looked up needs no training
        (TUNED, False, "monthly", 1.0),  # 1,000 s / 3,600 × 3.6
        (TUNED, True, "monthly", 81.0),  # a cascade of a tuned step and one that looks up
        ({}, False, "weekly", 0.0),
        (TUNED, False, None, None),
    ],
)
def test_upkeep(own: Any, has_knowledge: bool, changes: ChangeRate | None, monthly: float | None) -> None:
    billing = Billing(is_hosted=False, has_knowledge=has_knowledge)
    assert priced(cost(**own), billing, terms(changes=changes)).monthly == pytest.approx(monthly)
    by_profile = DeploymentTerms(prices=PRICES, profile=Profile(knowledge_changes=changes))
    assert priced(cost(**own), billing, by_profile).monthly == pytest.approx(monthly)


def test_upkeep_without_a_price_is_named() -> None:
    own = priced(
        cost(looks_up=True, seconds=0.0), Billing(is_hosted=False, has_knowledge=True), terms(PriceList(), "weekly")
    )
    assert (own.monthly, own.unpriced) == (None, ("upkeep_hour",))


# -- break-even -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tuned", "hosted", "expected"),
    [
        # 365 / 365 = 1 a day more; saves (5 − 1) / 1,000 = 0.004 a request: 250 requests
        ((365.0, None, 1.0), (0.0, None, 5.0), ("a", "b", 250.0)),
        ((0.0, None, 5.0), (365.0, None, 1.0), ("b", "a", 250.0)),  # the order does not matter
        # b has 30.4375 a month = 1 a day: 0 more than a in total, which needs nothing to pay off
        ((365.0, 0.0, 1.0), (0.0, 365.25 / 12, 5.0), None),
        # b's upkeep of 2 a day makes it the dearer one before, and it is dearer for each request: it never pays
        ((365.0, 0.0, 1.0), (0.0, 2 * 365.25 / 12, 5.0), ("b", "a", None)),
        ((365.0, None, 5.0), (0.0, None, 5.0), ("a", "b", None)),
        ((365.0, None, 6.0), (0.0, None, 5.0), ("a", "b", None)),
        ((None, None, 1.0), (0.0, None, 5.0), None),  # nothing is guessed
        ((365.0, None, None), (0.0, None, 5.0), None),
    ],
)
def test_break_even(tuned: Any, hosted: Any, expected: tuple[str, str, float | None] | None) -> None:
    costs = [
        cost(name, one_off=one_off, monthly=monthly, per_1000=per_1000)
        for name, (one_off, monthly, per_1000) in (("a", tuned), ("b", hosted))
    ]
    pairs = [(pair.variant, pair.rival, pair.requests_per_day) for pair in break_even(costs, 365)]
    assert pairs == ([] if expected is None else [(expected[0], expected[1], pytest.approx(expected[2]))])


def test_break_even_days_and_who_is_compared() -> None:
    own = cost("a", one_off=300.0, per_1000=1.0), cost("b", one_off=0.0, per_1000=5.0)
    others = cost("f", approach="floor", one_off=1.0, per_1000=0.0), cost("u", approach="upper bound", one_off=1.0)
    expected = BreakEven(variant="a", rival="b", requests_per_day=pytest.approx(750.0), days=100)  # 3 / 0.004
    assert break_even([*own, *others], 100) == (expected,)
    unknown = replace(own[0], unpriced=("upkeep_hour",))
    assert break_even([unknown, own[1]], 100) == ()
    assert break_even([own[0]], 100) == ()


def test_break_even_is_where_the_two_bills_are_equal() -> None:
    """Against the bills of a year added up request by request."""
    costs = [cost("a", one_off=500.0, monthly=20.0, per_1000=1.5), cost("b", one_off=40.0, monthly=35.0, per_1000=4.0)]
    (pair,) = break_even(costs, 365)
    bills = [
        own.one_off + own.monthly * 12 * 365 / 365.25 + 365 * pair.requests_per_day * own.per_1000 / 1000
        for own in costs
    ]
    assert bills[0] == pytest.approx(bills[1])


# -- Pareto ---------------------------------------------------------------------------------------------------------


def efficient(points: dict[str, tuple[float | None, float | None]], is_lower_better: bool = False) -> set[str]:
    costs = [cost(name, per_1000=spent) for name, (_, spent) in points.items()]
    quality = {name: value for name, (value, _) in points.items() if value is not None}
    return {own.variant for own in with_efficiency(costs, quality, is_lower_better) if own.is_efficient}


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ({"a": (0.9, 5.0), "b": (0.8, 1.0), "c": (0.7, 2.0)}, {"a", "b"}),  # b is better and cheaper than c
        ({"a": (0.9, 5.0), "b": (0.9, 5.0)}, {"a", "b"}),  # equal ones do not beat each other
        ({"a": (0.9, 5.0), "b": (0.9, 4.0)}, {"b"}),
        ({"a": (0.9, 5.0), "b": (0.8, 5.0)}, {"a"}),
        ({"a": (None, 1.0), "b": (0.8, 5.0)}, {"b"}),
        ({"a": (0.9, None), "b": (0.8, 5.0)}, {"b"}),
        ({"a": (None, None)}, set()),
        ({}, set()),
    ],
)
def test_pareto(points: Any, expected: set[str]) -> None:
    assert efficient(points) == expected


def test_pareto_of_a_metric_that_is_better_when_lower() -> None:
    assert efficient({"a": (0.2, 1.0), "b": (0.5, 2.0), "c": (0.1, 3.0)}, is_lower_better=True) == {"a", "c"}


def test_the_cost_is_the_first_that_all_have() -> None:
    costs = [cost("a", per_1000=1.0, latency=timed(0.9), seconds=1.0), cost("b", latency=timed(0.1), seconds=2.0)]
    marked = with_efficiency(costs, {"a": 0.5, "b": 0.5}, False)
    assert [own.is_efficient for own in marked] == [False, True]  # by latency
    bound = replace(costs[1], approach="upper bound")
    assert [own.is_efficient for own in with_efficiency([costs[0], bound], {"a": 0.5, "b": 0.5}, False)] == [True, None]


# -- constraints ----------------------------------------------------------------------------------------------------


def result(task: str, metric: str, mean: float | None, variant: str = "v", known: int = 10) -> Result:
    return Result(task=task, variant=variant, metric=metric, samples=10, known=known, mean=mean, low=None, high=None)


METRICS = {
    f"t.{name}": MetricInfo(component="C", settings={}, low=0.0, high=1.0, better=better)
    for name, better in (("right", "higher"), ("wrong", "lower"))
}
RESULTS = [result("t", "right", 0.7), result("t", "wrong", 0.2), result("t", "blank", None)]
GIB = 2**30


@pytest.mark.parametrize(
    ("limits", "own", "expected"),
    [
        ({"max_p95_ms": 800.0}, {"latency": timed(0.5, 0.8)}, []),  # exactly at the limit
        ({"max_p95_ms": 800.0}, {"latency": timed(0.5, 0.9)}, [("max_p95_ms", 800.0, 900.0)]),
        ({"max_p95_ms": 800.0}, {}, [("max_p95_ms", 800.0, None)]),
        ({"max_p95_ms": 800.0}, {"latency": Latency(variant="v", task="t", items=0, p50=0.0, p95=0.0)},
         [("max_p95_ms", 800.0, None)]),
        ({"max_memory_gb": 8.0}, {"memory": 8 * GIB}, []),
        ({"max_memory_gb": 8.0}, {"memory": 9 * GIB}, [("max_memory_gb", 8.0, 9.0)]),
        ({"max_memory_gb": 8.0}, {}, [("max_memory_gb", 8.0, None)]),
        ({"max_cost_per_1000": 2.0}, {"per_1000": 2.5}, [("max_cost_per_1000", 2.0, 2.5)]),
        ({"max_cost_per_1000": 2.0}, {"per_1000": 0.0}, []),
        ({"max_cost_per_1000": 2.0}, {}, [("max_cost_per_1000", 2.0, None)]),
        ({"local_only": True}, {"is_local": False}, [("local_only", True, False)]),
        ({"local_only": True}, {}, []),
        ({"local_only": False}, {"is_local": False}, []),
        ({"min_quality": {"t.right": 0.7}}, {}, []),
        ({"min_quality": {"t.right": 0.8}}, {}, [("min_quality: t.right", 0.8, 0.7)]),
        ({"min_quality": {"t.wrong": 0.3}}, {}, []),  # lower is better: at most 0.3
        ({"min_quality": {"t.wrong": 0.1}}, {}, [("min_quality: t.wrong", 0.1, 0.2)]),
        ({"min_quality": {"t.blank": 0.1}}, {}, [("min_quality: t.blank", 0.1, None)]),
        ({"min_quality": {"t.absent": 0.1}}, {}, [("min_quality: t.absent", 0.1, None)]),
        ({"knowledge_changes": "weekly"}, {"approach": "fine-tuning"}, [("knowledge_changes", "weekly", None)]),
        ({"knowledge_changes": "daily"}, {}, [("knowledge_changes", "daily", None)]),
        ({"knowledge_changes": "monthly"}, {"approach": "fine-tuning"}, []),
        ({"knowledge_changes": "weekly"}, {"approach": "RAG"}, []),
        ({"knowledge_changes": "weekly"}, {"approach": "fine-tuning + RAG"}, []),
        ({"knowledge_changes": "weekly"}, {"approach": "floor"}, []),
        ({"knowledge_changes": "weekly"}, {"approach": "cascade", "looks_up": True}, []),
        ({"knowledge_changes": "weekly"}, {"approach": "cascade"}, [("knowledge_changes", "weekly", None)]),
        ({"max_p95_ms": 1.0, "max_cost_per_1000": 1.0}, {"approach": "upper bound"}, []),  # nobody deploys it
        ({}, {}, []),
    ],
)  # fmt: skip
def test_constraints(limits: Any, own: Any, expected: Any) -> None:
    broken = broken_constraints([cost(**own)], RESULTS, METRICS, DeploymentTerms(constraints=Constraints(**limits)))
    assert [(each.variant, each.constraint, each.limit, each.value) for each in broken] == [
        ("v", name, limit, pytest.approx(value)) for name, limit, value in expected
    ]


@pytest.mark.parametrize(
    ("approach", "stale", "expected"),
    [
        ("RAG", [0.9], [0.9]),  # it is shown what holds now, and keeps saying what held
        ("RAG", [0.5], []),
        ("prompting", [0.1], []),  # measured to follow
        ("prompting", [0.8, 0.0], []),  # 8 of 10 and 0 of 10
        ("fine-tuning", [0.8, 0.4], [0.6]),
    ],
)
def test_a_freshness_probe_is_better_evidence_than_the_approach(approach: Any, stale: Any, expected: Any) -> None:
    versions = ("after", "withdrawn")
    probes = [result(f"t@k-{version}", "stale", value) for version, value in zip(versions, stale, strict=False)]
    limits = DeploymentTerms(constraints=Constraints(knowledge_changes="weekly"))
    broken = broken_constraints([cost(approach=approach)], [*RESULTS, *probes], METRICS, limits)
    assert [each.value for each in broken] == [pytest.approx(value) for value in expected]


def test_constraints_as_the_suite_states_them() -> None:
    limits = Constraints(max_p95_ms=800.0, min_quality={"t.right": 0.5}, local_only=True, knowledge_changes="weekly")
    assert stated(limits) == {
        "max_p95_ms": 800.0, "min_quality": {"t.right": 0.5}, "local_only": True, "knowledge_changes": "weekly",
    }  # fmt: skip
    assert stated(Constraints()) == {}
