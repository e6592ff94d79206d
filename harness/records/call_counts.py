"""What the model calls of one cell or metric amounted to: counted where they are made, told where people look."""

from dataclasses import dataclass


@dataclass
class Tally:
    """What the calls of one cell amounted to."""

    calls: int = 0  # computed now
    cached: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0  # wall time in models, now
    cached_seconds: float = 0.0  # what the cached calls took when they were made
    embedded: int = 0  # texts embedded or ranked now
    retrieval_seconds: float = 0.0  # wall time of indexing and searching, embedding included
    estimate: float | None = None  # of the missing calls, when only planning

    @property
    def asked(self) -> bool:
        """Whether any model was asked, now or before."""
        return bool(self.calls or self.cached)
