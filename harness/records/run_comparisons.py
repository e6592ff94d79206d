"""Two runs side by side: what is paired, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.figures import Comparison, MetricInfo
from harness.records.inputs import JSON, Language
from harness.records.outputs import Score
from harness.records.run_evidence import Acceptance, RunDifference
from harness.records.sentences import Sentence

LISTED_ITEMS = 25  # newly broken or fixed items of each cell that are listed: those that lost or gained most


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedCell:
    """One metric of one variant on a task, in two runs, item by item."""

    task: str
    variant: str  # one seed of those of several
    pool: str  # the variant as figures name it: the same, or what stands for its seeds
    metric: str  # with its part
    shared: tuple[str, ...]  # ids that both runs scored and that ask the same
    before: tuple[Score, ...]  # of `shared`, in its order
    after: tuple[Score, ...]
    only_before: tuple[str, ...]  # ids that only one run scored
    only_after: tuple[str, ...]
    changed: tuple[str, ...]  # ids that both scored, and whose question or right answers changed


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabel:
    """Which run stands on one side."""

    place: str  # as the user named it
    key: str
    suite: str
    started: str  # ISO 8601, UTC
    acceptance: Acceptance | None = None  # of a baseline
    limited: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOverlap:
    """Which items of a task both runs have."""

    task: str
    shared: int  # that ask the same in both
    only_before: int
    only_after: int
    changed: int  # in both, with another question or other right answers
    is_compared: bool = True  # whether enough of them are shared

    @property
    def share(self) -> float:
        """Of the larger of both sets."""
        return self.shared / max(1, self.shared + self.changed + max(self.only_before, self.only_after))


Cause = Literal["only before", "only after", "metric changed", "not shared", "nothing known", "no code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChange:
    """One figure of one variant in both runs, on the items that both have; or why there is no difference."""

    task: str
    variant: str
    metric: str  # with its part
    info: MetricInfo
    is_headline: bool
    before: float | None  # on the items of the difference; without one, the run's own figure
    after: float | None
    comparison: Comparison | None = None  # difference, interval, p and verdict: of the later run against the earlier
    cause: Cause | None = None  # why there is no difference


Quantity = Literal[
    "tokens_in", "tokens_out", "seconds", "failed", "unread", "truncated", "latency_p50", "latency_p95", "memory",
    "training_seconds", "index_seconds", "per_1000", "one_off", "monthly",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """What a variant takes in both runs: tokens and seconds an item, seconds, bytes, money, numbers of answers."""

    variant: str
    quantity: Quantity
    before: float | None  # None: not measured
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTexts:
    """What can be read of an item: of a baseline nothing is kept."""

    question: str = ""
    targets: tuple[str, ...] = ()
    before: str | None = None  # the answer; None: not kept
    after: str | None = None
    reason: str = ""  # why the later answer has its score


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChange:
    """One item whose answer lost or gained at least half of the metric's range, or failed, or no longer fails."""

    kind: Literal["broken", "fixed"]
    task: str
    variant: str
    metric: str
    sample_id: str
    before: float | None  # None: the answer failed
    after: float | None
    texts: ItemTexts = field(default_factory=ItemTexts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCounts:
    """How many items of a cell are newly broken and newly fixed."""

    task: str
    variant: str
    metric: str
    broken: int
    fixed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """Everything that two runs of a suite say of each other."""

    before: RunLabel
    after: RunLabel
    overlaps: tuple[ItemOverlap, ...]
    differences: tuple[RunDifference, ...]
    figures: tuple[FigureChange, ...]  # headline first
    costs: tuple[CostChange, ...]
    currency: str | None
    item_counts: tuple[ItemCounts, ...]  # of cells with any
    items: tuple[ItemChange, ...]  # the first of each cell
    remarks: tuple[Sentence, ...]
    language: Language = "en"  # of the suite's prompts
