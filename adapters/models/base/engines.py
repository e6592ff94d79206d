"""How a base answers after a change: loaded with other options or other weights, or with an adapter attached."""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import PrivateAttr

from harness.components.model import Model
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.attached_adapter import AttachAdapter
from harness.models.local.chat_template import ChatTurns
from harness.models.local.shared_prefixes import SharedPrefixes
from harness.records.inputs import JSON, Generation
from harness.records.outputs import Completion

E = TypeVar("E", bound=HuggingFace)


class ModifiedBase(HuggingFace):
    """A base whose network is loaded with options of its own, e.g. quantisation, and finished in a way of its own."""

    _changes: Mapping[str, JSON] = PrivateAttr()
    _options: Mapping[str, Any] = PrivateAttr()
    _finish: Callable[[Any], Any] = PrivateAttr()
    _merged: Callable[[], Path] | None = PrivateAttr()

    @property
    def offline_folder(self) -> Path:
        """The changed weights as a folder; made at the first request, by what `modify_base` was given."""
        return super().offline_folder if self._merged is None else self._merged()

    def identity(self) -> dict[str, JSON]:
        return extend_identity(super().identity(), self._changes)

    def describe(self) -> str:
        quantisation, method = self._changes.get("quantisation"), self._changes.get("method")
        if isinstance(quantisation, dict):
            return f"{super().describe()}, {quantisation.get('kind') or 'int8'}"
        return (
            f"{super().describe()}, trained: {next(iter(method))}" if isinstance(method, dict) else super().describe()
        )

    def loading(self) -> dict[str, Any]:
        return dict(self._options)

    def load(self, dtype: str | None = None, **options: Any) -> Any:
        return self._finish(super().load(dtype, **{**self.loading(), **options}))


class AdaptedBase(HuggingFace):
    """A base with an adapter attached. The base's weights are loaded once for all adapters attached to it in turn."""

    _carrier: HuggingFace = PrivateAttr()
    _changes: Mapping[str, JSON] = PrivateAttr()
    _name: str = PrivateAttr()
    _attach: AttachAdapter = PrivateAttr()
    _folder: Path | None = PrivateAttr()  # of the adapter, for an engine that attaches it by itself

    @property
    def tokenizer(self) -> Any:
        return self._carrier.tokenizer

    @property
    def chat_turns(self) -> ChatTurns:
        return self._carrier.chat_turns

    def identity(self) -> dict[str, JSON]:
        return extend_identity(self._carrier.identity(), self._changes)

    def carrier(self) -> Model:
        return self._carrier

    def memory(self, tokens: int) -> tuple[int, int] | None:
        return self._carrier.memory(tokens)

    def weights_bytes(self) -> int | None:
        return self._carrier.weights_bytes()

    def _model(self) -> Any:
        return self._carrier.with_adapter(self._name, self._attach)

    @property
    def _shared_prefixes(self) -> SharedPrefixes:
        return self._carrier._shared_prefixes

    def write(self, encoded: Sequence[list[int]], generation: Generation, seeds: Sequence[str]) -> list[Completion]:
        return self._write(self._carrier.engine_in_place(), self._folder, encoded, generation, seeds)

    def close(self) -> None:
        self._carrier.close()


def modify_base(
    base: HuggingFace,
    changes: Mapping[str, JSON],
    options: Mapping[str, Any],
    finish: Callable[[Any], Any],
    merged: Callable[[], Path] | None = None,
) -> ModifiedBase:
    """The base loaded with transformers' `options` and `finish`; `changes` tell in its identity what differs.

    `merged` makes the folder of the changed weights, where an engine other than transformers is to load them.
    """
    engine = copy_settings(base, ModifiedBase)
    engine._changes, engine._options, engine._finish, engine._merged = changes, options, finish, merged
    return engine


def adapt_base(
    carrier: HuggingFace, changes: Mapping[str, JSON], name: str, attach: AttachAdapter, folder: Path
) -> AdaptedBase:
    """The base with the adapter in `folder` attached; `name` distinguishes the adapters of one base."""
    engine = copy_settings(carrier, AdaptedBase)
    engine._carrier, engine._changes, engine._name, engine._attach = carrier, changes, name, attach
    engine._folder = folder
    return engine


def copy_settings(base: HuggingFace, kind: type[E], **changes: Any) -> E:
    """An engine of another class with the base's settings."""
    settings = {name: getattr(base, name) for name in HuggingFace.model_fields}
    return cast(E, kind.model_construct(**{**settings, **changes}))


def extend_identity(identity: dict[str, JSON], changes: Mapping[str, JSON]) -> dict[str, JSON]:
    """An identity with what was changed in the model, and the versions of the packages that do it."""
    packages = {**identity["packages"], **{name: version(name) for name in changes.get("packages", ())}}
    return {**identity, **changes, "packages": packages}


def plain_weights(model: Model) -> HuggingFace:
    """A model as weights in this process. Raises ModelError where it has none."""
    weights = model.as_base()
    if not isinstance(weights, HuggingFace):
        raise ModelError(f"base: {type(weights).__name__} has no weights here; name a huggingface model")
    return weights
