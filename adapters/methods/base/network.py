"""A network as training methods see it: its layers, its linear modules, what is trained, and how that is stored."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ModelError, StoreError, nearest

ATTENTION = ("attn", "attention")  # part of the name of every attention module in transformers
FEED_FORWARD = ("mlp", "feed_forward", "ffn", "block_sparse_moe")
TRAINED = "trained.safetensors"


@dataclass(frozen=True, slots=True)
class Size:
    """How many parameters a network has and how many of them are trained."""

    trained: int
    total: int


def size(network: Any) -> Size:
    """Counts parameters; a 4-bit weight stores two values in each byte."""
    trained = total = 0
    for parameter in network.parameters():
        count = parameter.numel()
        if type(parameter).__name__ == "Params4bit" and getattr(parameter, "quant_state", None) is not None:
            count *= 2 * parameter.element_size()
        total += count
        trained += count if parameter.requires_grad else 0
    return Size(trained, total)


def freeze(network: Any) -> None:
    """No parameter is trained."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)


def layers(network: Any) -> tuple[str, Sequence[Any]]:
    """Name and modules of the decoder's layers, first to last."""
    from torch.nn import ModuleList

    count = network.config.get_text_config().num_hidden_layers
    for name, module in network.named_modules():
        if isinstance(module, ModuleList) and len(module) == count:
            return str(name), list(module)
    raise ModelError(f"{type(network).__name__} has no list of {count} layers; choose another method, e.g. lora")


def linear_names(network: Any) -> Iterator[str]:
    """Full names of the linear modules inside the layers: not the output layer, whose rows are the vocabulary."""
    from torch.nn import Linear

    inside = layers(network)[0] + "."
    for name, module in network.named_modules():
        if name.startswith(inside) and isinstance(module, Linear):
            yield name


def targets(network: Any, setting: str | Sequence[str]) -> list[str]:
    """The last parts of the names of linear modules: of "attention", of "all-linear", or the names in the setting.

    Raises ModelError for a name that no linear module has.
    """
    modules = list(linear_names(network))
    if setting == "all-linear":
        return _leaves(modules)
    if setting == "attention":
        attention = _leaves(name for name in modules if any(part in name.rpartition(".")[0] for part in ATTENTION))
        if not attention:
            raise ModelError(f"targets: the model has no attention module; name some of: {', '.join(_leaves(modules))}")
        return attention
    for name in setting:
        if not any(f".{module}".endswith(f".{name}") for module in modules):
            raise ModelError(f"targets: the model has no linear module '{name}' ({nearest(name, _leaves(modules))})")
    return list(setting)


def _leaves(names: Iterable[str]) -> list[str]:
    return sorted({name.rpartition(".")[2] for name in names})


def is_quantised(network: Any) -> bool:
    """Whether some weights are stored in 4 or 8 bits."""
    return bool(getattr(network, "is_quantized", False)) or any(
        type(parameter).__name__ in ("Params4bit", "Int8Params") for parameter in network.parameters()
    )


def save_trained(network: Any, file: Path) -> None:
    """Write all parameters that are trained, by name, in their own dtype."""
    from safetensors.torch import save_file

    trained = {name: value.detach().contiguous() for name, value in network.named_parameters() if value.requires_grad}
    with translate_disk_errors(file):
        save_file(trained, file)


def load_trained(network: Any, file: Path) -> None:
    """Load parameters by name. Raises ModelError when the network does not have all of them, in their shapes."""
    import torch
    from safetensors.torch import load_file

    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, value in load_file(file).items():
            if name not in parameters or parameters[name].shape != value.shape:
                raise ModelError(f"{file}: {name} does not fit the model; it was trained on another base")
            parameters[name].copy_(value)


@contextmanager
def translate_disk_errors(place: Path) -> Iterator[None]:
    """Raise StoreError for a disk that is full or broken; torch and safetensors have exceptions of their own."""
    try:
        yield
    except Exception as error:
        text = " ".join(str(error).split())
        if not isinstance(error, OSError) and not any(part in text for part in ("PytorchStreamWriter", "os error")):
            raise
        raise StoreError(
            f"{place}: cannot be written: {text}; free some space and run the same command again"
        ) from error


def keep_weights(network: Any) -> Any:
    """Forbid bitsandbytes to repack 4-bit weights in place, and return the network.

    On CPUs with AVX512-BF16 any forward in evaluation mode would do so; afterwards gradients through the base are lost
    and merging gives garbage (bitsandbytes 0.50).
    """
    from bitsandbytes.nn import Linear4bit

    for module in network.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
    return network


def trained_files(folder: Path) -> list[Path]:
    """The files that hold what was trained."""
    return sorted(folder.glob("*.safetensors"))
