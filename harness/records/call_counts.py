"""What the model calls of one cell or metric amounted to, for the plan, the progress and run.json."""

from dataclasses import asdict, dataclass

from harness.records.inputs import JSON


@dataclass(kw_only=True)
class CallCounts:
    """The calls of one cell; the only record that changes, because it is counted up while calls are made."""

    calls: int = 0  # computed now
    cached: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0  # wall time in models, now
    cached_seconds: float = 0.0  # what the cached calls took when they were made
    embedded: int = 0  # texts embedded or ranked now
    retrieval_seconds: float = 0.0  # wall time of indexing and searching, embedding included
    max_tokens: int | None = None  # of an answer, where that follows from the train rows
    estimate: float | None = None  # of the missing calls, when only planning

    @property
    def has_calls(self) -> bool:
        """Whether any model was called, now or in a run whose calls are cached."""
        return bool(self.calls or self.cached)

    def record(self) -> dict[str, JSON]:
        """What run.json keeps; a limit of answers only where it follows from the train rows."""
        fields = asdict(self)
        return fields if self.max_tokens is not None else {k: v for k, v in fields.items() if k != "max_tokens"}
