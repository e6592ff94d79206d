"""Figures that lost their place in the headline: named wherever they are shown, always with the reason."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.summary import Summary
from reports.facts.judge_doubts import spoken_demotions
from reports.facts.metric_columns import MetricColumn
from reports.facts.phrases import listed
from reports.wording import say

SIGN = "†"


@dataclass(frozen=True, slots=True)
class Demotion:
    """Metrics that may not decide for the same reason."""

    names: tuple[str, ...]  # "task.metric"
    reason: str

    @property
    def sentence(self) -> str:
        """ "norm.quality may not decide: not calibrated against people." """
        return say("demotions.may_not_decide", figures=listed(self.names), reason=self.reason)


def column_demotions(columns: Iterable[MetricColumn]) -> tuple[Demotion, ...]:
    """Of the columns that may not decide, each whole metric once."""
    return _grouped((str(c.figure.whole), c.demoted) for c in columns if c.demoted)


def run_demotions(summary: Summary) -> tuple[Demotion, ...]:
    """Of a run, whether a figure has a result or not."""
    return _grouped(spoken_demotions(summary.judging).items())


def undecided_sentence(summary: Summary) -> str | None:
    """What to say where no figure is left that may decide; None where one is, or none was demoted.

    A summary's headline holds what the suite declared, or each task's first metric, without what was demoted: where it
    is empty, nothing may take their place unasked.
    """
    demoted = summary.judging.demoted
    if not demoted or any(str(FigureName.parse(figure).whole) not in demoted for figure in summary.headline):
        return None
    reasons = (
        say("demotions.demoted", n=len(demotion.names), figures=listed(demotion.names), reason=demotion.reason)
        for demotion in run_demotions(summary)
    )
    return say("demotions.nothing_may_decide", reasons=say("demotions.between").join(reasons))


def _grouped(reasons: Iterable[tuple[str, str]]) -> tuple[Demotion, ...]:
    names: dict[str, list[str]] = {}
    for name, reason in dict(reasons).items():
        names.setdefault(reason, []).append(name)
    return tuple(Demotion(tuple(group), reason) for reason, group in names.items())
