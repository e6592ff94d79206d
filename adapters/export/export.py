"""What a suite trains, handed to other tools: the recipe for LLaMA-Factory, the merged checkpoint, the adapter."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.export.llamafactory import OUTPUT, as_json, data_files, train_yaml
from adapters.external.adapter_folder import CONFIG, WEIGHTS, read_object
from adapters.methods.base.network import disk
from adapters.methods.base.peft import PeftMethod
from adapters.models.tuned import Tuned
from harness.errors import ModelError, StoreError, nearest
from harness.models.huggingface import HuggingFace
from harness.stages.prepare import prepare
from harness.suite.suite import Suite


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and what to do next."""

    folder: Path
    files: tuple[str, ...]
    next: str


def export_llamafactory(suite: Suite, name: str, out: Path | None) -> Written:
    """Write data, dataset_info.json and train.yaml that train the same thing with LLaMA-Factory.

    Raises SuiteError, DataError, ModelError for a method that LLaMA-Factory lacks, StoreError. Not run against
    llamafactory-cli.
    """
    model = _tuned(suite, name)
    if isinstance(model.origin(), Tuned) and not model.origin().at_hand():
        raise ModelError(f"models.{name}: its base {model.base} is not trained yet; first: harness run {suite.path}")
    text = train_yaml(model, model.source(), name, suite.seed)
    files = {**{file: as_json(content) for file, content in data_files(model.data).items()}, "train.yaml": text}
    out = out or Path("exports") / suite.name / name
    with _folder(out) as folder:
        for file, content in files.items():
            (folder / file).write_text(content, encoding="utf-8")
    then = (
        f"cd {out} && llamafactory-cli train train.yaml; then in the suite: {_as_adapter(suite, model, out / OUTPUT)}"
    )
    return Written(out, tuple(files), then)


def export_merged(suite: Suite, name: str, out: Path) -> Written:
    """Write the float32 checkpoint of a trained model. Raises SuiteError, ModelError, StoreError."""
    model = _trained(suite, name)
    if not model.method.mergeable:
        raise ModelError(f"models.{name}: {model.method_name} weights cannot be merged into the base")
    _refuse_filled(out)
    place = model.as_base().path
    with _folder(out) as folder:
        shutil.copytree(place, folder, dirs_exist_ok=True)
    return Written(out, _names(out), f"in the suite: {{huggingface: {{path: {_seen_from(suite, out)}}}}}")


def export_adapter(suite: Suite, name: str, out: Path) -> Written:
    """Copy a trained adapter as PEFT reads it. Raises SuiteError, ModelError, StoreError."""
    model = _trained(suite, name)
    if not isinstance(model.method, PeftMethod):
        merged = "; write the whole model: harness export merged" if model.method.mergeable else ""
        raise ModelError(f"models.{name}: {model.method_name} makes no adapter of PEFT{merged}")
    base = model.source()
    settings = read_object(model.folder / CONFIG)
    known = str(Path(base.path).resolve()) if Path(base.path).exists() else base.path
    with _folder(out) as folder:
        for file in WEIGHTS:
            if (model.folder / file).is_file():
                shutil.copyfile(model.folder / file, folder / file)
        (folder / CONFIG).write_text(json.dumps({**settings, "base_model_name_or_path": known}, indent=2))
    return Written(out, _names(out), f"in the suite: {_as_adapter(suite, model, out)}")


def _tuned(suite: Suite, name: str) -> Tuned:
    """A model that the suite trains, ready to tell its data. Raises SuiteError, ModelError."""
    if name in suite.expansion.members:
        raise ModelError(f"'{name}' stands for {', '.join(suite.expansion.members[name])}; name one of them")
    if name not in suite.models:
        raise ModelError(f"'{name}' is not among models ({nearest(name, suite.models)})")
    prepare(suite)
    model = suite.models[name]
    if not isinstance(model, Tuned):
        trained = [other for other, one in suite.models.items() if isinstance(one, Tuned)]
        which = f"these are: {', '.join(trained)}" if trained else "it has none"
        raise ModelError(f"models.{name} is {type(model).__name__}, not a model that the suite trains; {which}")
    return model


def _trained(suite: Suite, name: str) -> Tuned:
    model = _tuned(suite, name)
    if not model.at_hand():
        raise ModelError(f"models.{name} is not trained yet; first: harness run {suite.path}")
    return model


def _as_adapter(suite: Suite, model: Tuned, folder: Path) -> str:
    """The entry of a suite that asks what was trained; an adapter's base must be plain weights."""
    plain = isinstance(model.origin(), HuggingFace)
    base = model.base if plain else f"<a huggingface model, path: {model.source().path}>"
    return f"{{adapter: {{base: {base}, path: {_seen_from(suite, folder)}}}}}"


def _seen_from(suite: Suite, folder: Path) -> str:
    """A path as the suite has to write it."""
    path = Path(os.path.relpath(folder.absolute(), suite.path.absolute().parent)).as_posix()
    return path if path.startswith(".") else f"./{path}"


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(file.name for file in folder.iterdir()))


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A folder that is there when all of it is written, and not before. Raises StoreError if it holds something."""
    _refuse_filled(out)
    partial = out.absolute().with_name(f"{out.absolute().name}.partial")
    with disk(out):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if out.is_dir():
            out.rmdir()
        partial.replace(out)


def _refuse_filled(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file; choose another folder by --out")
    if out.is_dir() and any(out.iterdir()):
        raise StoreError(f"{out} is not empty; choose another folder by --out")
