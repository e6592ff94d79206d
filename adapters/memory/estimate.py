"""How much memory a training needs, from the model's configuration, before weights are loaded."""

from dataclasses import dataclass
from typing import Any

from adapters.memory.activations import Batch, activations
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.models.local.memory import BYTES, Memory, other, weights

SMALL = 4096  # bitsandbytes keeps the optimiser's state of smaller tensors in 32 bits


@dataclass(frozen=True, slots=True)
class Sketch:
    """A method on a base without weights: what all recipes for it have in common."""

    base: HuggingFace
    method: Method
    network: Any

    @classmethod
    def of(cls, base: HuggingFace, method: Method) -> "Sketch":
        network = base.skeleton()
        method.check(network)
        return cls(base, method, method.prepare(network))


def training_memory(
    base: HuggingFace, method: Method, recipe: Recipe, longest: int, learnt: int | None = None
) -> Memory:
    """Memory of a training whose longest row has `longest` tokens, of which `learnt` are learnt (None: all).

    Packed rows count as `cutoff` tokens. Gradients and activations are added up although the ones grow while the others
    shrink: with accumulation they do meet. Raises ModelError where the method does not fit the network.
    """
    return needed(Sketch.of(base, method), recipe, longest, learnt)


def needed(sketch: Sketch, recipe: Recipe, longest: int, learnt: int | None) -> Memory:
    """`training_memory` of a sketch that is at hand."""
    base, method, network = sketch.base, sketch.method, sketch.network
    precision = base.dtype_name if recipe.precision == "auto" else recipe.precision
    loading = method.loading(precision)
    dtype = loading.get("dtype", precision)
    cuda = base.device_name == "cuda"
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    count = sum(parameter.numel() for parameter in trained)
    optimiser = recipe.optimiser or (cuda and method.optimiser) or "adamw"
    embeddings = network.get_input_embeddings().weight
    batch = _batch(
        network, recipe, longest, learnt, BYTES[precision], BYTES[dtype], cuda, "quantization_config" in loading
    )
    # AdamW updates all tensors at once on CUDA, with a copy of all; on the CPU one by one, with two of the largest.
    update = 4 * count if cuda and optimiser == "adamw" else 8 * max(value.numel() for value in trained)
    return Memory(
        weights=weights(network, dtype, loading.get("quantization_config")),
        gradients=4 * count,
        optimiser=sum(state(value.shape, optimiser, value is embeddings) for value in trained),
        activations=max(activations(network, batch), update),
        cache=0,
        other=other(network, base.device_name, dtype, "quantization_config" in loading),
    )


def _batch(
    network: Any, recipe: Recipe, longest: int, learnt: int | None, compute: int, residual: int, cuda: bool,
    quantised: bool,
) -> Batch:  # fmt: skip
    config = network.config.get_text_config()
    tokens = recipe.cutoff if recipe.packing else min(longest, recipe.cutoff)
    tokens = min(tokens, getattr(config, "max_position_embeddings", None) or tokens)
    learnt = tokens - 1 if learnt is None else min(learnt, tokens - 1)
    virtual = sum(getattr(each, "num_virtual_tokens", 0) or 0 for each in getattr(network, "peft_config", {}).values())
    kernel = getattr(config, "_attn_implementation", None)
    return Batch(
        recipe.batch_size, tokens + virtual, recipe.batch_size * learnt, compute, residual,
        masked=bool(recipe.packing or virtual) and kernel != "flash_attention_2", cuda=cuda,
        checkpointing=recipe.gradient_checkpointing, quantised=quantised,
    )  # fmt: skip


def state(shape: tuple[int, ...], optimiser: str, embedding: bool) -> int:
    """Bytes of an optimiser's state of one tensor.

    AdamW keeps two float32 moments; in 8 bits two bytes and two float32 scales for 256 values, but float32 for small
    tensors and, as transformers asks, for embeddings; Adafactor the means of rows and columns (Shazeer and Stern 2018).
    """
    count = 1
    for side in shape:
        count *= side
    if optimiser == "sgd":
        return 0
    if optimiser == "adafactor":
        return 4 * (count // shape[-1] + count // shape[-2]) if len(shape) > 1 else 4 * count
    if "8bit" in optimiser and count >= SMALL and not embedding:
        return 2 * count + 8 * -(-count // 256)
    return 8 * count
