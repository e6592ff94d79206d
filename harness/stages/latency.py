"""Time requests of every variant one at a time, as a user would wait for them; leaves latency.jsonl."""

import time
from collections.abc import Container, Iterator, Mapping, Sequence

import numpy as np

from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources
from harness.errors import HarnessError, InterruptionError, StoreError
from harness.models.remote.address import is_this_machine
from harness.models.remote.hosted_model import HostedModel
from harness.records.call_counts import CallCounts
from harness.records.decisions import Latency
from harness.records.inputs import Cell, Sample
from harness.records.outputs import Prediction
from harness.runtime.computing_place import elsewhere
from harness.runtime.context import Context
from harness.runtime.measurements import Measurement
from harness.runtime.peak_memory import device_in_use, peak_memory, reset_peak
from harness.runtime.run_folder import RunFolder
from harness.stages.timed_requests import TimedRequests, timed_requests
from harness.suite.suite import Suite
from harness.text.counting import counted
from harness.text.excerpts import shortened

GIVE_UP_AFTER = 3  # failures in a row
REASON_LENGTH = 200  # characters


def latency(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, context: Context, resources: Resources) -> None:
    """Time what has not been timed before, each time kept as soon as it is known, so that a killed run goes on.

    A variant that fails has fewer requests and a note. Raises InterruptionError where a server is gone.
    """
    latencies: dict[str, Latency] = {}
    try:
        for requests in timed_requests(suite, tasks, context):
            latencies[requests.reported] = _time_variant(suite, requests, context, resources)
    finally:
        context.close()
    folder.write_latencies([latencies[name] for name in suite.expansion.reported() if name in latencies])


def latency_of(requests: TimedRequests, times: Sequence[Measurement], note: str = "") -> Latency:
    """The times of one variant's requests: p50 and p95 as Hyndman and Fan 1996, definition 7, in seconds.

    Definition 7 interpolates between the two requests in whose middle a quantile falls: of 20, p95 lies a twentieth of
    the way from the 19th to the 20th. With no request all figures are 0 and the note says why.
    """
    seconds = [measurement.seconds for measurement in times]
    p50, p95 = np.percentile(seconds, [50, 95]) if seconds else (0.0, 0.0)
    cached = [measurement.cached_tokens for measurement in times if measurement.cached_tokens is not None]
    peaks = [measurement.peak_memory for measurement in times if measurement.peak_memory is not None]
    return Latency(
        variant=requests.reported,
        task=requests.task.name,
        items=len(seconds),
        p50=float(p50),
        p95=float(p95),
        mean=sum(seconds) / len(seconds) if seconds else None,
        cached_tokens=sum(cached) if cached else None,
        peak_memory=max(peaks, default=None),
        note=note,
    )


def _time_variant(suite: Suite, requests: TimedRequests, context: Context, resources: Resources) -> Latency:
    """The times that are kept of a variant's requests, and those that are missing, measured now."""
    display, total = context.display, len(requests.questions)
    context.cell, context.counts = Cell(requests.task.name, requests.variant), CallCounts()
    display.begin(f"latency of {requests.reported}")
    display.expect(total)
    times = context.measurements.get(list(requests.questions))
    stored = len(times)
    display.recall(stored)
    failures: list[str] = []
    if stored < total:
        try:
            for key, measurement in _measured(suite, requests, context, resources, times.keys(), failures):
                context.measurements.put(key, measurement)
                times[key] = measurement
                display.advance(1)
        except (InterruptionError, StoreError):
            raise
        except (HarnessError, MemoryError, RuntimeError) as error:  # RuntimeError: torch's, where memory runs out
            failures.append(str(error))
    note = _note(suite.latency.items, len(times), total, failures)
    measured = latency_of(requests, [times[key] for key in requests.questions if key in times], note)
    display.finish(_progress_line(measured, stored))
    return measured


def _measured(
    suite: Suite,
    requests: TimedRequests,
    context: Context,
    resources: Resources,
    stored: Container[str],
    failures: list[str],
) -> Iterator[tuple[str, Measurement]]:
    """Ask what is missing with everything ready: indexes built, thresholds of a cascade learnt, models loaded."""
    variant, names = suite.variants[requests.variant], suite.usage.writers_of[requests.variant]

    def answer(question: Sample) -> Prediction:
        (prediction,) = variant.answer(requests.task, [question], context, resources)
        return prediction

    with context.unshown():
        answer(requests.task.data.test[0])  # from the cache: it was predicted before
    with context.deployed(names):
        reset_peak(device_in_use())
        answer(requests.warm_up)
        in_a_row = 0
        for key, question in requests.questions.items():
            if key in stored or in_a_row == GIVE_UP_AFTER:
                continue
            began = time.perf_counter()
            prediction = answer(question)
            seconds = time.perf_counter() - began
            in_a_row = 0 if prediction.error is None else in_a_row + 1
            if prediction.error is not None:
                failures.append(prediction.error)
                continue
            cached = prediction.serving.cached_tokens if prediction.serving else None
            peak = _peak_memory([suite.models[name] for name in names])
            yield key, Measurement(seconds=seconds, cached_tokens=cached, peak_memory=peak)


def _peak_memory(models: Sequence[Model]) -> int | None:
    """Bytes with the variant loaded; None where its weights are in a process that this one cannot see: a server's on
    this machine, or a cluster's.
    """
    if elsewhere() is not None and any(model.local for model in models):
        return None
    if any(isinstance(model, HostedModel) and is_this_machine(model.address) for model in models):
        return None
    return peak_memory(device_in_use() if any(model.local for model in models) else "cpu")


def _note(demand: int, timed: int, total: int, failures: Sequence[str]) -> str:
    """Why fewer requests were timed than asked for; empty where all were."""
    if failures:
        reason = shortened(max(failures, key=failures.count), REASON_LENGTH)
        return f"{timed} of {demand} requests were timed; others failed: {reason}"
    return "" if total == demand else f"there are only {counted(total, 'question')} that nobody was asked before"


def _progress_line(measured: Latency, stored: int) -> str:
    spread = f", half within {measured.p50:.2g} s, 95 % within {measured.p95:.2g} s" if measured.items else ""
    note = f" ({measured.note})" if measured.note else ""
    return f"{counted(measured.items, 'request')} one at a time, {stored} of them timed before{spread}{note}"
