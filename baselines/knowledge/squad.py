"""Reading-comprehension sets bring a corpus with gold passages: a question's context is known."""

from collections.abc import Iterator
from pathlib import Path

from baselines.knowledge.parsing.collection import Entry, KnowledgeBase, Unreadable
from harness.readers.parsing.rows import Fault
from harness.readers.squad import contexts


class Squad(KnowledgeBase):
    """The contexts of SQuAD-style JSON, each an entry with its id, or "title#n" where it has none.

    With the reader of the same name, `gold: {by: field, field: context_id}` is each question's context.
    """

    def entries(self, path: str) -> Iterator[Entry | Unreadable]:
        """One entry a context."""
        for found in contexts(path, self.encoding):
            if isinstance(found, Fault):
                yield Unreadable(f"{path}:{found.line}: {found.reason}")
            else:
                place = f"{path}:{found.line}"
                yield Entry(found.text, Path(path).name, found.id, found.title, place=place)
