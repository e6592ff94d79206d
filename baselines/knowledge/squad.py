"""Reading-comprehension sets bring passages and gold: each question names its context."""

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
        for context in contexts(path, self.encoding):
            if isinstance(context, Fault):
                yield Unreadable(f"{path}:{context.line}: {context.reason}")
            else:
                place = f"{path}:{context.line}"
                yield Entry(text=context.text, source=Path(path).name, id=context.id, title=context.title, place=place)
