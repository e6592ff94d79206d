"""What a training step keeps for its backward pass, in bytes, counted tensor by tensor.

Korthikanti et al. 2022 ("Reducing activation recomputation in large transformer models", section 4.1) count
s·b·h·(34 + 5·a·s/h) bytes a layer for GPT in half precision. Here the count is that of a llama-like block as torch runs
it: RMSNorm in float32, rotated queries, fewer keys and values than queries, a gated feed-forward block, an attention
kernel that keeps no s × s matrix, and of the inputs of linear modules only those that something trained needs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adapters.methods.base.network import ATTENTION, FEED_FORWARD, layers
from harness.models.local.memory import shape

LOSS = 12  # bytes a logit in its backward pass: log-softmax, its gradient and the logits' gradient, all float32


@dataclass(frozen=True, slots=True)
class Batch:
    """The largest batch of a training and how it is computed."""

    rows: int
    tokens: int  # of the longest row, a virtual prefix included
    learnt: int  # positions of the whole batch whose logits are computed
    compute: int  # bytes of a number in linear modules and attention; under 4, by autocast
    residual: int  # bytes of a number between the layers
    masked: bool  # attention is given a mask: packed rows, or a virtual prefix
    cuda: bool
    checkpointing: bool
    quantised: bool  # linear weights are unpacked for each product

    @property
    def size(self) -> int:
        """Tokens in all, padding included."""
        return self.rows * self.tokens


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear module of a layer and what is trained in it or beside it."""

    block: str  # the module that it is part of
    inputs: int
    outputs: int
    trained: Literal["no", "weight", "lora", "scaled input", "scaled output"]
    rank: int = 0
    dropout: bool = False
    dora: bool = False

    @property
    def keeps(self) -> bool:
        """Whether its input is needed for the gradient of what is trained."""
        return self.trained not in ("no", "scaled output")


def activations(network: Any, batch: Batch) -> int:
    """Bytes beside weights, gradients and optimiser at the highest point of a step.

    `network` is prepared by its method; its weights need not be loaded. With checkpointing the inputs of the layers
    are kept and one layer at a time is computed again. The backward pass of the loss and that of a layer do not meet.
    """
    config = network.config.get_text_config()
    hidden = batch.size * int(config.hidden_size)
    each = [_layer(layer, config, batch) for layer in _with_gradient(network)]
    last = hidden * (4 + (batch.residual if _final_norm_trained(network) else 0))
    kept = len(each) * hidden * batch.residual if batch.checkpointing else sum(each)
    again = max(each, default=0) if batch.checkpointing else 0
    passing = again + max(
        (_passing(layer, int(config.hidden_size), batch) for layer in _with_gradient(network)), default=0
    )
    return kept + last + _casts(network, batch) + max(batch.learnt * int(config.vocab_size) * LOSS, passing)


def linears(layer: Any) -> Iterator[Linear]:
    """The linear modules of a layer in its order, with what the method puts beside them."""
    from torch import nn

    for name, module in layer.named_modules():
        if isinstance(module, nn.Linear) and "lora_" not in name:
            name = name.removesuffix(".base_layer")
            block = name.rpartition(".")[0]
            owner = layer.get_submodule(name)
            yield Linear(block, module.in_features, module.out_features, *_beside(module, owner))


def _beside(
    module: Any, owner: Any
) -> tuple[Literal["no", "weight", "lora", "scaled input", "scaled output"], int, bool, bool]:
    """What is trained of a linear module, the rank of a LoRA, whether it drops, whether it is DoRA."""
    from torch import nn

    if module.weight.requires_grad:
        return "weight", 0, False, False
    if owner is module or not any(parameter.requires_grad for parameter in owner.parameters()):
        return "no", 0, False, False
    if hasattr(owner, "ia3_l"):
        return ("scaled input" if owner.is_feedforward else "scaled output"), 0, False, False
    rank = sum(down.out_features for down in owner.lora_A.values())
    drops = any(isinstance(part, nn.Dropout) for part in owner.lora_dropout.values())
    return "lora", rank, drops, any(owner.use_dora.values())


def _with_gradient(network: Any) -> Sequence[Any]:
    """The layers that the backward pass goes through: those from the first trained one on."""
    _, found = layers(network)
    virtual = any(getattr(each, "num_virtual_tokens", None) for each in getattr(network, "peft_config", {}).values())
    if virtual or network.get_input_embeddings().weight.requires_grad:
        return found
    trained = (any(parameter.requires_grad for parameter in layer.parameters()) for layer in found)
    first = next((place for place, some in enumerate(trained) if some), len(found))
    return found[first:]


def _layer(layer: Any, config: Any, batch: Batch) -> int:
    """Bytes that one layer keeps."""
    modules = list(linears(layer))
    attention = [one for one in modules if any(part in one.block for part in ATTENTION)]
    forward = [one for one in modules if one.block.rpartition(".")[2] in FEED_FORWARD]
    others = [one for one in modules if one not in attention and one not in forward]
    numbers = sum(one.inputs + min(one.inputs, one.outputs) for one in others if one.keeps)  # a bottleneck
    return (
        _norms(layer, config, batch)
        + _attention(config, batch)
        + _forward(forward, config, batch)
        + batch.size * (_inputs(attention, False, batch) + _inputs(forward, True, batch) + numbers * batch.compute)
    )


