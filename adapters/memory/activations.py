"""What a training step saves for its backward pass, in bytes, counted tensor by tensor.

Korthikanti et al. 2022 ("Reducing activation recomputation in large transformer models", section 4.1) count
s·b·h·(34 + 5·a·s/h) bytes a layer for GPT in half precision. Here the count is that of a llama-like block as torch runs
it: RMSNorm in float32, rotated queries, fewer keys and values than queries, a gated feed-forward block, an attention
kernel that saves no s × s matrix, and of the inputs of linear modules only those that something trained needs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from adapters.methods.base.network import ATTENTION, FEED_FORWARD, layers
from adapters.training.chunked_loss import LOGIT, positions_at_once, scales_logits
from harness.models.local.memory import shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The largest batch of a training and how it is computed."""

    rows: int
    tokens: int  # of the longest row, a virtual prefix included
    labelled: int  # positions of the whole batch whose logits are computed
    compute: int = 4  # bytes of a number in linear modules and attention; under 4, by autocast
    residual: int = 4  # bytes of a number between the layers
    masked: bool = False  # attention is given a mask: packed rows, or a virtual prefix
    cuda: bool = False
    checkpointing: bool = False
    autocast: bool = True  # where numbers have under 4 bytes: each module has an input of its own
    casts: bool = True  # trained weights are float32: autocast copies them
    quantised: bool = False  # linear weights are unpacked for each product

    @property
    def size(self) -> int:
        """Tokens in all, padding included."""
        return self.rows * self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """A linear module of a layer and what is trained in it or beside it."""

    block: str  # the module that it is part of
    inputs: int
    outputs: int
    trained: Literal["no", "weight", "lora", "scaled input", "scaled output"] = "no"
    rank: int = 0
    dropout: bool = False
    dora: bool = False

    @property
    def saves_input(self) -> bool:
        """Whether its input is needed for the gradient of what is trained."""
        return self.trained not in ("no", "scaled output")


def activations(network: Any, batch: Batch) -> int:
    """Bytes beside weights, gradients and optimiser at the highest point of a step.

    `network` is prepared by its method; its weights need not be loaded. With checkpointing the inputs of the layers
    are saved and one layer at a time is computed again. The backward pass of the loss and that of a layer do not meet.
    """
    config = network.config.get_text_config()
    width = int(config.hidden_size)
    hidden = batch.size * width
    differentiated = _layers_with_gradient(network)
    saved = [_layer(layer, config, batch) for layer in differentiated]
    last = hidden * (4 + (batch.residual if _final_norm_trained(network) else 0))
    backward = max((_backward(layer, width, batch) for layer in differentiated), default=0)
    if batch.checkpointing:
        forward = len(saved) * hidden * batch.residual
        backward += max(saved, default=0)
    else:
        forward = sum(saved)
    return forward + last + _casts(network, batch) + max(_logits(config, batch), backward)


def _logits(config: Any, batch: Batch) -> int:
    """What the loss takes: of all learnt positions, or of as many as are computed at once and the gradients of all."""
    vocabulary = int(config.vocab_size)
    at_once = positions_at_once(vocabulary, "cuda" if batch.cuda else "cpu")
    if batch.labelled <= at_once or scales_logits(config):
        return batch.labelled * vocabulary * LOGIT
    return at_once * vocabulary * LOGIT + batch.labelled * int(config.hidden_size) * batch.residual


def linears(layer: Any) -> Iterator[Linear]:
    """The linear modules of a layer in its order, with what the method puts beside them."""
    from torch import nn

    for name, module in layer.named_modules():
        if isinstance(module, nn.Linear) and "lora_" not in name:
            name = name.removesuffix(".base_layer")
            yield _linear(name.rpartition(".")[0], module, layer.get_submodule(name))


def _linear(block: str, module: Any, wrapper: Any) -> Linear:
    """A linear module; `wrapper` is what a method put around it, or the module itself."""
    from torch import nn

    linear = Linear(block=block, inputs=module.in_features, outputs=module.out_features)
    if module.weight.requires_grad:
        return replace(linear, trained="weight")
    if wrapper is module or not any(parameter.requires_grad for parameter in wrapper.parameters()):
        return linear
    if hasattr(wrapper, "ia3_l"):
        return replace(linear, trained="scaled input" if wrapper.is_feedforward else "scaled output")
    return replace(
        linear,
        trained="lora",
        rank=sum(down.out_features for down in wrapper.lora_A.values()),
        dropout=any(isinstance(part, nn.Dropout) for part in wrapper.lora_dropout.values()),
        dora=any(wrapper.use_dora.values()),
    )


