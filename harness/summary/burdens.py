"""Which of several variants is the lightest to run: by money, else by time, else by tokens, else by how it is made."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.records.decisions import Approach, VariantCost

Measure = Literal["money", "latency", "seconds", "tokens", "simplicity"]
SIMPLICITY: Mapping[Approach, int] = {
    "floor": 0,
    "prompting": 1,
    "RAG": 2,
    "fine-tuning": 3,
    "fine-tuning + RAG": 4,
    "cascade": 5,
    "made elsewhere": 6,
    "upper bound": 7,
}
CLEARLY = 0.9  # of the other's running cost: what costs more than this part of it is not called cheaper


@dataclass(frozen=True)
class Burdens:
    """What variants take, in the one measure that is known of all that are compared."""

    costs: Mapping[str, VariantCost]
    approaches: Mapping[str, Approach]

    def measure(self, variants: Collection[str]) -> Measure:
        """The first measure that is known of all of them."""
        candidates: tuple[Measure, ...] = ("money", "latency", "seconds", "tokens")
        return next((m for m in candidates if all(self.amount(v, m) is not None for v in variants)), "simplicity")

    def amount(self, variant: str, measure: Measure) -> float | None:
        """Of one request: money for 1,000, seconds, or tokens; of simplicity the rank of the approach."""
        if measure == "simplicity":
            return float(self._rank(variant))
        cost = self.costs.get(variant)
        if cost is None:
            return None
        match measure:
            case "money":
                return cost.per_1000
            case "latency":
                return cost.latency.p50 if cost.latency is not None and cost.latency.items else None
            case "seconds":
                return cost.seconds
            case "tokens":
                return None if cost.tokens_in is None else cost.tokens_in + (cost.tokens_out or 0.0)

    def lightest(self, variants: Collection[str]) -> str:
        """The one that takes least; among those about as cheap, the simplest."""
        measure = self.measure(variants)
        amounts = {variant: self.amount(variant, measure) or 0.0 for variant in variants}
        least = min(amounts.values())
        near = [variant for variant in variants if CLEARLY * amounts[variant] <= least]
        return min(near, key=lambda variant: (self._rank(variant), amounts[variant]))

    def is_lighter(self, variant: str, rival: str) -> bool:
        """Whether it is clearly cheaper, or about as cheap and simpler."""
        measure = self.measure((variant, rival))
        own, rivals = (self.amount(name, measure) or 0.0 for name in (variant, rival))
        if min(own, rivals) < CLEARLY * max(own, rivals):
            return own < rivals
        return self._rank(variant) < self._rank(rival)

    def _rank(self, variant: str) -> int:
        return SIMPLICITY[self.approaches.get(variant, "prompting")]
