"""JSON lines are what programs export: one entry a line, with further keys as meta."""

from collections.abc import Iterator
from pathlib import Path

from baselines.knowledge.parsing.collection import Entry, KnowledgeBase, Unreadable
from harness.errors import DataError, nearest
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import BadRow, Fault, Row, columns_of, optional_text, text_of


class Jsonl(KnowledgeBase):
    """JSON lines, or a JSON list of objects: one entry an object, further keys become meta."""

    text: str = "text"
    """The key that holds the text."""
    id: str = "id"
    """The key that holds the id; used where entries have it, and it must occur in the file where the suite names it."""
    title: str = "title"
    """The key that holds the title; used where entries have it, and it must occur where the suite names it."""

    def entries(self, path: str) -> Iterator[Entry | Unreadable]:
        """One entry an object."""
        rows = list(object_rows(path, self.encoding))
        self._require(rows, path)
        for row in rows:
            try:
                yield self._entry(row, path)
            except BadRow as reason:
                yield Unreadable(f"{path}:{row.line}: {reason}")

    def _entry(self, row: Row | Fault, path: str) -> Entry:
        if isinstance(row, Fault):
            raise BadRow(row.reason)
        if self.text not in row.values:
            raise BadRow(f"there is no '{self.text}'")
        text = optional_text(row.values, self.text)
        required = "id" in self.model_fields_set and text.strip()
        identifier = text_of(row.values, self.id) if required else optional_text(row.values, self.id)
        used = (self.text, self.id, self.title)
        return Entry(
            text=text,
            source=Path(path).name,
            id=identifier.strip() or None,
            title=optional_text(row.values, self.title),
            meta=columns_of({name: value for name, value in row.values.items() if name not in used}),
            place=f"{path}:{row.line}",
        )

    def _require(self, rows: list[Row | Fault], path: str) -> None:
        keys = dict.fromkeys(key for row in rows if isinstance(row, Row) for key in row.values)
        required = ["text", *(name for name in ("id", "title") if name in self.model_fields_set)]
        for column in (str(getattr(self, name)) for name in required):
            if keys and column not in keys:
                raise DataError(f"{path}: no '{column}' in any object ({nearest(column, keys)})")
