"""Train rows as evidence: the input of a row becomes a name by which the passages that answer it are found."""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from harness.records.inputs import PassageSet, Sample
from harness.records.outputs import Alternatives, RightAnswer
from harness.text.canonical import digest


@dataclass(frozen=True, kw_only=True, slots=True)
class NameCoverage:
    """How many of the rows became names, and what kept the others from it."""

    rows: int
    named: int  # rows whose input is a name of at least one passage
    passages: int  # passages with such a name
    missing: tuple[Sample, ...]  # rows with a target, or a term of one, that no passage holds
    unclear: int  # rows without a name because several passages hold what is right, and any may be meant


def in_learning_order(rows: Sequence[Sample], seed: int) -> list[Sample]:
    """Train rows in the order of which trainings take the first, too: more rows contain the fewer."""
    ordered = list(rows)
    random.Random(f"{seed}|rows").shuffle(ordered)
    return ordered


def with_names(
    passage_set: PassageSet,
    rows: Sequence[Sample],
    right: Sequence[Alternatives],
    is_clear: Callable[[RightAnswer], bool],
) -> tuple[PassageSet, NameCoverage]:
    """The passages with the inputs of the rows that they answer as names, and how many rows that were.

    `right` are the rows' right answers. A row names the passages of each that `is_clear`; a blank input names nothing.
    """
    names: dict[int, dict[str, None]] = {}
    named, unclear, missing = 0, 0, []
    for row, alternatives in zip(rows, right, strict=True):
        answers = [answer for alternative in alternatives for answer in alternative]
        places = {place for answer in answers if answer.passages and is_clear(answer) for place in answer.passages}
        if not answers or not all(answer.passages for answer in answers):
            missing.append(row)
        elif not places:
            unclear += 1
        if places and row.input.strip():
            named += 1
            for place in places:
                names.setdefault(place, {})[row.input] = None
    passages = tuple(
        replace(passage, learned_names=tuple(names[place])) if place in names else passage
        for place, passage in enumerate(passage_set.passages)
    )
    coverage = NameCoverage(rows=len(rows), named=named, passages=len(names), missing=tuple(missing), unclear=unclear)
    return replace(passage_set, passages=passages), coverage


def rows_digest(rows: Sequence[Sample]) -> str:
    """sha256 over all that determines which names the rows give."""
    return digest([asdict(row) for row in rows])