def _layers_with_gradient(network: Any) -> Sequence[Any]:
    """The layers that the backward pass goes through: those from the first trained one on."""
    _, modules = layers(network)
    adapters = getattr(network, "peft_config", {}).values()
    virtual = any(getattr(adapter, "num_virtual_tokens", None) for adapter in adapters)
    if virtual or network.get_input_embeddings().weight.requires_grad:
        return modules
    trained = (any(parameter.requires_grad for parameter in layer.parameters()) for layer in modules)
    first = next((place for place, is_trained in enumerate(trained) if is_trained), len(modules))
    return modules[first:]


def _layer(layer: Any, config: Any, batch: Batch) -> int:
    """Bytes that one layer saves."""
    modules = list(linears(layer))
    attention = [linear for linear in modules if any(part in linear.block for part in ATTENTION)]
    forward = [linear for linear in modules if linear.block.rpartition(".")[2] in FEED_FORWARD]
    bottleneck = sum(
        linear.inputs + min(linear.inputs, linear.outputs)
        for linear in modules
        if linear.saves_input and linear not in attention and linear not in forward
    )
    return (
        _norms(layer, config, batch)
        + _attention(config, batch)
        + _forward(forward, config, batch)
        + batch.size * (_inputs(attention, False, batch) + _inputs(forward, True, batch) + bottleneck * batch.compute)
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

    Under a mask keys and values are repeated for all heads and the mask is saved in the attention's dtype. Without a
    fused kernel the softmax is saved, in float32 and as it is multiplied.
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
    outputs = sum(linear.outputs for linear in modules[:-1])
    return batch.size * (outputs + (inner if outputs >= 2 * inner else 0)) * batch.compute


def _inputs(modules: Sequence[Linear], product: bool, batch: Batch) -> int:
    """Bytes a token of the inputs that linear modules of a block save.

    All but the last read the same norm. The last reads what the block saves anyway, or with `product` a product that
    nothing else saves. Dropout and autocast give each module an input of its own.
    """
    total, shared = 0, 0
    rounds = batch.compute < 4 and batch.autocast
    for place, linear in enumerate(modules):
        size = linear.inputs * batch.compute
        last = place == len(modules) - 1
        if linear.trained == "lora":
            total += (linear.rank + (2 * linear.outputs if linear.dora else 0)) * batch.compute
            total += linear.inputs * (1 if batch.cuda else 4) if linear.dropout else 0  # the dropout's mask
        if linear.trained in ("scaled input", "scaled output"):
            total += linear.inputs * 4 if linear.trained == "scaled input" else linear.outputs * batch.compute
        elif linear.saves_input and (linear.dropout or (rounds and (linear.trained == "lora" or not last))):
            total += size
        elif linear.saves_input and last:
            total += size if product else 0
        elif linear.saves_input:
            shared = size
    return total + shared


def _backward(layer: Any, hidden: int, batch: Batch) -> int:
    """Bytes that the backward pass of a layer takes and gives back: gradients of what is widest in it.

    Three gradients of the feed-forward block's inner width are alive at once (of the product and both its factors),
    beside three of the layer's width in float32 (the residual's, the block's, the norm's). LoRA computes in float32.
    A quantised weight is unpacked for its product; DoRA makes the identity, the update, the weight and their sum.
    """
    modules = list(linears(layer))
    widest = max((max(linear.inputs, linear.outputs) for linear in modules), default=0)
    largest = max((linear.inputs * linear.outputs for linear in modules), default=0)
    cast = 4 if batch.compute < 4 and batch.autocast and any(linear.trained == "lora" for linear in modules) else 0
    unpacked = largest * batch.compute if batch.quantised else 0
    dora = max((4 * m.inputs * (m.inputs + 3 * m.outputs) for m in modules if m.dora), default=0)
    return batch.size * (widest * (3 * batch.compute + cast) + 12 * hidden) + max(unpacked, dora)


def _casts(network: Any, batch: Batch) -> int:
    """Autocast saves a copy of each trained linear weight in the computing dtype."""
    from torch import nn

    if batch.compute == 4 or not batch.casts:
        return 0
    weights = (module.weight for module in network.modules() if isinstance(module, nn.Linear))
    return sum(weight.numel() for weight in weights if weight.requires_grad) * batch.compute


def _final_norm_trained(network: Any) -> bool:
    prefix = layers(network)[0]
    outside = ((name, value) for name, value in network.named_parameters() if not name.startswith(prefix))
    return any("norm" in name and value.requires_grad for name, value in outside)


def _experts(config: Any) -> int:
    """The inner width that a token meets in a mixture of experts."""
    width = getattr(config, "moe_intermediate_size", None) or config.intermediate_size
    active = getattr(config, "num_experts_per_tok", None) or 1
    return int(active * width + (getattr(config, "shared_expert_intermediate_size", None) or 0))
