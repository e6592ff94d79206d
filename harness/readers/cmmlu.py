"""CMMLU asks in Chinese what MMLU asks in English, and what only China asks: 67 subjects of multiple choice."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from harness.readers.csv import csv_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.split import Split
from harness.readers.parsing.subject_reader import SubjectReader
from harness.readers.parsing.text_file import read_text

_NAMES = {"Question": "question", "Answer": "answer"}
_NUMBER = "column_1"  # the first column has no name; it counts the rows


class Cmmlu(SubjectReader):
    """CMMLU as distributed: test is test/<subject>.csv, train is dev/<subject>.csv (five examples a subject).

    Prompts see {{ subject }}, e.g. traditional_chinese_medicine. `limit` is for each subject.
    """

    files: ClassVar[Mapping[Split, str]] = {"test": "test/{}.csv", "train": "dev/{}.csv"}

    def rows(self, file: str) -> Iterable[Row | Fault]:
        """The rows by the names in the first line, without their numbers."""
        for row in csv_rows(read_text(file), file):
            if isinstance(row, Row):
                cells = {_NAMES.get(name, name): cell for name, cell in row.values.items() if name != _NUMBER}
                yield Row(row.line, cells)
            else:
                yield row
