"""What a decision may not rest on: judges below trust, cells with an alarm, thin coverage, leaked items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.records.decisions import NOT_DEPLOYABLE, Statement
from harness.records.derived_names import FreshnessProbe, without_seed
from harness.records.figure_names import FigureName
from harness.records.summary import Summary
from harness.summary.decision_figures import DecidingFigure
from harness.summary.decision_reasons import phrase, slug

LEAST_COVERAGE = 0.95  # of the items of a headline figure
MOST_LEAKED = 0.05  # share of a task's items that also stand in what is learnt from or looked up


@dataclass(frozen=True)
class Distrust:
    """The reasons against figures, and against single variants."""

    figures: tuple[Statement, ...]
    variants: Mapping[str, tuple[Statement, ...]]  # of candidates, those without a doubt left out


def distrust_of(summary: Summary, figures: Sequence[DecidingFigure], candidates: Sequence[str]) -> Distrust:
    """Why some headline figures and some candidates are left out of the decision."""
    doubts = {variant: tuple(_doubts(summary, figures, variant)) for variant in candidates}
    return Distrust(
        figures=tuple(_demoted(summary)),
        variants={variant: statements for variant, statements in doubts.items() if statements},
    )


def _demoted(summary: Summary) -> Iterator[Statement]:
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    for name, reason in summary.judging.demoted.items():
        if FreshnessProbe.parse(FigureName.parse(name).task, tasks) is not None:
            continue
        yield Statement("decision.demoted", {"figure": name, "reason": reason})


def _doubts(summary: Summary, figures: Sequence[DecidingFigure], variant: str) -> Iterator[Statement]:
    tasks = {FigureName.parse(figure.name).task for figure in figures}
    for figure in figures:
        coverage = figure.coverage.get(variant)
        if coverage is None or variant not in figure.means:
            yield Statement("decision.no_value", {"variant": variant, "figure": figure.name})
        elif coverage < LEAST_COVERAGE:
            share = {"unit": "share", "value": coverage}
            yield Statement("decision.low_coverage", {"variant": variant, "figure": figure.name, "share": share})
        if (lost := _lost_lead(summary, figure, variant)) is not None:
            yield lost
    alarms: set[tuple[str, str]] = set()  # each kind once a task, however many seeds or settings raise it
    for anomaly in summary.anomalies:
        alarm = (anomaly.task, anomaly.kind)
        concerns = anomaly.task in tasks and variant in (anomaly.variant, without_seed(anomaly.variant))
        concerns &= anomaly.kind != "no effect"  # two variants are the same, and what they reach is what they reach
        if concerns and alarm not in alarms:
            alarms.add(alarm)
            values = {"variant": variant, "task": anomaly.task, "count": anomaly.count, "answers": anomaly.answers}
            yield Statement("decision.alarm", values | {"alarm": phrase(f"decision.alarm_{slug(anomaly.kind)}")})


def _lost_lead(summary: Summary, figure: DecidingFigure, variant: str) -> Statement | None:
    """Where the best variant is no longer the best without the items that were seen before, and those are many."""
    task = FigureName.parse(figure.name).task
    clean = {
        result.variant: result.mean
        for result in summary.clean
        if str(FigureName.of(result)) == figure.name and result.mean is not None and result.variant in figure.means
    }
    leaked = [o for o in summary.overlaps if o.task == task]
    share = max(((o.exact + o.normalised + o.near) / max(1, o.samples) for o in leaked), default=0.0)
    deployable = [name for name in clean if summary.decisions.approaches.get(name) not in NOT_DEPLOYABLE]
    if share <= MOST_LEAKED or variant not in deployable or figure.best(deployable) != variant:
        return None
    best = max(deployable, key=lambda name: figure.sign * clean[name])
    if best == variant:
        return None
    values = {"variant": variant, "figure": figure.name, "rival": best, "share": {"unit": "share", "value": share}}
    return Statement("decision.leaked", values)
