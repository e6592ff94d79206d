"""What a training method owes: what it freezes, wraps or adds."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.components.component import Component
from harness.records.inputs import JSON


class Method(Component):
    """A way of training a network: what it freezes, wraps or adds."""

    learning_rate: ClassVar[float]  # where the recipe has none
    optimiser: ClassVar[str | None] = None  # on CUDA, where the recipe has none; by the recipe's name
    virtual_prefix: ClassVar[bool] = False  # it puts tokens of its own before the prompt
    shares_base: ClassVar[bool] = True  # the base's weights stay as they are: several can share one loaded base
    mergeable: ClassVar[bool] = False
    quantises: ClassVar[bool] = False  # its base is stored in fewer bits
    variations: ClassVar[tuple[Mapping[str, JSON], ...]] = ({},)  # settings that compute in ways of their own: all are
    # proven by the self-test

    @classmethod
    def subject(cls, variation: Mapping[str, JSON]) -> str:
        """The name of the method in a variation, as the self-test proves it, e.g. "prompt (encoder: lstm)"."""
        name = cls.__module__.rpartition(".")[2]
        settings = ", ".join(f"{key}: {str(value).lower()}" for key, value in variation.items())
        return f"{name} ({settings})" if settings else name

    def subjects(self) -> tuple[str, ...]:
        """What must be proven before its answers count: the method, and the variations that its settings are."""
        return tuple(
            self.subject(variation)
            for variation in self.variations
            if all(getattr(self, key) == value for key, value in variation.items())
        )

    def check(self, network: Any) -> None:
        """Raise ModelError if the method cannot be applied to the network, whose weights need not be loaded."""

    def needs(self, base: Any) -> None:
        """Raise ModelError where a package or a kernel for the base's device is missing."""

    def carrier(self, base: Any) -> Any:
        """What its adapters are attached to for answers: the base, or a quantised copy of it."""
        return base

    def altered_weights(self) -> tuple[str, ...] | None:
        """What sets the weights of `carrier` apart from the base's; None where what it trains is weights of its own."""
        return () if self.shares_base else None

    def loading(self, dtype: str) -> dict[str, Any]:
        """How the base is to be loaded for training in `dtype`: options of transformers, e.g. quantisation."""
        return {"dtype": dtype}

    @abstractmethod
    def prepare(self, network: Any) -> Any:
        """The network to train: parameters that require a gradient are trained, all others are frozen."""

    @abstractmethod
    def save(self, network: Any, folder: Path) -> None:
        """Write what was trained, and nothing of the frozen base."""

    @abstractmethod
    def load(self, network: Any, folder: Path) -> Any:
        """A freshly loaded base with what `save` wrote, ready to answer."""

    def remove(self, network: Any) -> None:
        """Detach what `load` attached, so that the base answers again as before. Only where `shares_base`."""
        raise NotImplementedError

    def merge(self, network: Any) -> Any:
        """The plain network with the trained weights in it. Raises ModelError where that would change the answers."""
        raise NotImplementedError
