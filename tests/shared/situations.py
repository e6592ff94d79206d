"""Summaries made by hand for a decision: means, what the pairs showed, costs, and what casts doubt."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from harness.records.decisions import Approach, DecisionRecord, Latency, MarginTest, VariantCost
from harness.records.figures import Comparison, MetricInfo, Result
from harness.records.judgements import Judging
from harness.records.summary import Summary

Means = Mapping[str, Mapping[str, float]]  # by "task.metric" and variant
SHARE = MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better="higher")
APPROACHES: Mapping[str, Approach] = {
    "zero": "prompting", "few": "prompting", "rag": "RAG", "rag2": "RAG", "lora": "fine-tuning", "lora2": "fine-tuning",
    "lora+rag": "fine-tuning + RAG", "ladder": "cascade", "nearest": "floor", "common": "floor", "oracle": "upper bound",
}  # fmt: skip
ITEMS = 300


def situation(
    means: Means | Mapping[str, float],
    *,
    worse: Sequence[tuple[str, str]] = (),
    as_good: Sequence[tuple[str, str]] = (),
    above_floor: Sequence[str] = (),
    below_floor: Sequence[str] = (),
    floor: str | None = None,
    costs: Mapping[str, Mapping[str, Any]] | None = None,
    coverage: Mapping[str, int] | None = None,
    demoted: Mapping[str, str] | None = None,
    metric: MetricInfo = SHARE,
    **further: Any,
) -> Summary:
    """`worse` pairs (loser, winner) are shown, all others are inconclusive; `as_good` pairs are within the margin."""
    by_figure: Means = means if "." in next(iter(means), ".") else {"norm.accuracy": means}  # type: ignore[assignment]
    names = list(dict.fromkeys(variant for own in by_figure.values() for variant in own))
    deployable = [name for name in names if APPROACHES[name] not in ("floor", "upper bound")]
    return Summary(
        name="clinic",
        reference=None,
        headline=tuple(by_figure),
        metrics=dict.fromkeys(by_figure, metric),
        results=tuple(_results(by_figure, coverage or {})),
        comparisons=(),
        usage=(),
        floors=tuple(_floors(by_figure, deployable, floor, above_floor, below_floor)),
        bounds=tuple(name for name in names if APPROACHES[name] == "upper bound"),
        judging=Judging(demoted=dict(demoted or {})),
        decisions=DecisionRecord(
            approaches={name: APPROACHES[name] for name in names},
            pairs=tuple(_pairs(by_figure, deployable, worse)),
            margins=tuple(_margins(by_figure, as_good)),
            costs=tuple(cost(name, **own) for name, own in (costs or {}).items()),
        ),
        **further,
    )


def cost(variant: str, p50: float | None = None, **further: Any) -> VariantCost:
    latency = None if p50 is None else Latency(variant=variant, task="norm", items=20, p50=p50, p95=2 * p50)
    return VariantCost(variant=variant, approach=APPROACHES[variant], is_local=True, latency=latency, **further)


def _results(by_figure: Means, coverage: Mapping[str, int]) -> Iterator[Result]:
    for figure, own in by_figure.items():
        task, _, metric = figure.partition(".")
        for variant, mean in own.items():
            yield Result(
                task=task,
                variant=variant,
                metric=metric,
                samples=ITEMS,
                known=coverage.get(variant, ITEMS),
                mean=mean,
                low=mean - 0.05,
                high=mean + 0.05,
            )


def _comparison(figure: str, variant: str, rival: str, difference: float, verdict: Any) -> Comparison:
    task, _, metric = figure.partition(".")
    reach = abs(difference) / 2 if verdict != "inconclusive" else abs(difference) + 0.03
    return Comparison(
        task=task,
        metric=metric,
        variant=variant,
        reference=rival,
        samples=ITEMS,
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        p=0.5 if verdict == "inconclusive" else 0.001,
        p_adjusted=0.9 if verdict == "inconclusive" else 0.002,
        family=10,
        test="max-T of sign flips",
        verdict=verdict,
        needed=1000 if verdict == "inconclusive" else None,
        needed_low=600 if verdict == "inconclusive" else None,
        needed_high=2500 if verdict == "inconclusive" else None,
    )


def _pairs(by_figure: Means, deployable: Sequence[str], worse: Sequence[tuple[str, str]]) -> Iterator[Comparison]:
    for figure, own in by_figure.items():
        for variant, rival in combinations([name for name in deployable if name in own], 2):
            verdict = (
                "worse" if (variant, rival) in worse else "better" if (rival, variant) in worse else "inconclusive"
            )
            if verdict != "inconclusive" and len(by_figure) > 1:  # shown where the means say so
                verdict = "better" if own[variant] > own[rival] else "worse"
            yield _comparison(figure, variant, rival, own[variant] - own[rival], verdict)


def _floors(
    by_figure: Means, deployable: Sequence[str], floor: str | None, above: Sequence[str], below: Sequence[str]
) -> Iterator[Comparison]:
    for figure, own in by_figure.items():
        for variant in deployable if floor in own else ():
            verdict = "better" if variant in above else "worse" if variant in below else "inconclusive"
            if variant in own:
                yield _comparison(figure, variant, str(floor), own[variant] - own[str(floor)], verdict)


def _margins(by_figure: Means, as_good: Sequence[tuple[str, str]]) -> Iterator[MarginTest]:
    for figure, own in by_figure.items():
        task, _, metric = figure.partition(".")
        for variant, reference in as_good:
            loss = own[reference] - own[variant]
            yield MarginTest(
                task=task,
                metric=metric,
                variant=variant,
                reference=reference,
                margin=0.02,
                loss=loss,
                most_lost=0.019,
                most_gained=0.01,
                non_inferior=True,
                equivalent=True,
            )
