"""The commands that hand what a suite trains to other tools."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from harness.cli.arguments import Empty, Exported, ExportOut, OllamaOut, SuitePath, Trained

if TYPE_CHECKING:
    from adapters.export.export import Export, TunedEntry
    from adapters.export.modelfile import TaskRequest
    from harness.components.task import Task
    from harness.suite.suite import Suite


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


def export_ollama(
    suite: SuitePath,
    model: Exported,
    out: OllamaOut = None,
    precision: Annotated[
        Literal["float32", "float16", "bfloat16", "q8_0"], typer.Option(help="How the weights are stored")
    ] = "float16",
    converter: Annotated[
        Path | None, typer.Option(help="A checkout of llama.cpp, or its convert_hf_to_gguf.py", metavar="DIR")
    ] = None,
) -> None:
    """Write a model as Ollama takes it: model.gguf and a Modelfile with its template and stop strings.

    Trained weights are merged into their base first. Comments in the Modelfile say what Ollama cannot do as the suite
    does. The .gguf is made by llama.cpp's own converter. For example:

    harness export ollama suite.yaml lora --out lora-ollama; cd lora-ollama; ollama create mine -f Modelfile
    """
    from adapters.export.ollama_folder import ModelEntry
    from adapters.export.ollama_folder import export_ollama as write
    from harness.components.model import Model
    from harness.errors import ModelError, nearest
    from harness.stages.prepare import prepare
    from harness.suite.parser import load_suite

    loaded = load_suite(suite)
    if model in loaded.expansion.members:
        raise ModelError(f"'{model}' stands for {', '.join(loaded.expansion.members[model])}; name one of them")
    if model not in loaded.models:
        raise ModelError(f"'{model}' is not among models ({nearest(model, loaded.models)})")
    named: Model = loaded.models[model]
    requests = _requests(loaded, prepare(loaded), model)
    entry = ModelEntry(
        name=model, model=named, suite_name=loaded.name, suite_path=loaded.path, requests=requests
    )  # fmt: skip
    _print_export(write(entry, out, precision, converter))


def _requests(suite: "Suite", tasks: "Mapping[str, Task]", model: str) -> "list[TaskRequest]":
    """How the variants that a model answers for ask it, by task."""
    from adapters.export.modelfile import TaskRequest

    return [
        TaskRequest(
            task=task.name,
            variant=name,
            generation=variant.generation(task),
            system=_system_text(task),
        )
        for task in tasks.values()
        for name, variant in suite.asked(task.origin or task.name).items()
        if model in suite.usage.writers_of.get(name, ())
    ]


def _system_text(task: "Task") -> str:
    """The system text of a task, rendered where it names no variable."""
    if task.system is None:
        return ""
    is_fixed = "{{" not in task.system.text and "{%" not in task.system.text
    return task.system.render_values({}) if is_fixed else task.system.text


def _export(write: "Callable[[TunedEntry, Any], Export]", path: Path, name: str, out: Path | None) -> None:
    """Export a model that a suite trains, bound to what it learns from, and print what was written."""
    from adapters.export.export import TunedEntry, find_tuned
    from harness.stages.prepare import prepare
    from harness.suite.parser import load_suite

    suite = load_suite(path)
    model = find_tuned(suite.models, suite.expansion.members, name)
    prepare(suite)
    _print_export(write(TunedEntry(name, model, suite.name, suite.path), out))


def _print_export(export: "Export") -> None:
    from harness.printing import make_console

    console = make_console()
    for file in export.files:
        console.print(str(export.folder / file), soft_wrap=True)
    console.print(f"\nNext: {export.next}", soft_wrap=True)
