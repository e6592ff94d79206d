"""What a retriever owes: an index over passages, and what an index promises."""

import inspect
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from harness.components.calls import Calls
from harness.components.component import Component
from harness.errors import HarnessError
from harness.records.inputs import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Hit = tuple[int, float]  # a passage's place in the indexed sequence, its score (higher is better)
Question = tuple[str, str | None]  # a query, the alias that does not count for it


class Index(Protocol):
    """Passages ready to be searched."""

    def search(
        self,
        queries: Sequence[str],
        k: int,
        allowed: "NDArray[np.bool_] | None" = None,
        without: Sequence[str] | None = None,
    ) -> list[list[Hit]]:
        """Up to k hits a query, best first, equal scores in the order of the passages.

        `allowed` (one truth value a passage) leaves out all other passages. A blank query has no hits. `without` (one
        text a query) leaves out, for its query, the aliases that equal it after `normalise`: a train row does not find
        itself. The passages' own texts still count.
        """


def search_index(
    index: Index,
    queries: Sequence[str],
    k: int,
    allowed: "NDArray[np.bool_] | None" = None,
    without: Sequence[str] | None = None,
) -> list[list[Hit]]:
    """`Index.search`; an index that knows no `without` is asked without it where nothing is left out.

    Raises HarnessError where something is left out and the index cannot do that.
    """
    if without is None:
        return index.search(queries, k) if allowed is None else index.search(queries, k, allowed)
    if "without" not in inspect.signature(index.search).parameters:
        raise HarnessError(
            f"{type(index).__name__}.search has no parameter `without`, by which a train row is kept from finding "
            "itself; add it (docs/extending.md) or name a retriever of the harness"
        )
    return index.search(queries, k, allowed, without)


def questions_of(queries: Sequence[str], without: Sequence[str] | None) -> list[Question]:
    """Each query with the text that it must not find. Raises ValueError where their numbers differ."""
    return list(zip(queries, [None] * len(queries) if without is None else without, strict=True))


class Retriever(Component):
    """Finds the passages that are about a query."""

    def reach(self) -> int | None:
        """The most hits that a query ever has; None when only the passages bound them."""
        return None

    @abstractmethod
    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        """Build or load the index. Embedding goes through `calls`; what is stored is kept under `calls.artefacts`."""
