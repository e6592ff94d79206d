"""The loss of the learnt tokens alone: the output layer is computed where a token is learnt, nowhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adapters.training.encoding import IGNORED

if TYPE_CHECKING:
    import torch


def summed_loss(network: Any, inputs: dict[str, Any], labels: "torch.Tensor") -> tuple["torch.Tensor", int]:
    """Sum of the negative log-likelihoods (natural, float32) of the learnt tokens, and how many they are.

    The model's own forward runs, with its soft-capping and scaling; only the input of its output layer is reduced to
    the positions before a learnt token. `labels` [rows, tokens] as in transformers: the label of a token is itself.
    """
    from torch.nn.functional import cross_entropy

    labelled = labels[:, 1:] != IGNORED
    targets = labels[:, 1:][labelled]
    with _reduce_input(_unwrap(network).get_output_embeddings(), labelled):
        logits = network(**inputs, use_cache=False).logits
    if logits.shape[1] != len(targets) or logits.shape[0] != 1:  # the model does not call its output layer as usual
        logits = logits[:, -labels.shape[1] : -1][labelled]
    logits = logits.reshape(len(targets), logits.shape[-1])
    return cross_entropy(logits.float(), targets, reduction="sum"), len(targets)


def _unwrap(network: Any) -> Any:
    """The model inside the wrapper that distributes it over several devices."""
    while not hasattr(network, "get_output_embeddings"):
        network = network.module
    return network


@contextmanager
def _reduce_input(head: Any, labelled: "torch.Tensor") -> Iterator[None]:
    """Reduce the input of the output layer, [rows, tokens, size], to the labelled positions, [1, positions, size].

    Methods with a virtual prefix have further tokens in front; the last position predicts nothing that is learnt.
    """

    def reduce(_: Any, inputs: tuple[Any, ...]) -> Any:
        (hidden,) = inputs
        rows, tokens = labelled.shape
        if hidden.dim() != 3 or hidden.shape[0] != rows or hidden.shape[1] <= tokens:
            return None
        return (hidden[:, -tokens - 1 : -1][labelled].unsqueeze(0),)

    handle = head.register_forward_pre_hook(reduce)
    try:
        yield
    finally:
        handle.remove()
