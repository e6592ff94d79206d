"""Compiled layers: worth it on a GPU that waits for Python, once the steps repay the compiler's time.

A layer is compiled, not the network: all layers of a kind share the code, so that 24 of them take the time of one.
The parts of a step are what one H100 took (docs/measurements.md): a layer of 0.5B forward and backward 3.8 ms of
launches, compiled 1.8 ms; the compiler 3 s a layer.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from adapters.methods.base.network import is_quantised, layers

LAUNCH, COMPILED_LAUNCH = 0.0038, 0.0018  # seconds of a layer, forward and backward, in which a GPU is given its work
STARTUP, EACH = 10.0, 4.0  # seconds of the compiler: at its first use, and for each kind of layer and width
MOST_WIDTHS = 3  # torch keeps eight versions of a function: two kinds of layers, three widths
WORTH = 0.9  # compiled where it takes at most this part of the time without: the parts are estimates


@dataclass(frozen=True, kw_only=True)
class StepLoad:
    """What a training asks of a GPU: how often it runs through how many layers, and with how much work."""

    batches: int  # of the whole training that is left
    layers: int
    kinds: int  # of layers that differ
    parameters: int  # of the base
    speed: float  # multiplications and additions a second that the device attains

    def compute(self, tokens: float) -> float:
        """Seconds of a batch of `tokens` tokens: two operations a weight forward, two for the gradient behind it."""
        return 4 * tokens * self.parameters / self.speed

    def eager(self, tokens: float) -> float:
        """Seconds of the training as it is: the device computes while Python launches, the slower one decides."""
        return self.batches * max(self.layers * LAUNCH, self.compute(tokens))

    def compiled(self, tokens: float, widths: int) -> float:
        """Seconds of the training with compiled layers, the compiler's own included."""
        steps = self.batches * max(self.layers * COMPILED_LAUNCH, self.compute(tokens))
        return STARTUP + EACH * self.kinds * widths + steps


@dataclass(frozen=True, kw_only=True)
class CompileChoice:
    """Whether layers are compiled, for which padded widths, and why."""

    is_compiled: bool
    widths: int
    reason: str


def choose_compiling(load: StepLoad, eager_tokens: float, padded_tokens: Sequence[float]) -> CompileChoice:
    """By the estimated time; `padded_tokens` [k] are a batch's mean tokens when padded to k + 1 widths."""
    eager = load.eager(eager_tokens)
    seconds = [load.compiled(tokens, place + 1) for place, tokens in enumerate(padded_tokens)]
    place = min(range(len(seconds)), key=seconds.__getitem__)
    is_compiled = seconds[place] <= WORTH * eager
    reason = f"about {seconds[place]:.0f} s compiled, the compiler included, {eager:.0f} s without"
    return CompileChoice(is_compiled=is_compiled, widths=place + 1 if is_compiled else 0, reason=reason)


def uncompilable(network: Any) -> str | None:
    """Why the layers of a network cannot be compiled; None where they can."""
    if is_quantised(network):
        return "quantised weights are unpacked outside what is compiled"
    return None


def kinds_of_layers(network: Any) -> int:
    """How many kinds of layers a network has, e.g. those that see a window and those that see all."""
    return len(set(getattr(network.config.get_text_config(), "layer_types", None) or ("full_attention",)))


def compile_layers(network: Any) -> None:
    """Have the decoder's layers compiled at their first use, for each shape that they meet."""
    for layer in layers(network)[1]:
        layer.compile(dynamic=False)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Layers run as they are written: for evaluation and answers, whose shapes are many and met once."""
    import torch

    with torch.compiler.set_stance("force_eager"):
        yield


@cache
def multiplication_speed(device: str, dtype: str, side: int = 4096, repeats: int = 10) -> float:
    """Multiplications and additions a second of square matrices on the device."""
    import torch

    matrix = torch.ones(side, side, dtype=getattr(torch, dtype), device=device)
    product = matrix @ matrix
    _finish(device)
    start = time.perf_counter()
    for _ in range(repeats):
        product = matrix @ matrix
    _finish(device)
    del product
    return 2 * side**3 * repeats / (time.perf_counter() - start)


def _finish(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
