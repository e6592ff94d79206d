"""A folder of many files of one form stands for one file: exports and crawls come in parts."""

from pathlib import Path

from harness.errors import DataError, reason_of

_SAME = {".jsonl": ".json", ".ndjson": ".json"}  # forms that are told apart by what stands in a file


def data_files(path: str) -> list[str]:
    """The file itself, or the files of a folder sorted by name, hidden ones left out.

    Raises DataError where they are not of one form, which the end of their names tells.
    """
    if not Path(path).is_dir():
        return [path]
    try:
        entries = sorted(entry for entry in Path(path).iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason_of(error)}") from error
    inner = [entry.name for entry in entries if entry.is_dir()]
    if inner:
        raise DataError(f"{path}: holds the folder {inner[0]}; the files of a data set stand in one folder")
    if not entries:
        raise DataError(f"{path}: the folder holds no files")
    forms: dict[str, str] = {}
    for entry in entries:
        suffix = entry.suffix.lower()
        forms.setdefault(_SAME.get(suffix, suffix), entry.name)
    if len(forms) > 1:
        names = " and ".join(list(forms.values())[:2])
        raise DataError(f"{path}: holds files of several forms, such as {names}; keep those of one form in it")
    return [str(Path(path) / entry.name) for entry in entries]
