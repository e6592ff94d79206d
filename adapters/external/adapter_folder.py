"""The folder of an adapter or a checkpoint trained elsewhere, read and checked before any weights are loaded."""

import logging
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from harness.errors import ModelError
from harness.models.local.model_folder import read_object
from harness.records.inputs import JSON
from harness.runtime.digests import file_digest
from harness.text.canonical import digest

log = logging.getLogger("harness")
CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
MODEL_CONFIG = "config.json"
TOKENIZER = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
# Fields of a configuration that describe the training and its surroundings: the answers do not depend on them.
TRAINING_FIELDS = {
    "base_model_name_or_path", "revision", "inference_mode", "auto_mapping", "peft_version", "runtime_config",
    "parent_library", "lora_dropout",
}  # fmt: skip
NAMES: dict[str, tuple[type, ...]] = {
    "base_model_name_or_path": (str, type(None)), "target_modules": (str, list, type(None)),
    "modules_to_save": (list, type(None)),
}  # fmt: skip
BASE_CHANGING_STARTS = ("pissa", "olora", "corda", "loftq", "lora_ga")  # LoRA's initialisations that do
STEP = re.compile(r"(?:v(\d+)-.*/)?checkpoint-(\d+)")


def folder_kind(folder: Path) -> Literal["peft", "checkpoint"]:
    """Whether a folder holds an adapter or a model. Raises ModelError where it holds neither, or only checkpoints."""
    if not folder.is_dir():
        problem = "is a file; name the folder that holds it" if folder.exists() else "does not exist"
        raise ModelError(f"adapter {folder} {problem}")
    if (folder / CONFIG).is_file():
        return "peft"
    if (folder / MODEL_CONFIG).is_file():
        return "checkpoint"
    newest = _newest_checkpoint(folder)
    if newest is not None:
        raise ModelError(
            f"adapter {folder} holds checkpoints and nothing else to load; write the newest: path: {newest}"
        )
    files = ", ".join(sorted(file.name for file in folder.iterdir())[:5]) or "no file"
    raise ModelError(f"adapter {folder} has neither {CONFIG} nor {MODEL_CONFIG}; it holds {files}")


def _newest_checkpoint(folder: Path) -> Path | None:
    """checkpoint-N as LLaMA-Factory writes them, vN-TIME/checkpoint-M as ms-swift does; the highest numbers win."""
    checkpoints = {}
    for inner in (*folder.glob("checkpoint-*"), *folder.glob("v*-*/checkpoint-*")):
        match = STEP.fullmatch(inner.relative_to(folder).as_posix())
        if match and any((inner / name).is_file() for name in (CONFIG, MODEL_CONFIG)):
            checkpoints[int(match[1] or -1), int(match[2])] = inner
    return checkpoints[max(checkpoints)] if checkpoints else None


def adapter_weights(folder: Path) -> Path:
    """The file that holds an adapter's tensors; PEFT takes safetensors where both are. Raises ModelError."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"adapter {folder} has no weights: {' or '.join(WEIGHTS)} must stand beside {CONFIG}")


def read_configuration(folder: Path) -> Any:
    """PEFT's configuration of an adapter, to answer with. Raises ModelError if it cannot be used here."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as KINDS

    file = folder / CONFIG
    settings = read_object(file)
    kind = settings.get("peft_type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ModelError(f"{file}: peft {version('peft')} has no peft_type {kind!r}; pip install -U peft if it is new")
    _refuse_unusable(file, settings)
    unknown = {name: value for name, value in settings.items() if name not in KINDS[kind].__dataclass_fields__}
    enabled = sorted(name for name, value in unknown.items() if value)
    if enabled:
        raise ModelError(
            f"{file}: peft {version('peft')} does not know {', '.join(enabled)}, so it would answer differently "
            "from how it was trained; pip install -U peft"
        )
    if unknown:
        log.info(
            "%s: peft %s does not know these fields, which are off and left out: %s",
            file,
            version("peft"),
            ", ".join(unknown),
        )
    supported = {name: value for name, value in settings.items() if name not in {*unknown, "runtime_config"}}
    try:
        return KINDS[kind](**{**supported, "inference_mode": True})
    except Exception as error:  # PEFT checks its fields in many ways
        raise ModelError(f"{file}: peft {version('peft')} refuses it: {' '.join(str(error).split())}") from error


def _refuse_unusable(file: Path, settings: Mapping[str, JSON]) -> None:
    """Raise ModelError for an adapter that cannot answer, or cannot share its base with others."""
    for name, kinds in NAMES.items():
        value = settings.get(name)
        parts = value if isinstance(value, list) and list in kinds else []
        if not isinstance(value, kinds) or not all(isinstance(part, str) for part in parts):
            raise ModelError(f"{file}: {name} is {str(value)[:80]}, no name; copy it again from where it was trained")
    task = settings.get("task_type")
    if task not in (None, "CAUSAL_LM"):
        raise ModelError(f"{file}: it was trained for {task}, which generates no text; only CAUSAL_LM can answer")
    start = settings.get("init_lora_weights")
    if isinstance(start, str) and start.startswith(BASE_CHANGING_STARTS):
        raise ModelError(
            f"{file}: init_lora_weights {start} changes the base's own weights; convert it to a plain LoRA where it "
            "was trained (LLaMA-Factory: pissa_convert: true), or merge it and name the merged folder"
        )
    for name in ("layer_replication", "alora_invocation_tokens"):
        if settings.get(name):
            raise ModelError(
                f"{file}: {name} is not supported; merge it where it was trained and name the merged folder"
            )


def adapter_digest(folder: Path) -> str:
    """Digest of what the answers of an adapter depend on: its tensors and the fields of its configuration."""
    fields = {
        name: sorted(value, key=str) if isinstance(value, list) else value
        for name, value in read_object(folder / CONFIG).items()
        if name not in TRAINING_FIELDS and value is not None
    }
    return digest([file_digest(adapter_weights(folder)), fields])


def model_name(path: str) -> str:
    """The name of a model in a path or an id: of Qwen/Qwen3-0.6B, and of a hub's cache of it, Qwen3-0.6B."""
    parts = [part for part in path.partition("#")[0].replace("\\", "/").split("/") if part]
    cached = [part for part in parts if part.startswith("models--")]
    name = cached[-1].rpartition("--")[2] if cached else parts[-1] if parts else ""
    return name.replace("___", ".").removesuffix(".gguf")  # ModelScope's cache writes ___ for a dot


def format_shape(shape: Sequence[int]) -> str:
    """A shape for people, e.g. 8×64."""
    return "×".join(map(str, shape))
