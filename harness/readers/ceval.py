"""C-Eval measures what fine-tuning forgets: 52 subjects of multiple choice, scored on val, examples from dev."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from harness.errors import DataError
from harness.readers.csv import csv_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.split import Split
from harness.readers.parsing.subject_reader import SubjectReader
from harness.readers.parsing.text_file import read_text

_MAPPING = "subject_mapping.json"
_UNKNOWN = {"subject_zh": "", "cluster": ""}


class Ceval(SubjectReader):
    """C-Eval: test is val/<subject>_val.csv, train is dev/<subject>_dev.csv (five worked examples a subject).

    Prompts see {{ subject }}, {{ subject_zh }}, {{ cluster }} and {{ explanation }} (of dev; empty in val). `limit` is
    for each subject, because the first hundred questions overall would be of three subjects only.
    """

    files: ClassVar[Mapping[Split, str]] = {"test": "val/{}_val.csv", "train": "dev/{}_dev.csv"}

    def rows(self, file: str) -> Iterable[Row | Fault]:
        """The rows by the names in the first line; the explanation, where a file has none, is empty."""
        for row in csv_rows(read_text(file), file):
            yield Row(row.line, {"explanation": "", **row.values}) if isinstance(row, Row) else row

    def about(self) -> Mapping[str, Mapping[str, str]]:
        """Chinese name and cluster (STEM, Social Science, Humanities or Other) by subject; "" where there is none."""
        names = dict.fromkeys(self._subjects(), _UNKNOWN)
        path = Path(self.path) / _MAPPING
        if not path.is_file():  # the table of subjects was not downloaded
            return names
        try:
            table = json.loads(read_text(str(path)))
            return names | {
                name: {"subject_zh": chinese, "cluster": cluster} for name, (_, chinese, cluster) in table.items()
            }
        except (ValueError, AttributeError, TypeError) as error:
            raise DataError(f"{path}: not a table subject → [English name, Chinese name, cluster]: {error}") from error

    def sources(self) -> tuple[str, ...]:
        """Both files of every subject, and the table of subjects."""
        mapping = Path(self.path) / _MAPPING
        return (*super().sources(), str(mapping)) if mapping.is_file() else super().sources()
