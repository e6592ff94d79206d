"""The folder of an adapter or a checkpoint trained elsewhere, read and checked before any weights are loaded."""

import json
import logging
import pickle
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from harness.errors import ModelError
from harness.records.inputs import JSON
from harness.runtime.digests import file_digest
from harness.text.canonical import digest

log = logging.getLogger("harness")
CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
MODEL_CONFIG = "config.json"
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
MODEL_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
TOKENIZER = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
# Fields of a configuration that describe the training and its surroundings: the answers do not depend on them.
TRAINING_FIELDS = {
    "base_model_name_or_path", "revision", "inference_mode", "auto_mapping", "peft_version", "runtime_config",
    "parent_library", "lora_dropout",
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


def read_object(file: Path) -> dict[str, JSON]:
    """The JSON object in a file. Raises ModelError."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read: {error}; copy it again from where it was trained") from error
    if not isinstance(value, dict):
        raise ModelError(f"{file} holds no JSON object; copy it again from where it was trained")
    return value


def adapter_weights(folder: Path) -> Path:
    """The file that holds an adapter's tensors; PEFT takes safetensors where both are. Raises ModelError."""
    for name in WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"adapter {folder} has no weights: {' or '.join(WEIGHTS)} must stand beside {CONFIG}")


def checkpoint_weights(folder: Path) -> list[Path]:
    """The files that hold a full checkpoint's tensors. Raises ModelError if one is missing."""
    for name in INDEXES:
        if (folder / name).is_file():
            shards = sorted(set(read_object(folder / name).get("weight_map", {}).values()))
            missing = [shard for shard in shards if not (folder / shard).is_file()]
            if missing or not shards:
                raise ModelError(f"checkpoint {folder} lacks {', '.join(missing) or 'all files'} that {name} names")
            return [folder / shard for shard in shards]
    for name in MODEL_WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
    raise ModelError(f"checkpoint {folder} has no weights: {' or '.join(MODEL_WEIGHTS)} must stand beside config.json")


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a file; reads no values. Raises ModelError for a damaged file."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="pt") as tensors:
                return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
        loaded = torch.load(file, map_location="meta", weights_only=True)
        return {name: tuple(tensor.shape) for name, tensor in loaded.items()}
    except (SafetensorError, pickle.UnpicklingError, OSError, EOFError, RuntimeError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"{file} is damaged or cut short ({reason}); copy it again from where it was trained"
        ) from error


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
    except (TypeError, ValueError) as error:
        raise ModelError(f"{file}: peft {version('peft')} refuses it: {' '.join(str(error).split())}") from error


def _refuse_unusable(file: Path, settings: Mapping[str, JSON]) -> None:
    """Raise ModelError for an adapter that cannot answer, or cannot share its base with others."""
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
