"""Whether the data that a suite names below ${DATA} is there, and in one line a data set where to get what is not."""

import os
from collections.abc import Iterator
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from harness.suite.suite import Suite
from harness.suite.yaml_source import read_source
from harness.text.counting import counted
from harness.text.variables import data_root, expanded, names_in

if TYPE_CHECKING:
    from harness.suite.needs import DataNeed

_VARIABLE = "DATA"


def missing_data(suite: Suite) -> list[str]:
    """A line for each data set of the suite's needs.yaml that the suite names and that is not there, or not whole."""
    from harness.suite.needs import missing_files, read_needs

    if _VARIABLE not in suite.text:
        return []
    needs = read_needs(suite.path.parent)
    if needs is None or not needs.data:
        return []
    mistakes, root, places = [], data_root(), list(_places(suite))
    for name, need in needs.data.items():
        folder = root / name
        inside = [(line, path) for line, path in places if path.is_relative_to(folder)]
        missing = [path for line, path in inside if not _is_there(path)]
        missing += [
            folder / file
            for file in missing_files(folder, need)
            if any((folder / file).is_relative_to(path) for _, path in inside)
        ]
        if missing:
            mistakes.append(
                f"{suite.path.name}:{inside[0][0]}: {_sentence(list(dict.fromkeys(missing)), folder, need)}"
            )
    return mistakes


def data_variable() -> str:
    """What ${DATA} stands for, in words, and how to change it."""
    root = data_root()
    return f"DATA={root}" if os.environ.get(_VARIABLE) else f"DATA is not set, so it is {root}"


def _places(suite: Suite) -> Iterator[tuple[int, Path]]:
    """What the suite's file writes with ${DATA}, as a path, and on which line."""
    source = read_source(suite.path)
    for where, text in source.spelling.items():
        if _VARIABLE in names_in(text):
            yield source.lines.get(where, 1), Path(str(expanded(text)))


def _is_there(path: Path) -> bool:
    """Whether there is a path, or a file of that name with an end that tells its form, which a suite may leave out."""
    return path.exists() or any(path.parent.glob(f"{escape(path.name)}.*"))


def _sentence(missing: list[Path], folder: Path, need: "DataNeed") -> str:
    others = f", and {counted(len(missing) - 1, 'more file')}" if len(missing) > 1 else ""
    return (
        f"{missing[0]}: not there{others}; get {need.name} from {need.source} (licence: {need.licence}) and put it "
        f"into {folder.name}/ below the folder that the variable DATA names ({data_variable()})"
    )
