"""Hub data sets, loaded by the hub's own package and only when a suite names one: no other reader needs a network."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import DataError
from harness.readers.parsing.json_text import DECODER
from harness.readers.parsing.rows import Fault, Row

_INSTALL = "pip install 'domain-harness[hub]'"


@dataclass(frozen=True, kw_only=True, slots=True)
class HubData:
    """A data set of a hub, or a local folder in its form, and which of its rows."""

    id: str
    subset: str | None = None
    folder: str | None = None
    split: str = "train"
    revision: str | None = None

    @property
    def name(self) -> str:
        """As messages and samples call it."""
        return f"{self.id}[{self.split}]"


def hub_rows(data: HubData, remedy: str) -> Iterator[Row | Fault]:
    """The rows on the hub of Hugging Face; a line is the row's number from 1.

    Raises DataError when `datasets` is not installed, with the remedy, or cannot load it.
    """
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise DataError(f"{data.id}: hub data sets need the package datasets: {_INSTALL}; {remedy}") from error
    revision = {} if data.revision is None else {"revision": data.revision}
    try:
        rows = load_dataset(data.id, name=data.subset, data_dir=data.folder, split=data.split, **revision)
    except Exception as error:  # the hub, the network, a script or a file format: a dozen unrelated types, none our bug
        raise DataError(_unloadable(data, "datasets", error)) from error
    return _rows(rows)


def modelscope_rows(data: HubData, remedy: str) -> Iterator[Row | Fault]:
    """The rows on the hub of ModelScope, as `hub_rows` gives those of the other one. Raises DataError."""
    try:
        from modelscope import MsDataset
    except ImportError as error:
        raise DataError(f"{data.id}: ModelScope data sets need the package modelscope: {_INSTALL}; {remedy}") from error
    try:
        rows = MsDataset.load(data.id, subset_name=data.subset, data_dir=data.folder, split=data.split)
        rows = rows.to_hf_dataset() if isinstance(rows, MsDataset) else rows
    except Exception as error:  # as above
        raise DataError(_unloadable(data, "modelscope", error)) from error
    return _rows(rows)


def _unloadable(data: HubData, package: str, error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return f"{data.id}: {package} cannot load it (subset {data.subset}, split {data.split}): {reason}"


def _rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Row | Fault]:
    """Rows as JSON. A class label is its name: its number means nothing outside the data set."""
    features = getattr(rows, "features", None) or {}
    labels = {column: kind.names for column, kind in features.items() if hasattr(kind, "int2str")}
    for number, row in enumerate(rows, start=1):
        # dates, bytes and images are no JSON, and a sample must survive a round trip through it
        named = {column: _label(value, labels[column]) if column in labels else value for column, value in row.items()}
        try:
            yield Row(number, DECODER.decode(json.dumps(named, default=str)))
        except ValueError as error:
            yield Fault(number, str(error))


def _label(value: Any, names: list[str]) -> Any:
    """The name of a class; a row without one has -1 or nothing."""
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None
