"""In which language a task is asked: as the suite says, else as its data are written."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from harness.components.dataset import Dataset
from harness.records.inputs import Language, Sample
from harness.text.language import language_of
from harness.text.normalise import whole_question
from harness.text.templates import Template

LanguageSetting = Literal["auto"] | Language
ROWS = 1000  # of the test split that are read for it


def task_language(setting: LanguageSetting, data: Dataset, templates: Sequence[Template | None]) -> Language:
    """The language of the questions and answers; of the templates where those have no words, else English."""
    if setting != "auto":
        return setting
    of_data = language_of(text for sample in islice(data.test, ROWS) for text in _texts(sample))
    return of_data or language_of(template.text for template in templates if template is not None) or "en"


def _texts(sample: Sample) -> Iterator[str]:
    """What a sample asks, and its right answers unless they are letters of options."""
    yield whole_question(sample)
    if not sample.options:
        yield from sample.targets
