"""English sentences that a record holds, in the language that is spoken."""

from collections.abc import Iterable, Sequence

from harness.records.decisions import Statement
from reports.wording import say, speaking


def spoken_sentences(texts: Iterable[str], statements: Sequence[Statement]) -> tuple[str, ...]:
    """Each text as the statement that says the same; as it stands where none does, as in runs of older versions."""
    with speaking("en"):
        by_text = {say(statement.key, **statement.values): statement for statement in statements}
    return tuple(_spoken(text, by_text.get(text)) for text in texts)


def _spoken(text: str, statement: Statement | None) -> str:
    return text if statement is None else say(statement.key, **statement.values)
