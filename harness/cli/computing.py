"""The options that say where a run computes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.cluster.cluster_wish import ClusterWish


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
        from harness.cluster.cluster_wish import parse_wish

        return parse_wish(self.on, self.devices)


HERE = PlaceOptions()
