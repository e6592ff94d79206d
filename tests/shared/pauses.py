"""Pauses of a cell's calls that a test looks at without waiting for them."""

from collections.abc import Callable

from harness.models.remote.asking import Asking


def repeating(waited: list[float]) -> Callable[[Asking, float], None]:
    """In place of Asking._rest: notes each pause and spares it."""

    def rest(asking: Asking, seconds: float) -> None:
        waited.append(seconds)

    return rest
