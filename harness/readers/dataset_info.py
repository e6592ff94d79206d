"""A data set already described for LLaMA-Factory is read by its name, so that both see the same columns and roles."""

import hashlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from pydantic import model_validator

from harness.components.dataset import Dataset
from harness.components.fields import FilePath
from harness.errors import DataError
from harness.readers.csv import csv_rows
from harness.readers.parsing.assembly import RowSource, assemble
from harness.readers.parsing.dataset_entry import DatasetEntry, entry_layout, find_entry
from harness.readers.parsing.file_reader import DividedReader
from harness.readers.parsing.hub import hub_rows
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.split import Split
from harness.readers.parsing.text_file import read_bytes, read_text


class DatasetInfo(DividedReader):
    """An entry of a LLaMA-Factory dataset_info.json, in alpaca or sharegpt form, from its file or from the hub.

    A hub id comes before a file, as in LLaMA-Factory, and needs the package datasets. Refused, with the reason:
    ranking, kto_tag, images, videos, audios, num_samples, and text for pre-training.
    """

    path: FilePath
    name: str
    train: str | None = None  # the name of another entry
    validation: str | None = None  # the name of another entry

    @model_validator(mode="after")
    def _entries_differ(self) -> "DatasetInfo":
        names = self._names().values()
        if len(set(names)) < len(names):
            raise ValueError("name, train and validation must be different entries; divide one entry with split")
        return self

    def read(self, task: str, seed: int) -> Dataset:
        """The samples of the entries. Raises DataError, also for a file whose file_sha1 is another."""
        sources = {split: [self._source(name)] for split, name in self._names().items()}
        return assemble(task, seed, sources, self.division())

    def sources(self) -> tuple[str, ...]:
        """dataset_info.json and the local files of the entries."""
        entries = [find_entry(self.path, name) for name in self._names().values()]
        return (self.path, *(self._file(entry) for entry in entries if entry.hf_hub_url is None))

    def _names(self) -> dict[Split, str]:
        names: dict[Split, str | None] = {"test": self.name, "train": self.train, "validation": self.validation}
        return {split: name for split, name in names.items() if name is not None}

    def _source(self, name: str) -> RowSource:
        entry = find_entry(self.path, name)
        if entry.hf_hub_url is not None:
            rows = partial(hub_rows, entry.hf_hub_url, entry.subset, entry.folder, entry.split)
            return RowSource(f"{entry.hf_hub_url}[{entry.split}]", rows, entry_layout(entry))
        file = self._file(entry)
        return RowSource(file, partial(_file_rows, file, entry.file_sha1), entry_layout(entry))

    def _file(self, entry: DatasetEntry) -> str:
        return str(Path(self.path).parent / str(entry.file_name))


def _file_rows(file: str, sha1: str | None) -> Iterable[Row | Fault]:
    if sha1 is not None:
        actual = hashlib.sha1(read_bytes(file), usedforsecurity=False).hexdigest()
        if actual != sha1.lower():
            raise DataError(
                f"{file}: its sha1 is {actual}, file_sha1 says {sha1}: another version, or a damaged download"
            )
    if Path(file).is_dir():
        raise DataError(f"{file}: file_name is a folder; give each of its files an entry of its own")
    match Path(file).suffix.lower():
        case ".json" | ".jsonl":
            return object_rows(file)
        case ".csv":
            return csv_rows(read_text(file), file)
        case suffix:
            raise DataError(f"{file}: '{suffix}' files are not read; convert it to .json, .jsonl or .csv")
