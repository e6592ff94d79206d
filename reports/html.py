"""The report page: one file that opens anywhere, offline, and shows the evidence behind every figure."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from harness.records.figures import Summary
from harness.records.inputs import JSON
from harness.records.outputs import Prediction
from harness.runtime.run_folder import RunFolder
from harness.summary.error_causes import KINDS
from reports.charts import whiskers as plot
from reports.facts.columns import DIRECTION, Column, columns, general, probes, variants
from reports.facts.spent import spent
from reports.facts.table import Entry, build
from reports.sections import (
    cascade,
    confusion,
    corrected,
    curve,
    forgetting,
    freshness,
    judging,
    provenance,
    ranking,
    retrieval,
    samples,
    seeds,
    training,
)
from reports.sections import leakage as overlap
from reports.sections.floors import alarms
from reports.verdict import cautions, findings

NAME = "report.html"


def write(folder: RunFolder) -> Path:
    """Write report.html into the run folder. Raises StoreError when an earlier stage has not been run."""
    return folder.write_text(NAME, render(folder))


def render(folder: RunFolder) -> str:
    """The page as text. Equal runs give equal pages."""
    run, summary = folder.read_run(), folder.summary()
    items, predictions = folder.samples(), folder.predictions()
    probing, general_tasks = probes(summary), general(summary)
    apart = probing.keys() | general_tasks
    return (
        _environment()
        .get_template("template.html.j2")
        .render(
            name=summary.name,
            summary=summary,
            run=run,
            when=provenance.when(run),
            items=sum(item.task not in apart for item in items),
            probes=len({(probe.task, probe.knowledge) for probe in probing.values()}),
            general=len(general_tasks),
            alarms=alarms(summary),
            cautions=cautions(summary),
            findings=findings(summary),
            warnings=provenance.warnings(run, summary),
            tables=build(summary, spent(run, summary)),
            columns=columns(summary),
            variants=variants(summary),
            answering=samples.answering(summary, predictions),
            tasks=list(dict.fromkeys(item.task for item in items)),
            plain_tasks={item.task for item in items} - apart,
            forests=plot.forests(summary),
            **_sections(run, summary, predictions),
            costs=provenance.costs(run, summary),
            sources=provenance.sources(run),
            facts=provenance.facts(run, summary),
            direction=DIRECTION,
            whisker=lambda entry, column: _whisker(summary, entry, column),
            **_assets(),
            payload=samples.pack(summary, items, predictions, folder.scores()),
        )
    )


def _sections(run: Mapping[str, JSON], summary: Summary, predictions: Sequence[Prediction]) -> dict[str, JSON]:
    """What is on the page only where the run has it."""
    return {
        "judges": judging.section(summary),
        "calibrate": judging.COMMAND,
        "rankings": ranking.section(summary),
        "people": corrected.section(summary),
        "confusions": confusion.section(summary),
        "freshness": freshness.section(summary),
        "retrieval": retrieval.section(summary, predictions),
        "kinds": KINDS,
        "cascades": cascade.section(summary, run),
        "curve": curve.section(summary),
        "seeds": seeds.section(summary),
        "training": training.section(run),
        "forgetting": forgetting.section(summary),
        "leakage": overlap.section(summary),
    }


def _assets() -> dict[str, JSON]:
    """Styles and scripts: our own files, not a run's text, with the digests that admit them."""
    style = "".join(map(_data, ("report.css", "sections.css", "items.css", "training.css", "judging.css")))
    early, late = _data("theme.js"), _data("samples.js") + _data("report.js")
    hashes = {"style_hash": _hash(style), "script_hashes": (_hash(early), _hash(late))}
    return {"style": Markup(style), "early": Markup(early), "late": Markup(late), **hashes}


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
    for loose in ("95 % CI ", "p = ", "p < ", "p > ", " %"):
        text = text.replace(loose, loose.replace(" ", "\u00a0"))
    return re.sub(r"(?<=\d) to (?=[\d−])", "\u00a0to\u00a0", text)


def _data(name: str) -> str:
    return files("reports").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The digest by which the content security policy admits exactly this script or style, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
