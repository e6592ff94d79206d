"""What a suite can decide, said before anything is paid for: the smallest difference that each figure shows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import comb

from harness.components.metric import Metric, Scale
from harness.components.task import Task
from harness.errors import HarnessError
from harness.records.figure_names import FigureName
from harness.statistics.decision_power import planned_power
from harness.statistics.groups import Groups
from harness.suite.approaches import FIXED, approaches_of
from harness.suite.suite import Suite
from harness.summary.comparison_plan import headline_of
from harness.text.counting import counted

DISCORDANCE = 0.2  # share of the items on which two variants are taken to differ, where nobody says otherwise


@dataclass(frozen=True, kw_only=True)
class ForeseenFigure:
    """What a headline figure will be able to tell, with 80 % power, all pairs tested together."""

    figure: str  # "task.metric"
    items: int
    groups: int  # that the items form
    scale: Scale
    margin: float | None  # in the figure's own units; None: it has none
    detectable: float | None = None  # smallest difference, in its own units; None: no difference, or not foreseen
    needed: int | None = None  # items that show a difference as large as the margin
    reason: str = ""  # why nothing can be foreseen; empty where it can

    def counted_items(self) -> str:
        """How many items, and of how many groups."""
        grouped = f" in {counted(self.groups, 'group')}" if self.groups < self.items else ""
        return f"{self.items:,}{grouped}"

    def difference(self) -> str:
        """The smallest difference that is shown, in words."""
        if self.reason:
            return "not known before"
        return "none: too few items" if self.detectable is None else self._amount(self.detectable)

    def margin_text(self) -> str:
        """The margin in words."""
        return "-" if self.margin is None else self._amount(self.margin)

    def needed_text(self) -> str:
        """How many items show a difference as large as the margin."""
        return "-" if self.needed is None else f"about {float(f'{self.needed:.2g}'):,.0f}"

    def _amount(self, value: float) -> str:
        """Points of a share, else a number in the figure's own units."""
        return f"{100 * value:.1f} points" if (self.scale.low, self.scale.high) == (0, 1) else f"{value:.3g}"


@dataclass(frozen=True, kw_only=True)
class ForeseenDecision:
    """What a suite will be able to decide between the variants that can be deployed."""

    deployable: int  # variants as reported, without floors and upper bounds
    foreign: int = 0  # further variants that are compared with them, and that no run can recommend
    comparisons: int  # pairs of them on all headline figures, tested together
    discordance: float
    figures: tuple[ForeseenFigure, ...]

    def sentences(self) -> list[str]:
        """What the table of figures rests on, and what it leaves out."""
        if not self.comparisons:
            return [f"{counted(self.deployable, 'variant')} can be deployed: there is nothing to decide between."]
        share = f"{100 * self.discordance:g} %"
        assumption = (
            f"Shown with 80 % power where two variants differ on {share} of the items (--discordance), "
            f"{counted(self.comparisons, 'comparison')} of {self._compared()} tested together. "
            "Where items are not simply right or wrong, smaller differences may be shown."
        )
        unforeseen = [figure for figure in self.figures if figure.reason]
        return [assumption, *(f"{own.figure} {own.reason}: the run will tell what it shows." for own in unforeseen)]

    def _compared(self) -> str:
        own = counted(self.deployable, "deployable variant")
        return f"{own} and {self.foreign} made elsewhere" if self.foreign else own


@dataclass(frozen=True, kw_only=True)
class ForeseenTiming:
    """The requests that are made one at a time, to time them."""

    task: str
    variants: int
    items: int  # that each variant answers, after one that warms it up

    def __str__(self) -> str:
        requests, variants = counted(self.variants * self.items, "request"), counted(self.variants, "variant")
        return (
            f"Latency: {requests} of {self.task} one at a time, {self.items} each of {variants}, after one to warm up."
        )


def foresee_decision(suite: Suite, tasks: Mapping[str, Task], discordance: float = DISCORDANCE) -> ForeseenDecision:
    """From the item counts alone. Raises HarnessError for a discordance that is no share."""
    if not 0 < discordance <= 1:
        raise HarnessError(f"--discordance is a share of the items above 0 and up to 1, e.g. 0.2, not {discordance:g}")
    approaches = approaches_of(suite.expansion, suite.terms.approaches)
    deployable = sum(approach not in FIXED for approach in approaches.values())
    foreign = sum(approach == "made elsewhere" for approach in approaches.values())
    headline = headline_of(suite, tasks, {})
    comparisons = comb(deployable + foreign, 2) * len(headline)
    return ForeseenDecision(
        deployable=deployable,
        foreign=foreign,
        comparisons=comparisons,
        discordance=discordance,
        figures=tuple(_foreseen(suite, tasks, FigureName.parse(name), comparisons, discordance) for name in headline),
    )


def _foreseen(
    suite: Suite, tasks: Mapping[str, Task], name: FigureName, comparisons: int, discordance: float
) -> ForeseenFigure:
    """One figure. Of values on a scale the error is largest for those at its ends, which is what is taken here.

    The difference of two values of one item is at most the scale's range, so that its variance is at most discordance
    times the range squared: that of right-or-wrong answers.
    """
    task = tasks[name.task]
    metric = suite.metrics_of(task)[name.metric]
    scale = metric.scale_of(name.part)
    groups = Groups.of([sample.group for sample in task.data.test]).count
    margin = suite.terms.margins.get(str(name))
    foreseen = ForeseenFigure(
        figure=str(name),
        items=len(task.data.test),
        groups=groups,
        scale=scale,
        margin=margin,
        reason=_unforeseen(metric, scale),
    )
    if foreseen.reason:
        return foreseen
    power, width = planned_power(foreseen.items, groups, comparisons, discordance), scale.high - scale.low
    return replace(
        foreseen,
        detectable=None if power.detectable is None else power.detectable * width,
        needed=None if margin is None else power.needed(margin / width),
    )


def _unforeseen(metric: Metric, scale: Scale) -> str:
    """Why the power of a figure cannot be told from a number of items; empty where it can."""
    if metric.corpus:
        return "is a figure of all items together"
    if not scale.has_ends:
        return "has a scale without an end"
    return "has no better end" if scale.better == "neither" else ""


def foresee_timing(suite: Suite) -> ForeseenTiming | None:
    """The requests of the stage latency; None where there are none."""
    task = suite.latency.task or next((name for name in suite.tasks if name not in suite.general), None)
    approaches = approaches_of(suite.expansion, suite.terms.approaches)
    variants = sum(approach != "made elsewhere" for approach in approaches.values())
    if task is None or not suite.latency.items or not variants:
        return None
    return ForeseenTiming(task=task, variants=variants, items=suite.latency.items)
