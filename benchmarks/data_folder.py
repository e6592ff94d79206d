"""Where benchmarks read real data: the folder that the variable DATA names, else shared/data beside the repository."""

import os
import sys
from pathlib import Path

BESIDE = Path(__file__).parents[2] / "shared" / "data"


def data_folder(part: str = "") -> Path:
    """A folder or file of the data. Ends the benchmark with a line of advice where it is not there."""
    path = Path(os.environ.get("DATA") or BESIDE).expanduser().resolve() / part
    if not path.exists():
        sys.exit(f"error: {path} is not there; set DATA to a folder with the data as docs/development.md describes it")
    return path
