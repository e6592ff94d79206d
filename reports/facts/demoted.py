"""Figures that lost their place in the headline: named wherever they are shown, always with the reason."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.records.figures import Summary
from reports.facts.columns import Column
from reports.facts.wording import listed

SIGN = "†"


@dataclass(frozen=True, slots=True)
class Demotion:
    """Metrics that may not decide for the same reason."""

    names: tuple[str, ...]  # "task.metric"
    reason: str

    @property
    def sentence(self) -> str:
        """ "norm.quality may not decide: not calibrated against people." """
        return f"{listed(self.names)} may not decide: {self.reason}."


def demotions(columns: Iterable[Column]) -> tuple[Demotion, ...]:
    """Of the columns that may not decide, each whole metric once."""
    return _grouped((f"{c.task}.{c.metric.split('.')[0]}", c.demoted) for c in columns if c.demoted)


def every(summary: Summary) -> tuple[Demotion, ...]:
    """Of a run, whether a figure has a result or not."""
    return _grouped(summary.judging.demoted.items())


def undecided(summary: Summary) -> str | None:
    """What to say where no figure is left that may decide; None where one is, or none was demoted.

    A summary's headline holds what the suite declared, or each task's first metric, without what was demoted: where it
    is empty, nothing may take their place unasked.
    """
    lost = summary.judging.demoted
    if not lost or any(".".join(figure.split(".")[:2]) not in lost for figure in summary.headline):
        return None
    told = (f"{listed(d.names)} {_was(d)} demoted because: {d.reason}" for d in every(summary))
    return f"No figure may decide: {'; '.join(told)}."


def _grouped(reasons: Iterable[tuple[str, str]]) -> tuple[Demotion, ...]:
    names: dict[str, list[str]] = {}
    for name, reason in dict(reasons).items():
        names.setdefault(reason, []).append(name)
    return tuple(Demotion(tuple(some), reason) for reason, some in names.items())


def _was(demotion: Demotion) -> str:
    return "was" if len(demotion.names) == 1 else "were"
