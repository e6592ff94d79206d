"""What the viewer needs of the runs: the command line hands it in, since the report knows no folders."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Protocol

from harness.records.finished_run import FinishedRun
from harness.records.run_overviews import RunOverview


class RunLibrary(Protocol):
    """The runs below a folder. Nothing that it is asked changes any of them."""

    root: Path

    @property
    def is_run(self) -> bool:
        """Whether the folder itself is a run."""

    def overviews(self) -> Sequence[RunOverview]:
        """All runs, the newest first."""

    def overview(self, key: str) -> RunOverview | None:
        """One run; None where there is none of this key."""

    def page(self, key: str) -> bytes | None:
        """The stored report, where it shows the figures that are there now. Raises StoreError."""

    def version(self, key: str) -> Hashable:
        """Changes with any file that a report is made of."""

    def finished(self, key: str) -> FinishedRun:
        """All that a report is made of. Raises StoreError for what is missing or broken."""
