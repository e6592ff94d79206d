"""What can be said of a run at a glance: how far it is, and what it came to."""

from dataclasses import dataclass, field
from typing import Literal

from harness.records.run_scopes import RunScope
from harness.records.summary import Summary

RunState = Literal["running", "interrupted", "part", "complete", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is that goes on."""

    stage: str = ""  # e.g. "predict"
    work: str = ""  # what it does at present, e.g. "norm × lora"
    done: int = 0  # calls or steps of that
    total: int = 0  # 0: not known yet
    rate: float | None = None  # tokens a second; None: no token was counted
    item_rate: float | None = None  # calls or steps a second, of those that no store answered
    reason: str = ""  # why the work stands still, where it does
    finished: int = 0  # pieces of work before this one, of those that were announced
    pieces: int | None = None  # that were announced, e.g. all cells; None: none were
    left: float | None = None  # seconds until this piece of work is done, as its first part went
    left_run: float | None = None  # seconds until all that was announced is done
    unknown_pieces: int = 0  # of those, how many it does not count because nothing like them was measured
    failed: int = 0  # calls of the run so far
    cost: float | None = None  # of the run so far; None: no price is stated
    currency: str = ""
    places: tuple[str, ...] = ()  # what each process of a cluster does, e.g. "node7: train lora"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOverview:
    """A run in a list of runs."""

    key: str  # its folder below the one that is listed, with "/" between names
    name: str  # of its suite; that of the folder where it cannot be read
    state: RunState
    stage: str = ""  # its status as run.json gives it
    started: str | None = None  # ISO 8601
    finished: str | None = None
    command: str | None = None  # that began it
    progress: RunProgress | None = None  # of a run that goes on, or that ended without a word
    summary: Summary | None = None  # with the headline figures and the decision only
    scope: RunScope = field(default_factory=RunScope)  # how far it reaches, where it is limited
    died: str | None = None  # ISO 8601: the last sign of life of a run that ended without a word
    problem: str = ""  # why it, or its figures, cannot be read
