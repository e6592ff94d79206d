"""A run as the list shows it: what it recommends, its headline figures, how far it is, and what to run next."""

from collections.abc import Iterator
from dataclasses import dataclass
from os import fsencode
from urllib.parse import quote

from harness.records.decisions import Certainty
from harness.records.figure_names import FigureName
from harness.records.run_overviews import RunOverview, RunProgress, RunState
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.limited_run import mark
from reports.facts.metric_columns import MetricColumn, column_of, results_by_variant
from reports.facts.moments import date_text, moment_of
from reports.facts.phrases import joined
from reports.facts.statement_text import exact_sentence
from reports.wording import say

MOST_FIGURES = 4
WORK: dict[str, str] = {
    "training": "prepares",
    "running": "asks",
    "predicted": "scores",
    "summarized": "reports",
}  # by status, as the catalogue names it


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFigure:
    """One headline figure: of the recommended variant, else of the best one that can be deployed."""

    name: str
    variant: str
    value: str
    interval: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardProgress:
    """How far a run is that goes on."""

    text: str  # what it does
    done: int
    total: int  # 0: not known yet
    details: str  # calls, rate, time left
    reason: str  # why the work stands still


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCard:
    """One run, in the language that is spoken."""

    address: str  # of its report, from the top
    name: str
    place: str  # its folder
    when: str
    state: RunState
    state_text: str
    limited: str  # how a limited run is marked; empty of a whole one
    recommendation: str | None
    certainty: Certainty | None
    certainty_text: str
    figures: tuple[CardFigure, ...]
    further: int  # headline figures that are not shown
    progress: CardProgress | None
    notes: tuple[str, ...]  # why something is missing, and what would bring it


def run_card(run: RunOverview) -> RunCard:
    """Whatever the run's files hold, there is a card."""
    decision = None if run.summary is None else run.summary.decisions.decision
    recommendation, notes = None, [*_notes(run)]
    if run.summary is not None and decision is not None:
        try:
            recommendation = exact_sentence(decision.headline, run.summary)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # not of this version's catalogue
            notes.append(say("viewer.strange_recommendation"))
    figures = () if run.summary is None else tuple(_figures(run.summary, decision.variant if decision else None))
    is_stated = recommendation is not None and decision is not None
    return RunCard(
        address=run_address(run.key),
        name=run.name,
        place=run.key,
        when=_when(run),
        state=run.state,
        state_text=say(f"viewer.state_{run.state}"),
        limited=mark(run.scope),
        recommendation=recommendation,
        certainty=decision.certainty if decision and is_stated else None,
        certainty_text=_certainty_text(decision.certainty) if decision and is_stated else "",
        figures=figures[:MOST_FIGURES],
        further=len(figures[MOST_FIGURES:]),
        progress=_progress(run) if run.state == "running" else None,
        notes=tuple(notes),
    )


def run_address(key: str) -> str:
    """The path of a run's page. A name that is no text, which a file system allows, stays what it is."""
    return f"/runs/{quote(fsencode(key))}/"


def _certainty_text(certainty: Certainty) -> str:
    return say(f"decision.certainty_{certainty.replace(' ', '_')}")


def _notes(run: RunOverview) -> Iterator[str]:
    if run.problem:
        yield say("viewer.unreadable" if run.state == "unreadable" else "viewer.figures_unreadable", reason=run.problem)
    if run.state == "interrupted":
        yield say("viewer.go_on", command=run.command) if run.command else say("viewer.go_on_somehow")
    elif run.state == "part" and run.scope.shard is not None:
        shard = run.scope.shard
        yield say("viewer.join", number=shard.number, count=shard.of, command="harness merge")
    elif run.state == "complete" and run.summary is not None and run.summary.decisions.decision is None:
        yield say("viewer.older")


def _when(run: RunOverview) -> str:
    started, finished = moment_of(run.started), moment_of(run.finished)
    if started is None:
        return "" if finished is None else date_text(finished)
    if run.state != "complete" or finished is None or (started.tzinfo is None) != (finished.tzinfo is None):
        return date_text(started)
    seconds = (finished - started).total_seconds()
    if seconds < 0:  # a clock was put back
        return date_text(started)
    return say("page.took", date=date_text(started), duration=numbers.duration(seconds))


def _figures(summary: Summary, recommended: str | None) -> Iterator[CardFigure]:
    for figure in summary.headline:
        name = FigureName.parse(figure)
        column = column_of(summary, name.task, name.full_metric)
        means = {
            variant: result
            for variant, result in results_by_variant(summary, column.key).items()
            if result.mean is not None and variant not in summary.bounds
        }
        if means:
            variant = recommended if recommended in means else _best(column, {v: r.mean for v, r in means.items()})
            value, interval = numbers.figure(means[variant], column.info)
            yield CardFigure(name=figure, variant=variant, value=value, interval=interval)


def _best(column: MetricColumn, means: dict[str, float | None]) -> str:
    return max(means, key=lambda variant: column.sign * (means[variant] or 0.0))


def _progress(run: RunOverview) -> CardProgress:
    progress = run.progress or RunProgress()
    stage = say(f"viewer.stage_{WORK.get(run.stage, 'works')}")
    step = None
    if progress.pieces:
        step = say("viewer.piece", number=min(progress.finished + 1, progress.pieces), pieces=progress.pieces)
    rate = None if progress.rate is None else say("viewer.rate", tokens=f"{progress.rate:,.0f}")
    left = None if progress.left is None else say("viewer.left", duration=numbers.duration(max(progress.left, 0.0)))
    calls = None
    if progress.total:
        calls = say("viewer.calls", done=f"{progress.done:,}", total=f"{progress.total:,}")
    return CardProgress(
        text=say("viewer.work", stage=stage, work=progress.work) if progress.work else stage,
        done=min(progress.done, progress.total),
        total=progress.total,
        details=joined(step, calls, rate, left),
        reason=progress.reason,
    )
