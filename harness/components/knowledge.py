"""What a knowledge base owes: passages, and which of them are right for an item."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

from harness.components.component import Component
from harness.records.inputs import PassageSet, Sample
from harness.records.outputs import Alternatives
from harness.statistics.right_answers import places_of


class Knowledge(Component):
    """A knowledge base: its passages, and which of them are right for an item."""

    @abstractmethod
    def read(self) -> PassageSet:
        """The passages. Raises DataError with `file:line: reason`."""

    def read_update(self) -> PassageSet | None:
        """The passages of its second version, where it has one. Raises DataError."""
        return None

    def passage_set(self, updated: bool = False) -> PassageSet:
        """The passages of the first or second version, read once."""
        return self._second if updated else self._first

    @cached_property
    def _first(self) -> PassageSet:
        return self.read()

    @cached_property
    def _second(self) -> PassageSet:
        return self.read_update() or self._first

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError if the samples of a task have not what this knowledge base names, e.g. a column."""

    @abstractmethod
    def right_answers(self, samples: Sequence[Sample], passage_set: PassageSet) -> list[Alternatives]:
        """For each sample what is right, with the places in `passage_set.passages` that hold it; nothing if not known.

        A right answer that no passage holds has no places: it counts as not found.
        """

    def gold_places(self, samples: Sequence[Sample], passage_set: PassageSet) -> list[tuple[int, ...]]:
        """For each sample the places of all passages that hold a right answer, ascending."""
        return [places_of(alternatives) for alternatives in self.right_answers(samples, passage_set)]

    def affected(self, samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
        """The samples whose fact differs in the second version: as they were, and with the answers that hold then."""
        return []

    def withdrawn(self, samples: Sequence[Sample]) -> list[Sample]:
        """The samples whose fact the second version no longer has; their column `stale` holds the old answers."""
        return []

    def sources(self) -> tuple[str, ...]:
        """The local files that the passages depend on, for the digest in run.json."""
        return ()