def _norms(layer: Any, config: Any, batch: Batch) -> int:
    """The input of each norm in float32; where its weight is trained, the normed input too."""
    heads, kv, head = shape(config)
    total = 0
    for name, module in layer.named_modules():
        weight = getattr(module, "weight", None)
        if "Norm" not in type(module).__name__ or weight is None:
            continue
        width = weight.numel()
        if width == head and width != config.hidden_size:  # a norm of each head
            width *= heads if "q" in name.rpartition(".")[2] else kv
        total += width * (4 + (batch.residual if weight.requires_grad else 0))
    return batch.size * total


def _attention(config: Any, batch: Batch) -> int:
    """Queries, keys, values, their result, and the softmax's logarithm for each head.

    Under a mask keys and values are repeated for all heads and the mask is kept in the attention's dtype. Without a
    fused kernel the softmax is kept, in float32 and as it is multiplied.
    """
    heads, kv, head = shape(config)
    eager = getattr(config, "_attn_implementation", None) == "eager"
    repeated = heads if eager or (batch.masked and heads != kv) else kv
    numbers = batch.size * head * (2 * heads + 2 * repeated)
    square = batch.size * batch.tokens
    if eager:
        return numbers * batch.compute + square * heads * (4 + (batch.compute if batch.compute < 4 else 0))
    return numbers * batch.compute + batch.size * heads * 4 + (square * batch.compute if batch.masked else 0)


def _forward(modules: Sequence[Linear], config: Any, batch: Batch) -> int:
    """What enters the activation function and, where a gate multiplies, what leaves it. A mixture: its experts'."""
    if not modules:
        inner = _experts(config)
        return batch.size * 4 * inner * batch.compute
    inner = modules[-1].inputs
    into = sum(one.outputs for one in modules[:-1])
    return batch.size * (into + (inner if into >= 2 * inner else 0)) * batch.compute


def _inputs(modules: Sequence[Linear], product: bool, batch: Batch) -> int:
    """Bytes a token of the inputs that linear modules of a block keep.

    All but the last read the same norm. The last reads what the block keeps anyway, or with `product` a product that
    nothing else keeps. Dropout and autocast give each module an input of its own.
    """
    total, shared = 0, 0
    for place, one in enumerate(modules):
        last = place == len(modules) - 1
        if one.trained == "lora":
            total += (one.rank + (2 * one.outputs if one.dora else 0)) * batch.compute
            total += one.inputs * (1 if batch.cuda else 4) if one.dropout else 0  # what was dropped
        if one.trained in ("scaled input", "scaled output"):
            total += one.inputs * 4 if one.trained == "scaled input" else one.outputs * batch.compute
        elif one.keeps and (one.dropout or (batch.compute < 4 and (one.trained == "lora" or not last))):
            total += one.inputs * batch.compute
        elif one.keeps and last:
            total += one.inputs * batch.compute if product else 0
        elif one.keeps:
            shared = one.inputs * batch.compute
    return total + shared


def _passing(layer: Any, hidden: int, batch: Batch) -> int:
    """Bytes that the backward pass of a layer takes and gives back: gradients of what is widest in it.

    Three gradients of the feed-forward block's inner width are alive at once (of the product and both its factors),
    beside three of the layer's width in float32 (the residual's, the block's, the norm's). LoRA computes in float32.
    A quantised weight is unpacked for its product; DoRA makes the identity, the update, the weight and their sum.
    """
    modules = list(linears(layer))
    wide = max((max(one.inputs, one.outputs) for one in modules), default=0)
    cast = 4 if batch.compute < 4 and any(one.trained == "lora" for one in modules) else 0
    unpacked = max((one.inputs * one.outputs for one in modules), default=0) * batch.compute if batch.quantised else 0
    dora = max((4 * one.inputs * (one.inputs + 3 * one.outputs) for one in modules if one.dora), default=0)
    return batch.size * (wide * (3 * batch.compute + cast) + 12 * hidden) + max(unpacked, dora)


def _casts(network: Any, batch: Batch) -> int:
    """Autocast keeps a copy of each trained linear weight in the computing dtype."""
    from torch import nn

    if batch.compute == 4:
        return 0
    weights = (module.weight for module in network.modules() if isinstance(module, nn.Linear))
    return sum(weight.numel() for weight in weights if weight.requires_grad) * batch.compute


def _final_norm_trained(network: Any) -> bool:
    prefix = layers(network)[0]
    outside = ((name, value) for name, value in network.named_parameters() if not name.startswith(prefix))
    return any("norm" in name and value.requires_grad for name, value in outside)


def _experts(config: Any) -> int:
    """The inner width that a token meets in a mixture of experts."""
    each = getattr(config, "moe_intermediate_size", None) or config.intermediate_size
    active = getattr(config, "num_experts_per_tok", None) or 1
    return int(active * each + (getattr(config, "shared_expert_intermediate_size", None) or 0))
