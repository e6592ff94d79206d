"""A model that was trained elsewhere, e.g. by LLaMA-Factory or ms-swift: an adapter on a base, or a full checkpoint."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import PrivateAttr

from adapters.external.adapter_folder import (
    MODEL_CONFIG,
    TOKENIZER,
    adapter_weights,
    checkpoint_weights,
    configuration,
    contents,
    kind_of,
    read_object,
    tensor_shapes,
)
from adapters.external.compatibility import check_fit, check_name, put_on
from adapters.methods.base.peft import BRIDGE
from adapters.models.base.derived import Derived
from adapters.models.base.engines import extended, like, wearing
from adapters.models.quantised import Quantised
from harness.components.display import Display
from harness.components.fields import LocalPath, Reference
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.weights import Weights, file_digest
from harness.records.inputs import JSON
from harness.text.canonical import digest

GENERATION = ("generation_config.json", "chat_template.jinja", "tokenizer_config.json", "special_tokens_map.json")


class Adapter(Derived):
    """An adapter folder of PEFT, or a full checkpoint, made elsewhere, e.g. by LLaMA-Factory or ms-swift.

    An adapter is asked with its base's tokenizer and chat template, as all models made of the base are. It has no
    weights of its own that others could be trained on: merge it where it was trained, and name the merged folder as a
    huggingface model.
    """

    trainable: ClassVar[bool] = False

    base: Annotated[str, Reference("models")]  # a huggingface model, or for an adapter a quantised one
    path: Annotated[str, LocalPath()]
    other_name: bool = False  # the adapter names its base otherwise, but it is the same model

    _fits: bool = PrivateAttr(False)

    @cached_property
    def kind(self) -> Literal["peft", "checkpoint"]:
        """What the folder holds. Raises ModelError."""
        return kind_of(self.folder)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return Path(self.path)

    def describe(self) -> str:
        what = "adapter" if self.kind == "peft" else "checkpoint"
        return f"{self.origin().describe()}, {what} {self.folder.name}"

    # -- answering ----------------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> HuggingFace:
        if self.kind == "checkpoint":
            return checkpoint(self._plain_base(), self.folder)
        made, folder = configuration(self.folder), self.folder
        trained = contents(folder)
        identity = {"component": "adapter", "method": str(made.peft_type.value), "trained": trained,
                    "packages": ["peft"], **({"prefix": BRIDGE} if made.is_prompt_learning else {})}  # fmt: skip
        origin = self.origin()
        carrier = origin.engine if isinstance(origin, Quantised) else self._plain_base()
        return wearing(carrier, identity, f"adapter {trained}", lambda network: put_on(network, folder, made))

    def _plain_base(self) -> HuggingFace:
        root = self.root()
        assert isinstance(root, HuggingFace)  # check() has run
        return root

    # -- checks -------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise ModelError unless the folder is whole and belongs to the base. Loads no weights."""
        origin = self.origin()
        if not isinstance(origin, HuggingFace | Quantised) or not isinstance(self.root(), HuggingFace):
            raise ModelError(
                f"base: {self.base} is {type(origin).__name__}; an adapter goes on a huggingface or a quantised model. "
                "For a tuned one: harness export merged, and name the merged folder as a huggingface model"
            )
        origin.check()
        if self.kind == "checkpoint":
            self._check_checkpoint(isinstance(origin, Quantised))
        else:
            made = configuration(self.folder)
            tensor_shapes(adapter_weights(self.folder))
            if not self.other_name:
                check_name(self.folder, made, self._plain_base())
        if self._plain_base().is_here():
            self._check_fit()

    def make(self, name: str, display: Display) -> None:
        """Nothing is made; but a base that was not here when the suite was checked is looked at now."""
        try:
            self._check_fit()
        except ModelError as error:
            raise ModelError(f"models.{name}: {error}") from error

    def _check_fit(self) -> None:
        if self._fits:
            return
        if self.kind == "checkpoint":
            check_same(self.engine, self._plain_base(), self.base)
        else:
            check_fit(self.folder, configuration(self.folder), self._plain_base())
        self._fits = True

    def _check_checkpoint(self, quantised: bool) -> None:
        if quantised:
            raise ModelError(
                f"base: {self.base} is quantised, but {self.path} is a full checkpoint with weights of its own; "
                "name that folder as a huggingface model and quantise it"
            )
        read_object(self.folder / MODEL_CONFIG)
        for file in checkpoint_weights(self.folder):
            tensor_shapes(file)


class Checkpoint(HuggingFace):
    """A full checkpoint with its base's settings, and its base's tokenizer where it has none."""

    _base: HuggingFace = PrivateAttr()

    @property
    def tokenizer(self) -> Any:
        return self._own_tokenizer if self._has_tokenizer else self._base.tokenizer

    @cached_property
    def _own_tokenizer(self) -> Any:
        return like(self, HuggingFace).tokenizer

    @property
    def _has_tokenizer(self) -> bool:
        return any((Path(self.path) / name).is_file() for name in TOKENIZER)

    @cached_property
    def _weights(self) -> Weights:
        return Loaded(self.path)

    def identity(self) -> dict[str, JSON]:
        lent = {} if self._has_tokenizer else {"tokenizer": self._base._weights.digest()}
        return extended(super().identity(), {"component": "adapter", **lent})


class Loaded(Weights):
    """Weights known by the files that are loaded: trainers leave logs and the optimiser's state beside them."""

    def digest(self) -> str:
        """sha256 over names and digests of the files."""
        folder = Path(self.path)
        names = [name for name in (MODEL_CONFIG, *GENERATION, *TOKENIZER) if (folder / name).is_file()]
        files = [*checkpoint_weights(folder), *(folder / name for name in names)]
        return f"folder:{digest({file.name: file_digest(file) for file in files})}"


def checkpoint(base: HuggingFace, folder: Path) -> Checkpoint:
    """A full checkpoint that is asked as its base is."""
    made = like(base, Checkpoint, path=str(folder), revision=None)
    made._base = base
    return made


def check_same(model: HuggingFace, base: HuggingFace, name: str) -> None:
    """Raise ModelError unless a checkpoint has the architecture and the sizes of its base."""
    own, other = model.config.get_text_config(), base.config.get_text_config()
    sizes = {"architecture": "model_type", "hidden size": "hidden_size", "layers": "num_hidden_layers",
             "vocabulary": "vocab_size"}  # fmt: skip
    for what, field in sizes.items():
        mine, theirs = getattr(own, field, None), getattr(other, field, None)
        if mine != theirs:
            raise ModelError(
                f"checkpoint {model.path} is another model than {name}: {what} {mine}, not {theirs}; "
                "name it as a huggingface model"
            )
