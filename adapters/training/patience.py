"""Early stopping that continues its count after a training was killed."""

from collections.abc import Sequence
from typing import Any


def stop_after(callback: Any, patience: int) -> Any:
    """transformers' early stopping, which continues its count when a killed training resumes."""

    class Patience(callback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **options: Any) -> None:
            super().on_train_begin(args, state, control, **options)
            self.early_stopping_patience_counter = evaluations_without_gain(state.log_history)

    return Patience(patience)


def evaluations_without_gain(history: Sequence[dict[str, Any]]) -> int:
    """The number of the last evaluations on the validation rows that brought no better loss."""
    losses = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0
