"""Answers in a table: one row an item, its columns found by their names or named by the suite."""

from collections.abc import Iterator, Mapping, Sequence

from baselines.foreign_answers.answer_rows import AnswerColumns, AnswerRow, text_in
from harness.errors import DataError, nearest
from harness.readers.csv import csv_rows
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.table_rows import table_rows
from harness.readers.parsing.text_file import read_text
from harness.readers.parsing.workbook import read_sheet
from harness.readers.tsv import tsv_rows
from harness.text.normalise import is_missing

ID_COLUMNS = ("id", "sample_id", "item_id")
ANSWER_COLUMNS = (
    "prediction", "predict", "predicted", "response", "reply", "completion", "generated", "generated_text",
    "model_answer", "model_output", "answer", "output",
)  # fmt: skip
AMBIGUOUS = ("answer", "output")  # as often the name of the right answers
LLAMA_FACTORY = ("predict", "label")  # the columns of its generated_predictions.jsonl, beside `prompt`


def rows_of(path: str, form: str) -> list[Row]:
    """The rows of a table: of JSON objects, csv, tsv or xlsx. Raises DataError with file and line."""
    match form:
        case "csv":
            entries = csv_rows(read_text(path), path)
        case "tsv":
            entries = tsv_rows(read_text(path), path)
        case "xlsx":
            entries = table_rows(read_sheet(path, None).table(), path)
        case _:
            entries = object_rows(path)
    return list(_sound(entries, path))


def _sound(entries: Iterator[Row | Fault], path: str) -> Iterator[Row]:
    for entry in entries:
        if isinstance(entry, Fault):
            raise DataError(f"{path}:{entry.line}: {entry.reason}")
        yield entry


def answer_rows(rows: Sequence[Row], columns: AnswerColumns, path: str) -> list[AnswerRow]:
    """The rows as answers. Raises DataError where a column is not there, or none can be taken for the answers."""
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    for parameter in ("id", "answer", "input", "target"):
        name = getattr(columns, parameter)
        if name is not None and name not in names:
            raise DataError(f"{path}: {parameter}: there is no column '{name}' ({nearest(name, names)})")
    id_column = columns.id or next((name for name in ID_COLUMNS if name in names), None)
    answer = columns.answer or _answer_column(names, path)
    label = columns.target or ("label" if set(LLAMA_FACTORY) <= set(names) else None)
    texts = [columns.input] if columns.input else [name for name in names if name not in (id_column, answer, label)]
    return [
        AnswerRow(
            line=row.line,
            text=text_in(row.values.get(answer)),
            id=_plain(row.values, id_column),
            texts={name: text for name in texts if (text := _plain(row.values, name)) is not None},
            label=_plain(row.values, label),
            doubtful=answer if columns.answer is None and answer in AMBIGUOUS else None,
        )
        for row in rows
    ]


def _answer_column(names: Sequence[str], path: str) -> str:
    candidates = [name for name in ANSWER_COLUMNS if name in names]
    clear = [name for name in candidates if name not in AMBIGUOUS]
    chosen = clear or candidates
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise DataError(f"{path}: which column holds the answers? name it, answer: COLUMN ({', '.join(names)})")
    raise DataError(f"{path}: {', '.join(chosen)} may each hold the answers; name the right one, answer: COLUMN")


def _plain(values: Mapping[str, object], column: str | None) -> str | None:
    """A text or a number; None for what is missing, blank, or a structure."""
    value = None if column is None else values.get(column)
    if is_missing(value) or isinstance(value, list | dict):
        return None
    return str(value).strip() or None
