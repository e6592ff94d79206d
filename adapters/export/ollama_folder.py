"""A model of a suite as Ollama takes it: one .gguf file with the trained weights inside, and a Modelfile."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.export.export import Export
from adapters.export.gguf_converter import Precision, check_room, convert, find_converter, put_begin_token
from adapters.export.modelfile import AskingFormat, TaskRequest, asking_format, modelfile
from adapters.models.quantised import Quantised
from harness.components.display import Display
from harness.components.model import Model
from harness.components.trained_model import DerivedModel
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.runtime.new_folder import new_folder, refuse_filled
from harness.selftest.refusal import prove

BYTES: dict[Precision, float] = {"float32": 4, "float16": 2, "bfloat16": 2, "q8_0": 34 / 32}  # of a parameter
FILE = "model.gguf"


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A model of a suite, bound to what it is made of, and how the suite asks it."""

    name: str
    model: Model
    suite_name: str
    suite_path: Path
    requests: Sequence[TaskRequest]

    def check(self) -> None:
        """Raise ModelError where it has no weights here, or none yet: known before a converter is looked for."""
        if isinstance(self.model, Quantised):
            raise ModelError(
                f"models.{self.name} is quantised, which a .gguf is in a way of its own; export its base "
                f"{self.model.base} with --precision q8_0"
            )
        if not isinstance(self.model, HuggingFace | DerivedModel):
            raise ModelError(
                f"models.{self.name} is {type(self.model).__name__}, which has no weights here; name a huggingface, "
                "tuned or adapter model"
            )
        if isinstance(self.model, DerivedModel) and not self.model.at_hand():
            raise ModelError(f"models.{self.name} is not trained yet; first: harness run {self.suite_path}")
        if isinstance(self.model, HuggingFace):
            self.model.check_path()

    def weights(self) -> HuggingFace:
        """It as weights in one folder, merged if it was trained. Raises ModelError."""
        if isinstance(self.model, DerivedModel):
            try:
                self.model.check_as_base()
            except ModelError as error:
                raise ModelError(f"models.{self.name}: {error}") from error
            prove({self.name: self.model}, Display(), merging=True)
        weights = self.model.as_base()
        if not isinstance(weights, HuggingFace):
            raise ModelError(f"models.{self.name} has no weights here")
        return weights


def export_ollama(entry: ModelEntry, out: Path | None, precision: Precision, converter: Path | None) -> Export:
    """Write model.gguf and Modelfile. Raises ModelError, StoreError."""
    entry.check()
    script = find_converter(converter)
    out = out or Path("exports") / entry.suite_name / f"{entry.name}-ollama"
    refuse_filled(out)
    weights = entry.weights()
    root = entry.model.root()
    vocabulary = root.weights_folder if isinstance(root, HuggingFace) else weights.weights_folder
    try:
        form = asking_format(weights)
        with new_folder(out) as folder:
            check_room(folder, _size(weights, precision))
            convert(weights.weights_folder, vocabulary, precision, folder / FILE, script)
            form = _with_begin_token(form, folder / FILE)
            title = f"{entry.suite_name}: {entry.name} ({' '.join(entry.model.describe().split())}), {precision}"
            (folder / "Modelfile").write_text(modelfile(title, weights, form, entry.requests), encoding="utf-8")
    except ModelError as error:
        raise ModelError(f"models.{entry.name}: {error}") from error
    command = f"cd {out} && ollama create {entry.suite_name}-{entry.name} -f Modelfile"
    return Export(
        out, (FILE, "Modelfile"), f"{command}; then in a suite: {{ollama: {{model: {entry.suite_name}-{entry.name}}}}}"
    )


def _with_begin_token(form: AskingFormat, file: Path) -> AskingFormat:
    if put_begin_token(file, form.has_begin_token):
        return form
    word = "is not put before a prompt" if form.has_begin_token else "is put before a prompt"
    note = f"A begin-of-text token {word}: the .gguf of this tokenizer cannot say otherwise."
    return AskingFormat(pieces=form.pieces, has_begin_token=not form.has_begin_token, notes=(*form.notes, note))


def _size(model: HuggingFace, precision: Precision) -> int:
    """Bytes of the .gguf, near enough to see whether there is room for it."""
    return int(sum(weight.numel() for weight in model.skeleton().parameters()) * BYTES[precision])
