"""The commands that hand what a suite trains to other tools."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.arguments import Empty, ExportOut, SuitePath, Trained

if TYPE_CHECKING:
    from adapters.export.export import Export, TunedEntry


def export_llamafactory(suite: SuitePath, model: Trained, out: ExportOut = None) -> None:
    """Write data and train.yaml for LLaMA-Factory to train the same thing.

    Comments in train.yaml say what it cannot express; methods that LLaMA-Factory lacks are refused. For example:

    harness export llamafactory suite.yaml lora --out lf; cd lf; llamafactory-cli train train.yaml
    """
    from adapters.export.export import export_llamafactory as write

    _export(write, suite, model, out)


def export_merged(suite: SuitePath, model: Trained, out: Empty) -> None:
    """Write a trained model as one checkpoint.

    Base and trained weights in float32, with the tokenizer: anything can load it. Run the suite first.
    """
    from adapters.export.export import export_merged as write

    _export(write, suite, model, out)


def export_adapter(suite: SuitePath, model: Trained, out: Empty) -> None:
    """Copy a trained adapter as PEFT reads it.

    That is adapter_config.json and adapter_model.safetensors, without the base. Run the suite first.
    """
    from adapters.export.export import export_adapter as write

    _export(write, suite, model, out)


def _export(write: "Callable[[TunedEntry, Any], Export]", path: Path, name: str, out: Path | None) -> None:
    """Export a model that a suite trains, bound to what it learns from, and print what was written."""
    from adapters.export.export import TunedEntry, find_tuned
    from harness.printing import make_console
    from harness.stages.prepare import prepare
    from harness.suite.parser import load_suite

    suite = load_suite(path)
    model = find_tuned(suite.models, suite.expansion.members, name)
    prepare(suite)
    export, console = write(TunedEntry(name, model, suite.name, suite.path), out), make_console()
    for file in export.files:
        console.print(str(export.folder / file), soft_wrap=True)
    console.print(f"\nNext: {export.next}", soft_wrap=True)
