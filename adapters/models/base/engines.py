"""How a base answers after it was changed: quantised, with weights of its own changed, or with an adapter on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar, cast

from pydantic import PrivateAttr

from harness.components.model import Model
from harness.models.huggingface import HuggingFace
from harness.models.local.loading import PutOn
from harness.records.inputs import JSON

E = TypeVar("E", bound=HuggingFace)


@dataclass(frozen=True)
class Alteration:
    """What sets a network apart from its base's."""

    identity: Mapping[str, JSON]
    options: Mapping[str, Any]  # of transformers while loading, e.g. quantisation
    finish: Callable[[Any], Any]  # what is done with the loaded network


class Altered(HuggingFace):
    """A base whose network is loaded otherwise."""

    _alteration: Alteration = PrivateAttr()

    def identity(self) -> dict[str, JSON]:
        return extended(super().identity(), self._alteration.identity)

    def loading(self) -> dict[str, Any]:
        return dict(self._alteration.options)

    def load(self, dtype: str | None = None, **options: Any) -> Any:
        return self._alteration.finish(super().load(dtype, **{**self.loading(), **options}))


class Wearing(HuggingFace):
    """A base with an adapter on. The base's weights are loaded once for all adapters that it wears in turn."""

    _carrier: HuggingFace = PrivateAttr()
    _identity: Mapping[str, JSON] = PrivateAttr()
    _name: str = PrivateAttr()
    _put_on: PutOn = PrivateAttr()

    @property
    def tokenizer(self) -> Any:
        return self._carrier.tokenizer

    def identity(self) -> dict[str, JSON]:
        return extended(self._carrier.identity(), self._identity)

    def carrier(self) -> Model:
        return self._carrier

    def memory(self, tokens: int) -> tuple[int, int] | None:
        return self._carrier.memory(tokens)

    def weights_bytes(self) -> int | None:
        return self._carrier.weights_bytes()

    def _model(self) -> Any:
        return self._carrier.wearing(self._name, self._put_on)

    def close(self) -> None:
        self._carrier.close()


def altered(base: HuggingFace, alteration: Alteration) -> Altered:
    """A base of which the network is loaded otherwise."""
    made = like(base, Altered)
    made._alteration = alteration
    return made


def wearing(carrier: HuggingFace, identity: Mapping[str, JSON], name: str, put_on: PutOn) -> Wearing:
    """A base with an adapter on; `name` tells adapters apart."""
    made = like(carrier, Wearing)
    made._carrier, made._identity, made._name, made._put_on = carrier, identity, name, put_on
    return made


def like(base: HuggingFace, kind: type[E], **changed: Any) -> E:
    """An engine of another kind with the base's settings."""
    settings = {name: getattr(base, name) for name in HuggingFace.model_fields}
    return cast(E, kind.model_construct(**{**settings, **changed}))


def extended(identity: dict[str, JSON], more: Mapping[str, JSON]) -> dict[str, JSON]:
    """An identity with what was added to the model, and the versions of the packages that do it."""
    packages = {**identity["packages"], **{name: version(name) for name in more.get("packages", ())}}
    return {**identity, **more, "packages": packages}
