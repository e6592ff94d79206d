"""How a run came about, read from run.json: a figure nobody can trace is not evidence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.records.figures import Summary
from harness.records.inputs import JSON
from reports.facts import numbers
from reports.facts.columns import DIRECTION, columns, probes
from reports.facts.spent import models_behind

FINISHED = {"finished", "complete", "completed", "done", "ok"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file shown as it is."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Named facts under one heading; a value may run over several lines."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CostRow:
    """What one variant spent on one task."""

    variant: str
    samples: int
    tokens_in: str
    tokens_out: str
    tokens_in_total: str
    tokens_out_total: str
    seconds: str
    calls: str
    cached: str
    looking_up: str  # seconds of this run, in all
    embedded: str  # texts, in this run
    failed: int
    unread: int
    truncated: int
    weights: str  # of its models, in memory
    prompts: str


@dataclass(frozen=True, slots=True)
class CostGroup:
    """One task."""

    task: str
    is_probe: bool
    searched: bool  # whether anything was looked up in this run
    rows: tuple[CostRow, ...]


def sources(run: Mapping[str, JSON]) -> tuple[Source, ...]:
    """The suite file, the prompts and the rubrics, verbatim."""
    suite = run.get("suite") or {}
    found = [Source(str(suite.get("path") or "suite.yaml"), suite["text"])] if suite.get("text") else []
    further = [*(suite.get("prompts") or {}).items()]
    further += [(f"rubric {name}", text) for name, text in (run.get("rubrics") or {}).items()]
    return (*found, *(Source(name, text) for name, text in further))


def facts(run: Mapping[str, JSON], summary: Summary) -> tuple[Facts, ...]:
    """Everything else that the result depends on, one group after the other; empty groups are left out."""
    groups = (
        Facts("Statistics", _statistics(summary)),
        Facts(
            "Metrics", tuple((c.name, _metric(summary, c.name)) for c in columns(summary) if c.name in summary.metrics)
        ),
        Facts("Variants", _entries(run, "variants")),
        Facts("Models", _entries(run, "models")),
        Facts("Judges", _entries(run, "judges")),
        Facts("Tasks", _entries(run, "tasks")),
        Facts("Knowledge", tuple((name, _knowledge(record)) for name, record in (run.get("knowledge") or {}).items())),
        Facts("Data", tuple((task, _data(data)) for task, data in (run.get("data") or {}).items())),
        Facts("Run", _circumstances(run)),
        Facts("Hardware", flat(run.get("hardware"))),
        Facts("Packages", flat(run.get("packages"))),
    )
    return tuple(group for group in groups if group.rows)


def warnings(run: Mapping[str, JSON], summary: Summary) -> tuple[str, ...]:
    """What to know before believing the figures, each once."""
    status = run.get("status")
    unfinished = (
        [] if status is None or status in FINISHED else [f"This run is not finished: its status is “{status}”."]
    )
    return tuple(dict.fromkeys([*unfinished, *summary.warnings, *map(str, run.get("warnings") or ())]))


def costs(run: Mapping[str, JSON], summary: Summary) -> list[CostGroup]:
    """By task, one row a variant; calls and cache hits only where run.json counts them."""
    probing = probes(summary)
    return [
        CostGroup(task, task in probing, any((row.looking_up, row.embedded) != ("–", "–") for row in some), tuple(some))
        for task, some in _cost_rows(run, summary).items()
    ]


def _cost_rows(run: Mapping[str, JSON], summary: Summary) -> dict[str, list[CostRow]]:
    cells = {(cell.get("task"), cell.get("variant")): cell for cell in run.get("cells") or ()}
    rows: dict[str, list[CostRow]] = {}
    for usage in summary.usage:
        cell = cells.get((usage.task, usage.variant), {})
        share = max(1, usage.samples)
        rows.setdefault(usage.task, []).append(
            CostRow(
                variant=usage.variant,
                samples=usage.samples,
                tokens_in=f"{usage.tokens_in / share:,.0f}",
                tokens_out=f"{usage.tokens_out / share:,.0f}",
                tokens_in_total=f"{usage.tokens_in:,}",
                tokens_out_total=f"{usage.tokens_out:,}",
                seconds=_seconds(usage.seconds / share),
                calls=_count(cell.get("calls")),
                cached=_count(cell.get("cached")),
                looking_up=_seconds(cell["retrieval_seconds"]) if cell.get("retrieval_seconds") else "–",
                embedded=_count(cell.get("embedded") or None),
                failed=usage.failed,
                unread=usage.unread,
                truncated=usage.truncated,
                weights=_weights(run, summary, usage.variant),
                prompts=usage.prompts.removeprefix("sha256:"),
            )
        )
    return rows


def _weights(run: Mapping[str, JSON], summary: Summary, variant: str) -> str:
    """The most that one of the variant's models takes: only one is loaded at a time."""
    models = run.get("models") or {}
    known = [
        size for name in models_behind(run, summary, variant) if (size := (models.get(name) or {}).get("weights_bytes"))
    ]
    return numbers.memory(max(known)) if known else "–"


