"""What methods share that change the base's own weights instead of adding weights."""

from pathlib import Path
from typing import Any, ClassVar

from adapters.methods.base.network import TRAINED, load_trained, save_trained
from harness.components.method import Method


class OwnWeightsMethod(Method):
    """Trains weights of the base itself: saved by name, loaded by name, merged already."""

    shares_base: ClassVar[bool] = False
    mergeable: ClassVar[bool] = True

    def save(self, network: Any, folder: Path) -> None:
        save_trained(network, folder / TRAINED)

    def load(self, network: Any, folder: Path) -> Any:
        load_trained(network, folder / TRAINED)
        return network.eval()

    def merge(self, network: Any) -> Any:
        return network
