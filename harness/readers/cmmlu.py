"""CMMLU asks in Chinese what MMLU asks in English, and what only China asks: 67 subjects of multiple choice."""

from collections.abc import Mapping
from typing import ClassVar

from harness.readers.parsing.split import Split
from harness.readers.parsing.subject_areas import areas, china_specific
from harness.readers.parsing.subject_reader import SubjectReader


class Cmmlu(SubjectReader):
    """CMMLU as distributed: test is test/<subject>.csv, train is dev/<subject>.csv (five examples a subject).

    Prompts see {{ subject }}, e.g. traditional_chinese_medicine, {{ cluster }} and {{ china_specific }} (yes or no).
    `limit` is for each subject.
    """

    files: ClassVar[Mapping[Split, str]] = {"test": "test/{}.csv", "train": "dev/{}.csv"}
    breakdowns: ClassVar[tuple[str, ...]] = ("cluster", "china_specific", "subject")

    def about(self) -> Mapping[str, Mapping[str, str]]:
        """The group of each subject that CMMLU knows, and whether only China asks it."""
        own = china_specific()
        return {
            name: {"cluster": area, "china_specific": "yes" if name in own else "no"}
            for name, area in areas("cmmlu").items()
        }
