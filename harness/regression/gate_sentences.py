"""What several parts of the gate say: counts with their nouns, and sentences in a row."""

from collections.abc import Sequence
from functools import reduce

from harness.records.sentences import Sentence
from harness.text.counting import counted
from harness.text.stating import state


def count_items(count: int) -> Sentence:
    """So many items."""
    return state("gate.items", counted(count, "item"), n=count, count=f"{count:,}")


def join(sentences: Sequence[Sentence]) -> Sentence:
    """One sentence of at least one."""
    return reduce(
        lambda first, second: state("gate.joined", "{first}; {second}", first=first, second=second), sentences
    )
