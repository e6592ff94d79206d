"""C-Eval measures what fine-tuning forgets: 52 subjects of multiple choice, scored on val, examples from dev."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Literal

from harness.errors import DataError
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.split import Split
from harness.readers.parsing.subject_areas import areas
from harness.readers.parsing.subject_reader import SubjectReader
from harness.readers.parsing.text_file import read_text

_MAPPING = "subject_mapping.json"


class Ceval(SubjectReader):
    """C-Eval: test is val/<subject>_val.csv, train is dev/<subject>_dev.csv (five worked examples a subject).

    Prompts see {{ subject }}, {{ subject_zh }}, {{ cluster }} and {{ explanation }} (of dev; empty in val). `limit` is
    for each subject, because the first hundred questions overall would be of three subjects only.
    """

    files: ClassVar[Mapping[Split, str]] = {"test": "val/{}_val.csv", "train": "dev/{}_dev.csv"}

    scored: Literal["val", "test"] = "val"
    """The folder whose questions are asked; test where its files have answers."""

    def rows(self, file: str) -> Iterable[Row | Fault]:
        """The questions; the explanation, where a file has none, is empty."""
        for row in super().rows(file):
            yield Row(row.line, {"explanation": "", **row.values}) if isinstance(row, Row) else row

    def layout(self) -> Mapping[Split, str]:
        """What is asked may be in test/, too."""
        return {**self.files, "test": f"{self.scored}/{{}}_{self.scored}.csv"}

    def about(self) -> Mapping[str, Mapping[str, str]]:
        """Chinese name and cluster (STEM, Social Science, Humanities or Other) by subject; "" where there is none."""
        groups = areas("ceval")
        names = {name: {"subject_zh": "", "cluster": groups.get(name, "")} for name in self._subjects()}
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
