"""What a retriever owes: an index over passages, and what an index promises."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from harness.components.calls import Calls
from harness.components.component import Component
from harness.records.inputs import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Hit = tuple[int, float]  # a passage's place in the indexed sequence, its score (higher is better)


class Index(Protocol):
    """Passages ready to be searched."""

    def search(self, queries: Sequence[str], k: int, allowed: "NDArray[np.bool_] | None" = None) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages.

        `allowed` (one truth value a passage) leaves out all other passages. A blank query has no hits.
        """


class Retriever(Component):
    """Finds the passages that are about a query."""

    def reach(self) -> int | None:
        """The most hits that a query ever has; None when only the passages bound them."""
        return None

    @abstractmethod
    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        """Build or load the index. Embedding goes through `calls`; what is stored is kept under `calls.artefacts`."""
