"""Flaky items: those whose answers differ between nights that are identical in everything a run records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.errors import reason_of
from harness.records.derived_names import reported_name
from harness.records.inputs import JSON
from harness.records.run_evidence import CellItem
from harness.records.trends import Flakiness, FlakyCell, FlakyItem, NightChange
from harness.regression.history import NightRun
from harness.statistics.intervals import wilson

NIGHTS = 14  # the newest ones that are compared, at the most
LARGEST = 96 << 20  # bytes of answers that are read, at the most; of two nights always
SHOWN = 50  # items that are named
Answers = Mapping[CellItem, int]  # hash of what was answered; failed items are absent


@dataclass(frozen=True, slots=True)
class _Read:
    answer: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """What of a prediction tells whether it is the same."""

    sample_id: str
    task: str
    variant: str
    text: str
    reading: _Read
    error: str | None = None


_ANSWERED = TypeAdapter(_Answered)


def flaky_items(nights: Sequence[NightRun], changes: Sequence[NightChange]) -> Flakiness:
    """The newest nights since anything changed, answer by answer; nothing where there are fewer than two."""
    first = max((change.night for change in changes), default=0)
    chosen = _affordable(nights, range(max(first, len(nights) - NIGHTS), len(nights)))
    if len(chosen) < 2:
        return Flakiness()
    try:
        contents = {place: (nights[place].path / "predictions.jsonl").read_bytes() for place in chosen}
        answers = _answers_by_night([contents[place] for place in chosen])
    except (OSError, ValidationError) as error:
        return Flakiness(nights=tuple(chosen), problem=f"predictions.jsonl: {reason_of(error)}")
    items = _varied(answers)
    return Flakiness(
        nights=tuple(chosen),
        cells=_cells(answers, items),
        items=tuple(sorted(items, key=lambda own: (-own.changes, -own.answers, own.task, own.sample_id))[:SHOWN]),
    )


def _affordable(nights: Sequence[NightRun], places: range) -> list[int]:
    """The newest of these nights whose answers can be read in a moment."""
    chosen: list[int] = []
    size = 0
    for place in reversed(places):
        size += _size(nights[place].path / "predictions.jsonl")
        if size > LARGEST and len(chosen) >= 2:
            break
        chosen.append(place)
    return chosen[::-1]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _answers_by_night(contents: Sequence[bytes]) -> list[Answers]:
    """Equal files are read once: a night that was served from the cache has those of the night before."""
    read: dict[bytes, Answers] = {}
    for content in contents:
        if content not in read:
            read[content] = _answers(content)
    return [read[content] for content in contents]


def _answers(content: bytes) -> Answers:
    predictions = (_ANSWERED.validate_json(line) for line in content.splitlines())
    return {
        (own.task, reported_name(own.variant), own.sample_id): hash((own.text, repr(own.reading.answer)))
        for own in predictions
        if own.error is None
    }


def _varied(nights: Sequence[Answers]) -> list[FlakyItem]:
    items = []
    for key in dict.fromkeys(key for night in nights for key in night):
        given = [night[key] for night in nights if key in night]
        if len(set(given)) > 1:
            changes = sum(old != new for old, new in pairwise(given))
            task, variant, sample_id = key
            items.append(
                FlakyItem(
                    task=task, variant=variant, sample_id=sample_id,
                    nights=len(given), answers=len(set(given)), changes=changes,
                )
            )  # fmt: skip
    return items


def _cells(nights: Sequence[Answers], items: Sequence[FlakyItem]) -> tuple[FlakyCell, ...]:
    answered: dict[tuple[str, str], int] = {}
    seen: dict[CellItem, int] = {}
    for night in nights:
        for key in night:
            seen[key] = seen.get(key, 0) + 1
    for (task, variant, _), times in seen.items():
        answered[task, variant] = answered.get((task, variant), 0) + (times > 1)
    flaky: dict[tuple[str, str], int] = {}
    for item in items:
        flaky[item.task, item.variant] = flaky.get((item.task, item.variant), 0) + 1
    return tuple(
        FlakyCell(
            task=task, variant=variant, items=count, flaky=own, low=interval[0], high=interval[1]
        )
        for (task, variant), count in answered.items()
        if count and (interval := wilson((own := flaky.get((task, variant), 0)) / count, count))
    )  # fmt: skip
