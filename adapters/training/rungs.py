"""Where a trial of a search was stopped, and how it stood there: kept beside its checkpoints."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from adapters.methods.base.network import translate_disk_errors

FILE = "rung.json"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """How a trial stood after a share of its steps."""

    share: str  # e.g. "1/4"
    step: int
    planned: int  # steps of the whole training
    loss: float | None  # the best on the validation rows so far; None: it diverged
    seconds: float  # of training, all sessions together


_RUNG = TypeAdapter(Rung)


def stop_at(share: Fraction, steps: int) -> int:
    """The step at which a training of so many steps is stopped."""
    return -(-steps * share.numerator // share.denominator)


def read_rung(work: Path, share: Fraction) -> Rung | None:
    """The last that was noted of the trial whose checkpoints are in `work`, if it is of this share."""
    file = work / FILE
    rung = _RUNG.validate_json(file.read_bytes()) if file.is_file() else None
    return rung if rung is not None and rung.share == str(share) else None


def write_rung(work: Path, rung: Rung) -> None:
    """Keep it for the search."""
    file = work / FILE
    with translate_disk_errors(file):
        draft = file.with_suffix(".new")
        draft.write_bytes(_RUNG.dump_json(rung))
        draft.replace(file)


class RungMark:
    """The step at which a training is stopped, and how it stands there."""

    def __init__(self, work: Path, share: Fraction, steps: int, trainer: Any) -> None:
        self.work, self.share, self.steps, self.trainer = work, share, steps, trainer
        self.step = stop_at(share, steps)
        self.is_noted = False

    def note(self) -> None:
        """Measure and write, once; on several devices all measure and the first one writes.

        The random numbers are put back: a trial that goes on ends with the weights of a training that never stopped.
        """
        import torch

        if self.is_noted:
            return
        self.is_noted = True
        state = self.trainer.state
        evaluations = [entry for entry in state.log_history if "eval_loss" in entry]
        losses = [entry["eval_loss"] for entry in evaluations if entry["step"] <= self.step]
        if state.global_step == self.step or not losses:
            with torch.random.fork_rng():
                losses.append(self.trainer.mean_loss())
        if self.trainer.args.should_save:
            step, seconds = min(state.global_step, self.step), self.trainer.elapsed
            rung = Rung(share=str(self.share), step=step, planned=self.steps, loss=min(losses), seconds=seconds)
            write_rung(self.work, rung)
