"""The pauses between two attempts of a call, noted instead of spent."""

from collections.abc import Callable

from harness.models.remote.asking import Asking, Call


def repeating(waited: list[float]) -> Callable[[Asking, Call, float], None]:
    """Repeats a call at once and notes the pause."""
    repeat = Asking._repeat

    def note(work: Asking, call: Call, pause: float) -> None:
        waited.append(pause)
        repeat(work, call, 0)

    return note
