"""The trend of a suite: its lines, what changed between its nights, which items waver, and what the last night broke."""

import math
from collections.abc import Iterator, Sequence

from harness.errors import StoreError
from harness.records.figure_names import FigureName
from harness.records.figures import ENDLESS, MetricInfo
from harness.records.run_comparisons import PairedCell
from harness.records.trends import LastNight, TrendNight, Trend, TurnedItem
from harness.regression.evidence import run_evidence
from harness.regression.flaky_items import flaky_items
from harness.regression.history import History, NightRun
from harness.regression.night_changes import night_changes
from harness.regression.pairing import paired_cells
from harness.regression.trend_lines import cost_charts, figure_charts, night_seconds
from harness.runtime.run_folder import RunFolder

MIDDLE = 0.5  # of a scale: an item whose score crosses it was right and is wrong, or the other way round


def make_trend(history: History, place: str) -> Trend:
    """What the runs of a suite show, in the order of their nights."""
    nights = history.nights
    changes = night_changes(nights)
    charts = (*figure_charts(nights, changes), *cost_charts(nights, changes)) if nights else ()
    return Trend(
        suite=history.suite,
        place=place,
        nights=tuple(
            TrendNight(key=own.key, started=own.started.isoformat(timespec="seconds"), seconds=night_seconds(own))
            for own in nights
        ),
        charts=charts,
        changes=changes,
        flakiness=flaky_items(nights, changes),
        last=last_night(nights),
        left_out=history.left_out,
        order_remarks=history.remarks,
        unaided=nights[-1].figures.unaided if nights else (),
        currency=nights[-1].figures.decisions.currency if nights else None,
        decisions={
            place: own.figures.decisions.decision.variant or ""
            for place, own in enumerate(nights)
            if own.figures.decisions.decision is not None
        },
    )


def last_night(nights: Sequence[NightRun]) -> LastNight:
    """The headline figures of the last night against the night before, item by item."""
    if len(nights) < 2:
        return LastNight()
    try:
        sides = [run_evidence(RunFolder(night.path), night.path) for night in nights[-2:]]
    except StoreError as error:
        return LastNight(problem=str(error))
    figures = nights[-1].figures
    turned: list[TurnedItem] = []
    shared = 0
    for cell in paired_cells(*sides):
        name = str(FigureName.of(cell))
        if name in figures.headline and is_bounded(figures.metrics[name]):
            shared += len(cell.shared)
            turned += _turned(cell, figures.metrics[name])
    is_broken = [_is_right(own.before, figures.metrics[str(FigureName.of(own))]) for own in turned]
    return LastNight(
        broken=tuple(own for own, broken in zip(turned, is_broken, strict=True) if broken),
        fixed=tuple(own for own, broken in zip(turned, is_broken, strict=True) if not broken),
        shared=shared,
    )


def is_bounded(info: MetricInfo) -> bool:
    """Whether its scale has a middle, and a better half."""
    return info.high < ENDLESS and info.low > -ENDLESS and info.better != "neither"


def _turned(cell: PairedCell, info: MetricInfo) -> Iterator[TurnedItem]:
    for sample_id, old, new in zip(cell.shared, cell.before, cell.after, strict=True):
        if old.value is None or new.value is None or math.isnan(old.value + new.value):
            continue
        if _is_right(old.value, info) != _is_right(new.value, info):
            yield TurnedItem(
                task=cell.task, metric=cell.metric, variant=cell.variant,
                sample_id=sample_id, before=old.value, after=new.value,
            )  # fmt: skip


def _is_right(value: float, info: MetricInfo) -> bool:
    """Whether a value lies in the better half of its scale."""
    share = (value - info.low) / (info.high - info.low)
    return share <= MIDDLE if info.better == "lower" else share >= MIDDLE
