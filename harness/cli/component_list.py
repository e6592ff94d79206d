"""The command that shows what a suite can name: kinds, components, and each parameter with its default."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from harness.suite.parameters import Parameter


def list_components(
    kind: Annotated[
        str | None, typer.Argument(help="e.g. model, metric, variant, or suite for the sections; default: all")
    ] = None,
    name: Annotated[
        str | None, typer.Argument(help="e.g. lora of method: its parameters, with type, default and meaning")
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="`list models`: those of this server")] = None,
    api_key: Annotated[str, typer.Option(metavar="NAME", help="Environment variable of its key")] = "OPENAI_API_KEY",
) -> None:
    """List the components a suite can name, or by `list models --server URL` the models that a server has.

    `harness list method lora` shows the parameters of one component, `harness list suite prices` those of a section.
    """
    from harness.errors import HarnessError
    from harness.printing import make_console

    console = make_console()
    if server is not None and name is None:
        from harness.models.listing.command import list_models

        list_models(kind, server, api_key, console)
    elif server is not None:
        raise HarnessError(f"--server lists models, and '{name}' is excess; write `harness list models --server URL`")
    elif kind is not None and name is not None:
        _print_component(kind, name, console)
    else:
        _print_kinds(kind, console)


def _print_kinds(kind: str | None, console: "Console") -> None:
    """The components of a kind, or of all, with the first line of their documentation. Raises HarnessError."""
    from harness.components.registry import KINDS, SECTIONS, summaries

    _check_kind(kind)
    for kind_name in [kind] if kind else KINDS:
        if kind_name == SECTIONS:
            from harness.suite.parameters import section_parameters

            rows = {own.parameter: own.description for own in section_parameters() if not own.name}
        else:
            rows = dict(sorted(summaries(kind_name).items()))
        _print_table(kind_name, rows, console)
    if kind:
        console.print(f"`harness list {kind} NAME` shows the parameters of one of them.", soft_wrap=True)


def _print_table(title: str, rows: dict[str, str], console: "Console") -> None:
    from rich.table import Table

    table = Table("name", "what it is", title=title, title_justify="left", box=None, padding=(0, 2))
    for row in rows.items():
        table.add_row(*row)
    console.print(table)
    console.print()


def _check_kind(kind: str | None) -> None:
    """Raises HarnessError with the nearest kind for what is none."""
    from harness.components.registry import KINDS, SECTIONS
    from harness.errors import HarnessError, nearest

    if kind == "models":
        raise HarnessError(
            "`harness list models` needs --server URL, and shows what that server has; `harness list model` shows "
            "which kinds of models a suite can name"
        )
    kinds = (*KINDS, SECTIONS)
    if kind is not None and kind not in kinds:
        raise HarnessError(f"'{kind}' is not a kind of component ({nearest(kind, kinds)})")


def _print_component(kind: str, name: str, console: "Console") -> None:
    """What a component or a section is, then its parameters. Raises HarnessError."""
    from harness.components.registry import SECTIONS, find, summary
    from harness.errors import HarnessError
    from harness.suite.parameters import component_parameters, section_parameters

    _check_kind(kind)
    try:
        if kind == SECTIONS:
            parameters = section_parameters(name)
            description = next(own.description for own in section_parameters() if own.parameter == name)
        else:
            parameters, description = component_parameters(kind, name), summary(find(kind, name))
    except LookupError as error:
        raise HarnessError(str(error)) from error
    console.print(f"{kind} {name}", style="bold")
    console.print(description)
    if not parameters:
        console.print("\nIt has no parameters.")
    _print_parameters(parameters, console)


def _print_parameters(parameters: "Sequence[Parameter]", console: "Console") -> None:
    """A paragraph a parameter, which fits a narrow terminal: name and default, type, meaning."""
    from rich.padding import Padding
    from rich.text import Text

    for parameter in parameters:
        default = "required" if parameter.default is None else f"default: {parameter.default}"
        console.print()
        console.print(Text.assemble((parameter.parameter, "bold"), f"  {default}"))
        console.print(Padding(Text(parameter.type, "dim"), (0, 0, 0, 4)))
        if parameter.description:
            console.print(Padding(Text(parameter.description), (0, 0, 0, 4)))
