"""The figures that a verdict rests on, and the variants that compete on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.decisions import Approach
from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.estimator import Estimator

CONTESTANTS: tuple[Approach, ...] = (
    "prompting", "RAG", "fine-tuning", "fine-tuning + RAG", "cascade", "made elsewhere",
)  # fmt: skip


@dataclass(frozen=True)
class ContestedFigure:
    """A figure of the headline that has a better end."""

    estimator: Estimator
    metric: str  # with its part
    variants: Sequence[str]  # that were scored, in the suite's order

    @property
    def name(self) -> str:
        """As the suite writes it: "task.metric"."""
        return str(FigureName.within(self.estimator.task, self.metric))

    @property
    def sign(self) -> float:
        """−1 where lower is better."""
        return -1.0 if self.estimator.info((self.metric, "")).better == "lower" else 1.0

    def standings(self, results: Sequence[Result]) -> dict[str, float]:
        """The mean of each variant that has one, turned so that more is better."""
        return {
            result.variant: self.sign * result.mean
            for result in results
            if (result.task, result.metric) == (self.estimator.task, self.metric) and result.mean is not None
        }


def contested_figures(estimators: Sequence[Estimator], plan: ComparisonPlan) -> Iterator[ContestedFigure]:
    """Those that were scored, in the order of the headline."""
    order = {variant: place for place, variant in enumerate(plan.approaches)}
    for name in dict.fromkeys(plan.headline):
        figure = FigureName.parse(name)
        for estimator in (own for own in estimators if own.task == figure.task):
            scored = [variant for metric, variant in estimator.figures if metric == figure.full_metric]
            if scored and estimator.info((figure.full_metric, "")).better != "neither":
                variants = sorted(scored, key=lambda variant: order.get(variant, len(order)))
                yield ContestedFigure(estimator, figure.full_metric, variants)


def contestants(variants: Sequence[str], plan: ComparisonPlan) -> list[str]:
    """Those that are neither a floor nor an upper bound."""
    return [variant for variant in variants if _is_contestant(variant, plan)]


def _is_contestant(variant: str, plan: ComparisonPlan) -> bool:
    approach = plan.approaches.get(variant)
    if approach is not None:
        return approach in CONTESTANTS
    return variant not in plan.floors and variant not in plan.bounds
