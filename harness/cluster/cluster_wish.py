"""What a user wishes of the place where a run computes, as the command line and Python take it."""

from dataclasses import dataclass
from typing import Literal

from harness.errors import HarnessError

Devices = int | Literal["all"] | None


@dataclass(frozen=True, kw_only=True)
class ClusterWish:
    """Where a run shall compute: on a cluster, or on several devices of this machine."""

    address: str | None = None  # ray, or ray://HOST:PORT; None: Ray is started on this machine for the run
    devices: Devices = None  # at most so many; None: all of a cluster

    @property
    def option(self) -> str:
        """As it is written."""
        on = [] if self.address is None else [f"--on {self.address}"]
        return " ".join([*on, *([] if self.devices is None else [f"--devices {self.devices}"])])


def parse_wish(on: str | None, devices: str | int | None) -> ClusterWish | None:
    """The wish that two options state; None where neither does: the run's own process computes. Raises HarnessError."""
    if on is None and devices is None:
        return None
    number = None if devices is None else str(devices)
    if number is None or number == "all":
        return ClusterWish(address=on, devices=None if number is None else "all")
    if not number.isascii() or not number.isdigit() or not int(number):
        raise HarnessError(f"--devices {number}: must be a number, 1 or more, or all")
    return ClusterWish(address=on, devices=int(number))
