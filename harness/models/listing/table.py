"""What `harness list models --server URL` prints."""

from collections.abc import Callable, Mapping, Sequence

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

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
NUMERIC = ("size", "parameters", "context")
PHRASES = {  # what a cell is called where it stands in a line
    "size": "{}",
    "parameters": "{} parameters",
    "quantisation": "{}",
    "context": "context {}",
    "capabilities": "{}",
    "loaded": "loaded: {}",
}
WIDEST = 10_000  # columns: as many as no table has

Row = Mapping[str, str | None]


def print_listing(listing: ServerListing, console: Console) -> None:
    """The server, its models, and how a suite names them. What is told of no model is left out."""
    address = inert_line(without_credentials(listing.address))
    console.print(f"{inert_line(listing.server)} at {address}: {counted(len(listing.models), 'model')}", soft_wrap=True)
    rows = [{name: cell(model) for name, cell in COLUMNS.items()} for model in listing.models]
    if rows:
        table = _table(rows)
        is_wide_enough = console.measure(table, options=console.options.update(width=WIDEST)).maximum <= console.width
        console.print(table if is_wide_enough else Group(*map(_paragraph, rows)))
    hint = f"In a suite: {without_credentials(listing.example)}" if rows else listing.remedy
    console.print(inert_line(hint), soft_wrap=True)


def _table(rows: Sequence[Row]) -> Table:
    """A row a model."""
    columns = [name for name in COLUMNS if any(row[name] is not None for row in rows)]
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in NUMERIC else "left", overflow="fold")
    for row in rows:
        table.add_row(*(inert_line(row[name] or "-") for name in columns))
    return table


def _paragraph(row: Row) -> Group:
    """A model where the table would be too wide: its name, and below it what is told of it."""
    facts = [PHRASES[name].format(inert_line(row[name] or "")) for name in PHRASES if row[name] is not None]
    name = Text(inert_line(row["name"] or "-"), style="bold")
    return Group(name, Padding(Text(" · ".join(facts)), (0, 0, 0, 4), expand=False)) if facts else Group(name)


def _context(model: ListedModel) -> str | None:
    if model.context is None:
        return None
    return f"{model.context:,}" + (f" of {model.trained:,}" if model.trained else "")


def size_text(size: int) -> str:
    """Bytes as people read them: 98 MB, 4.7 GB."""
    return f"{size / 10**9:.1f} GB" if size >= 10**9 else f"{max(1, round(size / 10**6))} MB"
