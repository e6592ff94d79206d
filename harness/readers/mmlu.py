"""MMLU is the English counterpart of C-Eval: 57 subjects of multiple choice, in CSV files without a header."""

from collections.abc import Mapping
from typing import ClassVar

from harness.readers.parsing.split import Split
from harness.readers.parsing.subject_areas import areas
from harness.readers.parsing.subject_reader import SubjectReader


class Mmlu(SubjectReader):
    """MMLU as distributed: test is test/<subject>_test.csv, train dev/<subject>_dev.csv, validation val/.

    Prompts see {{ subject }}, e.g. medical_genetics, and {{ cluster }}. `limit` is for each subject.
    """

    files: ClassVar[Mapping[Split, str]] = {
        "test": "test/{}_test.csv",
        "train": "dev/{}_dev.csv",
        "validation": "val/{}_val.csv",
    }

    def about(self) -> Mapping[str, Mapping[str, str]]:
        """The group of each subject that MMLU knows."""
        return {name: {"cluster": area} for name, area in areas("mmlu").items()}
