"""The files that the rating page saves, read back line by line: every mistake has its place, every file its run."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.errors import DataError
from harness.judging.people.label_rows import refuse
from harness.judging.people.rated_task import RatedTask, rated_task
from harness.judging.people.rating_sheet import all_entries
from harness.judging.people.ratings import SUMMARIES
from harness.readers.parsing.json_text import line_rows
from harness.readers.parsing.rows import BadRow, Fault, Row
from harness.readers.parsing.text_file import read_text
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON

VERSION = 1
VERDICTS = ("first", "second", "tie")


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingHead:
    """The first line of a file: which sheet was rated, by whom, on which scale."""

    harness_ratings: int  # the version of the form
    run: str
    sheet: str
    rater: str  # as the rater typed it; empty for nobody in particular
    sitting: str  # of one browser; drawn at random
    saved: str  # ISO 8601
    pairwise: bool
    rubric: str
    low: float
    high: float
    whole: bool
    dimensions: tuple[str, ...]
    entries: int  # of the sheet
    rated: int  # lines that follow


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRating:
    """What one rater said of one entry."""

    place: str
    scores: Mapping[str, float]  # by dimension; none of a comparison
    verdict: str  # of a comparison: which of the entry's two answers is better; else empty
    note: str

    def is_whole(self, head: RatingHead) -> bool:
        """Whether nothing is left to say of the entry."""
        return bool(self.verdict) if head.pairwise else len(self.scores) == len(head.dimensions)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingFile:
    """One file."""

    path: Path
    head: RatingHead
    ratings: Mapping[str, EntryRating]  # by the entry's key


_HEAD = TypeAdapter(RatingHead)


def read_ratings(paths: Sequence[Path], finished: FinishedRun, task: str | None) -> tuple[RatedTask, list[RatingFile]]:
    """The task that the files rate, and the files in the order in which they were saved.

    Raises DataError for a file of another run, and for every mistake in a file.
    """
    names = [task] if task else list(dict.fromkeys(prediction.task for prediction in finished.predictions))
    tasks = {rated.identity: rated for rated in (rated_task(finished, name) for name in names)}
    keys = {identity: all_entries(rated).keys() for identity, rated in tasks.items()}
    files = sorted((_read(path, keys) for path in paths), key=lambda file: file.head.saved)
    if len({file.head.run for file in files}) > 1:
        raise DataError(f"{paths[0]} and others rate different tasks; read them apart")
    kinds = {(file.head.pairwise, file.head.rubric): file.path for file in files}
    if len(kinds) > 1:
        first, second = list(kinds.values())[:2]
        raise DataError(f"{first} and {second} rate by different rubrics, or scores and pairs; read them apart")
    return tasks[files[0].head.run], files


def _read(path: Path, keys: Mapping[str, Collection[str]]) -> RatingFile:
    """One file; `keys` are the entries that a sheet may hold, by what identifies a task of the run."""
    rows = list(line_rows(read_text(str(path))))
    head = _head(path, rows[0])
    refuse(
        f"{path}:{row.line}: {row.reason}; the file was cut or edited: save it again from the page"
        for row in rows
        if isinstance(row, Fault)
    )
    lines = [row for row in rows if isinstance(row, Row)]
    if head.run not in keys:
        raise DataError(
            f"{path}: rates the answers of another run (or of another task, or before they changed); read it with the "
            "run that its page was made from"
        )
    ratings, mistakes = _ratings(path, lines[1:], head, keys[head.run])
    refuse(mistakes)
    if len(lines) - 1 != head.rated:
        raise DataError(
            f"{path}:{lines[-1].line}: the file ends after {len(lines) - 1} of the {head.rated} ratings that its first "
            "line tells of: it was cut or edited; save it again from the page"
        )
    return RatingFile(path=path, head=head, ratings=ratings)


def _head(path: Path, first: Row | Fault) -> RatingHead:
    values = first.values if isinstance(first, Row) else {}
    if values.get("harness_ratings") not in (None, VERSION):
        raise DataError(f"{path}:1: was saved by a page of another version; update the harness")
    try:
        head = _HEAD.validate_python(dict(values))
    except ValidationError as error:
        part = ".".join(map(str, error.errors()[0]["loc"]))
        is_ours = "harness_ratings" in values
        reason = f"its first line lacks '{part}', or it is wrong there" if is_ours else "it is no file of ratings"
        raise DataError(f"{path}:1: {reason}; name what the page of `harness rate` saved") from error
    if head.rater.strip().casefold() in SUMMARIES:
        raise DataError(f"{path}:1: 'rater' is {head.rater.strip()}, like a summary of raters; give another name")
    return head


def _ratings(
    path: Path, lines: Sequence[Row], head: RatingHead, entries: Collection[str]
) -> tuple[dict[str, EntryRating], list[str]]:
    ratings: dict[str, EntryRating] = {}
    mistakes = []
    for line in lines:
        try:
            key = _key(line.values, entries)
            if key in ratings:
                raise BadRow(f"rates the entry of {ratings[key].place.rpartition(':')[2]} again; keep one of the lines")
            ratings[key] = _rating(f"{path}:{line.line}", line.values, head)
        except BadRow as error:
            mistakes.append(f"{path}:{line.line}: {error}")
    return ratings, mistakes


def _key(values: Mapping[str, JSON], entries: Collection[str]) -> str:
    key = values.get("entry")
    if not isinstance(key, str) or key not in entries:
        raise BadRow(f"'entry' is {str(key)[:40]}, which is no entry of this run; save the file again from the page")
    return key


def _rating(place: str, values: Mapping[str, JSON], head: RatingHead) -> EntryRating:
    verdict = values.get("verdict", "")
    if head.pairwise and verdict not in ("", *VERDICTS):
        raise BadRow(f"'verdict' is {str(verdict)[:40]}; it must be one of {', '.join(VERDICTS)}")
    scores = values.get("scores") or {}
    if not isinstance(scores, dict):
        raise BadRow("'scores' must be an object with a number for each dimension")
    note: Any = values.get("note", "")
    return EntryRating(
        place=place,
        scores={} if head.pairwise else {name: _score(name, value, head) for name, value in scores.items()},
        verdict=verdict if head.pairwise else "",
        note=note.strip() if isinstance(note, str) else "",
    )


def _score(name: str, value: JSON, head: RatingHead) -> float:
    if name not in head.dimensions:
        raise BadRow(f"'{name[:40]}' is no dimension of the rubric, which has {', '.join(head.dimensions)}")
    number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    if not head.low <= number <= head.high or (head.whole and number != int(number)):
        kind = "a whole number" if head.whole else "a number"
        raise BadRow(f"'{name}' is {str(value)[:40]}; it must be {kind} from {head.low:g} to {head.high:g}")
    return number
