"""The texts by which a passage is found: its text with its title, and its aliases."""

from harness.records.inputs import Passage


def searched_text(passage: Passage) -> str:
    """The text as it is indexed, embedded and ranked: the title belongs to it."""
    return f"{passage.title}\n{passage.text}" if passage.title else passage.text


def aliases(passage: Passage) -> list[str]:
    """Further wordings of a passage: those of its file, and the inputs of train rows that it answers."""
    return [*written_aliases(passage), *passage.learned_names]


def written_aliases(passage: Passage) -> list[str]:
    """The aliases of a passage's file: `meta["aliases"]`, a text or a list of texts; nothing else, and no blank one."""
    cell = passage.meta.get("aliases")
    return [
        alias
        for alias in (cell if isinstance(cell, list | tuple) else [cell])
        if isinstance(alias, str) and alias.strip()
    ]


def wordings(passage: Passage) -> list[str]:
    """What a search of the passage brings together: its text, with its title, each alias, and each with the text.

    Names that are learnt are left out: they are the inputs of train rows, and are compared with questions as such.
    """
    texts = [passage.text, searched_text(passage)]
    for alias in written_aliases(passage):
        texts += [alias, f"{alias}\n{passage.text}"]
    return list(dict.fromkeys(texts))
