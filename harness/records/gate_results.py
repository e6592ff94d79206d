"""What a gate says of a run: of each cell, with its reasons, and over all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.records.run_evidence import RunDifference
from harness.records.sentences import Sentence

Verdict = Literal["PASS", "WARN", "NOT COMPARABLE", "INCONCLUSIVE", "BLOCK"]
VERDICTS: tuple[Verdict, ...] = ("PASS", "WARN", "NOT COMPARABLE", "INCONCLUSIVE", "BLOCK")  # the worst last
EXIT_CODES: Mapping[Verdict, int] = {"PASS": 0, "WARN": 0, "BLOCK": 1, "INCONCLUSIVE": 3, "NOT COMPARABLE": 4}
Tier = Literal["critical", "normal", "watch"]
Rule = Literal["nightly", "sequential"]
CheckKind = Literal["drop", "floor", "coverage", "latency", "cost", "alarm", "change", "judge", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One thing that a cell was held to."""

    kind: CheckKind
    verdict: Verdict  # that it gives the cell, its tier accounted for, waivers not
    text: Sentence  # what was seen
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTest:
    """How far a cell is below its baseline on the items that both have, in the metric's own units."""

    items: int  # that ask the same and have a value in both
    groups: int | None  # that they form; None: each is independent of the others
    differing: int  # whose values differ
    drop: float  # better direction accounted for; below 0: it is better now
    highest: float  # upper end of the drop's one-sided interval at the policy's confidence
    margin: float  # the drop that is allowed
    p: float  # one-sided, of no drop; of the sequential rule always valid, over all nights together
    level: float  # below which p proves a drop
    nights: int = 1  # that the evidence rests on


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedCell:
    """The verdict on one metric of one variant on a task; of what is no metric, such as latency, on that."""

    task: str  # "" of what concerns the variant on all tasks
    variant: str
    metric: str  # with its part; "latency" or "cost" in words
    tier: Tier
    verdict: Verdict
    before: float | None  # the baseline's figure; None: it has none
    after: float | None
    samples: int = 0  # of the run
    known: int = 0  # with a value
    drop: DropTest | None = None  # None where nothing could be paired
    checks: tuple[GateCheck, ...] = ()
    waiver: Sentence | None = None  # why a worse verdict does not count, and until when


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """How often the gate turns red although nothing has changed, at most."""

    rule: Rule
    cells: int  # that can turn it red by a drop
    level: float  # of each of them: a night, or with the sequential rule over all nights
    expected: float | None  # false alarms a month, at most; None of the sequential rule
    chance: float | None  # of any false alarm while the baseline stands, at most; None of the nightly rule
    nights: int  # of a month


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The verdict on a run, and all that it rests on."""

    suite: str
    run: str  # name of the run folder
    started: str  # ISO 8601, UTC
    baseline: str  # the run that the baseline was made of
    policy: str  # name of its file; "" for the default
    verdict: Verdict
    false_alarms: FalseAlarms
    cells: tuple[GatedCell, ...]  # the worst first
    differences: tuple[RunDifference, ...] = ()
    notes: tuple[Sentence, ...] = ()  # what a reader should know: expired waivers, how judges stand, changed packages
