"""Trainings of a few steps on a tiny model, and how near their weights are to each other."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from adapters.methods.lora import Lora
from adapters.training.record import TrainingRecord
from adapters.training.session import LearningRows
from adapters.training.settings import Recipe
from adapters.training.training_run import train
from harness.models.huggingface import HuggingFace
from tests.shared.training_rows import LEARN

QUICK = Recipe(epochs=2, batch_size=4, learning_rate=1e-2, group_by_length=False, save_every=100, samples=0)
LORA = Lora(r=4)
RESUMED = Recipe(epochs=3, batch_size=4, accumulation=1, learning_rate=1e-2, evaluate_every=2)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (file,) = folder.glob("*.safetensors")
    found: dict[str, torch.Tensor] = load_file(file)
    return found


def close(one: Path, other: Path, tolerance: float = 1e-4) -> bool:
    a, b = weights(one), weights(other)
    return all(torch.allclose(a[name], b[name], rtol=1e-3, atol=tolerance) for name in a)


def go(base: HuggingFace, folder: Path, recipe: Recipe = QUICK, method: Any = LORA, **more: Any) -> TrainingRecord:
    rows = LearningRows(more.pop("examples", LEARN), more.pop("validation", ()))
    return train(base, method, recipe, rows, folder, 0, **more)
