"""What a run will do, piece by piece, so that its display can say how long it takes still."""

from collections.abc import Iterator, Mapping, Sequence

from harness.components.task import Task
from harness.judging.asking.judge_metric import JudgeMetric
from harness.records.work_pieces import WorkPiece
from harness.runtime.context import Context
from harness.stages.plan import planned_cells
from harness.stages.timed_requests import timed_task
from harness.suite.suite import Suite


def announce(suite: Suite, tasks: Mapping[str, Task], due: Sequence[str], context: Context) -> None:
    """Tell the display the cells, timed requests and judgements of the stages that are due, in their order.

    Trainings and indexes are not among them: they come first, and say themselves how far they are.
    """
    pieces = {"predict": _cells, "latency": _timings, "score": _judgements}
    context.display.schedule(
        [piece for stage, work in pieces.items() if stage in due for piece in work(suite, tasks, context)]
    )


def _cells(suite: Suite, tasks: Mapping[str, Task], context: Context) -> Iterator[WorkPiece]:
    for cell in planned_cells(suite, tasks):
        task, source = tasks[cell.task], _source(suite, cell.variant)
        yield WorkPiece(
            title=f"{cell.task} × {cell.variant}",
            stage="predict",
            calls=suite.answering()[cell.variant].calls(task, task.data.test),
            source=source,
            seconds_a_call=_earlier(suite.usage.writers_of[cell.variant], context),
        )


def _timings(suite: Suite, tasks: Mapping[str, Task], context: Context) -> Iterator[WorkPiece]:
    """As long as the same calls take among others: at least."""
    if timed_task(suite, tasks) is None:
        return
    for name in suite.expansion.reported():
        first = suite.expansion.pools.get(name, (name,))[0]
        if not suite.variants[first].is_foreign:
            yield WorkPiece(
                title=f"latency of {name}",
                stage="latency",
                calls=suite.latency.items,
                source=_source(suite, first),
                seconds_a_call=_earlier(suite.usage.writers_of[first], context),
            )


def _judgements(suite: Suite, tasks: Mapping[str, Task], context: Context) -> Iterator[WorkPiece]:
    for name, task in tasks.items():
        for metric_name, metric in suite.metrics_of(task).items():
            if isinstance(metric, JudgeMetric):
                calls = metric.calls(len(task.data.test), len(suite.asked(name))) * len(metric.judges)
                yield WorkPiece(
                    title=f"{name} × {metric_name}",
                    stage="score",
                    calls=calls,
                    source=", ".join(metric.judges),
                    seconds_a_call=_earlier(metric.judges, context),
                )


def _source(suite: Suite, variant: str) -> str:
    return ", ".join(suite.usage.writers_of[variant]) or "no model"


def _earlier(models: Sequence[str], context: Context) -> float | None:
    """How long a call of the slowest of some models took in earlier runs; None where that is not known of each."""
    seconds = [context.seconds_a_call(name) for name in models]
    means = [own for own in seconds if own is not None]
    return max(means, default=0.0) if len(means) == len(seconds) else None
