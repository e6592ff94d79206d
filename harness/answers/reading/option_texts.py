"""An option's own text in a reply: beside its letter, in the letter's place, or as a term that holds other letters."""

import re
from collections import Counter
from functools import lru_cache, partial

from harness.answers.reading import answer_forms as forms
from harness.answers.reading.choice_question import NOTHING, ChoiceQuestion, LetterReading
from harness.answers.reading.term_letters import MORE
from harness.text.normalise import normalise, option_letters
from harness.text.replies import plain

_BINOMIAL = re.compile(r"([A-Z])[a-z]{2,} ([a-z]{3,})")
_BINOMIAL_INITIAL = re.compile(r"[A-Z]\. [a-z]")
_BEHIND_TEXT = r"(?=[\s,、;。.!?)\]:和与及并是不对错√×]|以及|都|均|正确|and\b|[A-Z]\b|$)"


def join_labels(text: str, choice: ChoiceQuestion) -> str:
    """The reply with a letter alone where its option's own text is beside it: "A（高血压）和高血压（A）" is "A和A"."""
    squeezed = _squeezed(text)
    for letter in choice.letters:
        if _squeezed(_bare(choice.option(letter))) not in squeezed:
            continue  # most options are not named, and a pattern takes its time to be compiled
        labelled = _labelled(letter, choice.option(letter), choice.own_words(letter) != "")
        if labelled is not None:
            text = labelled.sub(letter, text)
    return text


@lru_cache(maxsize=4096)
def _labelled(letter: str, option: str, telling: bool) -> re.Pattern[str] | None:
    """A letter with its own text; a text that might be a letter itself stands behind a colon, full stop or bracket."""
    text = _bare(option)
    if not text:
        return None
    own = f"(?i:{_bounded(text)})"
    label = rf"(?:(?<![A-Za-z0-9_-]){letter}|^{letter.lower()}(?=[.:)]))"
    mark = r" ?(?:[.:、,)\]-]|选?项:?)? ?" if telling else r" ?[.:)\]] ?"
    forward = rf"{label}(?:{mark}{own}|{mark}[(\[] ?{own} ?[)\]]){_BEHIND_TEXT}"
    backward = rf"|{own} ?[(\[] ?{letter} ?[)\]]" if telling else ""
    return re.compile(f"{forward}{backward}", re.MULTILINE)


def spell_families(text: str, choice: ChoiceQuestion) -> str:
    """Terms that share a noun, each with it: "维生素A、D" is "维生素A、维生素D" where an option is such a term."""
    stems = {own[:-1] for own in map(choice.own_words, choice.letters) if re.search("[^A-Za-z][A-Z]$", own)}
    for stem in stems:
        shared = re.escape(stem[:-1]) + "s? " if stem.endswith(" ") else re.escape(stem)
        family = re.compile(rf"((?i:{shared}))([A-Z](?![A-Za-z0-9]){MORE})(?!-?[A-Za-z0-9])")
        text = family.sub(partial(_spelt, stem), text)
    return text


def _spelt(stem: str, family: re.Match[str]) -> str:
    return re.sub("[A-Z]", lambda letter: f"{stem}{letter[0]}", family[2])


def hide_texts(text: str, choice: ChoiceQuestion) -> str:
    """`text` with dots for the options' own texts that hold a Latin letter; of the same length."""
    pattern = _own_texts_in(text, choice)
    if pattern is None:
        return text
    return pattern.sub(lambda own: "·" * len(own[0]) if re.search("[A-Za-z]", own[0]) else own[0], text)


def read_whole_text(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The option whose text the reply is; where several are asked for, those of which it is a list."""
    lead = forms.LEAD.match(text)
    bare = text[lead.end() :] if lead else text
    letters = [
        letter
        for letter in choice.letters
        if equal_texts(text, own := choice.own_words(letter)) or equal_texts(bare, own)
    ]
    if letters:
        return LetterReading(letters=letters[0]) if len(letters) == 1 else NOTHING
    pattern = _own_texts_in(bare, choice)
    if pattern is None or not forms.ONLY_MARKS.fullmatch(pattern.sub("", bare)):
        return NOTHING
    named = option_letters("".join(map(_letter_of, pattern.finditer(bare))))
    return LetterReading(letters=named) if named and (choice.multiple or len(named) == 1) else NOTHING


def read_text_in_prose(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The only option whose text occurs in the reply unnegated."""
    pattern = _own_texts_in(text, choice)
    first: dict[str, int] = {}
    for own in pattern.finditer(text) if pattern else ():
        first.setdefault(_letter_of(own), own.start())
    letters = [letter for letter, start in first.items() if forms.NEGATION.search(text[:start]) is None]
    inside = {a for a in letters for b in letters if a != b and choice.option(a) in choice.option(b)}
    letters = [letter for letter in letters if letter not in inside]
    return LetterReading(letters=letters[0]) if len(letters) == 1 else NOTHING


def _own_texts_in(text: str, choice: ChoiceQuestion) -> re.Pattern[str] | None:
    """A pattern of the options' own texts, the longest first, in groups named by their letters; None if none occurs."""
    squeezed = _squeezed(text)
    present = tuple((writing, letter) for writing, letter in _own_texts(choice) if _squeezed(writing) in squeezed)
    return _any_of(present) if present else None


def _squeezed(text: str) -> str:
    return re.sub(r"[\s.]", "", text).casefold()


@lru_cache(maxsize=4096)
def _any_of(texts: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    groups = (f"(?P<{letter}{n}>{_bounded(writing)})" for n, (writing, letter) in enumerate(texts))
    return re.compile("|".join(groups), re.IGNORECASE)


@lru_cache(maxsize=4096)  # all readings of one question, and of all variants
def _own_texts(choice: ChoiceQuestion) -> tuple[tuple[str, str], ...]:
    """The telling texts with their letters, the longest first; none that two options share."""
    writings = {letter: _writings(choice.own_words(letter)) for letter in choice.letters}
    frequency = Counter(writing.casefold() for group in writings.values() for writing in group)
    unique = [
        (writing, letter)
        for letter, group in writings.items()
        for writing in group
        if frequency[writing.casefold()] == 1
    ]
    return tuple(sorted(unique, key=lambda pair: -len(pair[0])))


def _letter_of(match: re.Match[str]) -> str:
    return (match.lastgroup or "")[:1]


def _writings(option: str) -> frozenset[str]:
    """How a telling text may be written: a species also with the initial of its genus."""
    text = _bare(option)
    if len(text) < 2 or text.isdigit():
        return frozenset()
    species = _BINOMIAL.match(text)
    return frozenset({text, f"{species[1]}. {text.partition(' ')[2]}"} if species else {text})


def _bare(option: str) -> str:
    """An option's text in plain writing without the mark that ends it."""
    return plain(option).rstrip(" .。;")


def _bounded(text: str) -> str:
    """A pattern of a text that is no part of a longer Latin word."""
    own = re.sub(r"(?:\\?\s)+", r"\\s*", re.escape(text)).replace(
        r"\.", r"\.?" if _BINOMIAL_INITIAL.match(text) else r"\."
    )
    before = r"(?<![A-Za-z0-9])" if text[:1].isascii() and text[:1].isalnum() else ""
    behind = r"(?![A-Za-z0-9])" if text[-1:].isascii() and text[-1:].isalnum() else ""
    return f"{before}{own}{behind}"


def equal_texts(text: str, option: str) -> bool:
    """Whether a text is an option's, marks and case overlooked; an empty one is none."""
    bare = normalise(text, punctuation="drop")
    return bare != "" and bare == normalise(option, punctuation="drop")
