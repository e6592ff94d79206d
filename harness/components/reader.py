"""What a reader owes: the samples of a task, split."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from harness.components.component import Component
from harness.components.dataset import Dataset


class Reader(Component):
    """Reads a data source into samples."""

    breakdowns: ClassVar[tuple[str, ...]] = ()  # columns by whose values a report shows the figures, too

    @abstractmethod
    def read(self, task: str, seed: int) -> Dataset:
        """The samples of `task`, split. Raises DataError with `file:line: reason`."""

    def meanings(self) -> Mapping[str, str]:
        """What the columns are that prompts do not see by their own names, by name: said where a prompt names them."""
        return {}

    def sources(self) -> tuple[str, ...]:
        """The local files that the samples depend on, for the digest in run.json."""
        return ()
