"""Sentences that records hold: in English, and as data from which the report says them in its languages."""

from collections.abc import Mapping, Sequence

from harness.records.decisions import Statement
from harness.records.inputs import JSON
from harness.records.sentences import Sentence


def state(key: str, english: str, **values: JSON | Sentence | Sequence[Sentence]) -> Sentence:
    """A sentence that stands under `key` in the catalogues of the report, in English as `english`.

    A value may be a sentence itself, or several, which are enumerated.
    """
    texts = {name: _text(value) for name, value in values.items()}
    return Sentence(english.format(**texts), Statement(key, {name: _data(value) for name, value in values.items()}))


def _text(value: JSON | Sentence | Sequence[Sentence]) -> JSON:
    if isinstance(value, list | tuple):
        return ", ".join(str(_text(part)) for part in value)
    return value.text if isinstance(value, Sentence) else value


def _data(value: JSON | Sentence | Sequence[Sentence]) -> JSON:
    if isinstance(value, list | tuple):
        return [_data(part) for part in value]
    if isinstance(value, Sentence):
        values: Mapping[str, JSON] = value.statement.values
        return {"key": value.statement.key, "values": dict(values)}
    return value
