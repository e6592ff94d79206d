"""What an item asks, as a digest: two runs are compared on the items that ask the same."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from harness.records.derived_names import reported_name
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction
from harness.records.run_evidence import CellItem, QuestionId

TEMPLATE = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
NAME = re.compile(r"[^\W\d]\w*")
WHOLE_ROWS = frozenset(("Python", "LmEval", "LmEvalCorpus"))  # metrics that may look at any column of a row
ALWAYS = ("stale", "subject", "system")  # columns that the product itself looks at
LENGTH = 12  # of a digest, in hexadecimal digits: that two of 100,000 items agree by chance has odds of 1 in 50,000


def digest(value: JSON) -> str:
    """The first digits of the sha256 of a value as JSON."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def question_digests(samples: Sequence[Sample], record: Mapping[str, JSON]) -> dict[QuestionId, str]:
    """Of each item what is asked and what is right, with those other columns of its row that anything can look at."""
    names = _mentioned_names(record)
    whole = {task for task, own in (record.get("tasks") or {}).items() if _sees_whole_rows(own)}
    return {
        (sample.task, sample.id): digest(_question(sample, None if sample.task in whole else names))
        for sample in samples
    }


def answer_digests(predictions: Sequence[Prediction]) -> dict[CellItem, str]:
    """Of each answer its text and what was read out of it; nothing of what failed."""
    return {
        (own.task, reported_name(own.variant), own.sample_id): digest([own.text, own.reading.answer])
        for own in predictions
        if own.error is None
    }


def _question(sample: Sample, columns: Collection[str] | None) -> JSON:
    meta = {name: value for name, value in sample.meta.items() if columns is None or name in columns}
    history = [list(turn) for turn in sample.history]
    question = [sample.input, list(sample.targets), list(sample.options), history, sample.system, sample.tools]
    return [*question, meta]


def _sees_whole_rows(task: Mapping[str, JSON]) -> bool:
    return any(metric.get("component") in WHOLE_ROWS for metric in (task.get("metrics") or {}).values())


def _mentioned_names(record: Mapping[str, JSON]) -> set[str]:
    """The names in templates and settings: a column that none of them mentions changes no question."""
    places = (record.get("tasks"), record.get("variants"), record.get("knowledge"), record["suite"].get("prompts"))
    texts = [text for place in places for text in _texts(place)]
    blocks = (block for text in texts for block in TEMPLATE.findall(text))
    return {*ALWAYS, *texts, *(name for block in blocks for name in NAME.findall(block))}


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
