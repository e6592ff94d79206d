"""What a suite trains, handed to other tools: the recipe for LLaMA-Factory, the merged checkpoint, the adapter."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.export.llamafactory import OUTPUT, as_json, data_files, train_yaml
from adapters.external.adapter_folder import CONFIG, WEIGHTS
from adapters.methods.base.peft import PeftMethod
from adapters.models.base.engines import plain_weights
from adapters.models.tuned import Tuned
from harness.components.display import Display
from harness.components.model import Model
from harness.errors import ModelError, nearest
from harness.models.huggingface import HuggingFace
from harness.models.local.model_folder import read_object
from harness.runtime.new_folder import new_folder, refuse_filled
from harness.selftest.refusal import prove


@dataclass(frozen=True, slots=True)
class TunedEntry:
    """A model that a suite trains, bound to what it learns from, and where the suite stands."""

    name: str
    model: Tuned
    suite_name: str
    suite_path: Path

    def check_trained(self) -> None:
        """Raise ModelError if there are no trained weights yet."""
        if not self.model.at_hand():
            raise ModelError(f"models.{self.name} is not trained yet; first: harness run {self.suite_path}")

    def adapter_entry(self, folder: Path) -> str:
        """The entry of a suite that asks what was trained; an adapter's base must be plain weights."""
        plain = isinstance(self.model.origin(), HuggingFace)
        weights = self.model.base if plain else f"<a huggingface model, path: {_base(self.model).path}>"
        return f"{{adapter: {{base: {weights}, path: {self.relative_path(folder)}}}}}"

    def relative_path(self, folder: Path) -> str:
        """A path as the suite has to write it."""
        path = Path(os.path.relpath(folder.absolute(), self.suite_path.absolute().parent)).as_posix()
        return path if path.startswith(".") else f"./{path}"


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and what to do next."""

    folder: Path
    files: tuple[str, ...]
    next: str


def find_tuned(models: Mapping[str, Model], members: Mapping[str, Sequence[str]], name: str) -> Tuned:
    """The model of that name; `members` are those of entries that stand for several. Raises ModelError."""
    if name in members:
        raise ModelError(f"'{name}' stands for {', '.join(members[name])}; name one of them")
    if name not in models:
        raise ModelError(f"'{name}' is not among models ({nearest(name, models)})")
    tuned = {entry: model for entry, model in models.items() if isinstance(model, Tuned)}
    if name not in tuned:
        names = f"these are: {', '.join(tuned)}" if tuned else "it has none"
        raise ModelError(f"models.{name} is {type(models[name]).__name__}, not a model that the suite trains; {names}")
    return tuned[name]


def export_llamafactory(entry: TunedEntry, out: Path | None) -> Export:
    """Write data, dataset_info.json and train.yaml that train the same thing with LLaMA-Factory.

    Raises DataError, ModelError for a method that LLaMA-Factory lacks, StoreError.
    """
    model, name = entry.model, entry.name
    if model.origin().base_name and not model.origin().at_hand():
        raise ModelError(
            f"models.{name}: its base {model.base} is not trained yet; first: harness run {entry.suite_path}"
        )
    if not model.trainings.is_decided:
        raise ModelError(f"models.{name}: its settings are not chosen yet; first: harness run {entry.suite_path}")
    text = train_yaml(model, _base(model), name)
    files = {**{file: as_json(content) for file, content in data_files(model.data).items()}, "train.yaml": text}
    out = out or Path("exports") / entry.suite_name / name
    with new_folder(out) as folder:
        for file, content in files.items():
            (folder / file).write_text(content, encoding="utf-8")
    command = f"cd {out} && llamafactory-cli train train.yaml"
    return Export(out, tuple(files), f"{command}; then in the suite: {entry.adapter_entry(out / OUTPUT)}")


def export_merged(entry: TunedEntry, out: Path) -> Export:
    """Write the float32 checkpoint of a trained model. Raises ModelError, StoreError."""
    entry.check_trained()
    model = entry.model
    if not model.method.mergeable:
        raise ModelError(f"models.{entry.name}: {model.method_name} weights cannot be merged into the base")
    refuse_filled(out)
    prove({entry.name: model}, Display(), merging=True)
    checkpoint = model.as_base().path
    with new_folder(out) as folder:
        shutil.copytree(checkpoint, folder, dirs_exist_ok=True)
    return Export(out, _names(out), f"in the suite: {{huggingface: {{path: {entry.relative_path(out)}}}}}")


def export_adapter(entry: TunedEntry, out: Path) -> Export:
    """Copy a trained adapter as PEFT reads it. Raises ModelError, StoreError."""
    entry.check_trained()
    model = entry.model
    if not isinstance(model.method, PeftMethod):
        remedy = "; write the whole model: harness export merged" if model.method.mergeable else ""
        raise ModelError(f"models.{entry.name}: {model.method_name} makes no adapter of PEFT{remedy}")
    base = _base(model).path
    settings = {
        **read_object(model.folder / CONFIG),
        "base_model_name_or_path": str(Path(base).resolve()) if Path(base).exists() else base,
    }
    with new_folder(out) as folder:
        for file in WEIGHTS:
            if (model.folder / file).is_file():
                shutil.copyfile(model.folder / file, folder / file)
        (folder / CONFIG).write_text(json.dumps(settings, indent=2))
    return Export(out, _names(out), f"in the suite: {entry.adapter_entry(out)}")


def _base(model: Tuned) -> HuggingFace:
    return plain_weights(model.origin())


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(file.name for file in folder.iterdir()))
