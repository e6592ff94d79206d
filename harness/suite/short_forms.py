"""What people write for a component before they know the writing rule, and how a suite writes it."""

from pathlib import PurePath

from harness.components.component import Component
from harness.components.fields import parameters_of
from harness.records.inputs import JSON

_KNOWLEDGE_FORMS = {
    "files": (".md", ".markdown", ".txt"),
    "texts": (".csv", ".tsv", ".xlsx"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "documents": (".pdf", ".docx", ".html", ".htm"),
}
_TABLES = ("csv", "tsv", "xlsx", "json", "jsonl")


def component_form(kind: str, name: str) -> str | None:
    """How to write a file or a model that stands where the name of a component is expected; None for other names."""
    suffix = PurePath(name).suffix.lower()
    match kind:
        case "model" if ":" in name and "/" not in name:
            return f'a model of an Ollama server is written {{ollama: {{model: "{name}"}}}}'
        case "model" if "/" in name or suffix == ".gguf":
            return f"a hub id, folder or .gguf file is written {{huggingface: {{path: {name}}}}}"
        case "knowledge":
            form = next((form for form, suffixes in _KNOWLEDGE_FORMS.items() if suffix in suffixes), None)
            form = form or ("files" if "/" in name else None)
            return form and f"a file or folder is written {{{form}: {{path: {name}}}}}"
        case "reader" if suffix.removeprefix(".") in _TABLES:
            return f"a file is written {{{suffix[1:]}: {{path: {name}, input: COLUMN, target: COLUMN}}}}"
        case "reader" if name.count("/") == 1 and not name.startswith((".", "/", "~")):
            written = f"{{hub: {{path: {name}, input: COLUMN, target: COLUMN}}}}"
            return f"a data set of the Hugging Face hub is written {written}"
        case "metric" if suffix == ".py":
            return f"a function of a file is written {{python: {{file: {name}, function: NAME}}}}"
    return None


def parameter_form(kind_class: type[Component], name: str, value: JSON) -> str:
    """How to write a component whose parameter stands there alone: with the names of what it needs."""
    required = [field for field, info in parameters_of(kind_class).items() if info.is_required()]
    first, *others = required or list(parameters_of(kind_class))[:1] or ["parameter"]
    shown = value if isinstance(value, str | int | float) and not isinstance(value, bool) else "…"
    rest = "".join(f", {field}: …" for field in others)
    return f"write {{{name}: {{{first}: {shown}{rest}}}}}"
