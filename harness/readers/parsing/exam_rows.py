"""The questions of an exam's CSV file, by one set of names, whatever header the file has, or none."""

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.errors import DataError
from harness.readers.csv import csv_records
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.text_file import read_text
from harness.text.normalise import compatible, normalise
from harness.text.templates import LETTERS

OPTIONS = ("A", "B", "C", "D")
FIELDS = ("question", *OPTIONS, "answer")
_WRITINGS: Mapping[str, Sequence[str]] = {  # without case, width, spaces and marks
    "question": ("question", "questions", "prompt", "题目", "问题", "题干", "试题"),
    "answer": ("answer", "answers", "correctanswer", "correctoption", "ans", "label", "答案", "正确答案", "标准答案"),
    "explanation": ("explanation", "解析", "解释", "答案解析"),
    **{
        letter: (letter.lower(), f"option{letter.lower()}", f"选项{letter.lower()}", f"{letter.lower()}选项")
        for letter in OPTIONS
    },
}
_NAMES = {writing: name for name, writings in _WRITINGS.items() for writing in writings}
_SEPARATORS = re.compile(r"[\W_]+")
Record = tuple[int, list[str]]


def exam_rows(file: str) -> Iterator[Row | Fault]:
    """The rows with the columns question, A, B, C, D, answer, and further ones by their own names.

    A header may name them in English or Chinese, in any case or width; a column that counts the rows may have no name.
    A file without a header has the question, four options and the letter, perhaps behind a number and before an
    explanation. Raises DataError for a file that has neither.
    """
    names: list[str] = []
    for item in csv_records(read_text(file)):
        if isinstance(item, Fault):
            yield item
            continue
        line, fields = item
        if not any(fields):
            continue
        if not names:
            header = _header(item, file)
            names = header or _positions(item, file)
            if header:
                continue
        if len(fields) != len(names):
            yield Fault(line, f"{len(fields)} fields where {', '.join(filter(None, names))} are expected")
        else:
            cells = {name: cell for name, cell in zip(names, fields, strict=True) if name}
            yield Row(line, {**cells, "answer": letter_of(cells["answer"])})


def letter_of(text: str) -> str:
    """An option's letter in its plain form: of `ａ`, `(A)` and `A.` it is A. Anything else stays as it is written."""
    plain = normalise(text, punctuation="drop").upper()
    return plain if len(plain) == 1 and plain in LETTERS else text.strip()


def _header(first: Record, file: str) -> list[str]:
    """The columns by our names, the others by theirs; nothing where the line is no header."""
    line, fields = first
    names = [_NAMES.get(_SEPARATORS.sub("", compatible(field).casefold()), field.strip()) for field in fields]
    if not {"question", "answer"} & set(names):
        return []
    missing = [name for name in FIELDS if name not in names]
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise DataError(f"{file}:{line}: the header names {twice[0]} twice; columns need different names")
    if missing:
        remedy = "; questions without answers cannot be scored" if missing == ["answer"] else ""
        written = ", ".join(filter(None, fields))
        raise DataError(f"{file}:{line}: the header has no column for {', '.join(missing)}; it has {written}{remedy}")
    return names


def _positions(first: Record, file: str) -> list[str]:
    """The columns of a file that begins with a question."""
    line, fields = first
    for number in (1, 0):  # fields before the question: a counted row first, because an option may be a letter, too
        numbers, cells, behind = fields[:number], fields[number:][: len(FIELDS)], fields[number + len(FIELDS) :]
        is_counted = all(not field or field.strip().isdigit() for field in numbers)
        if is_counted and len(behind) <= 1 and len(cells) == len(FIELDS) and letter_of(cells[-1]) in LETTERS:
            return [*(["id"] * number), *FIELDS, *(["explanation"] * len(behind))]
    raise DataError(
        f"{file}:{line}: neither a header that names {', '.join(FIELDS)} nor a question with four options and the "
        f"letter of the right one, but {len(fields)} fields"
    )
