"""What a run has to do before a model can answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What a run has to do before a model can answer, as a plan shows it."""

    what: str  # e.g. "lora on 400 rows, 50 steps"
    done: bool
    needs: int | None = None  # bytes at the highest point, estimated
    has: int | None = None  # bytes that the machine has
    seconds: float | None = None  # estimated; None where it is done, or nothing was timed that it could be told from
    measured: float | None = None  # seconds that it took, where it is done and was timed
