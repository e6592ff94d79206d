"""An encoder up to one layer, for the vectors of a text's tokens: what BERTScore compares two texts by."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from harness.errors import ModelError
from harness.models.local.encoders import Encoder, package_folder
from harness.models.local.weights import HUB_FILES
from harness.records.inputs import JSON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The encoder's layers, under the names by which architectures call them; an encoder-decoder's own name comes first.
_LAYERS = ("encoder_layers", "num_encoder_layers", "num_layers", "num_hidden_layers", "n_layers", "n_layer")
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.tiktoken", "bpe.codes")
_WEIGHTS = ("*.safetensors", "*.bin")


class TokenEncoder(Encoder):
    """An encoder from a folder, a hub id or package:NAME/FOLDER, read up to `layer`, always in float32."""

    layer: int = Field(ge=0)  # 0: the embeddings before the first

    def identity(self) -> dict[str, JSON]:
        return {"component": "token_encoder", **super().identity(), "layer": self.layer}

    def check(self) -> None:
        """Raise ModelError for a missing model, file or layer; asks a hub for one small file at most."""
        layers = layer_count(self.path)
        if layers is not None and self.layer > layers:
            raise ModelError(f"model {self.path} has {layers} layers: set `layer` from 0 to {layers}, not {self.layer}")
        folder = _local_folder(self.path)
        if folder is not None:
            self.check_folder(folder)

    def check_folder(self, folder: Path) -> None:
        """Raise ModelError if a folder has no weights or no tokenizer: transformers would make up the latter."""
        for part, patterns in (("weights", _WEIGHTS), ("tokenizer", _VOCABULARIES)):
            if not any(any(folder.glob(pattern)) for pattern in patterns):
                raise ModelError(
                    f"model {self.path}: {folder} has no {part}; it should hold one of {', '.join(patterns)}"
                )

    def folder(self) -> Path:
        return (_local_folder(self.path) or _from_hub(self.path)).resolve()

    def describe(self) -> str:
        return f"{self.path}, layer {self.layer}, {super().describe()}"

    def token_matches(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        from harness.models.local.token_matching import match_pairs

        reader = self.network()
        with self._translated("cannot read the texts"):
            return match_pairs(pairs, reader)

    def load(self, folder: str, dtype: Any) -> Any:
        from harness.models.local.token_reader import TokenReader

        return TokenReader(folder, self.layer, self._device, self.batch_size)


def layer_count(path: str) -> int | None:
    """How many layers the encoder has; None where config.json does not say it. Of a hub id this file is downloaded."""
    folder = _local_folder(path)
    file = folder / "config.json" if folder else _from_hub(path, "config.json")
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
        return next((settings[name] for name in _LAYERS if isinstance(settings.get(name), int)), None)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"model {path}: {file} cannot be read: {' '.join(str(error).split())}") from error


def _local_folder(path: str) -> Path | None:
    """The folder that a name means, None if it is a hub id. Raises ModelError for a path that does not exist."""
    if path.startswith("package:"):
        return package_folder(path)
    folder = Path(path)
    if folder.is_dir():
        return folder
    if folder.is_absolute() or folder.exists() or path.startswith(".") or path.count("/") > 1:
        raise ModelError(f"model folder {path} does not exist; give a folder or a hub id, e.g. bert-base-chinese")
    return None


def _from_hub(path: str, file: str | None = None) -> Path:
    """The model's folder in the local hub cache, or one of its files. Without a network the cached version is taken."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(path, file) if file else snapshot_download(path, allow_patterns=HUB_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"model {path} is not in the local hub cache and cannot be downloaded: {' '.join(str(error).split())} "
            f"Fetch it where there is a network (hf download {path}), or set `model` to a folder"
        ) from error