def when(run: Mapping[str, JSON]) -> str | None:
    """When the run finished and how long it took, e.g. "22 November 2026, 09:41 UTC, in 4 min"."""
    started, finished = _time(run.get("started")), _time(run.get("finished"))
    if finished is None:
        return None if started is None else f"started {_date(started)}"
    if started is None or (started.tzinfo is None) != (finished.tzinfo is None):
        return _date(finished)
    return f"{_date(finished)}, in {numbers.duration((finished - started).total_seconds())}"


def _statistics(summary: Summary) -> tuple[tuple[str, str], ...]:
    tests = sorted({c.test for c in summary.comparisons if c.test})
    rows = [("Means", "over the items with a value; 95 % intervals: Wilson for right or wrong, else bootstrap")]
    if tests:
        rows.append(
            ("Differences", f"paired bootstrap over the items known for the variant and for {summary.reference}")
        )
        rows.append(("Tests", "; ".join(tests)))
        rows.append(("Correction", "Holm, over all variants and headline metrics; other metrics over the variants"))
        rows.append(("Detectable, needed", "at 80 % power"))
    rows.append(("Unknown", "a value that a machine failed to produce lowers coverage, never a mean"))
    return tuple(rows)


def _metric(summary: Summary, name: str) -> str:
    info = summary.metrics[name]
    component = _component({"component": info.component, "settings": dict(info.settings)})
    made = "\na figure of all items together, not a mean over them" if info.corpus else ""
    return f"{component}\nrange {numbers.scale(info)}, {DIRECTION[info.better]}{made}"


def _entries(run: Mapping[str, JSON], section: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, _record(record)) for name, record in (run.get(section) or {}).items())


def _record(record: JSON) -> str:
    if not isinstance(record, dict):
        return compact(record)
    head = _component(record)
    rest = [
        f"{key}: {compact(value)}"
        for key, value in record.items()
        if key not in ("component", "settings") and value not in (None, "", {}, [])
    ]
    return "\n".join(line for line in (head, *rest) if line)


def _component(record: Mapping[str, JSON]) -> str:
    settings = compact(record.get("settings") or {})
    return f"{record.get('component', '')}{f' ({settings})' if settings else ''}".strip()


def _data(data: JSON) -> str:
    rows = ", ".join(
        f"{count:,} {split}" for split, count in (data.get("rows") or {}).items() if isinstance(count, int)
    )
    files = [f"{file.get('path')}\nsha256 {file.get('sha256')}" for file in data.get("files") or ()]
    skipped = [f"skipped {reason}" for reason in data.get("skipped") or ()]
    return "\n".join(line for line in (f"rows: {rows}" if rows else "", *files, *skipped) if line)


def _knowledge(record: JSON) -> str:
    """What was searched: how many passages, what was merged and left out on the way, and from which files."""
    if not isinstance(record, dict):
        return compact(record)
    counts = [_plural(record.get("passages"), "passage"), _plural(record.get("merged"), "equal passage", " merged")]
    files = [f"{file.get('path')}\nsha256 {file.get('sha256')}" for file in record.get("files") or ()]
    skipped = [f"skipped {reason}" for reason in record.get("skipped") or ()]
    lines = (_component(record), "; ".join(count for count in counts if count), *skipped, *files)
    return "\n".join(line for line in lines if line)


def _plural(count: JSON, what: str, end: str = "") -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}{end}" if isinstance(count, int) and count else ""


def _circumstances(run: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    commit = run.get("commit") or {}
    dirty = " with uncommitted changes" if commit.get("dirty") else ""
    rows = (
        ("Command", run.get("command")),
        ("Seed", run.get("seed")),
        ("Started", run.get("started")),
        ("Finished", run.get("finished")),
        ("Harness", run.get("harness")),
        ("Commit", f"{commit['hash']}{dirty}" if commit.get("hash") else None),
    )
    return tuple((name, str(value)) for name, value in rows if value is not None)


def flat(mapping: JSON) -> tuple[tuple[str, str], ...]:
    """A mapping as named facts, without what is not known."""
    return tuple(
        (str(key).replace("_", " "), "none" if value == [] else compact(value))
        for key, value in (mapping or {}).items()
        if value not in (None, "")
    )


def compact(value: JSON) -> str:
    """A value as one line; simple lists and mappings without JSON's brackets, because people read this."""
    if isinstance(value, str):
        return value
    if _is_component(value):
        return _component(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_nested(inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_nested(inner) for inner in value)
    return json.dumps(value, ensure_ascii=False)


def _nested(value: JSON) -> str:
    simple = (isinstance(value, str) and value) or _is_component(value)
    return compact(value) if simple else json.dumps(value, ensure_ascii=False)


def _is_component(value: JSON) -> bool:
    """Whether nothing but a component is described; a model's identity names its component among other facts."""
    return isinstance(value, dict) and "component" in value and value.keys() <= {"component", "settings"}


def _count(count: JSON) -> str:
    return f"{count:,}" if isinstance(count, int) else "–"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:,.0f}"


def _time(text: JSON) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _date(moment: datetime) -> str:
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    return f"{moment.day} {moment:%B %Y, %H:%M}{zone}"
