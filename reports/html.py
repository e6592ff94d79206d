"""The report page: one file that opens anywhere, offline, and shows the evidence behind every figure."""

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from harness.store import RunFolder
from harness.types import Summary
from reports import plot, provenance, samples
from reports.table import DIRECTION, Column, Entry, build, columns, variants
from reports.verdict import findings

NAME = "report.html"


def write(folder: RunFolder) -> Path:
    """Write report.html into the run folder. Raises StoreError when an earlier stage has not been run."""
    return folder.write_text(NAME, render(folder))


def render(folder: RunFolder) -> str:
    """The page as text. Equal runs give equal pages."""
    run, summary = folder.read_run(), folder.summary()
    items = folder.samples()
    style, early, late = (
        _data("report.css") + _data("items.css"),
        _data("theme.js"),
        _data("samples.js") + _data("report.js"),
    )
    return (
        _environment()
        .get_template("template.html.j2")
        .render(
            name=summary.name,
            summary=summary,
            run=run,
            when=provenance.when(run),
            items=len(items),
            findings=findings(summary),
            warnings=provenance.warnings(run, summary),
            tables=build(summary),
            columns=columns(summary),
            variants=variants(summary),
            tasks=list(dict.fromkeys(item.task for item in items)),
            forests=plot.forests(summary),
            costs=provenance.costs(run, summary),
            sources=provenance.sources(run),
            facts=provenance.facts(run, summary),
            direction=DIRECTION,
            whisker=lambda entry, column: _whisker(summary, entry, column),
            style=Markup(style),  # our own files, not a run's text
            early=Markup(early),
            late=Markup(late),
            style_hash=_hash(style),
            script_hashes=(_hash(early), _hash(late)),
            payload=samples.pack(summary, items, folder.predictions(), folder.scores()),
        )
    )


def _whisker(summary: Summary, entry: Entry, column: Column) -> plot.Whisker | None:
    result = entry.result
    if result.mean is None:
        return None
    same = [r for r in summary.results if (r.task, r.metric) == (column.task, column.metric)]
    return plot.whisker(plot.value_axis(same, column.info), result.mean, result.low, result.high)


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_data), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["tied"] = _tied
    return environment


def _tied(text: str) -> str:
    """No line may end between a sign and its figure."""
    for loose in ("95 % CI ", "p = ", "p < ", "p > "):
        text = text.replace(loose, loose.replace(" ", "\u00a0"))
    return text


def _data(name: str) -> str:
    return files("reports").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The digest by which the content security policy admits exactly this script or style, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
