"""The parameters that readers share: the files, their division, and the treatment of bad rows."""

from abc import abstractmethod
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.components.dataset import Dataset
from harness.components.fields import FilePath, LocalPath
from harness.components.reader import Reader
from harness.readers.parsing.assembly import Division, Layout, RowSource, assemble
from harness.readers.parsing.data_folder import data_files
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.split import Split, parse_split


def _check_split(written: Any) -> Any:
    if isinstance(written, str | dict):
        parse_split(written)
    return written


OptionalPath = Annotated[str | None, LocalPath()]


class DividedReader(Reader):
    """Base of readers whose rows can be divided into splits. Without `split`, everything is test."""

    split: Annotated[str | dict[Split, str | float] | None, BeforeValidator(_check_split)] = None
    """Divides one source: "85/10/5" (train/test/validation), {train: 85, test: 10, validation: 5}, or ranges such as
    {train: "0:900", test: "900:1000"}; beside a train file it divides the rest; null: all rows are test."""
    shuffle: bool = False
    """Whether the rows are divided in an order drawn from the seed; false: in file order."""
    limit: int | None = Field(default=None, ge=1)
    """The first so many test rows, after the split; null: all."""
    group: str | None = None
    """The column of what a row belongs to, e.g. a dialogue: rows of one group are not independent; null: all are."""
    on_bad_row: Literal["error", "skip"] = "error"
    """A row that cannot be read ends the run with the reason, or is left out and listed."""

    @model_validator(mode="after")
    def _split_fits(self) -> "DividedReader":
        if self.shuffle and self.split is None:
            raise ValueError("shuffle: there is no split; shuffle draws at random which rows are train and which test")
        if self.split is not None:
            parts = parse_split(self.split).by_split
            doubles = [
                name for name in parts if name != "test" and parts[name] and getattr(self, name, None) is not None
            ]
            if doubles:
                raise ValueError(f"give either split or {' and '.join(doubles)}, not both")
        return self

    def division(self) -> Division:
        """The parameters of the division."""
        split = None if self.split is None else parse_split(self.split)
        return Division(
            split=split, shuffle=self.shuffle, limit=self.limit, group=self.group, on_bad_row=self.on_bad_row
        )


class FileReader(DividedReader):
    """Base of readers of one file a split, or of a folder of files: each format has its own rows and layout."""

    path: FilePath
    """A file, or a folder of files of one form, which are read in the order of their names."""
    train: OptionalPath = None
    """The file or folder of the train rows; null: none, or by `split`."""
    validation: OptionalPath = None
    """The file or folder of the validation rows; null: none, or by `split`."""

    @model_validator(mode="after")
    def _files_differ(self) -> "FileReader":
        files = [Path(file) for file in (self.path, self.train, self.validation) if file is not None]
        if len(set(files)) < len(files):
            raise ValueError("path, train and validation must be different files; divide one file with split")
        return self

    @abstractmethod
    def rows(self, path: str) -> Iterable[Row | Fault]:
        """The records of one file. Raises DataError when the file as a whole cannot be read."""

    def columns_in_suite(self, *fields: str) -> list[str]:
        """The columns of those fields that the suite gives itself; defaults may be missing in the file."""
        values = [getattr(self, field) for field in fields if field in self.model_fields_set]
        return [str(value) for value in values if value is not None]

    @abstractmethod
    def layout(self) -> Layout:
        """The meaning of the columns."""

    def read(self, task: str, seed: int) -> Dataset:
        """The samples of `task`, split. Raises DataError with `file:line: reason`."""
        layout = self.layout()
        sources = {
            split: [self._source(file, layout) for file in data_files(path)] for split, path in self.files().items()
        }
        return assemble(task, seed, sources, self.division())

    def sources(self) -> tuple[str, ...]:
        """The files read, test first."""
        return tuple(file for path in self.files().values() for file in data_files(path))

    def files(self) -> dict[Split, str]:
        """The file or folder of each split, test first."""
        files: dict[Split, str | None] = {"test": self.path, "train": self.train, "validation": self.validation}
        return {split: path for split, path in files.items() if path is not None}

    def _source(self, path: str, layout: Layout) -> RowSource:
        return RowSource(path, partial(self.rows, path), layout)
