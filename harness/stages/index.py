"""Build every index that a variant searches, each once; leaves in run.json what was indexed and how long it took."""

import time
from collections.abc import Mapping

from harness.components.indexes import IndexRequest
from harness.components.task import Task
from harness.components.variant import Resources
from harness.records.call_counts import CallCounts
from harness.records.inputs import JSON
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.suite import Suite
from harness.text.counting import counted


def index(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder, context: Context, resources: Resources) -> None:
    """Make or load the indexes; answering finds them in `resources`."""
    records: list[JSON] = []
    for request in index_requests(suite, tasks):
        context.counts = CallCounts()
        context.display.begin(f"index {index_name(request)}")
        began = time.perf_counter()
        resources.indexes.get(request, context)
        seconds = time.perf_counter() - began
        passages = len(resources.knowledge[request.knowledge].passage_set(request.updated).passages)
        context.display.finish(
            f"{counted(passages, 'passage')} in {seconds:.1f} s, {counted(context.counts.embedded, 'text')} embedded"
        )
        records.append(
            {
                "knowledge": request.knowledge,
                "retriever": type(request.retriever).__name__,
                "updated": request.updated,
                "passages": passages,
                "embedded": context.counts.embedded,
                "seconds": round(seconds, 3),
            }
        )
    folder.write_run({**folder.read_run(), "indexes": records})


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
