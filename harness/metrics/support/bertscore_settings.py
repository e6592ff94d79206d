"""What the bert-score library adds to a model: the layer for a known name, the name of the settings, baselines.

Importing bert_score takes seconds and brings matplotlib: its table of layers stands beside this file, and a test holds
the two equal.
"""

import csv
import importlib.metadata
import importlib.util
import json
import math
from functools import cache
from pathlib import Path

from harness.errors import HarnessError

VERSION = "0.3.12"  # as release 0.3.13 calls itself, also in its hash
_LAYERS = Path(__file__).with_name("bertscore_layers.json")  # by model: the one that the library's authors chose


def library() -> Path:
    """The folder of the bert-score package. Raises HarnessError if it is not installed."""
    spec = importlib.util.find_spec("bert_score")
    if spec is None or spec.origin is None:
        raise HarnessError("metric bertscore needs the package bert-score: pip install 'domain-harness[bertscore]'")
    return Path(spec.origin).parent


def config_hash(model: str, layer: int | None, rescaled: bool, own_baseline: bool) -> str | None:
    """As `bert_score.utils.get_hash` writes it; None where bert-score is not installed."""
    if importlib.util.find_spec("bert_score") is None:
        return None
    transformers = importlib.metadata.version("transformers")
    rescaling = ("-custom-rescaled" if own_baseline else "-rescaled") if rescaled else ""
    return f"{model}_L{layer}_no-idf_version={VERSION}(hug_trans={transformers}){rescaling}"


@cache
def layers() -> dict[str, int]:
    """The layer that the library's authors chose, by the name of the model."""
    table: dict[str, int] = json.loads(_LAYERS.read_text(encoding="utf-8"))
    return table


def baseline_file(model: str, language: str, own: str | None) -> Path:
    """The file of baselines: the one given, or else the library's. Raises HarnessError if there is none."""
    place = library() / "rescale_baseline"
    file = Path(own) if own is not None else place / language / f"{model}.tsv"
    if file.is_file():
        return file
    if own is not None:
        raise HarnessError(f"metric bertscore: baseline {own} does not exist; it should be a file LAYER,P,R,F")
    languages = sorted(folder.name for folder in place.iterdir() if (folder / f"{model}.tsv").is_file())
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
        raise HarnessError(f"{file}: no baselines of the form LAYER,P,R,F: {' '.join(str(error).split())}") from error
    if layer not in rows:
        raise HarnessError(f"{file}: no baseline for layer {layer}; it has {', '.join(map(str, rows)) or 'none'}")
    if not all(math.isfinite(value) and -1 < value < 1 for value in rows[layer]):
        raise HarnessError(f"{file}: baselines of layer {layer} should be between -1 and 1")
    return rows[layer]
