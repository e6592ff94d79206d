"""What a run announces of its work, so that whoever watches knows how much is left."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPiece:
    """A piece of work that will begin later, e.g. a cell."""

    title: str  # with which it begins
    stage: str = ""
    calls: int | None = None  # that it takes, at most; None: not known
    source: str = ""  # what is called: the pieces of one source go equally fast
    seconds_a_call: float | None = None  # as calls of that source went in earlier runs
