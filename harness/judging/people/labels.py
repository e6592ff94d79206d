"""Labels that people gave, read from whatever file holds them: scores of single answers, or verdicts on two."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.judging.people.label_rows import label_rows, refuse
from harness.judging.people.ratings import (
    PAIRS,
    SCORES,
    RatingKind,
    Values,
    Verdict,
    ratings,
    refuse_two_codes,
    score,
    verdict,
)
from harness.readers.parsing.rows import BadRow, optional_text, text_of, texts_of
from harness.readers.parsing.text_file import read_bytes

QUESTION, ANSWER, REFERENCE = ("question", "instruction"), ("answer", "response"), ("reference", "target")
PASSAGES = "passages"
FIRST, SECOND = ("first", "response1", "answer_a"), ("second", "response2", "answer_b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredItem:
    """One answer that people scored."""

    id: str | None  # as the file gives it
    question: str
    answer: str
    reference: str | None
    scores: tuple[float | None, ...]  # one an annotator; None where there is none
    place: str  # in the file; no two items have the same
    variant: str | None = None  # that gave the answer, where the file says so
    passages: tuple[str, ...] = ()  # that the answer was written from, where the file says so


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """Two answers that people compared."""

    id: str | None
    question: str
    first: str
    second: str
    reference: str | None
    verdicts: tuple[Verdict | None, ...]  # one an annotator; None where there is none
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of one file, of one kind or the other."""

    name: str  # of the file
    digest: str  # sha256
    annotators: tuple[str, ...]
    scored: tuple[ScoredItem, ...] = ()
    pairs: tuple[LabelledPair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Which column means what."""

    kind: RatingKind
    question: str
    input: str | None
    answers: tuple[str, ...]  # one column, or the first's and the second's
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What one row says."""

    place: str
    id: str | None
    variant: str | None
    question: str
    answers: tuple[str, ...]
    reference: str | None
    passages: tuple[str, ...]
    ratings: Mapping[str, Any]  # by annotator a float or a Verdict; None where there is none


def read_labels(path: Path, items: Path | None = None, answer: str | None = None) -> Labels:
    """The labels of a file: .csv, .tsv, .xlsx (its first sheet), JSON lines, a JSON list of objects, or one of numbers.

    A list of numbers holds the scores of the rows of the file `items`, in their order. `answer` names the column of the
    answers where it is not called answer or response. Raises DataError with one line `FILE:LINE: what is wrong; what to
    do` for each mistake.
    """
    rows = label_rows(path, items)
    layout = _layout(list(dict.fromkeys(column for _, values in rows for column in values)), answer, items or path)
    entries = []
    mistakes = []
    for place, values in rows:
        try:
            entries.append(_entry(place, values, layout))
        except BadRow as error:
            mistakes.append(f"{place}: {error}")
    refuse(mistakes)
    _refuse_unlabelled(entries, layout.kind, path)
    names = tuple(dict.fromkeys(name for entry in entries for name in entry.ratings))
    digest = sha256(b"".join(read_bytes(str(file)) for file in (path, items) if file is not None)).hexdigest()
    if layout.kind is PAIRS:
        refuse_two_codes(rows, path)
        return Labels(
            name=path.name, digest=digest, annotators=names, pairs=tuple(_pair(entry, names) for entry in entries)
        )
    _refuse_twice(entries)
    return Labels(
        name=path.name, digest=digest, annotators=names, scored=tuple(_scored(entry, names) for entry in entries)
    )


def check_scale(labels: Labels, low: float, high: float) -> None:
    """Raises DataError with one line for each human score outside the scale of the rubric."""
    refuse(
        f"{item.place}: score {value:g}{name and f' of {name}'} is outside the rubric's scale, {low:g} to {high:g}; "
        "mend it, or take a rubric with the scale that people used"
        for item in labels.scored
        for name, value in zip(labels.annotators, item.scores, strict=True)
        if value is not None and not low <= value <= high
    )


def _layout(columns: Sequence[str], answer: str | None, path: Path) -> _Layout:
    kind = PAIRS if answer is None and {*FIRST} & {*columns} and {*SECOND} & {*columns} else SCORES
    for column in ("annotator", "rater"):
        if column in columns:
            raise DataError(
                f"{path}: '{column}': there is one row a rating; put what all annotators say of an item in one row, "
                f"in {kind.noun}_NAME columns"
            )
    if answer is not None and answer not in columns:
        raise DataError(f"{path}: there is no column '{answer}' for the answers; there is: {', '.join(columns)}")
    question = _single_column(QUESTION, columns, path)
    if kind is PAIRS:
        answers: tuple[str, ...] = (_single_column(FIRST, columns, path), _single_column(SECOND, columns, path))
    else:
        answers = (answer or _single_column(ANSWER, columns, path),)
    alpaca = question == "instruction"  # whose output is the right answer
    references = (*REFERENCE, "output") if alpaca and "output" not in answers else REFERENCE
    return _Layout(
        kind=kind,
        question=question,
        input="input" if alpaca and "input" in columns else None,
        answers=answers,
        reference=_single_column(references, columns, path) if {*references} & {*columns} else None,
    )


def _single_column(names: Sequence[str], columns: Sequence[str], path: Path) -> str:
    matches = [name for name in names if name in columns]
    if len(matches) > 1:
        raise DataError(f"{path}: columns {' and '.join(matches)} mean the same; keep one")
    if not matches:
        more = "; or name it with --answer COLUMN" if names is ANSWER else ""
        raise DataError(f"{path}: there is no column {' or '.join(names)}; there is: {', '.join(columns)}{more}")
    return matches[0]


def _entry(place: str, values: Values, layout: _Layout) -> _Entry:
    identifier = next((text_of(values, column) for column in ("id", "idx") if column in values), None)
    question = [text for column in (layout.question, layout.input) if (text := optional_text(values, column)).strip()]
    if not question:  # PandaLM has items with an input and no instruction
        raise BadRow(f"'{layout.question}' is empty")
    read = score if layout.kind is SCORES else verdict
    return _Entry(
        place=place,
        id=identifier,
        variant=optional_text(values, "variant").strip() or None,
        question="\n\n".join(question),
        answers=tuple(_answer(values, column) for column in layout.answers),
        reference=optional_text(values, layout.reference).strip() or None,
        passages=_passages(values) if layout.kind is SCORES else (),
        ratings={name: read(value, column) for name, (column, value) in ratings(values, layout.kind).items()},
    )


def _passages(values: Values) -> tuple[str, ...]:
    """A list of passages, in a table written as JSON; a text that is none is one passage."""
    cell = values.get(PASSAGES)
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        with suppress(ValueError, RecursionError):
            cell = json.loads(cell)
    return texts_of({PASSAGES: cell}, PASSAGES)


def _answer(values: Values, column: str) -> str:
    """An answer may be empty. A bare true, which PandaLM holds for the answer True, is read as it stands there."""
    if values.get(column) is None:
        raise BadRow(f"there is no '{column}'; an empty answer is written as an empty text")
    return json.dumps(values[column]) if isinstance(values[column], bool) else optional_text(values, column)


def _pair(entry: _Entry, annotators: Sequence[str]) -> LabelledPair:
    first, second = entry.answers
    verdicts = tuple(entry.ratings.get(name) for name in annotators)
    return LabelledPair(**_shared(entry), first=first, second=second, verdicts=verdicts)


def _scored(entry: _Entry, annotators: Sequence[str]) -> ScoredItem:
    (answer,) = entry.answers
    scores = tuple(entry.ratings.get(name) for name in annotators)
    return ScoredItem(**_shared(entry), answer=answer, scores=scores, variant=entry.variant, passages=entry.passages)


def _shared(entry: _Entry) -> dict[str, Any]:
    """The fields that both kinds of label have."""
    return {name: getattr(entry, name) for name in ("id", "question", "reference", "place")}


def _refuse_unlabelled(entries: Sequence[_Entry], kind: RatingKind, path: Path) -> None:
    if all(rating is None for entry in entries for rating in entry.ratings.values()):
        columns = f"a column {kind.noun}, {kind.noun}_NAME for each annotator, or {kind.mapping}: {{NAME: …}}"
        raise DataError(f"{path}: no row holds a {kind.noun}; write it in {columns}")


def _refuse_twice(entries: Sequence[_Entry]) -> None:
    """An answer that is labelled twice would count twice."""
    places: dict[tuple[str, str | None, tuple[str, ...]], str] = {}
    mistakes = []
    for entry in entries:
        if entry.id is not None:
            answers = tuple(answer.strip() for answer in entry.answers)
            first = places.setdefault((entry.id, entry.variant, answers), entry.place)
            if first != entry.place:
                mistakes.append(
                    f"{entry.place}: labels the same answer to {entry.id} as {first}; put all its scores in one row"
                )
    refuse(mistakes)
