"""MMLU is the English counterpart of C-Eval: 57 subjects of multiple choice, in CSV files without a header."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from harness.readers.csv import csv_records
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.split import Split
from harness.readers.parsing.subject_reader import OPTIONS, SubjectReader
from harness.readers.parsing.text_file import read_text

_FIELDS = ("question", *OPTIONS, "answer")


class Mmlu(SubjectReader):
    """MMLU as distributed: test is test/<subject>_test.csv, train dev/<subject>_dev.csv, validation val/.

    Prompts see {{ subject }}, e.g. medical_genetics. `limit` is for each subject.
    """

    files: ClassVar[Mapping[Split, str]] = {
        "test": "test/{}_test.csv",
        "train": "dev/{}_dev.csv",
        "validation": "val/{}_val.csv",
    }

    def rows(self, file: str) -> Iterable[Row | Fault]:
        """Every line is a question: the files have no header."""
        for record in csv_records(read_text(file)):
            if isinstance(record, Fault):
                yield record
            elif len(record[1]) == len(_FIELDS):
                yield Row(record[0], dict(zip(_FIELDS, record[1], strict=True)))
            elif any(record[1]):
                yield Fault(record[0], f"{len(record[1])} fields where {', '.join(_FIELDS)} are expected")
