"""English sentences that a record holds, in the language that is spoken."""

from collections.abc import Iterable, Mapping, Sequence

from harness.records.decisions import Statement
from harness.records.inputs import JSON
from reports.wording import say, speaking


def spoken_sentences(texts: Iterable[str], statements: Sequence[Statement]) -> tuple[str, ...]:
    """Each text as the statement that says the same; as it stands where none does, as in runs of older versions."""
    with speaking("en"):
        by_text = {spoken_statement(statement): statement for statement in statements}
    return tuple(spoken_statement(by_text[text]) if text in by_text else text for text in texts)


def spoken_statement(statement: Statement) -> str:
    """What it says."""
    return _text_of(statement.key, statement.values)


def _text_of(key: str, values: Mapping[str, JSON]) -> str:
    return say(key, **{name: _value(value) for name, value in values.items()})


def _value(value: JSON) -> JSON:
    """A value of a statement: itself, a statement as harness.text.stating writes it down, or several of these."""
    if isinstance(value, Mapping):
        return _text_of(value["key"], value["values"])
    return say("nouns.separator").join(map(_value, value)) if isinstance(value, list | tuple) else value
