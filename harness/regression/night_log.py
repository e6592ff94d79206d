"""The nights that the sequential rule has counted since a baseline was accepted, in a small file beside the baseline.

A night counts once: a run that is gated again replaces itself, whatever its time stamp, and a cell whose answers are
those of the baseline or of a night before (they came from the cache) says nothing new. Nights are in the order in which
they were first gated, so that a clock that was set back changes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from harness.errors import StoreError, reason_of
from harness.records.derived_names import without_seed
from harness.records.figure_names import FigureName
from harness.records.run_evidence import RunEvidence
from harness.regression.paired_drops import CellName, PairedDrops
from harness.runtime.whole_files import replace_file, writing
from harness.statistics.resampling import Floats
from harness.text.canonical import digest

NIGHTS = "gate-nights.json"
Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellNight:
    """What one night says of a cell beyond the baseline and the nights before it."""

    answers: str  # digest of answers and values
    drops: Mapping[str, Finite] = field(default_factory=dict)  # share of the range, by item; 0 is left out
    unknown: tuple[str, ...] = ()  # items without a value in this night or in the baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One gated run."""

    key: str  # name of its folder
    started: str
    cells: Mapping[str, CellNight] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightLog:
    """All gated runs since the baseline was accepted."""

    baseline: str  # digest of what the nights are held against
    nights: tuple[Night, ...] = ()


_LOG = TypeAdapter(NightLog)


def read_nights(folder: Path, baseline: RunEvidence) -> NightLog:
    """The nights of this very baseline; none where they were counted against another. Raises StoreError."""
    identity = _identity(baseline)
    path = folder / NIGHTS
    if not path.exists():
        return NightLog(baseline=identity)
    try:
        log = _LOG.validate_json(path.read_bytes())
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {reason_of(error)}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "its text"
        raise StoreError(
            f"{path}: no count of nights ({place}: {problem['msg']}); delete it to begin a new count"
        ) from error
    return log if log.baseline == identity else NightLog(baseline=identity)


def write_nights(folder: Path, log: NightLog) -> Path:
    """Write the file. Raises StoreError."""
    path = folder / NIGHTS
    with writing(path):
        replace_file(path, [json.dumps(asdict(log), ensure_ascii=False, separators=(",", ":")).encode()])
    return path


def with_night(log: NightLog, run: RunEvidence, cells: Mapping[CellName, CellNight]) -> NightLog:
    """The log with one more night, or with the same night as it is now."""
    night = Night(
        key=run.key,
        started=run.started,
        cells={_text(name): own for name, own in cells.items()},
    )
    if any(own.key == night.key for own in log.nights):
        nights = tuple(night if own.key == night.key else own for own in log.nights)
    else:
        nights = (*log.nights, night)
    return NightLog(baseline=log.baseline, nights=nights)


def cell_night(paired: PairedDrops, before: str, after: str) -> CellNight | None:
    """What a run says of a cell, whose answers have these digests in the baseline and now.

    None where they are the baseline's, or the scale has no ends.
    """
    if paired.range is None:
        return None
    shares = paired.drops / paired.range
    drops = {own: float(share) for own, share in zip(paired.ids, shares, strict=True) if share}
    finite = {own: share for own, share in drops.items() if np.isfinite(share)}
    unknown = tuple(own for own in drops if own not in finite)
    if not finite and before == after:
        return None
    return CellNight(answers=digest([after, finite, unknown]), drops=finite, unknown=unknown)


def answer_digests(run: RunEvidence) -> dict[tuple[str, str], str]:
    """By task and variant the digest of all its answers, those of several seeds together."""
    answers: dict[tuple[str, str], dict[str, str]] = {}
    for (task, scored, sample), text in run.answers.items():
        for variant in {scored, without_seed(scored)}:
            answers.setdefault((task, variant), {})[f"{scored} {sample}"] = text
    return {cell: digest(own) for cell, own in answers.items()}


def counted_nights(log: NightLog, name: CellName, paired: PairedDrops) -> list[Floats]:
    """Of each night that says something new of a cell the drop of each group of items, within ±1, NaN for unknown [G].

    A group's is its items' sum over the size of the largest group, so that it is bounded as an item is.
    """
    rows = {own: row for row, own in enumerate(paired.ids)}
    largest = float(paired.groups.sizes.max()) if paired.groups.count else 1.0
    digests: set[str] = set()
    nights = []
    for night in log.nights:
        own = night.cells.get(_text(name))
        if own is None or own.answers in digests:
            continue
        digests.add(own.answers)
        drops = np.zeros(len(rows))
        for sample, share in own.drops.items():
            if sample in rows:
                drops[rows[sample]] = min(1.0, max(-1.0, share))
        drops[[rows[sample] for sample in own.unknown if sample in rows]] = np.nan
        nights.append(drops if paired.groups.are_items else paired.groups.sums(np.nan_to_num(drops)) / largest)
    return nights


def _text(name: CellName) -> str:
    task, variant, metric = name
    return f"{variant} {FigureName.within(task, metric)}"


def _identity(baseline: RunEvidence) -> str:
    accepted = baseline.acceptance.when if baseline.acceptance else ""
    return digest([baseline.key, baseline.started, accepted])
