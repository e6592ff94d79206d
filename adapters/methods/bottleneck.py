"""Bottleneck adapters after each feed-forward block. Houlsby et al. 2019, placed as by Pfeiffer et al. 2020."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from adapters.methods.base.network import FEED_FORWARD, TRAINED, freeze, layers, load_trained, save_trained
from adapters.training.choices import Choices
from harness.components.method import Method
from harness.errors import ModelError

NAME = "bottleneck"  # the adapter's name within its feed-forward block


class Bottleneck(Method):
    """Trains a small network (down, activation, up) after each feed-forward block."""

    learning_rate: ClassVar[float] = 1e-3

    width: Annotated[Annotated[int, Field(ge=1)], Choices()] = 64
    """Width of the small network. Several values in a list: the best on validation rows is taken."""
    activation: Literal["gelu", "relu", "silu"] = "gelu"
    """The function between down and up."""

    def check(self, network: Any) -> None:
        blocks(network)

    def prepare(self, network: Any) -> Any:
        freeze(network)
        self._insert(network)
        return network

    def save(self, network: Any, folder: Path) -> None:
        save_trained(network, folder / TRAINED)

    def load(self, network: Any, folder: Path) -> Any:
        self._insert(network)
        load_trained(network, folder / TRAINED)
        return network.eval()

    def remove(self, network: Any) -> None:
        for block in blocks(network):
            getattr(block, NAME).hook.remove()
            delattr(block, NAME)

    def merge(self, network: Any) -> Any:
        raise ModelError("a bottleneck is not linear and cannot be merged into the base; use it as an adapter")

    def _insert(self, network: Any) -> None:
        """The up-projection starts at zero, so that training starts from the base's own answers."""
        from torch import float32, nn

        hidden = network.config.get_text_config().hidden_size
        kinds = {"gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU}
        for block in blocks(network):
            down, up = nn.Linear(hidden, self.width), nn.Linear(self.width, hidden)
            nn.init.normal_(down.weight, std=0.02)
            for parameter in (down.bias, up.weight, up.bias):
                nn.init.zeros_(parameter)
            adapter = nn.Sequential(down, kinds[self.activation](), up)
            block.add_module(NAME, adapter.to(next(block.parameters()).device, float32))
            adapter.hook = block.register_forward_hook(_add_adapter)  # a wrapper would change the block's names


def _add_adapter(block: Any, _: Any, output: Any) -> Any:
    """The block's output plus the adapter's. Mixtures of experts return further values beside it."""
    first = output[0] if isinstance(output, tuple) else output
    adapter = getattr(block, NAME)
    changed = first + adapter(first.to(adapter[0].weight.dtype)).to(first.dtype)
    return (changed, *output[1:]) if isinstance(output, tuple) else changed


def blocks(network: Any) -> list[Any]:
    """The feed-forward block of each layer. Raises ModelError where a layer has none under a usual name."""
    feed_forward = []
    for layer in layers(network)[1]:
        block = next((getattr(layer, name) for name in FEED_FORWARD if hasattr(layer, name)), None)
        if block is None:
            children = ", ".join(name for name, _ in layer.named_children())
            raise ModelError(f"a layer made of {children} has no feed-forward block of a usual name; use lora")
        feed_forward.append(block)
    return feed_forward
