"""Build every index that a variant searches, each once; leaves in run.json what was indexed and how long it took."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.components.component import named
from harness.components.indexes import IndexRequest
from harness.components.task import Task
from harness.components.trained_model import DerivedModel
from harness.components.variant import Resources
from harness.records.call_counts import CallCounts
from harness.records.inputs import JSON
from harness.runtime.context import Context
from harness.runtime.measurements import Measurement
from harness.runtime.provenance import described_entries, machine
from harness.runtime.run_folder import RunFolder
from harness.suite.suite import Suite
from harness.text.canonical import digest
from harness.text.counting import counted


def index(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, context: Context, resources: Resources) -> None:
    """Make or load the indexes; answering finds them in `resources`."""
    build_indexes(index_requests(suite, tasks), suite, folder, context, resources)


def build_indexes(
    requests: Sequence[IndexRequest], suite: Suite, folder: RunFolder, context: Context, resources: Resources
) -> None:
    """Make or load those that are not in `resources` yet; run.json has the records of all."""
    before = {record["request"]: record for record in folder.read_run().get("indexes", [])}
    records = [
        before[request.key]
        if request.key in before and resources.indexes.has(request)
        else build_index(request, suite, context, resources)
        for request in requests
    ]
    folder.write_run({**folder.read_run(), "indexes": records})


def build_index(request: IndexRequest, suite: Suite, context: Context, resources: Resources) -> dict[str, JSON]:
    """Make or load an index; returns its record."""
    context.counts = CallCounts()
    context.display.begin(f"index {index_name(request)}")
    key = index_key(suite, request, context)
    began = time.perf_counter()
    with first_timed(context, key):
        resources.indexes.get(request, context)
    seconds = time.perf_counter() - began
    passages = len(resources.knowledge[request.knowledge].passage_set(request.updated).passages)
    context.display.finish(
        f"{counted(passages, 'passage')} in {seconds:.1f} s, {counted(context.counts.embedded, 'text')} embedded"
    )
    return {
        "knowledge": request.knowledge,
        "retriever": type(request.retriever).__name__,
        "updated": request.updated,
        "passages": passages,
        "embedded": context.counts.embedded,
        "seconds": round(seconds, 3),
        "request": request.key,
        "first_seconds": round(context.measurements.get([key])[key].seconds, 3),
    }


def index_key(suite: Suite, request: IndexRequest, context: Context) -> str:
    """The digest of all that determines how long an index takes to build."""
    models = {name: context.model_digest(name) for name in named(request.retriever, "models")}
    knowledge = described_entries(suite, "knowledge")[request.knowledge]
    return digest({"index": request.key, "models": models, "knowledge": knowledge, "machine": machine()})


@contextmanager
def first_timed(context: Context, key: str) -> Iterator[None]:
    """Keep how long the first building takes; the parts of one that was interrupted are added."""
    before = context.measurements.get([key]).get(key)
    if before is not None and before.is_whole:
        yield
        return
    began, is_whole = time.perf_counter(), False
    try:
        yield
        is_whole = True
    finally:
        seconds = time.perf_counter() - began + (before.seconds if before is not None else 0.0)
        context.measurements.put(key, Measurement(seconds=seconds, is_whole=is_whole))


def training_requests(suite: Suite, name: str) -> list[IndexRequest]:
    """The indexes that are searched for the rows which a model learns."""
    model = suite.models[name]
    if not isinstance(model, DerivedModel):
        return []
    learned = model.inputs.tasks  # those that are not asked are among them
    requests = [
        request for task, variant in model.asked_as() for request in suite.variants[variant].indexes(learned[task])
    ]
    return list({request.key: request for request in requests}.values())


def index_requests(suite: Suite, tasks: Mapping[str, Task]) -> list[IndexRequest]:
    """The indexes that the variants of a suite search, in the order in which they are first asked for."""
    requests = {
        request.key: request
        for name, task in tasks.items()
        for variant in suite.asked(name).values()
        for request in variant.indexes(task)
    }
    return list(requests.values())


def index_name(request: IndexRequest) -> str:
    """An index as people see it: the knowledge base, its version where there are two, the retriever."""
    version = ", second version" if request.updated else ""
    return f"{request.knowledge}{version} ({type(request.retriever).__name__.lower()})"
