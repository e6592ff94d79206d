"""The surroundings in which a metric scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.components.calls import Calls
from harness.components.task import Task
from harness.records.judgements import Judgement


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """The surroundings in which one metric scores one task."""

    metric: str  # as the suite calls it
    task: Task
    context: Calls  # the door to the models that it asks
    answering: Mapping[str, str | None] = field(default_factory=dict)  # variant → the one model that answers, if one
    reference: str | None = None  # the variant that the others are measured against
    pools: Mapping[str, Sequence[str]] = field(default_factory=dict)  # variants that stand for those of several seeds
    seed: int = 0
    judgements: list[Judgement] = field(default_factory=list)  # a judge adds its own

    def team(self, variant: str) -> str:
        """The variant as it is reported: one for those of several seeds."""
        return next((pool for pool, members in self.pools.items() if variant in members), variant)
