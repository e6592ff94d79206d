"""The loss of the learnt tokens alone: the output layer is computed where a token is learnt, nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.training.chunked_loss import agrees, can_chunk, chunked_loss, positions_at_once, same_precision
from adapters.training.encoding import IGNORED

if TYPE_CHECKING:
    import torch


@dataclass
class Reduction:
    """What the output layer's input was reduced to: all learnt positions, or the first where the rest wait."""

    labelled: "torch.Tensor"
    waits: bool  # only the first position goes through now
    hidden: Any = None  # [positions, size], where they wait
    autocast: Any = None  # the dtype, None where it is off


def summed_loss(
    network: Any, inputs: dict[str, Any], labels: "torch.Tensor", at_once: int | None = None
) -> tuple["torch.Tensor", int]:
    """Sum of the negative log-likelihoods (natural, float32) of the learnt tokens, and how many they are.

    The model's own forward runs, with its soft-capping and scaling; only the input of its output layer is reduced to
    the positions before a learnt token. More than `at_once` of these (None: as many as memory should hold) are
    computed in parts, where the model allows. `labels` [rows, tokens] as in transformers: a token's label is itself.
    """
    from torch.nn.functional import cross_entropy

    labelled = labels[:, 1:] != IGNORED
    targets = labels[:, 1:][labelled]
    model = _unwrap(network)
    head = model.get_output_embeddings()
    most = at_once or positions_at_once(model.config.get_text_config().vocab_size, labels.device.type)
    reduction = Reduction(labelled, waits=len(targets) > most and can_chunk(model) and _is_free(network, head))
    with _reduce_input(head, reduction):
        logits = network(**inputs, use_cache=False).logits
    if reduction.hidden is not None:
        with same_precision(labels.device.type, reduction.autocast):
            if agrees(model, reduction.hidden, logits):
                return chunked_loss(model, reduction.hidden, targets, most), len(targets)
        return summed_loss(network, inputs, labels, len(targets))
    if logits.shape[1] != len(targets) or logits.shape[0] != 1:  # the model does not call its output layer as usual
        logits = logits[:, -labels.shape[1] : -1][labelled]
    logits = logits.reshape(len(targets), logits.shape[-1])
    return cross_entropy(logits.float(), targets, reduction="sum"), len(targets)


def _unwrap(network: Any) -> Any:
    """The model inside the wrapper that distributes it over several devices."""
    while not hasattr(network, "get_output_embeddings"):
        network = network.module
    return network


def _is_free(network: Any, head: Any) -> bool:
    """Whether no wrapper waits for the output layer's gradients: it is not wrapped, or the layer is not trained."""
    return hasattr(network, "get_output_embeddings") or (
        type(network).__name__ == "DistributedDataParallel"
        and not any(value.requires_grad for value in head.parameters())
    )


@contextmanager
def _reduce_input(head: Any, reduction: Reduction) -> Iterator[None]:
    """Reduce the input of the output layer, [rows, tokens, size], to the labelled positions, [1, positions, size].

    Methods with a virtual prefix have further tokens in front; the last position predicts nothing that is learnt.
    """
    import torch

    labelled = reduction.labelled

    def reduce(_: Any, inputs: tuple[Any, ...]) -> Any:
        (hidden,) = inputs
        rows, tokens = labelled.shape
        if hidden.dim() != 3 or hidden.shape[0] != rows or hidden.shape[1] <= tokens:
            return None
        states = hidden[:, -tokens - 1 : -1][labelled]
        if reduction.waits:
            kind = hidden.device.type
            reduction.hidden = states
            reduction.autocast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
            states = states[:1].detach()
        return (states.unsqueeze(0),)

    handle = head.register_forward_pre_hook(reduce)
    try:
        yield
    finally:
        handle.remove()
