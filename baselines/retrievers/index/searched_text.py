"""The documents of a lexical index: the text of each passage with its title, and its aliases as further ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.records.inputs import Passage
from harness.text.passage_texts import aliases, searched_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def documents(passages: Sequence[Passage]) -> "tuple[list[str], NDArray[np.int64]]":
    """The texts to index and the place of the passage that each stands for; it scores as the best of them."""
    import numpy as np

    texts = [searched_text(passage) for passage in passages]
    owners = list(range(len(passages)))
    for place, passage in enumerate(passages):
        further = aliases(passage)
        texts += further
        owners += [place] * len(further)
    return texts, np.array(owners, dtype=np.int64)
