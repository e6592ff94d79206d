"""What a reader owes: the samples of a task, split."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.components.dataset import Dataset
from harness.components.component import Component


class Reader(Component):
    """Reads a data source into samples."""

    def read(self, task: str, seed: int) -> "Dataset":
        """The samples of `task`, split. Raises DataError with `file:line: reason`."""
        raise NotImplementedError

    def sources(self) -> tuple[str, ...]:
        """The local files that the samples depend on, for the digest in run.json."""
        return ()
