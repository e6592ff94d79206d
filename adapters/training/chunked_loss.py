"""The loss of many learnt tokens without the logits of all of them at once.

The logits of a part of the positions are computed, and at once the gradient of its loss, before the next part
overwrites them; the backward pass only scales what is there. So it takes as many products as the plain loss does, and
memory for one part: the idea of Hsu et al. 2024 (Liger Kernel), section 3.2, without kernels of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import torch

LOGIT = 12  # bytes a logit in its backward pass: log-softmax, its gradient and the logits' gradient, all float32
LIMIT = {"cuda": 1 << 30}  # bytes of logits at once; large enough that the products keep a GPU busy
USUAL_LIMIT = 256 << 20
SCALINGS = ("logits_scaling", "logit_scale", "output_multiplier")  # by family
_AGREES: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()  # by output layer


def positions_at_once(vocabulary: int, device: str) -> int:
    """How many positions the logits of `vocabulary` tokens are computed for at once."""
    return max(1, LIMIT.get(device, USUAL_LIMIT) // (LOGIT * vocabulary))


def scales_logits(config: Any) -> bool:
    """Whether a configuration says that logits are scaled behind the output layer: they are then computed at once."""
    return any(getattr(config, name, None) not in (None, 1) for name in SCALINGS)


def can_chunk(network: Any) -> bool:
    """Whether the output layer can be called outside the network, and nothing is known of logits that are not its."""
    from torch.nn import Linear

    head = network.get_output_embeddings()
    return type(head) is Linear and type(head.weight).__name__ == "Parameter" and _AGREES.get(head, True)


def agrees(network: Any, hidden: "torch.Tensor", logits: "torch.Tensor") -> bool:
    """Whether the network's `logits` of a position are what `project` makes of its `hidden` state there.

    Families scale their logits by settings of many names; asked once for each network, it is seen and not guessed.
    """
    import torch

    head = network.get_output_embeddings()
    if head not in _AGREES:
        with torch.no_grad():
            projected, expected = _projection(network)(hidden[:1]).flatten(), logits.float().flatten()
            _AGREES[head] = bool((projected - expected).abs().max() <= 1e-3 * expected.abs().max())
    return _AGREES[head]


def chunked_loss(network: Any, hidden: "torch.Tensor", targets: "torch.Tensor", at_once: int) -> "torch.Tensor":
    """Sum of the negative log-likelihoods (natural, float32) of `targets` [positions], as the plain loss has it.

    `hidden` [positions, size] is what the output layer reads there, in the computing precision of the forward pass.
    """
    weights = [value for value in network.get_output_embeddings().parameters() if value.requires_grad]
    function = _chunked_cross_entropy()
    loss: torch.Tensor = function.apply(hidden, targets, _projection(network), at_once, *weights)
    return loss


def _projection(network: Any) -> "Callable[[torch.Tensor], torch.Tensor]":
    """From hidden states to logits in float32: the output layer, and the soft cap of the families that have one."""
    head = network.get_output_embeddings()
    cap = getattr(network.config.get_text_config(), "final_logit_softcapping", None)

    def project(part: "torch.Tensor") -> "torch.Tensor":
        logits = head(part)
        if cap:
            logits = (logits / cap).tanh() * cap
        return logits.float()  # type: ignore[no-any-return]

    return project


@contextmanager
def same_precision(kind: str, dtype: Any) -> Iterator[None]:
    """Autocast as it was where the hidden states were made; `dtype` None: it was off."""
    import torch

    with torch.autocast(kind, dtype=dtype, enabled=dtype is not None):
        yield


@cache
def _chunked_cross_entropy() -> Any:
    import torch

    class ChunkedCrossEntropy(torch.autograd.Function):
        """torch's function: gradients are made in the forward pass."""

        @staticmethod
        def forward(
            context: Any, hidden: Any, targets: Any, project: Callable[[Any], Any], at_once: int, *weights: Any
        ) -> Any:
            is_learning = any(context.needs_input_grad)
            loss, gradient = hidden.new_zeros((), dtype=torch.float32), torch.empty_like(hidden)
            sums = [torch.zeros_like(value, dtype=torch.float32) for value in weights]
            for start in range(0, len(targets), at_once):
                part = slice(start, start + at_once)
                piece = hidden[part].detach().requires_grad_(is_learning)
                with torch.set_grad_enabled(is_learning):
                    part_loss = torch.nn.functional.cross_entropy(project(piece), targets[part], reduction="sum")
                loss += part_loss.detach()
                if is_learning:
                    gradient[part], *part_gradients = torch.autograd.grad(part_loss, [piece, *weights])
                    for total, addend in zip(sums, part_gradients, strict=True):
                        total += addend
            context.gradients = (gradient, *(total.to(value.dtype) for total, value in zip(sums, weights, strict=True)))
            return loss

        @staticmethod
        def backward(context: Any, scale: Any) -> Any:
            of_hidden, *of_weights = (gradient * scale.to(gradient.dtype) for gradient in context.gradients)
            return (of_hidden, None, None, None, *of_weights)

    return ChunkedCrossEntropy
