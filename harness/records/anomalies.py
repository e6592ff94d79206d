"""The records of what makes a run's figures doubtful at first sight: answers that look like a fault of the set-up."""

from dataclasses import dataclass
from typing import Literal

from harness.records.decisions import Statement

CellFault = Literal[
    "first token", "empty", "cut", "refusal", "unreadable", "same answer", "cut prompts", "no option", "open option"
]
AnomalyKind = CellFault | Literal["no effect"]  # of one cell, or of two together


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One fault that many answers of a cell share."""

    task: str
    variant: str
    kind: AnomalyKind
    count: int  # answers that have it
    answers: int  # of the cell; what a machine failed to answer is none of them
    excerpt: str  # what it looks like: the answer that is repeated, or the commonest reason; empty for no text
    cause: str  # the likely one, in the words of a sentence
    remedy: str
    examples: tuple[str, ...]  # ids of some samples
    statements: tuple[Statement, ...] = ()  # what cause and remedy say, as data; none in runs of older versions


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMismatch:
    """A model that the run trained is asked by a variant through prompts of another kind than it has learnt from."""

    task: str
    variant: str
    model: str
    difference: str  # the words behind the model's name: "was trained on … and is asked …"
    remedy: str
    statements: tuple[Statement, ...] = ()  # what both say, as data; none in runs of older versions
