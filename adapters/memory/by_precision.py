"""What a model needs in memory by precision, before there is a suite: its weights, answering, and being trained."""

import importlib.util
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.memory.estimate import training_memory
from adapters.methods.full import Full
from adapters.methods.lora import Lora
from adapters.methods.qlora import Qlora
from adapters.models.quantised import four_bit_options
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.device import available
from harness.models.local.memory import inference_memory
from harness.models.local.weights import Weights

METHODS: Mapping[str, Method] = {"full": Full(), "lora": Lora(), "qlora": Qlora()}
TRAINED = {"float32": ("full", "lora"), "bfloat16": ("full", "lora"), "int8": (), "4 bit": ("qlora",)}
LABELS = {"bfloat16": "float16, bfloat16"}
PACKAGE = "bitsandbytes"  # what stores weights in 8 and 4 bits


@dataclass(frozen=True, kw_only=True)
class PrecisionNeeds:
    """Bytes at the highest point with weights of one precision; None where that is not done or not installed."""

    precision: str
    weights: int | None
    answering: int | None  # one prompt and its answer at a time
    training: Mapping[str, int | None]  # by method, one row at a time


@dataclass(frozen=True, kw_only=True)
class ModelNeeds:
    """A model's table of memory, and what it was made for."""

    name: str
    parameters: int
    tokens: int  # of a prompt with its answer, and of a training row
    device: str
    available: int  # bytes in all
    rows: tuple[PrecisionNeeds, ...]


def model_needs(path: str, tokens: int) -> ModelNeeds:
    """The table of a model by its path, as `huggingface` takes it. Raises ModelError.

    Of a hub id only the configuration is fetched. `tokens` are at most those that the model reads.
    """
    weights = Weights(path)
    with tempfile.TemporaryDirectory() as scratch:
        base = HuggingFace(path=str(weights.configuration(Path(scratch))))
        tokens = min(tokens, base.context_length() or tokens)
        return ModelNeeds(
            name=weights.name,
            parameters=sum(value.numel() for value in base.skeleton().parameters()),
            tokens=tokens,
            device=base.device_name,
            available=available(base.device_name),
            rows=tuple(_row(base, precision, tokens) for precision in TRAINED),
        )


def _row(base: HuggingFace, precision: str, tokens: int) -> PrecisionNeeds:
    label = LABELS.get(precision, precision)
    quantised = precision in ("int8", "4 bit")
    if quantised and importlib.util.find_spec(PACKAGE) is None:
        return PrecisionNeeds(precision=label, weights=None, answering=None, training=dict.fromkeys(METHODS))
    dtype = base.dtype_name if quantised else precision
    answering = inference_memory(
        base.skeleton(), tokens, 1, dtype=dtype, device=base.device_name, quantisation=_quantisation(precision, dtype)
    )
    recipe = Recipe(batch_size=1, cutoff=max(tokens, 8), precision=dtype)
    return PrecisionNeeds(
        precision=label,
        weights=answering.weights,
        answering=answering.total,
        training={
            name: _training(base, method, recipe) if name in TRAINED[precision] else None
            for name, method in METHODS.items()
        },
    )


def _training(base: HuggingFace, method: Method, recipe: Recipe) -> int | None:
    """None where the method finds nothing in the network that it could train."""
    try:
        return training_memory(base, method, recipe, recipe.cutoff).total
    except ModelError:
        return None


def _quantisation(precision: str, compute: str) -> Any:
    """transformers' BitsAndBytesConfig, with the defaults of a suite's `quantised`; None without quantisation."""
    if precision == "4 bit":
        return four_bit_options("nf4", False, compute)["quantization_config"]
    if precision == "int8":
        from transformers import BitsAndBytesConfig

        return BitsAndBytesConfig(load_in_8bit=True)
    return None
