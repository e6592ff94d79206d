"""The texts of a passage that are searched: its text with its title, and its aliases as further documents."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.records.inputs import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def searched_text(passage: Passage) -> str:
    """The text as it is indexed, embedded and ranked: the title belongs to it."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def documents(passages: Sequence[Passage]) -> "tuple[list[str], NDArray[np.int64]]":
    """The texts to index and the place of the passage that each stands for.

    `meta["aliases"]`, a text or a list of texts, are further wordings of a passage, which scores as the best of them.
    Anything but a text that is not blank is no alias.
    """
    import numpy as np

    texts = [searched_text(passage) for passage in passages]
    owners = list(range(len(passages)))
    for place, passage in enumerate(passages):
        aliases = _aliases(passage)
        texts += aliases
        owners += [place] * len(aliases)
    return texts, np.array(owners, dtype=np.int64)


def _aliases(passage: Passage) -> list[str]:
    cell = passage.meta.get("aliases")
    aliases = cell if isinstance(cell, list | tuple) else [cell]
    return [alias for alias in aliases if isinstance(alias, str) and alias.strip()]
