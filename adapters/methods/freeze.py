"""Freeze tuning: train the last layers and nothing else."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from adapters.methods.base.network import freeze, layers
from adapters.methods.base.own_weights import OwnWeightsMethod
from adapters.training.choices import Choices
from harness.errors import ModelError, nearest


class Freeze(OwnWeightsMethod):
    """Trains the last layers, or modules named, and freezes the rest."""

    learning_rate: ClassVar[float] = 5e-5

    last: Annotated[Annotated[int, Field(ge=0)], Choices()] = 2
    """How many layers are trained, counted from the end; 0: none but what is named. In a list: chosen on validation
    rows."""
    modules: tuple[str, ...] = ()
    """Further modules that are trained, by parts of their names, e.g. layers.0.self_attn."""
    norm: bool = False
    """Whether the final norm is trained too."""
    head: bool = False
    """Whether the output layer is trained too; where it is tied, the embeddings change with it."""

    def check(self, network: Any) -> None:
        count = len(layers(network)[1])
        if self.last > count:
            raise ModelError(f"last: {self.last} layers are to be trained, the model has {count}")
        names = [name for name, _ in network.named_modules() if name]
        for module in self.modules:
            if not any(_contains(name, module) for name in names):
                raise ModelError(f"modules: the model has no module '{module}' ({nearest(module, _parts(names))})")
        if not any(self._trains(network, name) for name, _ in network.named_parameters()):
            raise ModelError("no parameter is left to train: give last at least 1, or name modules")

    def prepare(self, network: Any) -> Any:
        self.check(network)
        freeze(network)
        for name, parameter in network.named_parameters():
            if self._trains(network, name):
                parameter.data = parameter.data.float()  # small steps vanish in the rounding of bfloat16
                parameter.requires_grad_(True)
        return network

    def _trains(self, network: Any, name: str) -> bool:
        prefix, modules = layers(network)
        last = {f"{prefix}.{index}." for index in range(len(modules) - self.last, len(modules))}
        head = network.get_output_embeddings().weight
        return (
            any(name.startswith(layer) for layer in last)
            or any(_contains(name, module) for module in self.modules)
            or (self.norm and not name.startswith(prefix) and "norm" in name)
            or (self.head and network.get_parameter(name) is head)
        )


def _contains(name: str, part: str) -> bool:
    """Whether whole parts of a dotted name are `part`."""
    return f".{part}." in f".{name}."


def _parts(names: list[str]) -> set[str]:
    return {name.rpartition(".")[2] for name in names} | set(names)
