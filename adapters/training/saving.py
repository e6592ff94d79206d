"""When a checkpoint is written: after half a minute of training without one, or later where writing takes long."""

from collections.abc import Callable
from typing import Any

SECONDS = 30.0  # of training that a kill may cost
SHARE = 0.05  # of the time that may go into writing checkpoints


def saving_by_time(callback: Any, clock: Callable[[], float]) -> Any:
    """transformers' callback that asks for a checkpoint by time; those that others ask for count."""

    class SaveByTime(callback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.last_save, self.cost = clock(), 0.0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.step_end = clock()
            if is_due(self.step_end - self.last_save, self.cost) and state.global_step < state.max_steps:
                control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.last_save = clock()
            self.cost = self.last_save - self.step_end

    return SaveByTime()


def is_due(seconds: float, cost: float) -> bool:
    """Whether it is time for a checkpoint, so many seconds after the last one, which took `cost` seconds to write."""
    return seconds >= max(SECONDS, cost / SHARE)
