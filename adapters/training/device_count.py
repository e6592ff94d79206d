"""How many devices a training uses, which its check asks before anything of it is loaded."""

from adapters.training.settings import Recipe
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.device import cuda_devices


def devices_for(recipe: Recipe, base: HuggingFace) -> int:
    """How many devices a training uses."""
    if recipe.devices != "auto":
        return recipe.devices
    return min(_device_count(base), recipe.batch_size * recipe.accumulation)


def check_devices(recipe: Recipe, base: HuggingFace) -> None:
    """Raise ModelError if the machine has fewer devices than the recipe asks for, or a step fewer rows."""
    devices, available = devices_for(recipe, base), _device_count(base)
    rows = recipe.batch_size * recipe.accumulation
    if devices > available and base.device_name != "cpu":
        raise ModelError(
            f"devices: {devices} are asked for, this machine has {available} ({base.device_name}); write auto"
        )
    if devices > rows:
        raise ModelError(f"devices: {devices} cannot share a step of {rows} rows; set batch_size to {devices} or more")


def _device_count(base: HuggingFace) -> int:
    return max(1, cuda_devices()) if base.device_name == "cuda" else 1
