"""The trend of a suite: its lines, what changed between nights, which items waver, and what the last night broke."""

from collections.abc import Sequence

from harness.errors import StoreError
from harness.records.trends import LastNight, Trend, TrendNight
from harness.regression.changed_items import changed_items
from harness.regression.evidence import run_evidence
from harness.regression.flaky_items import flaky_items
from harness.regression.history import History, NightRun
from harness.regression.night_changes import night_changes
from harness.regression.paired_runs import shared_items
from harness.regression.trend_lines import cost_charts, figure_charts, night_seconds
from harness.runtime.run_folder import RunFolder


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
        before, after = (run_evidence(RunFolder(night.path), night.path) for night in nights[-2:])
        items = shared_items(before, after)
        counts, changes = changed_items(before, after, items)
    except StoreError as error:
        return LastNight(problem=str(error))
    return LastNight(counts=counts, items=changes, shared=sum(map(len, items.values())))
