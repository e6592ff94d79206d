"""What bert-score and a model's files say about their settings, read without importing the one or loading the other.

Importing bert_score takes seconds and brings matplotlib: its tables are read from its files.
"""

import ast
import csv
import importlib.metadata
import importlib.util
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, ModelError
from harness.models.local.encoders import package_folder
from harness.models.local.weights import HUB_FILES
from harness.records.inputs import JSON

# The encoder's layers, under the names by which architectures call them; an encoder-decoder's own name comes first.
_LAYERS = ("encoder_layers", "num_encoder_layers", "num_layers", "num_hidden_layers", "n_layers", "n_layer")
_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.tiktoken", "bpe.codes")
_WEIGHTS = ("*.safetensors", "*.bin")


def library() -> Path:
    """The folder of the bert-score package. Raises HarnessError if it is not installed."""
    spec = importlib.util.find_spec("bert_score")
    if spec is None or spec.origin is None:
        raise HarnessError("metric bertscore needs the package bert-score: pip install 'domain-harness[bertscore]'")
    return Path(spec.origin).parent


def config_hash(model: str, layer: int | None, rescaled: bool, own_baseline: bool) -> str | None:
    """As `bert_score.utils.get_hash` writes it; None where bert-score or transformers is not installed."""
    try:
        version = _assigned(library() / "__init__.py", "__version__")
        transformers = importlib.metadata.version("transformers")
    except (HarnessError, importlib.metadata.PackageNotFoundError):
        return None
    rescaling = ("-custom-rescaled" if own_baseline else "-rescaled") if rescaled else ""
    return f"{model}_L{layer}_no-idf_version={version}(hug_trans={transformers}){rescaling}"


def layer_of(model: str) -> int | None:
    """The layer that the library's authors chose for a model of this name; None for others and without bert-score."""
    try:
        layers: dict[str, int] = _assigned(library() / "utils.py", "model2layers")
    except HarnessError:
        return None
    return layers.get(model)


@cache
def _assigned(file: Path, name: str) -> Any:
    """The literal that a module of the library gives a name."""
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and any(getattr(one, "id", None) == name for one in statement.targets):
            return ast.literal_eval(statement.value)
    raise HarnessError(f"metric bertscore: {file} defines no {name}: pip install 'bert-score>=0.3.13,<0.4'")


# -- the model's files ------------------------------------------------------------------------------------------------


def config(model: str) -> dict[str, JSON]:
    """The model's config.json; of a hub id that is not in the local cache this one file is downloaded."""
    place = _local(model)
    file = place / "config.json" if place else _from_hub(model, "config.json")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"metric bertscore: model {model}: {file} cannot be read: {_line(error)}") from error
    if not isinstance(found, dict):
        raise ModelError(f"metric bertscore: model {model}: {file} holds no settings")
    return found


def layers_of(model: str, settings: dict[str, JSON]) -> int | None:
    """How many layers its encoder has; None where config.json does not tell."""
    return next((settings[name] for name in _LAYERS if isinstance(settings.get(name), int)), None)


def check_files(model: str) -> None:
    """Raise ModelError if a local folder has no weights or no tokenizer: transformers would make up the latter."""
    place = _local(model)
    if place is None:
        return
    for what, patterns in (("weights", _WEIGHTS), ("tokenizer", _VOCABULARIES)):
        if not any(any(place.glob(pattern)) for pattern in patterns):
            raise ModelError(
                f"metric bertscore: model {model}: {place} has no {what}; it should hold one of {', '.join(patterns)}"
            )


def folder(model: str) -> Path:
    """The local folder with the model; a hub id is downloaded."""
    return (_local(model) or _from_hub(model)).resolve()


def _local(model: str) -> Path | None:
    """The folder that a name means, None if it is a hub id. Raises ModelError for a path that is not there."""
    if model.startswith("package:"):
        return package_folder(model)
    place = Path(model)
    if place.is_dir():
        return place
    if place.is_absolute() or place.exists() or model.startswith(".") or model.count("/") > 1:
        raise ModelError(
            f"metric bertscore: model folder {model} does not exist; give a folder or a hub id, e.g. bert-base-chinese"
        )
    return None


def _from_hub(model: str, file: str | None = None) -> Path:
    """The model's folder in the local hub cache, or one of its files. Without a network what is cached is taken."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = hf_hub_download(model, file) if file else snapshot_download(model, allow_patterns=HUB_FILES)
        return Path(found)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(
            f"metric bertscore: model {model} is not in the local hub cache and cannot be downloaded: {_line(error)} "
            f"Fetch it where there is a network (hf download {model}), or set `model` to a folder"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


# -- baselines --------------------------------------------------------------------------------------------------------


def baseline_file(model: str, language: str, own: str | None) -> Path:
    """The file of baselines: the one given, or else the library's. Raises HarnessError if there is none."""
    place = library() / "rescale_baseline"
    file = Path(own) if own is not None else place / language / f"{model}.tsv"
    if file.is_file():
        return file
    if own is not None:
        raise HarnessError(f"metric bertscore: baseline {own} does not exist; it should be a file LAYER,P,R,F")
    languages = sorted(found.name for found in place.iterdir() if (found / f"{model}.tsv").is_file())
    remedy = f"set `language` to one of {', '.join(languages)}" if languages else "set `baseline` to a file LAYER,P,R,F"
    raise HarnessError(
        f"metric bertscore: bert-score has no baseline for model {model} and language {language}: {remedy}, "
        "or leave out `rescale`"
    )


def baselines(file: Path, layer: int | None) -> tuple[float, float, float]:
    """Precision, recall and F1 of unrelated sentences at a layer. Raises HarnessError with `file: reason`."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = {
                int(row["LAYER"]): (float(row["P"]), float(row["R"]), float(row["F"])) for row in csv.DictReader(lines)
            }
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise HarnessError(f"{file}: no baselines of the form LAYER,P,R,F: {_line(error)}") from error
    if layer not in rows:
        raise HarnessError(f"{file}: no baseline for layer {layer}; it has {', '.join(map(str, rows)) or 'none'}")
    if not all(math.isfinite(value) and -1 < value < 1 for value in rows[layer]):
        raise HarnessError(f"{file}: baselines of layer {layer} should be between -1 and 1")
    return rows[layer]
