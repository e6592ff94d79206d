"""C-Eval measures what fine-tuning forgets: 52 subjects of multiple choice, scored on val, examples from dev."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.components.dataset import Dataset
from harness.components.fields import FilePath
from harness.components.reader import Reader
from harness.errors import DataError, nearest
from harness.readers.csv import csv_rows
from harness.readers.parsing.assembly import Division, RowSource, assemble
from harness.readers.parsing.column_mapping import Columns
from harness.readers.parsing.rows import BadRow, Fault, Row
from harness.readers.parsing.text_file import read_text
from harness.records.inputs import JSON, Sample

_LETTERS = ("A", "B", "C", "D")
_COLUMNS = Columns(input="question", target=("answer",), options=_LETTERS)
_MAPPING = "subject_mapping.json"


@dataclass(frozen=True, slots=True)
class SubjectLayout:
    """The questions of one subject; their numbers are no identifiers, because every file counts from 0."""

    subject: str
    chinese: str
    cluster: str  # STEM, Social Science, Humanities or Other
    required: tuple[str, ...] = _COLUMNS.required

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return None

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        sample = _COLUMNS.sample(values, task, identifier)
        letter = sample.targets[0].strip()
        if letter not in _LETTERS or len(sample.options) != len(_LETTERS):
            raise BadRow(f"the answer '{letter}' is not one of four filled options A, B, C, D")
        about = {"subject": self.subject, "subject_zh": self.chinese, "cluster": self.cluster, "explanation": ""}
        return replace(sample, targets=(letter,), meta={**about, **sample.meta})


class Ceval(Reader):
    """C-Eval: test is val/<subject>_val.csv, train is dev/<subject>_dev.csv (five worked examples a subject).

    Prompts see {{ subject }}, {{ subject_zh }}, {{ cluster }} and {{ explanation }} (of dev; empty in val). `limit` is
    for each subject, because the first hundred questions overall would be of three subjects only.
    """

    path: FilePath
    subjects: list[str] = Field(default_factory=list)  # empty: all
    limit: int | None = Field(default=None, ge=1)  # the first so many test questions of each subject
    group: Literal["subject", "cluster"] | None = None  # take the questions of one subject as not independent
    on_bad_row: Literal["error", "skip"] = "error"

    def read(self, task: str, seed: int) -> Dataset:
        """The questions of the subjects, in their order. Raises DataError for an unknown subject."""
        about = self._about()
        layouts = {subject: SubjectLayout(subject, *about.get(subject, ("", ""))) for subject in self._subjects()}
        test = [self._source("val", subject, self.limit, layout) for subject, layout in layouts.items()]
        train = [self._source("dev", subject, None, layout) for subject, layout in layouts.items()]
        return assemble(
            task, seed, {"test": test, "train": train}, Division(group=self.group, on_bad_row=self.on_bad_row)
        )

    def sources(self) -> tuple[str, ...]:
        """Both files of every subject, and the table of subjects."""
        files = [self._file(part, subject) for part in ("val", "dev") for subject in self._subjects()]
        mapping = Path(self.path) / _MAPPING
        return (*files, str(mapping)) if mapping.is_file() else tuple(files)

    def _subjects(self) -> list[str]:
        subjects = sorted(file.name.removesuffix("_val.csv") for file in Path(self.path).glob("val/*_val.csv"))
        if not subjects:
            raise DataError(f"{self.path}: holds no val/<subject>_val.csv; path is the folder with dev/ and val/")
        for subject in self.subjects:
            if subject not in subjects:
                raise DataError(f"{self.path}: no subject '{subject}' ({nearest(subject, subjects)})")
        return list(dict.fromkeys(self.subjects)) or subjects

    def _file(self, part: str, subject: str) -> str:
        return str(Path(self.path) / part / f"{subject}_{part}.csv")

    def _source(self, part: str, subject: str, limit: int | None, layout: SubjectLayout) -> RowSource:
        file = self._file(part, subject)
        return RowSource(file, partial(_rows, file, limit), layout)

    def _about(self) -> dict[str, tuple[str, str]]:
        """Chinese name and cluster by subject; empty when the table of subjects was not downloaded."""
        path = Path(self.path) / _MAPPING
        if not path.is_file():
            return {}
        try:
            return {
                name: (chinese, cluster) for name, (_, chinese, cluster) in json.loads(read_text(str(path))).items()
            }
        except (ValueError, AttributeError, TypeError) as error:
            raise DataError(f"{path}: not a table subject → [English name, Chinese name, cluster]: {error}") from error


def _rows(file: str, limit: int | None) -> Iterable[Row | Fault]:
    return islice(csv_rows(read_text(file), file), limit)
