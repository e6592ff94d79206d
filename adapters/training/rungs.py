"""Where a trial of a search was stopped, and how it stood there: kept beside its checkpoints."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.methods.base.network import translate_disk_errors

FILE = "rungs.json"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """How a trial stood at a step."""

    step: int
    loss: float | None  # the best on the validation rows up to the step; None: it diverged
    seconds: float  # of training, all sessions together


def read_rung(work: Path, step: int) -> Rung | None:
    """What was noted of the trial whose checkpoints are in `work`; None before it came so far."""
    return _read(work).get(step)


def write_rung(work: Path, rung: Rung) -> None:
    """Keep it for the searches to come."""
    rungs = {**_read(work), rung.step: rung}
    file = work / FILE
    with translate_disk_errors(file):
        draft = file.with_suffix(".new")
        draft.write_text(json.dumps([asdict(kept) for kept in rungs.values()]), encoding="utf-8")
        draft.replace(file)  # whole or not at all: the next search goes by it


def _read(work: Path) -> dict[int, Rung]:
    file = work / FILE
    if not file.is_file():
        return {}
    return {rung["step"]: Rung(**rung) for rung in json.loads(file.read_text(encoding="utf-8"))}


class RungMark:
    """The step at which a training is stopped, and how it stands there."""

    def __init__(self, work: Path, step: int, trainer: Any) -> None:
        self.work, self.step, self.trainer = work, step, trainer
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
        losses = [entry["eval_loss"] for entry in state.log_history if entry.get("eval_loss") is not None
                  and entry["step"] <= self.step]  # fmt: skip
        if state.global_step == self.step or not losses:
            with torch.random.fork_rng():
                losses.append(self.trainer.mean_loss())
        if self.trainer.args.should_save:
            write_rung(self.work, Rung(step=self.step, loss=min(losses), seconds=self.trainer.elapsed))
