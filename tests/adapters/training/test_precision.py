"""What trained weights and the optimiser's state are kept in, and what is computed in: three choices for full tuning."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from adapters.methods.freeze import Freeze
from adapters.methods.full import Full
from adapters.methods.lora import Lora
from adapters.training import session
from adapters.training.settings import Recipe
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from tests.shared.short_trainings import go, weights

FLOAT, HALF = torch.float32, torch.bfloat16


@pytest.mark.parametrize("made", [Full(), Freeze(last=1)], ids=["full", "freeze"])
@pytest.mark.parametrize(
    ("settings", "kept", "computed"),
    [
        ({"precision": "float32"}, FLOAT, FLOAT),
        ({"precision": "bfloat16"}, FLOAT, HALF),  # by autocast, the usual form
        ({"precision": "bfloat16", "weights": "float32"}, FLOAT, HALF),
        ({"weights": "bfloat16"}, HALF, HALF),  # on a base in float32
    ],
    ids=str,
)
def test_the_numbers_of_a_training(
    settings: dict[str, Any], kept: torch.dtype, computed: torch.dtype, made: Any, base: HuggingFace,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    trainers, outputs = [], set()
    make = session.make_trainer

    def noted(network: Any, *arguments: Any) -> Any:
        layer = network.model.layers[-1].mlp.down_proj
        layer.register_forward_hook(lambda *call: outputs.add(call[2].dtype) if torch.is_grad_enabled() else None)
        trainers.append(make(network, *arguments))
        return trainers[0]

    monkeypatch.setattr(session, "make_trainer", noted)
    record = go(
        base, tmp_path / "a", Recipe(max_steps=3, batch_size=4, learning_rate=1e-3, samples=0, **settings), made
    )
    (trainer,) = trainers
    trained = [value for value in trainer.model.parameters() if value.requires_grad]
    moments = [state[name] for state in trainer.optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
    assert {value.dtype for value in trained} == {value.dtype for value in moments} == {kept}
    assert len(moments) == 2 * len(trained)
    assert outputs == {computed}
    assert {value.dtype for value in weights(tmp_path / "a").values()} == {kept}
    assert record.precision == {FLOAT: "float32", HALF: "bfloat16"}[computed]


def test_what_a_method_adds_is_float32(base: HuggingFace, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="weights: bfloat16 is for full and freeze; what lora trains"):
        go(base, tmp_path / "a", Recipe(weights="bfloat16"), Lora())
    with pytest.raises(ValidationError, match="weights: bfloat16 computes in bfloat16; leave precision: float32 out"):
        Recipe(weights="bfloat16", precision="float32")


def test_the_usual_settings_are_no_part_of_a_trainings_content() -> None:
    """A training that was kept before these settings were there is still found."""
    later = {"turns", "weights", "schedule_options", "samples", "compile"}
    assert not later & Recipe().content(1).keys()
    assert Recipe(samples=0, weights="float32").content(1) == Recipe().content(1)
    told = Recipe(turns="all", weights="bfloat16", schedule="polynomial", schedule_options={"power": 2}).content(1)
    assert later & told.keys() == {"turns", "weights", "schedule_options"}
