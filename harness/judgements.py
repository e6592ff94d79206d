"""The records of judging: what a judge said of one answer or of two, and how far it deserves trust."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Judgement:
    """One reading of one judge: of an answer by itself, or of two side by side in one order."""

    task: str
    metric: str
    judge: str  # the model, as the suite calls it
    sample_id: str
    variant: str
    rival: str | None = None  # the second answer, where two were compared; `variant` was shown first
    repeat: int = 0
    values: Mapping[str, float] = field(
        default_factory=dict
    )  # by dimension; two answers: {"": 1, 0.5 or 0} for `variant`
    reasons: Mapping[str, str] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()  # characters of the answer, or of both
    attempts: int = 1  # replies asked for until one could be read
    tokens_in: int = 0  # of all attempts
    tokens_out: int = 0
    seconds: float = 0.0
    unreadable: str | None = None  # why no reply could be read: unknown, never a low score
    error: str | None = None  # a machine's failure: unknown
