"""The learning rate goes as the schedule named says, and a schedule is told nothing that it does not know."""

from math import cos, pi, sqrt
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.training.encoding import Example
from adapters.training.settings import Recipe
from harness.models.huggingface import HuggingFace
from tests.shared.short_trainings import go
from tests.shared.training_rows import LEARN

WARM = [0, 0.5]  # 2 of 8 steps warm up: a step's rate is that of the steps before it
AFTER = [place / 6 for place in range(6)]  # how much of the other 6 is done before each


@pytest.mark.parametrize(
    ("schedule", "options", "expected"),
    [
        ("constant", {}, [1] * 6),
        ("constant_with_warmup", {}, [1] * 6),
        ("cosine", {"num_cycles": 1}, [(1 + cos(2 * pi * done)) / 2 for done in AFTER]),
        ("cosine_with_restarts", {"num_cycles": 2}, [(1 + cos(pi * (2 * done % 1))) / 2 for done in AFTER]),
        ("polynomial", {"lr_end": 6e-4, "power": 2}, [0.9 * (1 - done) ** 2 + 0.1 for done in AFTER]),
        ("inverse_sqrt", {"timescale": 2}, [1 / sqrt(step / 2) for step in range(2, 8)]),
        ("cosine_with_min_lr", {"min_lr_rate": 0.1}, [0.9 * (1 + cos(pi * done)) / 2 + 0.1 for done in AFTER]),
        ("cosine_with_min_lr", {"min_lr": 6e-4}, [0.9 * (1 + cos(pi * done)) / 2 + 0.1 for done in AFTER]),
        ("warmup_stable_decay", {"num_decay_steps": 2}, [1, 1, 1, 1, 1, 0.5]),
    ],
)
def test_the_rate_at_each_step(
    schedule: str, options: dict[str, Any], expected: list[float], base: HuggingFace, tmp_path: Path
) -> None:
    settings = {"schedule": schedule, "schedule_options": options, "warmup": 0.25, "samples": 0}
    recipe = Recipe(epochs=2, batch_size=4, learning_rate=6e-3, **settings)
    rates = [rate / 6e-3 for _, _, rate in go(base, tmp_path / "a", recipe).loss]
    assert rates == pytest.approx([*WARM, *expected])


def test_a_plateau_of_the_validation_loss_lowers_the_rate(base: HuggingFace, tmp_path: Path) -> None:
    """Watched rows that get worse as the rest is learnt: after one look without gain the rate is a tenth."""
    watched = [Example(LEARN[0].prompt, "headache B"), *LEARN[2:4]]
    options = {"schedule": "reduce_lr_on_plateau", "schedule_options": {"factor": 0.1, "patience": 0}, "samples": 0}
    recipe = Recipe(max_steps=24, learning_rate=0.08, batch_size=4, evaluate_every=2, **options)
    record = go(base, tmp_path / "a", recipe, validation=watched)
    losses = [loss for _, loss in record.validation]
    first = next(place for place in range(1, len(losses)) if losses[place] > losses[place - 1])
    step = record.validation[first][0]
    rates = {step: rate for step, _, rate in record.loss}
    assert (rates[step], rates[step + 1]) == pytest.approx((0.08, 0.008))


@pytest.mark.parametrize(
    ("schedule", "options", "reason"),
    [
        ("linear", {"power": 2}, "power is no option of linear .leave schedule_options out"),
        ("polynomial", {"powr": 2}, "powr is no option of polynomial .did you mean power"),
        ("polynomial", {"power": "2"}, "power must be a number, not 2"),
        ("cosine_with_restarts", {"num_cycles": 1.5}, "num_cycles must be a whole number, not 1.5"),
        ("cosine_with_restarts", {"num_cycles": 0}, "num_cycles must be at least 1, not 0"),
        ("cosine_with_min_lr", {}, "needs the lowest rate, as min_lr or as min_lr_rate"),
        ("cosine_with_min_lr", {"min_lr": 0, "min_lr_rate": 0}, "needs the lowest rate, as min_lr or as min_lr_rate"),
        ("cosine_warmup_with_min_lr", {"min_lr_rate": 2}, "min_lr_rate must be at least 0 and at most 1, not 2"),
        ("warmup_stable_decay", {}, "needs num_decay_steps"),
        ("warmup_stable_decay", {"num_decay_steps": 1, "decay_type": "sine"}, "must be linear or cosine or 1-sqrt"),
        ("reduce_lr_on_plateau", {"factor": 1}, "factor must be less than 1"),
        ("cosine", {"num_cycles": True}, "num_cycles must be a number, not True"),
    ],
)
def test_what_a_schedule_cannot_be_told_is_refused(schedule: Any, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=f"schedule_options: .*{reason}"):
        Recipe(schedule=schedule, schedule_options=options)
