"""What `harness list models --server URL` prints."""

from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from harness.models.listing.listing import ListedModel, ServerListing
from harness.models.remote.address import without_credentials
from harness.text.counting import counted
from harness.text.inert import inert_line

COLUMNS: dict[str, Callable[[ListedModel], str | None]] = {
    "name": lambda model: model.name,
    "size": lambda model: None if model.size is None else size_text(model.size),
    "parameters": lambda model: model.parameters,
    "quantisation": lambda model: model.quantisation,
    "context": lambda model: _context(model),
    "capabilities": lambda model: None if model.capabilities is None else ", ".join(model.capabilities),
    "loaded": lambda model: model.loaded,
}
Row = Mapping[str, str | None]  # by column
LABELS = {"context": "context ", "loaded": "loaded: "}  # of values that do not say what they are
WIDEST = 10_000  # characters of a table that need not fit
NUMERIC = ("size", "parameters", "context")


def print_listing(listing: ServerListing, console: Console) -> None:
    """The server, a row a model, and how a suite names them. A column of which nothing is told is left out.

    A table that does not fit is written in two lines a model.
    """
    address = inert_line(without_credentials(listing.address))
    console.print(f"{inert_line(listing.server)} at {address}: {counted(len(listing.models), 'model')}", soft_wrap=True)
    rows = [{name: cell(model) for name, cell in COLUMNS.items()} for model in listing.models]
    columns = [name for name in COLUMNS if any(row[name] is not None for row in rows)]
    if rows:
        table = _table(columns, rows)
        if console.measure(table, options=console.options.update(width=WIDEST)).maximum <= console.width:
            console.print(table)
        else:
            for row in rows:
                console.print(_paragraph(columns, row), soft_wrap=True)
    hint = f"In a suite: {without_credentials(listing.example)}" if rows else listing.remedy
    console.print(inert_line(hint), soft_wrap=True)


def _table(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2))
    for name in columns:
        table.add_column(name, justify="right" if name in NUMERIC else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(inert_line(row[name] or "-") for name in columns))
    return table


def _paragraph(columns: Sequence[str], row: Row) -> str:
    """A model where the table is too wide: its name, which can be copied whole, and what is told of it below."""
    cells = {name: inert_line(row[name] or "") for name in columns if row[name] is not None}
    details = " · ".join(LABELS.get(name, "") + value for name, value in cells.items() if name != "name")
    return f"  {cells['name']}" + (f"\n      {details}" if details else "")


def _context(model: ListedModel) -> str | None:
    if model.context is None:
        return None
    return f"{model.context:,}" + (f" of {model.trained:,}" if model.trained else "")


def size_text(size: int) -> str:
    """Bytes as people read them: 98 MB, 4.7 GB."""
    return f"{size / 10**9:.1f} GB" if size >= 10**9 else f"{max(1, round(size / 10**6))} MB"
