"""A data set already described for LLaMA-Factory is read by its name, so that both see the same columns and roles."""

import hashlib
from functools import partial
from pathlib import Path

from pydantic import model_validator

from harness.components.dataset import Dataset
from harness.components.fields import FilePath
from harness.errors import DataError
from harness.readers.parsing.assembly import Layout, RowSource, assemble
from harness.readers.parsing.data_folder import data_files
from harness.readers.parsing.dataset_entry import DatasetEntry, entry_layout, find_entry
from harness.readers.parsing.dataset_origin import file_remedy, origin_of
from harness.readers.parsing.file_forms import file_rows
from harness.readers.parsing.file_reader import DividedReader
from harness.readers.parsing.hub import HubData, hub_rows, modelscope_rows
from harness.readers.parsing.split import Split
from harness.readers.parsing.text_file import read_bytes


class DatasetInfo(DividedReader):
    """An entry of a LLaMA-Factory dataset_info.json, in alpaca or sharegpt form, from its files or from a hub.

    A hub goes before a file, as in LLaMA-Factory: hf_hub_url needs the package datasets, ms_hub_url modelscope.
    Refused, with the reason: om_hub_url, script_url, cloud_file_name, ranking, kto_tag, images, videos, audios,
    num_samples, and text for pre-training.
    """

    path: FilePath
    """The dataset_info.json; file names in it are taken from its folder."""
    name: str
    """The entry in the file whose rows are asked."""
    train: str | None = None
    """Another entry, whose rows are train; null: none, or by `split`."""
    validation: str | None = None
    """Another entry, whose rows are validation; null: none, or by `split`."""

    @model_validator(mode="after")
    def _entries_differ(self) -> "DatasetInfo":
        names = self._names().values()
        if len(set(names)) < len(names):
            raise ValueError("name, train and validation must be different entries; divide one entry with split")
        return self

    def read(self, task: str, seed: int) -> Dataset:
        """The samples of the entries. Raises DataError, also for a file whose file_sha1 is another."""
        sources = {split: self._sources(name) for split, name in self._names().items()}
        return assemble(task, seed, sources, self.division())

    def sources(self) -> tuple[str, ...]:
        """dataset_info.json and the local files of the entries."""
        entries = [find_entry(self.path, name) for name in self._names().values()]
        return (self.path, *(file for entry in entries for file in self._files(entry)))

    def _names(self) -> dict[Split, str]:
        names: dict[Split, str | None] = {"test": self.name, "train": self.train, "validation": self.validation}
        return {split: name for split, name in names.items() if name is not None}

    def _sources(self, name: str) -> list[RowSource]:
        entry = find_entry(self.path, name)
        layout, origin = entry_layout(entry), origin_of(entry)
        files = self._files(entry)
        if entry.file_sha1 is not None:
            _refuse_other_content(files, entry.file_sha1)
        if origin is None or origin.field == "file_name":
            return [RowSource(file, partial(file_rows, file), layout) for file in files]
        return [_hub_source(entry, origin.field, origin.name, layout)]

    def _files(self, entry: DatasetEntry) -> list[str]:
        """The files of an entry, none where its rows are elsewhere."""
        origin = origin_of(entry)
        if origin is None or origin.field != "file_name":
            return []
        return data_files(str(Path(self.path).parent / origin.name))


def _hub_source(entry: DatasetEntry, field: str, name: str, layout: Layout) -> RowSource:
    data = HubData(id=name, subset=entry.subset, folder=entry.folder, split=entry.split)
    load = modelscope_rows if field == "ms_hub_url" else hub_rows
    return RowSource(data.name, partial(load, data, file_remedy(entry, field)), layout)


def _refuse_other_content(files: list[str], sha1: str) -> None:
    """Raise DataError if the only file is not the one that the entry means."""
    if len(files) > 1:
        raise DataError(
            f"{Path(files[0]).parent}: file_sha1 is of one file, and the folder holds {len(files)}; drop it"
        )
    for file in files:
        actual = hashlib.sha1(read_bytes(file), usedforsecurity=False).hexdigest()
        if actual != sha1.lower():
            raise DataError(
                f"{file}: its sha1 is {actual}, file_sha1 says {sha1}: another version, or a damaged download"
            )
