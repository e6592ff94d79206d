"""A file of answers: of which form it is, its rows, and the items that they belong to. Read once."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from baselines.foreign_answers.answer_rows import AnswerColumns, AnswerRow
from baselines.foreign_answers.answer_tables import LLAMA_FACTORY, answer_rows, rows_of
from baselines.foreign_answers.inspect_log import inspect_rows, is_inspect_log
from baselines.foreign_answers.label_forms import is_label_of
from baselines.foreign_answers.lm_eval_samples import SIGNS, lm_eval_rows
from baselines.foreign_answers.pairing import PairedAnswers, pair_answers, refuse_other_labels
from harness.errors import DataError, reason_of, shown_path
from harness.readers.parsing.rows import Row
from harness.records.inputs import Sample

FileFormat = Literal["auto", "jsonl", "json", "csv", "tsv", "xlsx", "lm_eval", "llamafactory", "inspect"]
FEW = 3  # items: that all of fewer are right is no wonder
TABLES = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".xlsx": "xlsx", ".xlsm": "xlsx"}


def pairing_with(path: str, form: FileFormat, columns: AnswerColumns, samples: Sequence[Sample]) -> PairedAnswers:
    """The answers of a file, by item. Raises DataError in one line: unreadable, doubled, or of another test set."""
    rows = list(_read(path, form, columns, _stamp(path)))
    answers = pair_answers(rows, samples, path)
    refuse_other_labels(answers, samples, path)
    own = [(answers.rows[sample.id], sample) for sample in samples if sample.id in answers.rows]
    doubtful = next((row.doubtful for row, _ in own if row.doubtful), None)
    if doubtful and len(own) >= FEW and all(is_label_of(row.text or "", sample) for row, sample in own):
        raise DataError(
            f"{path}: '{doubtful}' repeats the right answer of every item; name the column with the replies, "
            f"answer: COLUMN, or answer: {doubtful} if it is meant"
        )
    return answers


def _stamp(path: str) -> tuple[int, int]:
    """What changes when a file is written anew."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise DataError(f"{shown_path(path)}: cannot be read: {reason_of(error)}") from error
    if Path(path).is_dir():
        raise DataError(f"{path}: is a folder; name the file with the answers")
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=32)
def _read(path: str, form: FileFormat, columns: AnswerColumns, stamp: tuple[int, int]) -> tuple[AnswerRow, ...]:
    suffix = Path(path).suffix.lower()
    if form == "inspect" or (form == "auto" and (suffix == ".eval" or is_inspect_log(path, suffix))):
        return tuple(inspect_rows(path))
    table = form if form in TABLES.values() else TABLES.get(suffix, "json")
    rows = rows_of(path, table)
    names = {name for row in rows for name in row.values}
    if form == "lm_eval" or (form == "auto" and names.issuperset(SIGNS)):
        return tuple(lm_eval_rows(rows, path))
    if form == "llamafactory":
        _refuse_other_form(rows, path, names)
    return tuple(answer_rows(rows, columns, path))


def _refuse_other_form(rows: Sequence[Row], path: str, names: set[str]) -> None:
    if rows and not names.issuperset(LLAMA_FACTORY):
        raise DataError(f"{path}: format: llamafactory has the columns prompt, predict and label, not {sorted(names)}")
