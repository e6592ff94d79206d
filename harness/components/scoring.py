"""The surroundings in which a metric scores, and when it is a metric's turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.components.component import named
from harness.components.metric import Metric
from harness.components.task import Task
from harness.records.judgements import Judgement
from harness.runtime.context import Context


@dataclass(frozen=True)
class Scoring:
    """The surroundings in which one metric scores one task."""

    metric: str  # as the suite calls it
    task: Task
    context: Context
    answering: Mapping[str, str | None] = field(default_factory=dict)  # variant → the one model that answers, if one
    reference: str | None = None  # the variant that the others are measured against
    pools: Mapping[str, Sequence[str]] = field(default_factory=dict)  # variants that stand for those of several seeds
    seed: int = 0
    judgements: list[Judgement] = field(default_factory=list)  # a judge adds what it said

    def team(self, variant: str) -> str:
        """The variant as it is reported: one for those of several seeds."""
        return next((pool for pool, members in self.pools.items() if variant in members), variant)


def scoring_phase(metric: Metric) -> int:
    """When it is a metric's turn: 0 if it asks no model, 1 if it asks those that answered, 2 if it asks a judge."""
    return 2 if named(metric, "models") else int(metric.asks_answerers)
