"""A model that was trained elsewhere, e.g. by LLaMA-Factory or ms-swift: an adapter on a base, or a full checkpoint."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import PrivateAttr

from adapters.external.adapter_folder import (
    MODEL_CONFIG,
    TOKENIZER,
    adapter_digest,
    adapter_weights,
    folder_kind,
    read_configuration,
)
from adapters.external.compatibility import attach_adapter, check_base_name, check_tensors
from adapters.methods.base.peft import BRIDGE
from adapters.methods.ia3 import Ia3
from adapters.methods.lora import Lora
from adapters.methods.prefix import Prefix
from adapters.methods.prompt import Prompt
from adapters.models.base.engines import adapt_base, copy_settings, extend_identity
from adapters.models.base.offline_engine import expect_adapter
from adapters.models.quantised import Quantised
from harness.components.display import Display
from harness.components.fields import LocalPath, Reference
from harness.components.method import Method
from harness.components.trained_model import DerivedModel
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.model_folder import check_model_folder, tensor_shapes, weight_files
from harness.models.local.weights import Weights
from harness.records.inputs import JSON
from harness.runtime.digests import file_digest
from harness.text.canonical import digest

GENERATION = ("generation_config.json", "chat_template.jinja", "tokenizer_config.json", "special_tokens_map.json")
METHODS: dict[str, type[Method]] = {
    "LORA": Lora, "IA3": Ia3, "PREFIX_TUNING": Prefix, "PROMPT_TUNING": Prompt, "P_TUNING": Prompt,
}  # by PEFT's name  # fmt: skip
SIZES = {"architecture": "model_type", "hidden size": "hidden_size", "layers": "num_hidden_layers",
         "vocabulary": "vocab_size"}  # fmt: skip


class Adapter(DerivedModel):
    """An adapter folder of PEFT, or a full checkpoint, made elsewhere, e.g. by LLaMA-Factory or ms-swift.

    An adapter is asked with its base's tokenizer and chat template, as all models made of the base are. It has no
    weights of its own that others could be trained on: merge it where it was trained, and name the merged folder as a
    huggingface model.
    """

    trainable: ClassVar[bool] = False
    is_tuned: ClassVar[bool] = True

    base: Annotated[str, Reference("models")]
    """The model in `models` that the adapter belongs to: a huggingface model, or for a PEFT adapter a quantised one."""
    path: Annotated[str, LocalPath()]
    """The folder of the PEFT adapter or of the full checkpoint."""
    other_name: bool = False
    """Set to true where the adapter names its base by another name, though it is the same model."""

    _checked: bool = PrivateAttr(False)

    @cached_property
    def kind(self) -> Literal["peft", "checkpoint"]:
        """What the folder holds. Raises ModelError."""
        return folder_kind(self.folder)

    @property
    def folder(self) -> Path:
        """The folder at `path`."""
        return Path(self.path)

    def describe(self) -> str:
        kind = "adapter" if self.kind == "peft" else "checkpoint"
        return f"{self.origin().describe()}, {kind} {self.folder.name}"

    # -- answers ------------------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> HuggingFace:
        if self.kind == "checkpoint":
            return checkpoint_engine(self._plain_base(), self.folder)
        configuration, folder = read_configuration(self.folder), self.folder
        trained, method = adapter_digest(folder), str(configuration.peft_type.value)
        identity = {"component": "adapter", "method": method, "trained": trained, "packages": ["peft"],
                    **({"prefix": BRIDGE} if configuration.is_prompt_learning else {})}  # fmt: skip
        origin = self.origin()
        carrier = origin.engine if isinstance(origin, Quantised) else self._plain_base()
        return adapt_base(
            carrier, identity, f"adapter {trained}",
            lambda network: attach_adapter(network, folder, configuration), folder,
        )  # fmt: skip

    def altered_weights(self) -> tuple[str, ...] | None:
        return () if self.kind == "peft" else None

    def _plain_base(self) -> HuggingFace:
        root = self.root()
        assert isinstance(root, HuggingFace)  # check() has run
        return root

    def rests_on(self) -> tuple[str, ...]:
        """An adapter of PEFT answers by the code of the method that trains such adapters here, if there is one."""
        if self.kind == "checkpoint":
            return super().rests_on()
        method = METHODS.get(str(read_configuration(self.folder).peft_type.value))
        return (*super().rests_on(), *(map(method.subject, method.variations) if method else ()))

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
            configuration = read_configuration(self.folder)
            if not tensor_shapes(adapter_weights(self.folder)):
                raise ModelError(f"{adapter_weights(self.folder)} holds no tensor; copy it again")
            expect_adapter(self._plain_base(), configuration)
            if not self.other_name:
                check_base_name(self.folder, configuration, self._plain_base())
        if self.is_here():
            self._check_tensors()

    def make(self, name: str, display: Display) -> None:
        """Check the adapter against a base that was downloaded after the suite was checked; nothing is trained."""
        try:
            self._check_tensors()
        except ModelError as error:
            raise ModelError(f"models.{name}: {error}") from error

    def _check_tensors(self) -> None:
        if self._checked:
            return
        if self.kind == "checkpoint":
            check_architecture(self.engine, self._plain_base(), self.base)
        else:
            check_tensors(self.folder, read_configuration(self.folder), self._plain_base())
        self._checked = True

    def _check_checkpoint(self, quantised: bool) -> None:
        if quantised:
            raise ModelError(
                f"base: {self.base} is quantised, but {self.path} is a full checkpoint with weights of its own; "
                "name that folder as a huggingface model and quantise it"
            )
        check_model_folder(self.folder)


class Checkpoint(HuggingFace):
    """A full checkpoint with its base's settings, and its base's tokenizer where it has none."""

    _base: HuggingFace = PrivateAttr()

    @property
    def tokenizer(self) -> Any:
        return self._own_tokenizer if self._has_tokenizer else self._base.tokenizer

    @cached_property
    def _own_tokenizer(self) -> Any:
        return copy_settings(self, HuggingFace).tokenizer

    @property
    def _has_tokenizer(self) -> bool:
        return any((Path(self.path) / name).is_file() for name in TOKENIZER)

    @cached_property
    def _weights(self) -> Weights:
        return CheckpointFiles(self.path)

    @property
    def tokenizer_folder(self) -> Path:
        return super().tokenizer_folder if self._has_tokenizer else self._base.tokenizer_folder

    def identity(self) -> dict[str, JSON]:
        tokenizer = {} if self._has_tokenizer else {"tokenizer": self._base._weights.digest()}
        return extend_identity(super().identity(), {"component": "adapter", **tokenizer})


class CheckpointFiles(Weights):
    """Weights identified by the files that are loaded: trainers leave logs and the optimiser's state beside them."""

    def digest(self) -> str:
        """sha256 over names and digests of the files."""
        folder = Path(self.path)
        names = [name for name in (MODEL_CONFIG, *GENERATION, *TOKENIZER) if (folder / name).is_file()]
        files = [*weight_files(folder), *(folder / name for name in names)]
        return f"folder:{digest({file.name: file_digest(file) for file in files})}"


def checkpoint_engine(base: HuggingFace, folder: Path) -> Checkpoint:
    """A full checkpoint that is asked as its base is."""
    engine = copy_settings(base, Checkpoint, path=str(folder), revision=None)
    engine._base = base
    return engine


def check_architecture(model: HuggingFace, base: HuggingFace, name: str) -> None:
    """Raise ModelError unless a checkpoint has the architecture and the sizes of its base."""
    for label, field in SIZES.items():
        size, base_size = (getattr(engine.config.get_text_config(), field, None) for engine in (model, base))
        if size != base_size:
            raise ModelError(
                f"checkpoint {model.path} is another model than {name}: {label} {size}, not {base_size}; "
                "name it as a huggingface model"
            )
