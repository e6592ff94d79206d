"""What a later run is held against: the figures, scores and identities of one run, without its texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.records.inputs import JSON
from harness.records.outputs import Score
from harness.records.sentences import Sentence
from harness.records.summary import Summary

CellItem = tuple[str, str, str]  # task, variant, id of the sample
QuestionId = tuple[str, str]  # task, id of the sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Who made a run the baseline of later ones, when, and why."""

    who: str
    when: str  # ISO 8601, UTC
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedRun:
    """One entry of a baseline's history."""

    key: str
    started: str  # ISO 8601, UTC
    acceptance: Acceptance


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """One run, or the baseline that was made of one."""

    place: str  # as the user names it
    key: str  # the name of the run folder, e.g. 2026-11-30_021500; a baseline keeps that of its run
    suite: str
    started: str  # ISO 8601, UTC
    record: Mapping[str, JSON]  # run.json; of a baseline, what identifies data, prompts, models, judges and machine
    summary: Summary
    scores: Sequence[Score]  # of a baseline, without reasons
    questions: Mapping[QuestionId, str]  # digest of what is asked and of the right answers
    answers: Mapping[CellItem, str]  # digest of what was answered; failed items are absent
    groups: Mapping[QuestionId, str] = field(default_factory=dict)  # of items that belong together; else absent
    acceptance: Acceptance | None = None  # None of a run
    limited: Mapping[str, JSON] = field(default_factory=dict)  # how the run was limited; empty: it was whole
    remarks: tuple[Sentence, ...] = ()  # what was not as a run writes it, e.g. scores that are no numbers


DifferenceKind = Literal[
    "data", "prompt", "knowledge", "model", "variant", "metric", "judge", "seed", "package", "hardware", "harness"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDifference:
    """One thing in which two runs differ, and the cells whose figures it can move."""

    kind: DifferenceKind
    name: str  # of the task, model, package, …
    before: str  # as it is shown; "" where it was not there
    after: str
    tasks: tuple[str, ...] = ()  # that it touches; () with `variants` (): none by name, e.g. a package
    variants: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()  # names in the tasks; (): all of them
    changes_figures: bool = True  # False of what should not matter, such as a package or the hardware
