"""Stored answers that judges are asked about again each night: a judge that gives them other scores has moved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.inputs import Language
from harness.records.sentences import Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredAnswer:
    """One answer as a judge was shown it."""

    variant: str
    text: str
    passages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeAnchor:
    """One item of a judged metric, with what the judges said when the baseline was accepted."""

    task: str
    metric: str
    sample_id: str
    language: Language
    question: str
    reference: str
    answers: tuple[AnchoredAnswer, ...]  # one, or two that are compared
    score: float  # of the answer; of two: 1 the first won, 0.5 tie, 0 it lost
    flipped: bool = False  # of two: whether the verdict changed with the order


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeStanding:
    """Whether the judges of a run may be compared with those of its baseline."""

    moved: Mapping[str, Sentence] = field(default_factory=dict)  # "task.metric" → why not
    notes: tuple[Sentence, ...] = ()
