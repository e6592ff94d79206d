"""Whether the files of a model are whole, told before anything is computed: cut, empty or foreign files are refused."""

import json
import pickle
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path

from harness.errors import ModelError
from harness.records.inputs import JSON

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
         "intermediate_size", "head_dim", "max_position_embeddings")  # fmt: skip
MOST_LAYERS = 10_000
LARGEST = 1 << 40
TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")
LFS_POINTER = b"version https://git-lfs"
GGUF_HEADER = 24  # bytes: magic, version, number of tensors, number of fields


def check_model_folder(folder: Path) -> None:
    """Raise ModelError unless a folder has a sound configuration and whole weights. Reads no values of tensors."""
    refuse_pipes(folder)
    config = read_object(folder / "config.json")
    text_config = config.get("text_config")
    for settings in (config, text_config if isinstance(text_config, Mapping) else {}):
        _check_sizes(folder / "config.json", settings)
    for name in ("tokenizer_config.json", "generation_config.json", "special_tokens_map.json"):
        if (folder / name).is_file():
            settings = read_object(folder / name)
            if name == "generation_config.json":
                _check_tokens(folder / name, settings)
    check_weights(folder)


def refuse_pipes(folder: Path) -> None:
    """Raise ModelError if a pipe, a device or a socket stands in a folder: reading it may never end."""
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise ModelError(f"{file} is a pipe, a device or a socket; get the whole model")


def check_weights(folder: Path) -> None:
    """Raise ModelError unless a folder has weights and all of their files are whole."""
    for file in weight_files(folder):
        if not tensor_shapes(file):
            raise ModelError(f"{file} holds no tensor; get the whole model")


def has_weight_file(folder: Path) -> bool:
    """Whether any file of weights, or an index of them, stands in a folder."""
    return any((folder / name).is_file() for name in (*INDEXES, *WEIGHTS))


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a model's tensors. Raises ModelError if one is missing."""
    for name in INDEXES:
        if (folder / name).is_file():
            return sharded_files(folder, name)
    for name in WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
    raise ModelError(f"model folder {folder} has no weights: {' or '.join(WEIGHTS)} must stand beside config.json")


def sharded_files(folder: Path, index: str) -> list[Path]:
    """The files that an index of several names. Raises ModelError."""
    names = read_object(folder / index).get("weight_map")
    if not isinstance(names, Mapping) or not names or not all(isinstance(name, str) for name in names.values()):
        raise ModelError(f"{folder / index} has no weight_map from tensors to files; get the whole model")
    shards = sorted(set(names.values()))
    missing = [shard for shard in shards if not (folder / shard).is_file()]
    if missing:
        raise ModelError(f"model folder {folder} lacks {', '.join(missing)} that {index} names; get the whole model")
    return [folder / shard for shard in shards]


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a file; reads no values and runs no code. Raises ModelError."""
    import torch
    from safetensors import safe_open

    with file.open("rb") as opened:
        if opened.read(len(LFS_POINTER)) == LFS_POINTER:
            raise ModelError(f"{file} is a pointer of Git LFS, not the weights: run git lfs pull where it came from")
    try:
        if file.suffix == ".safetensors":
            with safe_open(file, framework="np") as tensors:  # maps the file read-only: torch would reserve its size
                return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of pickles that torch did not write: they are read or refused all the same
            loaded = torch.load(file, map_location="meta", weights_only=True)
        return {name: tuple(tensor.shape) for name, tensor in loaded.items()}
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{file} is damaged, or holds Python objects beside tensors, which are not loaded; get the weights as "
            "safetensors"
        ) from error
    except Exception as error:  # of many kinds; in all of them the file is not what it should be
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ModelError(
            f"{file} is damaged or cut short ({reason}); copy it again from where it was trained"
        ) from error


def missing_weights(model: str, names: Collection[str]) -> str:
    """Why a network is refused whose files lack weights: transformers would fill in random numbers."""
    return (
        f"model {model}: its files lack weights ({len(names)}), e.g. {min(names)}, which would be random; "
        "get the whole model"
    )


def read_object(file: Path) -> dict[str, JSON]:
    """The JSON object in a file. Raises ModelError."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read: {error}; copy it again from where it was trained") from error
    if not isinstance(value, dict):
        raise ModelError(f"{file} holds no JSON object; copy it again from where it was trained")
    return value


def check_gguf(file: Path) -> None:
    """Raise ModelError unless a file begins as a GGUF with tensors does."""
    try:
        with file.open("rb") as opened:
            header = opened.read(GGUF_HEADER)
    except OSError as error:
        raise ModelError(f"model {file} cannot be read: {error.strerror}") from error
    if not header.startswith(b"GGUF"):
        raise ModelError(
            f"model {file}: transformers cannot read this GGUF: it does not begin as one; name a folder with "
            "config.json and weights, or a whole .gguf file"
        )
    if len(header) < GGUF_HEADER or not int.from_bytes(header[8:16], "little"):
        raise ModelError(f"model {file}: transformers cannot read this GGUF: it holds no tensor; get the whole file")


def _check_sizes(file: Path, settings: Mapping[str, JSON]) -> None:
    for name in SIZES:
        value = settings.get(name)
        if value is None or isinstance(value, list):  # a list gives each layer its own
            continue
        most = MOST_LAYERS if name == "num_hidden_layers" else LARGEST
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
            raise ModelError(f"{file}: {name} is {value!r}, not a number from 1 to {most:,}; get the model's own file")


def _check_tokens(file: Path, settings: Mapping[str, JSON]) -> None:
    for name in TOKENS:
        value = settings.get(name)
        ids = value if isinstance(value, list) else [] if value is None else [value]
        if any(isinstance(token, bool) or not isinstance(token, int) or token < 0 for token in ids):
            raise ModelError(f"{file}: {name} is {value!r}, not the number of a token; get the model's own file")
