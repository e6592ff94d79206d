"""Writes docs/reference/: every component with its parameters, the sections of a suite, and the help of every command.

`python docs/building/reference.py` writes the pages; tests/docs/test_reference.py compares them with the code.
"""

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
REMEDY = "python docs/building/reference.py"
NOTE = f"<!-- written by `{REMEDY}` from the code; edit the code -->"
SUITE, TRAINING = "../suite.md", "../training.md"
PAGES = {  # of each kind: its page, its title, where a suite writes it, and which page explains it
    "model": ("models", "Models", "in `models`, by name", f"{SUITE}#models"),
    "reader": ("readers", "Readers of data", "as `data` of a task, or in `datasets`", f"{SUITE}#tasks"),
    "answer": ("answers", "Kinds of answer", "as `answer` of a task", f"{SUITE}#tasks"),
    "metric": ("metrics", "Metrics", "in `metrics` of a task, by name", "../metrics.md"),
    "variant": ("variants", "Variants", "in `variants`, by name", f"{SUITE}#variants"),
    "knowledge": ("knowledge", "Knowledge bases", "in `knowledge`, by name", f"{SUITE}#knowledge"),
    "retriever": ("retrievers", "Retrievers", "as `retriever` of a variant", f"{SUITE}#knowledge"),
    "method": ("methods", "Training methods", "as `method` of a `tuned` model", f"{TRAINING}#methods"),
}


def pages() -> dict[str, str]:
    """The text of each page by its name."""
    from harness.components.registry import KINDS

    return {
        **{f"{PAGES[kind][0]}.md": "\n".join(_kind_page(kind)) for kind in KINDS},
        "sections.md": "\n".join(_sections_page()),
        "commands.md": "\n".join(_commands_page()),
    }


# -- components -------------------------------------------------------------------------------------------------------


def _kind_page(kind: str) -> Iterator[str]:
    from harness.components.registry import components
    from harness.suite.parameters import component_parameters

    _, title, where, explained = PAGES[kind]
    yield from (NOTE, "", f"# {title}", "", f"Written {where}; [explained here]({explained}).", "")
    shipped = sorted(components(kind))
    yield from (" · ".join(f"[`{name}`](#{name})" for name, _ in shipped), "")
    for name, component in shipped:
        yield from (f"## {name}", "", _escaped(inspect.getdoc(component) or ""), "")
        if component.imports:
            packages = ", ".join(f"`{package}`" for package in component.imports)
            yield from (f"Beyond a light installation it needs {packages}.", "")
        yield from _table(component_parameters(kind, name))


def _table(parameters: Sequence[Any]) -> Iterator[str]:
    if not parameters:
        yield from ("No parameters.", "")
        return
    yield from ("| parameter | type | default | meaning |", "|---|---|---|---|")
    for own in parameters:
        default = "**required**" if own.default is None else f"`{_in_table(own.default)}`"
        yield f"| `{own.parameter}` | {_linked(own.type)} | {default} | {_escaped(_in_table(own.description))} |"
    yield ""


def _linked(words: str) -> str:
    """A type in words, in which a kind of component leads to its page."""
    kinds = "|".join(PAGES)
    return re.sub(rf"\b({kinds})\b", lambda match: f"[{match[0]}]({PAGES[match[0]][0]}.md)", _escaped(_in_table(words)))


# -- sections of a suite, commands ------------------------------------------------------------------------------------


def _sections_page() -> Iterator[str]:
    from harness.suite.parameters import section_parameters

    yield from (NOTE, "", "# Sections of a suite", "", "[The suite file](../suite.md) explains them.", "")
    parameters = section_parameters()
    sections = [own for own in parameters if not own.name]
    yield from _table(sections)
    for section in sections:
        if inner := [own for own in parameters if own.name == section.parameter]:
            yield from (f"## {section.parameter}", "", _escaped(section.description), "")
            yield from _table(inner)


def _commands_page() -> Iterator[str]:
    import typer

    from harness.cli import app

    yield from (NOTE, "", "# Commands", "", "What `--help` prints, for every command.", "")
    yield from _command(typer.main.get_command(app), "harness", None)


def _command(command: Any, name: str, parent: Any) -> Iterator[str]:
    """A command and those below it, whose help does not depend on the terminal."""
    context = command.make_context(name.rpartition(" ")[2], [], parent=parent, resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"## {name}", "", "```", f"{name} {usage}".strip(), "```", "")
    yield from _help(inspect.cleandoc(command.help or ""))
    for kind in ("argument", "option"):
        records = [own.get_help_record(context) for own in command.params if own.param_type_name == kind]
        if rows := [record for record in records if record]:
            yield from (f"| {kind} | meaning |", "|---|---|")
            yield from (
                f"| `{_in_table(left)}` | {_escaped(_in_table(' '.join(right.split())))} |" for left, right in rows
            )
            yield ""
    for below in command.list_commands(context) if hasattr(command, "list_commands") else ():
        yield from _command(command.get_command(context, below), f"{name} {below}", context)


# -- text -------------------------------------------------------------------------------------------------------------


def _help(text: str) -> Iterator[str]:
    """The paragraphs of a command's help; one that is a command line, or several, is an example."""
    for paragraph in filter(None, text.split("\n\n")):
        is_example = all(line.strip().startswith("harness ") for line in paragraph.splitlines())
        lines = [line.strip() for line in paragraph.splitlines()]
        yield from (("```sh", *lines, "```", "") if is_example else (_escaped(paragraph), ""))


def _in_table(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "\\n")


def _escaped(text: str) -> str:
    """Text whose signs mean nothing in Markdown, outside of code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if place % 2 else re.sub(r"([*_<>\[\]])", r"\\\1", piece) for place, piece in enumerate(pieces)
    )


def main() -> None:
    """Writes the pages and removes those that are no more."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
