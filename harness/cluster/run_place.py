"""Where a run computes: in its own process, on several devices of this machine, or on a cluster."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cluster.cluster_wish import ClusterWish
from harness.components.display import Display
from harness.components.task import Task
from harness.records.inputs import JSON
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.stages.choose_part import load_part
from harness.suite.narrowing import Narrowing
from harness.suite.suite import Suite

if TYPE_CHECKING:
    from harness.cluster.workers import Workers

Filling = Callable[[Suite, Mapping[str, Task], Sequence[str]], JSON]  # before the stages that are named


@contextmanager
def suite_at(
    wish: ClusterWish | None, path: Path, narrowing: Narrowing, say: Callable[[str], None]
) -> "Iterator[tuple[Suite, Workers | None]]":
    """The part of a suite that is run, and the processes that compute it; None: this one. Raises HarnessError.

    Mistakes of the suite are told before processes start; what is trained already is looked up when it is known for
    which devices. `say` takes a line for a person.
    """
    if wish is None:
        yield load_part(path, narrowing), None
        return
    from harness.cluster.cluster_session import cluster_session

    load_part(path, replace(narrowing, skips_training=False))
    with cluster_session(wish, say) as workers:
        yield load_part(path, narrowing), workers


def door_to(
    suite: Suite, cache: Cache, display: Display, workers: "Workers | None"
) -> "tuple[Context, Filling | None]":
    """The door to the models of a suite, and what computes on the workers before the stages of a run ask."""
    if workers is None:
        return Context(suite.models, cache, display, suite.seed, suite.secrets), None
    from harness.cluster.cluster_context import ClusterContext
    from harness.cluster.fill import fill
    from harness.models.remote.address import is_this_machine
    from harness.models.remote.hosted_model import HostedModel

    for name, model in suite.models.items():
        if isinstance(model, HostedModel) and is_this_machine(model.address):
            display.note(
                f"models.{name} is a server on this machine ({model.address}): it is asked from here, not by the "
                "workers; to ask one elsewhere, give its address (ollama: host, openai: url)"
            )
    context = ClusterContext(suite.models, cache, display, suite.seed, suite.secrets, workers=workers)
    return context, partial(fill, context)
