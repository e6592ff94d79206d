"""Which figures there are, how they are read, and which of them have a section of their own."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.figures import MetricInfo, Summary

Key = tuple[str, str]  # task, metric

UNKNOWN_METRIC = MetricInfo(component="", settings={}, low=0.0, high=1.0, better="neither")
DIRECTION = {"higher": "higher is better", "lower": "lower is better", "neither": "no better end"}
VERSIONS = ("before", "after", "withdrawn")


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of one task."""

    task: str
    metric: str
    info: MetricInfo
    headline: bool
    demoted: str | None = None  # why it may not decide

    @property
    def name(self) -> str:
        """As the suite's `headline` writes it."""
        return f"{self.task}.{self.metric}"

    @property
    def key(self) -> Key:
        """As results and comparisons are found."""
        return self.task, self.metric


@dataclass(frozen=True, slots=True)
class Probe:
    """A task made of the questions whose facts a knowledge base has changed: TASK@KNOWLEDGE-VERSION."""

    task: str
    knowledge: str
    version: str


def columns(summary: Summary) -> tuple[Column, ...]:
    """All metrics that have a result: headline in the suite's order, then whole metrics, then parts, task by task.

    What may not decide comes last.
    """
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    found = dict.fromkeys((result.task, result.metric) for result in summary.results)
    order = {name: place for place, name in enumerate(summary.headline)}

    def place(key: Key) -> tuple[bool, int, int, bool]:
        task, metric = key
        last = demotion(summary, key) is not None
        return last, order.get(f"{task}.{metric}", len(order)), tasks.index(task), "." in metric

    every = []
    for key in sorted(found, key=place):
        demoted = demotion(summary, key)
        headline = ".".join(key) in order and demoted is None
        every.append(Column(*key, metric_info(summary, *key), headline, demoted))
    return tuple(every)


def demotion(summary: Summary, key: Key) -> str | None:
    """Why a metric, and with it each of its parts, may not decide; None where it may."""
    task, metric = key
    return summary.judging.demoted.get(f"{task}.{metric.split('.')[0]}")


def ordinary(summary: Summary) -> tuple[Column, ...]:
    """The columns of the ordinary tables: headline figures, and what has no section of its own."""
    apart = {column.key for column in retrieval_columns(summary)}
    elsewhere = probes(summary).keys()
    return tuple(c for c in columns(summary) if c.headline or (c.task not in elsewhere and c.key not in apart))


def retrieval_columns(summary: Summary) -> tuple[Column, ...]:
    """The figures of retrieval by itself, on the tasks for which something was looked up."""
    tasks = {cell.task for cell in summary.retrieved}
    return tuple(c for c in columns(summary) if c.task in tasks and c.info.component.lower() == "retrieval")


def probes(summary: Summary) -> dict[str, Probe]:
    """The freshness probes among the tasks, by the task's name."""
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    return {task: probe for task in tasks if (probe := _probe(task, tasks))}


def general(summary: Summary) -> set[str]:
    """The tasks on which models, not variants, were asked before and after their training."""
    return {result.task for result in summary.general}


def _probe(name: str, tasks: list[str]) -> Probe | None:
    rest, _, version = name.rpartition("-")
    origin = max((task for task in tasks if rest.startswith(f"{task}@")), key=len, default=None)
    if origin is None or version not in VERSIONS:
        return None
    return Probe(origin, rest.removeprefix(f"{origin}@"), version)


def metric_info(summary: Summary, task: str, metric: str) -> MetricInfo:
    """How a metric's values are to be read; a part that has no entry of its own is read as its whole."""
    whole = f"{task}.{metric.split('.')[0]}"
    return summary.metrics.get(f"{task}.{metric}") or summary.metrics.get(whole) or UNKNOWN_METRIC


def variants(summary: Summary) -> tuple[str, ...]:
    """All variants, the reference first, the others in the suite's order."""
    found = dict.fromkeys(result.variant for result in summary.results)
    return tuple(sorted(found, key=lambda variant: variant != summary.reference))


def means(summary: Summary, key: Key) -> Mapping[str, float]:
    """By variant, where there is one."""
    return {r.variant: r.mean for r in summary.results if (r.task, r.metric) == key and r.mean is not None}
