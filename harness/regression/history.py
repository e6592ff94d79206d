"""The runs of one suite, night after night: which there are, in which order, and the figures of each.

Of a run only run.json and the head of summary.json are read: a year of nights is looked at in seconds.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from pydantic import TypeAdapter

from harness.errors import StoreError
from harness.records.decisions import Decision, Statement, VariantCost
from harness.records.figures import MetricInfo, Result, Usage
from harness.records.inputs import JSON
from harness.records.shards import PART
from harness.records.trends import LeftOut, LeftOutReason
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_order import natural, read_time, stamp_of, start_of
from harness.runtime.run_shelf import COMPLETE, DEPTH, read_parsed, read_record, runs_below


@dataclass(frozen=True, kw_only=True)
class _Costs:
    costs: tuple[VariantCost, ...] = ()
    currency: str | None = None
    decision: Decision | None = None


@dataclass(frozen=True, kw_only=True)
class NightFigures:
    """What a trend is made of in summary.json: the rest is not read into records."""

    name: str
    headline: tuple[str, ...]
    metrics: Mapping[str, MetricInfo]
    results: tuple[Result, ...]
    usage: tuple[Usage, ...] = ()
    unaided: tuple[str, ...] = ()
    decisions: _Costs = field(default_factory=_Costs)


_FIGURES = TypeAdapter(NightFigures)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRun:
    """A finished run with its figures."""

    key: str
    path: Path
    started: datetime
    record: Mapping[str, JSON]
    figures: NightFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The runs of one suite."""

    suite: str
    nights: tuple[NightRun, ...]  # by their start, then by the name of their folder
    left_out: tuple[LeftOut, ...]
    remarks: tuple[Statement, ...] = ()  # on their order


def read_histories(place: Path) -> tuple[list[History], list[LeftOut]]:
    """The histories of all suites below a folder, by name; and the folders of which not even the suite is known.

    Raises StoreError for a folder that is not there, may not be read, or is a run itself.
    """
    if (place / "run.json").is_file():
        raise StoreError(f"{place}: this is one run; name the folder that holds the runs of its suite: {place.parent}")
    if not place.is_dir():
        raise StoreError(f"{place}: no folder; name one with runs below it, such as runs/NAME")
    nights: dict[str, list[NightRun]] = {}
    left_out: dict[str, list[LeftOut]] = {}
    for key, path in runs_below(place, "", DEPTH):
        suite, reading = _read(key, path)
        if isinstance(reading, LeftOut):
            left_out.setdefault(suite, []).append(reading)
        else:
            nights.setdefault(suite, []).append(reading)
    nameless = left_out.pop("", [])
    suites = sorted({*nights, *left_out})
    if len(suites) == 1:  # whose else could they be
        left_out.setdefault(suites[0], []).extend(nameless)
        nameless = []
    return [_history(suite, nights.get(suite, []), left_out.get(suite, [])) for suite in suites], nameless


def _history(suite: str, runs: Sequence[NightRun], left_out: Iterable[LeftOut]) -> History:
    nights = tuple(sorted(runs, key=lambda run: (run.started, natural(run.key))))
    ordered = tuple(sorted(left_out, key=lambda run: natural(run.key)))
    return History(suite=suite, nights=nights, left_out=ordered, remarks=tuple(_remarks(nights)))


def _read(key: str, path: Path) -> tuple[str, NightRun | LeftOut]:
    """A run with the name of its suite, "" where that is not known; or why it is left out."""
    try:
        record = read_record(path)
    except StoreError as error:
        return "", LeftOut(key=key, reason="unreadable", problem=str(error))
    suite, started = str(record["suite"].get("name") or ""), start_of(key, record)
    stamp = "" if started is None else started.isoformat(timespec="seconds")
    reason = _reason(record, path, started)
    if reason is not None:
        return suite, LeftOut(key=key, reason=reason, started=stamp)
    try:
        figures = _without_nan(read_parsed(path / "summary.json", _FIGURES))
    except StoreError as error:
        return suite, LeftOut(key=key, reason="unreadable", problem=str(error), started=stamp)
    assert started is not None
    kept = {part: value for part, value in record.items() if part != "selftest"}
    return suite, NightRun(key=key, path=path, started=started, record=kept, figures=figures)


def _reason(record: Mapping[str, JSON], path: Path, started: datetime | None) -> LeftOutReason | None:
    if record.get("status") == PART:
        return "part"
    if record.get("status") not in COMPLETE:
        return "running" if RunFolder(path).is_locked() else "interrupted"
    if record.get("limited"):
        return "limited"
    return "timeless" if started is None else None


def _without_nan(figures: NightFigures) -> NightFigures:
    """A value that is no finite number is not known."""
    return replace(figures, results=tuple(map(_finite, figures.results)))


def _finite(result: Result) -> Result:
    ends = (result.mean, result.low, result.high)
    if result.mean is None or all(end is None or math.isfinite(end) for end in ends):
        return result
    mean = result.mean if math.isfinite(result.mean) else None
    return replace(result, mean=mean, low=None, high=None)


def _remarks(nights: Sequence[NightRun]) -> Iterator[Statement]:
    """Where the order is in doubt: equal starts, names in another order, an end before the start."""
    pairs = list(pairwise(nights))
    if equal := [after.key for before, after in pairs if before.started == after.started]:
        yield Statement("trend.same_start", {"count": len(equal) + 1, "n": len(equal), "first": equal[0]})
    turned = [
        (before.key, after.key)
        for before, after in pairs
        if before.started != after.started and stamp_of(before.key) > stamp_of(after.key) > ""
    ]
    if turned:
        values = {"n": len(turned), "count": len(turned), "before": turned[0][0], "after": turned[0][1]}
        yield Statement("trend.clock_set_back", values)
    back = [night.key for night in nights if (end := read_time(night.record.get("finished"))) and end < night.started]
    if back:
        yield Statement("trend.ended_before", {"n": len(back), "count": len(back), "first": back[0]})
