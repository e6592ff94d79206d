"""The headline figures as a decision sees them: who is best, who is not shown to be worse, who is as good."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.records.decisions import MarginTest
from harness.records.figure_names import FigureName
from harness.records.figures import Comparison, MetricInfo
from harness.records.summary import Summary

Closeness = Literal["as good", "close", "open", "worse"]
SWAPPED: Mapping[str, Literal["better", "worse", "inconclusive"]] = {
    "better": "worse",
    "worse": "better",
    "inconclusive": "inconclusive",
}


@dataclass(frozen=True, kw_only=True)
class DecidingFigure:
    """One headline figure with the means of all variants and what their pairs showed."""

    name: str  # "task.metric"
    info: MetricInfo
    means: Mapping[str, float]  # by variant, known ones only
    coverage: Mapping[str, float]  # share of the items with a value, by variant
    pairs: Mapping[tuple[str, str], Comparison]  # of the contestants, in both directions
    floors: Mapping[str, Comparison]  # each variant against the best floor
    margins: Mapping[tuple[str, str], MarginTest]  # (variant, reference)
    margin: float | None

    @property
    def sign(self) -> float:
        """1 where higher is better, −1 where lower is."""
        return -1.0 if self.info.better == "lower" else 1.0

    @property
    def floor(self) -> str | None:
        """The best variant that asks no model."""
        return next((comparison.reference for comparison in self.floors.values()), None)

    def best(self, variants: Collection[str]) -> str:
        """Of these variants, of which at least one has a value, the one with the best mean."""
        valued = [variant for variant in variants if variant in self.means]
        return max(valued, key=lambda variant: self.sign * self.means[variant])

    def lead(self, variant: str, rival: str) -> float:
        """By how much one mean is better than another, on the items of both where there is a test; below 0: worse."""
        pair = self.pairs.get((variant, rival)) or self._against_floor(variant, rival)
        if pair is not None and pair.difference is not None:
            return self.sign * pair.difference
        return self.sign * (self.means[variant] - self.means[rival])

    def _against_floor(self, variant: str, rival: str) -> Comparison | None:
        """The comparison where one of the two is the best floor, seen from the first."""
        above, below = self.floors.get(variant), self.floors.get(rival)
        if above is not None and above.reference == rival:
            return above
        return swapped(below) if below is not None and below.reference == variant else None

    def least_lead(self, variant: str, rival: str) -> float | None:
        """The lower end of the lead's simultaneous interval."""
        pair = self.pairs.get((variant, rival))
        end = None if pair is None else pair.low if self.sign > 0 else pair.high
        return None if end is None else self.sign * end

    def is_worse(self, variant: str, rival: str) -> bool:
        """Whether a test shows it."""
        pair = self.pairs.get((variant, rival))
        return pair is not None and pair.verdict == "worse"

    def closeness(self, variant: str, best: str) -> Closeness:
        """How it stands to the best one: shown to be within the margin, within it as observed, open, or worse."""
        if variant == best:
            return "as good"
        test = self.margins.get((variant, best))
        if test is not None and test.non_inferior:
            return "as good"
        if self.is_worse(variant, best):
            return "worse"
        return "close" if self.margin is not None and -self.lead(variant, best) <= self.margin else "open"

    def floor_lead(self, variant: str) -> float:
        """By how much its mean is better than that of the best floor, which it was compared with."""
        return self.sign * (self.floors[variant].difference or 0.0)

    def beats_floor(self, variant: str) -> bool:
        """Whether it is shown to be better than the best floor."""
        comparison = self.floors.get(variant)
        return comparison is not None and comparison.verdict == "better"

    def is_below_floor(self, variant: str) -> bool:
        """Whether it is shown to be worse than the best floor."""
        comparison = self.floors.get(variant)
        return comparison is not None and comparison.verdict == "worse"


def deciding_figures(summary: Summary, margins: Mapping[str, float]) -> list[DecidingFigure]:
    """The headline figures that may decide and have a value. `margins` by "task.metric", in the metric's own units."""
    return list(_figures(summary, margins))


def _figures(summary: Summary, margins: Mapping[str, float]) -> Iterator[DecidingFigure]:
    for name in summary.headline:
        info = summary.metrics.get(name)
        results = [result for result in summary.results if str(FigureName.of(result)) == name]
        means = {result.variant: result.mean for result in results if result.mean is not None}
        is_demoted = str(FigureName.parse(name).whole) in summary.judging.demoted
        if info is None or info.better == "neither" or not means or is_demoted:
            continue
        yield DecidingFigure(
            name=name,
            info=info,
            means=means,
            coverage={result.variant: result.known / max(1, result.samples) for result in results},
            pairs=_both_ways(_of_figure(summary.decisions.pairs, name)),
            floors={c.variant: c for c in _of_figure(summary.floors, name) if c.difference is not None},
            margins={
                (test.variant, test.reference): test
                for test in summary.decisions.margins
                if str(FigureName.of(test)) == name
            },
            margin=margins.get(name),
        )


def _of_figure(comparisons: Sequence[Comparison], name: str) -> list[Comparison]:
    return [comparison for comparison in comparisons if str(FigureName.of(comparison)) == name]


def _both_ways(pairs: Sequence[Comparison]) -> dict[tuple[str, str], Comparison]:
    own = {(pair.variant, pair.reference): pair for pair in pairs}
    return own | {(pair.reference, pair.variant): swapped(pair) for pair in pairs}


def swapped(pair: Comparison) -> Comparison:
    """The same comparison, seen from the other variant."""
    return replace(
        pair,
        variant=pair.reference,
        reference=pair.variant,
        difference=None if pair.difference is None else 0.0 - pair.difference,
        low=None if pair.high is None else 0.0 - pair.high,
        high=None if pair.low is None else 0.0 - pair.low,
        wins=pair.losses,
        losses=pair.wins,
        verdict=SWAPPED[pair.verdict],
    )
