"""What the runs of one suite come to, night after night."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.decisions import Statement
from harness.records.figures import MetricInfo
from harness.records.run_comparisons import ItemChange, ItemCounts
from harness.records.run_evidence import RunDifference

NightQuantity = Literal["figure", "latency", "seconds", "tokens", "price", "failed", "duration"]
LeftOutReason = Literal["unreadable", "running", "interrupted", "part", "limited", "timeless"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendNight:
    """One finished run of a suite, whole in the sense that nothing was left out of it."""

    key: str  # its folder below the one that is looked at
    started: str  # ISO 8601, UTC
    seconds: float | None = None  # from its begin to its end; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class NightValue:
    """One value of a line in one night, with a 95 % interval where it has one."""

    value: float
    low: float | None = None
    high: float | None = None
    known: int | None = None  # items that it is made of
    samples: int | None = None  # items that it should be made of


@dataclass(frozen=True, slots=True, kw_only=True)
class NightShift:
    """A night from which on a line lies on another level, though nothing is known to have moved it."""

    night: int
    before: float  # median of the nights at the level before
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendLine:
    """One variant in one chart."""

    variant: str  # "" of what is not of one variant
    values: tuple[NightValue | None, ...]  # one a night; None: not known
    breaks: tuple[int, ...] = ()  # nights with which values begin that are not comparable with those before
    shifts: tuple[NightShift, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendChart:
    """One quantity of all variants."""

    quantity: NightQuantity
    name: str = ""  # of the figure, "task.metric"
    info: MetricInfo  # how values are to be read; of costs, without a component
    lines: tuple[TrendLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightChange:
    """What differs between a night and the one before."""

    night: int
    differences: tuple[RunDifference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakyCell:
    """How many items of a cell were answered otherwise in nights that are identical in everything."""

    task: str
    variant: str
    items: int  # that were answered in at least two of the nights
    flaky: int
    low: float  # of a 95 % interval of the share
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakyItem:
    """An item whose answers differ between identical nights."""

    task: str
    variant: str
    sample_id: str
    nights: int  # in which it was answered
    answers: int  # different ones
    changes: int  # nights whose answer is not that of the night before


@dataclass(frozen=True, slots=True, kw_only=True)
class Flakiness:
    """What came of nights between which nothing differs that a run records."""

    nights: tuple[int, ...] = ()  # that were compared
    cells: tuple[FlakyCell, ...] = ()
    items: tuple[FlakyItem, ...] = ()  # those that changed most, some of them
    problem: str = ""  # why answers could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class LastNight:
    """The last night against the one before, item by item."""

    counts: tuple[ItemCounts, ...] = ()  # by cell
    items: tuple[ItemChange, ...] = ()  # some of each cell
    shared: int = 0  # items that ask the same in both nights, over all tasks
    problem: str = ""  # why the two could not be compared


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A run that is in no line."""

    key: str
    reason: LeftOutReason
    problem: str = ""  # in the words of whoever met it
    started: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """All runs of one suite in their order, and what they show."""

    suite: str
    place: str  # the folder, as the user names it
    nights: tuple[TrendNight, ...]  # by their start, then by the name of their folder
    charts: tuple[TrendChart, ...]
    changes: tuple[NightChange, ...] = ()
    flakiness: Flakiness = field(default_factory=Flakiness)
    last: LastNight = field(default_factory=LastNight)
    left_out: tuple[LeftOut, ...] = ()
    order_remarks: tuple[Statement, ...] = ()  # where the order of the nights is in doubt
    unaided: tuple[str, ...] = ()  # variants that ask no model
    currency: str | None = None
    decisions: Mapping[int, str] = field(default_factory=dict)  # by night: the variant that it recommends, "" for none
