"""The records of rating by people: what one page asks of a rater, without a word about who answered."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.inputs import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedDimension:
    """One thing that people judge, in every language of its rubric."""

    name: str
    titles: Mapping[Language, str]
    texts: Mapping[Language, str]
    anchors: Mapping[Language, Mapping[str, str]]  # by score what it means; perhaps none


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingEntry:
    """One rating to give: of an answer, or of two side by side."""

    key: str  # tells nothing; only the run that the sheet was made from knows whose answers these are
    answers: tuple[str, ...]
    passages: tuple[str, ...] = ()  # that this answer was written from, where all answers of the sheet have some


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingQuestion:
    """One question with all that is to be rated about it."""

    text: str
    reference: str | None
    passages: tuple[str, ...]  # that any of the answers was written from: the same for all, so that they tell nothing
    entries: tuple[RatingEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingSheet:
    """What a page asks, and what it is a sheet of."""

    run: str  # identifies the answers of one task of one run
    sheet: str  # identifies this selection of them
    rubric: str
    pairwise: bool
    low: float
    high: float
    whole: bool
    dimensions: tuple[RatedDimension, ...]
    questions: tuple[RatingQuestion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterTally:
    """How much one rater has rated."""

    rater: str
    rated: int
    total: int  # entries of the sheets that the rater has worked on


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRating:
    """What people said of one variant: the mean score, or the share of comparisons won (a tie is half)."""

    variant: str
    ratings: int
    mean: float
