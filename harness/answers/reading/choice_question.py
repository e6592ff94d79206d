"""What a reply is read against: the question, its options, and which letters may be an answer to it."""

import re
from dataclasses import dataclass

from harness.text.normalise import normalise
from harness.text.templates import LETTERS


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question's options and how many may be right."""

    question: str
    options: tuple[str, ...]
    multiple: bool

    @property
    def letters(self) -> str:
        """The letters of the options: "ABCD" for four."""
        return LETTERS[: len(self.options)]

    def option(self, letter: str) -> str:
        """The text of an option; empty for a letter that is none."""
        index = LETTERS.index(letter)
        return self.options[index] if index < len(self.options) else ""

    def own_words(self, letter: str) -> str:
        """An option's text where it can be told from letters: the blood group A, or AB among A–D, is none ("")."""
        option = self.option(letter)
        letters = normalise(option, punctuation="drop", case=False)
        return "" if re.fullmatch(rf"[A-Za-z]|[{self.letters}]+", letters) else option

    def remaining(self, letters: str) -> str:
        """The letters of all other options."""
        return "".join(letter for letter in self.letters if letter not in letters)


@dataclass(frozen=True)
class LetterReading:
    """Letters, or the reason why they do not count. Neither: nothing was found."""

    letters: str | None = None
    reason: str | None = None


NOTHING = LetterReading()


def admit(letters: str, choice: ChoiceQuestion) -> LetterReading:
    """`letters` as an answer, if they are options and not too many."""
    outside = [letter for letter in letters if letter not in choice.letters]
    if outside:
        return LetterReading(reason=f"{'、'.join(outside)} is not among the options A–{choice.letters[-1]}")
    if len(letters) > 1 and not choice.multiple:
        return LetterReading(reason=f"{len(letters)} letters ({letters}) where one is asked for")
    return LetterReading(letters=letters)
