"""LoRA on a bfloat16 base without autocast: adapters kept in float32, multiplied in the numbers of the base.

Autocast looks at each operation of each layer, and PEFT makes a float32 copy of every input only for autocast to round
it back. Rounding the small matrices where they are used gives the same products without either.
"""

from functools import cache
from typing import Any

from adapters.methods.lora import Lora
from adapters.training.settings import Recipe
from harness.components.method import Method

ROUNDED = "float32, rounded where they are multiplied"  # how adapters are computed; part of a training's content


def is_rounded(method: Method, recipe: Recipe, dtype: str, device: str) -> bool:
    """Whether a training computes LoRA so, on a base that answers in `dtype`; otherwise autocast sees to it.

    On the CPU autocast costs little beside the products, and trainings that are kept stay the same.
    """
    is_plain = isinstance(method, Lora) and not method.dora
    return (
        device == "cuda" and recipe.precision_on(dtype) == "bfloat16" and is_plain and recipe.accelerate_config is None
    )


def round_adapters(network: Any) -> Any:
    """The network whose LoRA matrices take their inputs as they are; gradients of the matrices are float32."""
    from peft.tuners.lora import LoraLayer

    for module in list(network.modules()):
        if isinstance(module, LoraLayer):
            module.cast_input_dtype_enabled = False
            for matrices in (module.lora_A, module.lora_B):
                for name, matrix in matrices.items():
                    matrices[name] = _rounding(matrix)
    return network


def _rounding(matrix: Any) -> Any:
    """A linear module of the same parameters that rounds them to its input's numbers."""
    rounded = _rounded_linear()(matrix.in_features, matrix.out_features, bias=matrix.bias is not None, device="meta")
    rounded.weight, rounded.bias = matrix.weight, matrix.bias
    return rounded.train(matrix.training)


@cache
def _rounded_linear() -> Any:
    """One class for all: a compiler makes code by class."""
    from torch import nn

    class RoundedLinear(nn.Linear):
        """Keeps float32 weights and multiplies in the numbers of what it is given."""

        def forward(self, states: Any) -> Any:
            bias = None if self.bias is None else self.bias.to(states.dtype)
            return nn.functional.linear(states, self.weight.to(states.dtype), bias)

    return RoundedLinear
