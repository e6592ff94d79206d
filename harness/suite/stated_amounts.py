"""Amounts of figures as a suite writes them: numbers in the metric's own units, or percentage points of a share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from harness.components.metric import Scale
from harness.errors import HarnessError
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.suite.options import Compare
from harness.suite.references import RESERVED, Metrics, figure_problem
from harness.suite.yaml_source import QUOTED, Source, Where
from harness.text.excerpts import shortened

DEFAULT_MARGIN = 0.02  # of a scale's range
_WRITTEN = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(points?|pp|%|percent)?", re.IGNORECASE)
Fit = Callable[[float, Scale], str | None]  # why an amount cannot be one of a scale


@dataclass(frozen=True)
class DecidingFigures:
    """The figures that a suite decides by, or may decide by once it is known which judges are trusted."""

    source: Source
    compare: Compare
    metrics: Metrics  # by task and name; None: with a mistake of its own
    general: tuple[str, ...]

    def headline(self) -> list[str]:
        """What the suite names, else the first metric of each task."""
        first = [own[0] for task in self.metrics if (own := self._able(task))]
        return self.compare.headline or first

    def candidates(self) -> list[str]:
        """What the suite names, else all metrics: of a task the first that may decide does."""
        return self.compare.headline or [figure for task in self.metrics for figure in self._able(task)]

    def _able(self, task: str) -> list[str]:
        own = () if task in self.general else self.metrics[task]
        return [str(FigureName(task, metric)) for metric in own if metric not in RESERVED]

    def scale(self, figure: str) -> Scale | None:
        """The scale of a figure; None where its metric has a mistake of its own, or does not exist."""
        name = FigureName.parse(figure)
        metric = self.metrics.get(name.task, {}).get(name.metric)
        try:
            return metric.scale_of(name.part) if metric else None
        except HarnessError:  # it is said where the metric is checked
            return None

    def amounts(self, written: JSON, where: Where, fit: Fit) -> dict[str, float]:
        """An amount for each headline figure, or for those that a mapping names; mistakes are noted."""
        if isinstance(written, dict):
            problems = {figure: self._problem(figure) for figure in written}
            for figure, problem in problems.items():
                if problem:
                    self.source.complain((*where, figure), problem)
            entries = {figure: (own, (*where, figure)) for figure, own in written.items() if not problems[figure]}
        else:
            entries = dict.fromkeys(self.headline(), (written, where))
        amounts: dict[str, float] = {}
        refused: set[Where] = set()
        for figure, (own, place) in entries.items():
            scale = self.scale(figure)
            try:
                amount = read_amount(own, figure, scale or Scale(), self.source.spelled(place, str(own)))
                problem = fit(amount, scale) if scale else None
                amounts[figure] = amount
            except ValueError as error:
                problem = str(error)
            if problem and place not in refused:
                subject = "" if isinstance(written, dict) or len(entries) == 1 else f"for {figure}: "
                self.source.complain(place, f"{subject}{problem}")
                refused.add(place)  # one amount for all figures has one mistake
        return amounts

    def _problem(self, figure: str) -> str | None:
        problem = figure_problem(figure, self.metrics, self.general)
        if problem is None and self.compare.headline and figure not in self.compare.headline:
            return (
                f"'{figure}' is no headline figure ({', '.join(self.compare.headline)}); add it there, or leave it out"
            )
        return problem


def read_amount(written: JSON, figure: str, scale: Scale, spelling: str) -> float:
    """An amount in the figure's own units. Raises ValueError that says what to write instead."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        if not isfinite(written):
            raise ValueError(f"must be a finite number, not {spelling}")
        return float(written)
    matched = _WRITTEN.fullmatch(written.strip()) if isinstance(written, str) else None
    if matched is None:
        shown = shortened(spelling, QUOTED) or '""'
        raise ValueError(f"must be a number in the metric's own units, or e.g. 2 points, not {shown}")
    number, unit = matched.groups()
    if unit is None:
        raise ValueError(f"is text; write the number {number} without quotes")
    if unit in ("%", "percent"):
        raise ValueError(f"'{written}' may be meant of the scale or of a variant's figure; write {number} points")
    if scale.low != 0 or scale.high not in (1, 100):
        example = f"{figure}: {0.02 * (scale.high - scale.low) if scale.has_ends else 0.5:g}"
        raise ValueError(
            f"points are hundredths of a figure from 0 to 1, and {figure} {described(scale)}; "
            f"write a number in its own units, e.g. {{{example}}}"
        )
    return float(number) * scale.high / 100


def margins(figures: DecidingFigures) -> dict[str, float]:
    """By how much a variant may be worse on a figure and still be as good; mistakes are noted.

    As the suite says, else 2 % of the range; a scale without ends, or without a better one, has none unless stated.
    """
    stated = figures.compare.margin
    own = {} if stated is None else figures.amounts(stated, ("compare", "margin"), margin_problem)
    scales = {figure: figures.scale(figure) for figure in figures.candidates()}
    defaults = {
        figure: DEFAULT_MARGIN * (scale.high - scale.low)
        for figure, scale in scales.items()
        if scale is not None and scale.has_ends and scale.better != "neither"
    }
    if stated is not None and not isinstance(stated, dict):  # of a figure that decides where the first one may not
        defaults |= _spread(stated, scales)
    return {**defaults, **own}


def _spread(stated: JSON, scales: Mapping[str, Scale | None]) -> dict[str, float]:
    """A stated margin for all figures whose scales it fits."""
    amounts: dict[str, float] = {}
    for figure, scale in scales.items():
        try:
            amount = read_amount(stated, figure, scale or Scale(), "")
        except ValueError:
            continue
        if scale is not None and margin_problem(amount, scale) is None:
            amounts[figure] = amount
    return amounts


def margin_problem(amount: float, scale: Scale) -> str | None:
    """Why an amount cannot be a margin of a figure; None where it can."""
    if amount <= 0:
        return "must be more than 0; leave it out for 2 % of the range"
    if scale.better == "neither":
        return "no end of its scale is better, so that nothing can be as good; leave it out"
    if scale.has_ends and amount >= scale.high - scale.low:
        return f"{amount:g} must be less than the whole range of a figure that {described(scale)}"
    return None


def quality_problem(amount: float, scale: Scale) -> str | None:
    """Why a figure cannot be asked to be at least so good."""
    if scale.better == "neither":
        return "no end of its scale is better, so that it has no quality to ask for; leave it out"
    if not scale.low <= amount <= scale.high:
        return f"{amount:g} is outside a figure that {described(scale)}"
    return None


def described(scale: Scale) -> str:
    """A scale in words."""
    return f"goes from {scale.low:g} to {scale.high:g}" if scale.has_ends else "has no end"
