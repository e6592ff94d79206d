"""Where a run computes: in its own process, on several devices of this machine, or on a cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.cli.run_output import RunOutput
    from harness.cluster.cluster_session import ClusterWish
    from harness.cluster.workers import Workers
    from harness.components.display import Display
    from harness.run import Ahead
    from harness.runtime.cache import Cache
    from harness.runtime.context import Context
    from harness.suite.suite import Suite


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Where networks compute."""

    on: Annotated[
        str | None,
        typer.Option(
            metavar="ray[://HOST:PORT]",
            help="Train and answer on a Ray cluster: ray, the one of this machine; ray://HOST:PORT, another "
            "(pip install 'domain-harness[ray]'; docs/cluster.md)",
        ),
    ] = None
    devices: Annotated[
        str | None,
        typer.Option(
            metavar="N|all",
            help="Compute on so many GPUs of this machine, or of the cluster, at once; all: on each. Without a GPU, N "
            "processes share the CPUs",
        ),
    ] = None

    def wish(self) -> "ClusterWish | None":
        """What is wished for; None: this process computes. Raises HarnessError."""
        from harness.cluster.cluster_session import ClusterWish

        if self.on is None and self.devices is None:
            return None
        devices = self.devices
        if devices is None or devices == "all":
            return ClusterWish(address=self.on, devices="all" if devices else None)
        if not devices.isascii() or not devices.isdigit() or not int(devices):
            raise HarnessError(f"--devices {devices}: must be a number, 1 or more, or all")
        return ClusterWish(address=self.on, devices=int(devices))


HERE = PlaceOptions()


@contextmanager
def computing_place(place: PlaceOptions, streams: "RunOutput") -> "Iterator[Workers | None]":
    """The processes that a run computes on, as long as it takes; None: its own. Raises HarnessError."""
    if place == HERE:
        yield None
        return
    from harness.cluster.cluster_session import cluster_session

    wish = place.wish()
    assert wish is not None, "something is wished for"
    with cluster_session(wish, streams.say) as workers:
        yield workers


def door_to(
    suite: "Suite", cache: "Cache", display: "Display", workers: "Workers | None"
) -> "tuple[Context, Ahead | None]":
    """The door to the models of a suite, and what computes on the workers before the stages of a run ask."""
    from harness.runtime.context import Context

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
