"""The documents of an index: the text of each passage with its title, and its aliases as further ones."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from harness.records.inputs import Passage
from harness.text.normalise import normalise
from harness.text.passage_texts import aliases, searched_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class IndexedTexts:
    """The texts to index, first one of each passage, then all aliases; a passage scores as the best of its own."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        import numpy as np

        self.passages = len(passages)
        self.texts = [searched_text(passage) for passage in passages]
        owners = list(range(self.passages))
        for place, passage in enumerate(passages):
            further = aliases(passage)
            self.texts += further
            owners += [place] * len(further)
        self.owners: NDArray[np.int64] = np.array(owners, dtype=np.int64)  # the place of each text's passage

    @property
    def has_aliases(self) -> bool:
        """Whether any passage has a text beside its own."""
        return len(self.texts) > self.passages

    def named(self, text: str | None) -> "NDArray[np.int64]":
        """The places of the aliases that equal a text but for its writing; none for None. Shape (aliases,)."""
        import numpy as np

        return np.array(self._by_name.get(normalise(text), ()) if text else (), dtype=np.int64)

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        by_name: dict[str, list[int]] = {}
        for place in range(self.passages, len(self.texts)):
            by_name.setdefault(normalise(self.texts[place]), []).append(place)
        return by_name
