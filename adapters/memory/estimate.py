"""How much memory a training needs, from the model's configuration, before weights are loaded."""

from dataclasses import dataclass, replace
from typing import Any

from adapters.memory.activations import Batch, activations
from adapters.training.arithmetic import is_rounded
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.models.local.device import available
from harness.models.local.memory import BYTES, Memory, process_memory, weights

FILLED = 0.9  # part of the memory that an estimate may take: it is right within a fifth
SMALL = 4096  # bitsandbytes keeps the optimiser's state of smaller tensors in 32 bits


@dataclass(frozen=True, slots=True)
class Sketch:
    """A method on a base without weights: what all recipes for it have in common."""

    base: HuggingFace
    method: Method
    network: Any

    @classmethod
    def of(cls, base: HuggingFace, method: Method) -> "Sketch":
        """Raises ModelError where the method does not fit the network."""
        network = base.skeleton()
        method.check(network)
        return cls(base, method, method.prepare(network))

    def memory(self, recipe: Recipe, longest: int, labelled: int | None) -> Memory:
        """`training_memory` of a recipe."""
        base, network = self.base, self.network
        precision = recipe.precision_on(base.dtype_name)
        loading, pure = self.method.loading(precision), recipe.weights == "bfloat16"
        dtype = "bfloat16" if pure else loading.get("dtype", precision)
        number_bytes, quantisation = BYTES["bfloat16" if pure else "float32"], loading.get("quantization_config")
        cuda = base.device_name == "cuda"
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        count = sum(parameter.numel() for parameter in trained)
        optimiser = recipe.optimiser or (cuda and self.method.optimiser) or "adamw"
        embeddings = network.get_input_embeddings().weight
        batch = replace(
            _batch(network, recipe, longest, labelled),
            compute=BYTES[precision],
            casts=not pure,
            autocast=not is_rounded(self.method, recipe, base.dtype_name, base.device_name),
            residual=BYTES[dtype],
            cuda=cuda,
            quantised=quantisation is not None,
        )
        # AdamW updates on CUDA in place, in one kernel; on the CPU one tensor after another, with two of the largest.
        is_fused = cuda and optimiser == "adamw"
        update = 0 if is_fused else number_bytes * 2 * max(value.numel() for value in trained)
        return Memory(
            weights=weights(network, dtype, quantisation) - (4 - number_bytes) * count,
            gradients=number_bytes * count,
            optimiser=sum(state(value.shape, optimiser, value is embeddings, number_bytes) for value in trained),
            activations=max(activations(network, batch), update),
            other=process_memory(network, base.device_name, dtype, quantisation is not None),
        )


def training_memory(
    base: HuggingFace, method: Method, recipe: Recipe, longest: int, labelled: int | None = None
) -> Memory:
    """Memory of a training whose longest row has `longest` tokens, of which `labelled` are learnt (None: all).

    Packed rows count as `cutoff` tokens. Gradients and activations are added up although the ones grow while the others
    shrink: with accumulation they do meet. Raises ModelError where the method does not fit the network.
    """
    return Sketch.of(base, method).memory(recipe, longest, labelled)


def settle_checkpointing(
    base: HuggingFace, method: Method, recipe: Recipe, longest: int, labelled: int | None = None
) -> Recipe:
    """The recipe with "auto" decided: activations are computed twice where memory does not hold them otherwise."""
    if recipe.gradient_checkpointing != "auto":
        return recipe
    plain = recipe.model_copy(update={"gradient_checkpointing": False})
    if method.virtual_prefix:
        return plain
    needs = training_memory(base, method, plain, longest, labelled).total
    is_short = needs > FILLED * available(base.device_name)
    return recipe.model_copy(update={"gradient_checkpointing": True}) if is_short else plain


def _batch(network: Any, recipe: Recipe, longest: int, labelled: int | None) -> Batch:
    """The largest batch of a recipe."""
    config = network.config.get_text_config()
    tokens = recipe.cutoff if recipe.packing else min(longest, recipe.cutoff)
    tokens = min(tokens, getattr(config, "max_position_embeddings", None) or tokens)
    labelled = tokens - 1 if labelled is None else min(labelled, tokens - 1)
    adapters = getattr(network, "peft_config", {}).values()
    virtual = sum(getattr(adapter, "num_virtual_tokens", 0) or 0 for adapter in adapters)
    flash = getattr(config, "_attn_implementation", None) == "flash_attention_2"
    return Batch(
        rows=recipe.batch_size,
        tokens=tokens + virtual,
        labelled=recipe.batch_size * labelled,
        masked=bool(recipe.packing or virtual) and not flash,
        checkpointing=recipe.gradient_checkpointing is True,
    )


def state(shape: tuple[int, ...], optimiser: str, embedding: bool, number_bytes: int = 4) -> int:
    """Bytes of an optimiser's state of one tensor, whose numbers have `number_bytes` bytes.

    AdamW keeps two moments as the tensor is kept; in 8 bits two bytes and two float32 scales for 256 values, but
    float32 for small tensors and, as transformers asks, for embeddings; Adafactor the means of rows and columns
    (Shazeer and Stern 2018).
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
    return (2 * number_bytes if optimiser == "adamw" else 8) * count
