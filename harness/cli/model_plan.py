"""`harness plan` of a model without a suite: whether an argument names one, and its table of memory."""

from pathlib import Path
from typing import TYPE_CHECKING

from harness.suite.shipped import suite_file

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.memory.by_precision import ModelNeeds

SUITE_ENDINGS = (".yaml", ".yml")
REMOTE = ("pypi:", "modelscope:")


def names_model(text: str) -> bool:
    """Whether it is a model's path: a folder with config.json, a .gguf, a package, or a hub id that is no file here."""
    place = suite_file(Path(text))
    if text.startswith(REMOTE) or text.lower().endswith(".gguf"):
        return True
    if place.exists():
        return (place / "config.json").exists()
    return "/" in text and place.suffix.lower() not in SUITE_ENDINGS


def print_model_needs(needs: "ModelNeeds", console: "Console") -> None:
    """A row a precision, then what the columns rest on."""
    from rich.table import Table

    methods = list(needs.rows[0].training)
    table = Table("precision", "weights", "answering", *methods, title=f"Memory of {needs.name}", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in needs.rows:
        counts = (row.weights, row.answering, *row.training.values())
        table.add_row(row.precision, *(_size(count, needs.available) for count in counts))
    console.print(table)
    for sentence in _sentences(needs):
        console.print(sentence, soft_wrap=True)


def _size(count: int | None, available: int) -> str:
    return "-" if count is None else f"{count / 2**30:.1f} GiB{' *' if count > available else ''}"


def _sentences(needs: "ModelNeeds") -> list[str]:
    bits = "" if needs.rows[-1].weights is not None else " int8 and 4 bit need pip install 'domain-harness[train]'."
    return [
        f"{needs.parameters:,} parameters. This machine has {needs.available / 2**30:.1f} GiB ({needs.device}); "
        "* is more than that.",
        f"Answering: one prompt and its answer, {needs.tokens:,} tokens together, at a time. Training: one row of "
        f"{needs.tokens:,} tokens at a time, all of them learnt, with AdamW (qlora on CUDA: in 8 bits); rows of fewer "
        f"tokens need less, more rows at a time need more.{bits}",
        "Estimated from the configuration, as `harness plan SUITE` does; no weights were loaded.",
    ]
