"""What a reader owes: the samples of a task, split."""

from abc import abstractmethod

from harness.components.component import Component
from harness.components.dataset import Dataset


class Reader(Component):
    """Reads a data source into samples."""

    @abstractmethod
    def read(self, task: str, seed: int) -> Dataset:
        """The samples of `task`, split. Raises DataError with `file:line: reason`."""
        raise NotImplementedError

    def sources(self) -> tuple[str, ...]:
        """The local files that the samples depend on, for the digest in run.json."""
        return ()
