"""How the learning rate goes over the steps: the schedules of transformers, and what each can be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import nearest

ScheduleName = Literal[
    "linear", "cosine", "constant", "constant_with_warmup", "cosine_with_restarts", "polynomial", "inverse_sqrt",
    "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay", "reduce_lr_on_plateau",
]  # fmt: skip
PLATEAU = "reduce_lr_on_plateau"  # goes by the loss on the validation rows, not by the step
Option = bool | int | float | str


@dataclass(frozen=True)
class Bounds:
    """What an option of a schedule may be: a number from `low` to `high`, whole or not, or one of some words."""

    low: float = 0.0
    high: float | None = None
    whole: bool = False
    words: tuple[str, ...] = ()

    def mistake(self, value: Option) -> str | None:
        """What is wrong with a value."""
        if self.words:
            return None if value in self.words else f"must be {' or '.join(self.words)}, not {value}"
        if isinstance(value, bool | str) or (self.whole and not isinstance(value, int)):
            return f"must be a {'whole ' if self.whole else ''}number, not {value}"
        if value < self.low or (self.high is not None and value > self.high):
            upto = f" and at most {self.high:g}" if self.high is not None else ""
            return f"must be at least {self.low:g}{upto}, not {value:g}"
        return None


SHARE, RATE = Bounds(0, 1), Bounds(0)
COUNT, STEPS = Bounds(1, whole=True), Bounds(0, whole=True)
FLOOR = {"min_lr": RATE, "min_lr_rate": SHARE, "num_cycles": RATE}  # the lowest rate: itself, or its part of the full
SHAPES = Bounds(words=("linear", "cosine", "1-sqrt"))
OPTIONS: Mapping[str, Mapping[str, Bounds]] = {
    "linear": {},
    "cosine": {"num_cycles": RATE},
    "constant": {},
    "constant_with_warmup": {},
    "cosine_with_restarts": {"num_cycles": COUNT},
    "polynomial": {"lr_end": RATE, "power": RATE},
    "inverse_sqrt": {"timescale": COUNT},
    "cosine_with_min_lr": FLOOR,
    "cosine_warmup_with_min_lr": {**FLOOR, "warmup_lr_rate": SHARE},
    "warmup_stable_decay": {
        "num_decay_steps": COUNT, "num_stable_steps": STEPS, "min_lr_ratio": SHARE, "num_cycles": RATE,
        "warmup_type": SHAPES, "decay_type": SHAPES,
    },
    PLATEAU: {
        "factor": SHARE, "patience": STEPS, "threshold": RATE, "cooldown": STEPS, "min_lr": RATE, "eps": RATE,
        "threshold_mode": Bounds(words=("rel", "abs")),
    },
}  # fmt: skip


def schedule_mistake(schedule: str, options: Mapping[str, Option]) -> str | None:
    """What is wrong with the options of a schedule, or is missing."""
    allowed = OPTIONS[schedule]
    for name, value in options.items():
        if name not in allowed:
            remedy = nearest(name, allowed) if allowed else "leave schedule_options out"
            return f"schedule_options: {name} is no option of {schedule} ({remedy})"
        if mistake := allowed[name].mistake(value):
            return f"schedule_options: {name} {mistake}"
    if schedule == PLATEAU and options.get("factor") == 1:
        return "schedule_options: factor must be less than 1, else the rate never falls"
    if "min_lr" in allowed and "min_lr_rate" in allowed and ("min_lr" in options) == ("min_lr_rate" in options):
        return (
            f"schedule_options: {schedule} needs the lowest rate, as min_lr or as min_lr_rate, a part of the full one"
        )
    if schedule == "warmup_stable_decay" and "num_decay_steps" not in options:
        return "schedule_options: warmup_stable_decay needs num_decay_steps, the steps in which the rate falls"
    return None


def transformers_schedule(schedule: str, options: Mapping[str, Option]) -> dict[str, Any]:
    """The schedule as arguments of transformers' Trainer; `constant` warms up too."""
    name = "constant_with_warmup" if schedule == "constant" else schedule
    return {"lr_scheduler_type": name, **({"lr_scheduler_kwargs": dict(options)} if options else {})}
