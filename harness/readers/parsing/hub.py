"""Hub data sets, loaded through `datasets` and only when an entry names one: nothing else here touches the network."""

import json
from collections.abc import Iterator

from harness.errors import DataError
from harness.readers.parsing.json_text import DECODER
from harness.readers.parsing.rows import Fault, Row


def hub_rows(hub_id: str, subset: str | None, folder: str | None, split: str) -> Iterator[Row | Fault]:
    """The rows of a hub data set or of a local folder in its form; a line is the row's number from 1.

    Raises DataError when `datasets` is not installed or cannot load it.
    """
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise DataError(
            f"{hub_id}: hub data sets need the package datasets: pip install 'domain-harness[hub]'; "
            "or download the file and name it as file_name"
        ) from error
    try:
        rows = load_dataset(hub_id, name=subset, data_dir=folder, split=split)
    except Exception as error:  # the hub, the network, a script or a file format: a dozen unrelated types, none our bug
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"{hub_id}: datasets cannot load it (subset {subset}, split {split}): {reason}") from error
    for number, row in enumerate(rows, start=1):
        # dates, bytes and images are no JSON, and a sample must survive a round trip through it
        try:
            yield Row(number, DECODER.decode(json.dumps(row, default=str)))
        except ValueError as error:
            yield Fault(number, str(error))
