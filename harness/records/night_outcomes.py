"""What one night came to: its run, the verdict on it, and what its suite's runs show together."""

from dataclasses import dataclass
from typing import Literal

from harness.records.gate_results import GateResult
from harness.records.prunings import RunPruning
from harness.records.trends import Trend

NightStart = Literal["new", "run continued", "gate continued"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightOutcome:
    """A night that has come to its end."""

    suite: str
    run: str  # its folder
    start: NightStart  # whether an earlier night was cut short, and where this one went on with it
    baseline: str  # its folder; where there is none, the one that would be looked in
    accepting: str  # the command that makes this night the baseline of the next ones
    result: GateResult | None  # None: there is no baseline
    trend: Trend
    pruning: RunPruning | None = None  # None: nothing was to be removed
