"""The network of a training: the base, loaded as the method wants it, with what is to be trained."""

from typing import Any

from adapters.training.arithmetic import is_rounded, round_adapters
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.models.huggingface import HuggingFace


def trained_network(base: HuggingFace, method: Method, recipe: Recipe, precision: str, devices: int) -> Any:
    """The base, loaded as the method wants it, with what is to be trained."""
    loading = method.loading(precision)
    dtype = loading.pop("dtype", precision)
    if recipe.weights == "bfloat16":
        dtype = "bfloat16"
    if loading:
        loading.setdefault("device_map", {"": _device_index(base.device_name, devices)})
    elif devices > 1 and recipe.accelerate_config:
        loading["device_map"] = {"": "cpu"}  # accelerate moves each device's part there
    network = base.load(dtype, **loading)
    network.config._name_or_path = network.name_or_path = base.path  # as the suite names it, not a cache folder
    network = round_trained(method.prepare(network), recipe)
    if is_rounded(method, recipe, base.dtype_name, base.device_name):
        network = round_adapters(network)
    if recipe.gradient_checkpointing is True:
        _checkpoint_activations(network)
    return network


def round_trained(network: Any, recipe: Recipe) -> Any:
    """The prepared network, what is trained in it in the numbers that the recipe keeps it in."""
    import torch

    if recipe.weights == "bfloat16":
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.to(torch.bfloat16)
    return network


def _device_index(device: str, devices: int) -> str | int:
    """Where transformers puts quantised weights: by number where several processes have devices of their own."""
    import torch

    return torch.cuda.current_device() if device == "cuda" and devices > 1 else device


def _checkpoint_activations(network: Any) -> None:
    """Save few activations and compute the rest twice. transformers renamed the method in 5.23."""
    options = {"use_reentrant": False}
    if hasattr(network, "activation_checkpointing_enable"):
        network.activation_checkpointing_enable(activation_checkpointing_kwargs=options)
    else:
        network.gradient_checkpointing_enable(gradient_checkpointing_kwargs=options)
