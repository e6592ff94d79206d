"""What a record says in a sentence: in English, and as data for the languages of the report."""

from dataclasses import dataclass

from harness.records.decisions import Statement


@dataclass(frozen=True, slots=True)
class Sentence:
    """English text, and the statement that says the same in every language of the report."""

    text: str
    statement: Statement
