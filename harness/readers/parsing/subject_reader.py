"""Benchmarks of multiple choice by subject: a folder a split, a CSV file a subject, four options."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from harness.components.dataset import Dataset
from harness.components.fields import FilePath
from harness.components.reader import Reader
from harness.errors import DataError, nearest
from harness.readers.parsing.assembly import Division, RowSource, assemble
from harness.readers.parsing.column_mapping import Columns
from harness.readers.parsing.exam_rows import OPTIONS, exam_rows
from harness.readers.parsing.rows import BadRow, Fault, Row
from harness.readers.parsing.split import Split
from harness.records.inputs import JSON, Sample

_COLUMNS = Columns(input="question", target=("answer",), options=OPTIONS)


@dataclass(frozen=True, slots=True)
class SubjectLayout:
    """The questions of one subject; their numbers are no identifiers, because every file counts from 0."""

    about: Mapping[str, str]  # what prompts see of every question: the subject, and more by benchmark
    required: tuple[str, ...] = field(default=_COLUMNS.required, init=False)

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return None

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        sample = _COLUMNS.sample(values, task, identifier)
        letter = sample.targets[0].strip()
        if letter not in OPTIONS or len(sample.options) != len(OPTIONS):
            raise BadRow(f"the answer '{letter}' is not one of four filled options A, B, C, D")
        return replace(sample, targets=(letter,), meta={**self.about, **sample.meta})


class SubjectReader(Reader):
    """Base of the benchmarks by subject. `limit` is for each subject: the first hundred overall would be of few."""

    breakdowns: ClassVar[tuple[str, ...]] = ("cluster", "subject")
    files: ClassVar[Mapping[Split, str]]  # below the path, {} for the subject; validation may be absent

    path: FilePath
    """The folder of the benchmark, as it is distributed."""
    subjects: list[str] = Field(default_factory=list)
    """The subjects that are asked; empty: all."""
    limit: int | None = Field(default=None, ge=1)
    """The first so many test questions of each subject; null: all."""
    group: str | None = None
    """The column of what a question belongs to, e.g. subject: its questions are then not independent; null: all are."""
    on_bad_row: Literal["error", "skip"] = "error"
    """A row that cannot be read ends the run with the reason, or is left out and listed."""

    def rows(self, file: str) -> Iterable[Row | Fault]:
        """The questions of a file, with the columns question, A, B, C, D, answer. Raises DataError."""
        return exam_rows(file)

    def layout(self) -> Mapping[Split, str]:
        """The files of each split."""
        return self.files

    def meanings(self) -> Mapping[str, str]:
        """The question is the input, its options have one name together."""
        return {
            "question": "the input: write {{ input }}",
            **dict.fromkeys(OPTIONS, "an option: write {% for letter, option in options %}…{% endfor %}"),
            "answer": "the target, the right answer, which no prompt shows",
        }

    def about(self) -> Mapping[str, Mapping[str, str]]:
        """What prompts see besides the subject, by subject."""
        return {}

    def read(self, task: str, seed: int) -> Dataset:
        """The questions of the subjects, in their order. Raises DataError for an unknown subject."""
        about = self.about()
        layouts = {name: SubjectLayout({"subject": name, **about.get(name, {})}) for name in self._subjects()}
        sources = {
            split: [
                RowSource(file, partial(self._rows, file, self.limit if split == "test" else None), layouts[subject])
                for subject, file in files.items()
            ]
            for split, files in self._files().items()
        }
        return assemble(task, seed, sources, Division(group=self.group, on_bad_row=self.on_bad_row))

    def sources(self) -> tuple[str, ...]:
        """The files of every subject."""
        return tuple(file for files in self._files().values() for file in files.values())

    def _files(self) -> dict[Split, dict[str, str]]:
        """The file of each subject by split; only those of validation may be absent."""
        return {
            split: {
                subject: str(file)
                for subject in self._subjects()
                if (file := Path(self.path) / name.format(subject)).is_file() or split != "validation"
            }
            for split, name in self.layout().items()
        }

    def _subjects(self) -> list[str]:
        before, after = self.layout()["test"].split("{}")
        subjects = sorted(
            file.relative_to(self.path).as_posix().removeprefix(before).removesuffix(after)
            for file in Path(self.path).glob(self.layout()["test"].format("*"))
        )
        if not subjects:
            folders = " and ".join(sorted(Path(name).parts[0] + "/" for name in self.layout().values()))
            example = self.layout()["test"].format("<subject>")
            raise DataError(f"{self.path}: holds no {example}; path is the folder with {folders}")
        for subject in self.subjects:
            if subject not in subjects:
                raise DataError(f"{self.path}: no subject '{subject}' ({nearest(subject, subjects)})")
        return list(dict.fromkeys(self.subjects)) or subjects

    def _rows(self, file: str, limit: int | None) -> Iterable[Row | Fault]:
        return islice(self.rows(file), limit)
