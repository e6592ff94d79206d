"""Models on their way to another process: without what they have loaded, and with one carrier for all made of it."""

import io
import pickle
from collections.abc import Mapping
from typing import Any

from harness.components.model import Model


def packed(engine: Model, carrier: Model, name: str) -> bytes:
    """A model as bytes; where another one carries its weights, that one is left out and stands there by its name."""
    from ray import cloudpickle

    class Packer(cloudpickle.Pickler):  # type: ignore[misc]
        """Names the carrier instead of copying it."""

        def persistent_id(self, value: Any) -> str | None:
            return name if value is carrier and carrier is not engine else None

    stream = io.BytesIO()
    Packer(stream).dump(engine)
    return stream.getvalue()


class _Unpacker(pickle.Unpickler):
    def __init__(self, content: bytes, carriers: Mapping[str, Model]) -> None:
        super().__init__(io.BytesIO(content))
        self.carriers = carriers

    def persistent_load(self, name: Any) -> Model:
        return self.carriers[name]


def unpacked(content: bytes, carriers: Mapping[str, Model]) -> Model:
    """The model that was packed; `carriers` are those at hand, by their names."""
    model = _Unpacker(content, carriers).load()
    assert isinstance(model, Model)
    return model
