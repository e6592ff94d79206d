"""How a run came about, read from run.json: a figure nobody can trace is not evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.figures import Grouping
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import DIRECTION, metric_columns
from reports.facts.phrases import counted
from reports.facts.record_text import FactGroup, compact, component_text, named_values
from reports.facts.self_test import self_test_rows
from reports.facts.training_cost import models_behind
from reports.section import Section

UNTOLD = "its server does not tell its version: after an upgrade, answers of before are taken from the cache"


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file shown as it is."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class RunRecordFacts:
    """What the result depends on, in words and as files."""

    groups: tuple[FactGroup, ...]
    sources: tuple[SourceText, ...]


class RunRecord(Section):
    order = 170

    def build(self, finished: FinishedRun) -> RunRecordFacts:
        return RunRecordFacts(_groups(finished.run, finished.summary), _sources(finished.run))

    def cautions(self, finished: FinishedRun) -> Iterator[str]:
        """Where answers came from the cache that another version of a server may have given."""
        run = finished.run
        models = {**(run.get("models") or {}), **(run.get("judges") or {})}
        silent = [name for name, record in models.items() if (record or {}).get("tells_version") is False]
        for name in silent:
            if cached := _cached_answers(run, finished.summary, name):
                yield (
                    f"The server of {name} does not tell its version, and {counted(cached, 'answer')} came from the "
                    "cache: after an upgrade they may be those of another engine."
                )


def _cached_answers(run: Mapping[str, JSON], summary: Summary, model: str) -> int:
    """Answers from the cache in the cells that ask a model, and in the metrics that do."""
    cells = [cell for cell in run.get("cells") or () if model in models_behind(run, summary, cell.get("variant"))]
    metrics = [cost for cost in run.get("judging") or () if _is_judge(summary, cost, model)]
    return sum(part.get("cached") or 0 for part in (*cells, *metrics))


def _is_judge(summary: Summary, cost: Mapping[str, JSON], model: str) -> bool:
    figure = (cost.get("task"), cost.get("metric"))
    return any((judge.task, judge.metric) == figure and judge.judge == model for judge in summary.judging.judges)


def _sources(run: Mapping[str, JSON]) -> tuple[SourceText, ...]:
    """The suite file, the prompts and the rubrics, verbatim."""
    suite = run.get("suite") or {}
    texts = [(str(suite.get("path") or "suite.yaml"), suite["text"])] if suite.get("text") else []
    texts += (suite.get("prompts") or {}).items()
    texts += [(f"rubric {name}", text) for name, text in (run.get("rubrics") or {}).items()]
    return tuple(SourceText(title, text) for title, text in texts)


def _groups(run: Mapping[str, JSON], summary: Summary) -> tuple[FactGroup, ...]:
    """Everything else that the result depends on, one group after the other; empty groups are left out."""
    names = [column.name for column in metric_columns(summary) if column.name in summary.metrics]
    groups = (
        FactGroup("Statistics", _statistics(summary)),
        FactGroup("Metrics", tuple((name, _metric(summary, name)) for name in names)),
        *(FactGroup(part.capitalize(), _entries(run, part)) for part in ("variants", "models", "judges", "tasks")),
        FactGroup("Knowledge", tuple((name, _knowledge(rec)) for name, rec in (run.get("knowledge") or {}).items())),
        FactGroup("Data", tuple((task, _data(data)) for task, data in (run.get("data") or {}).items())),
        FactGroup("Run", _circumstances(run)),
        FactGroup("Hardware", named_values(run.get("hardware"))),
        FactGroup("Packages", named_values(run.get("packages"))),
        FactGroup("Self-test", self_test_rows(run)),
    )
    return tuple(group for group in groups if group.rows)


def _statistics(summary: Summary) -> tuple[tuple[str, str], ...]:
    tests = sorted({comparison.test for comparison in summary.comparisons if comparison.test})
    rows = [
        (
            "Means",
            "over the items with a value; 95 % intervals: Wilson for right or wrong, else Gaffke’s for values of a "
            "known scale (a weighted bootstrap with one unseen group at the end of the scale); a bootstrap for figures "
            "of all items",
        ),
        *((f"Items of {grouping.task}", _grouping_text(grouping)) for grouping in summary.groupings),
    ]
    if tests:
        rows += [
            (
                "Differences",
                f"paired, over the items with a value for the variant and for {summary.reference}; an interval "
                "excludes zero exactly where the adjusted p is below 0.05",
            ),
            ("Tests", "; ".join(tests)),
            (
                "Correction",
                "Holm, over all variants and headline metrics; other metrics over the variants. Best: the leader "
                "against the runner-up, in the same family. Floors: over all floors. Two variants that both families "
                "compare have the p of the stricter",
            ),
            ("Detectable, needed", "at 80 % power"),
        ]
    return (*rows, ("Unknown", "a value that a machine failed to produce lowers coverage, never a mean"))


def _grouping_text(grouping: Grouping) -> str:
    text = (
        f"{counted(grouping.samples, 'item')} in {counted(grouping.groups, 'group')}, the largest of {grouping.largest}"
    )
    repeated = f"; {grouping.repeated} ask what an earlier one asks" if grouping.repeated else ""
    return f"{text}{repeated}; intervals resample groups, tests flip them, standard errors are clustered"


def _metric(summary: Summary, name: str) -> str:
    info = summary.metrics[name]
    component = component_text({"component": info.component, "settings": dict(info.settings)})
    basis = "\na figure of all items together, not a mean over them" if info.corpus else ""
    return f"{component}\nrange {numbers.scale(info)}, {DIRECTION[info.better]}{basis}"


def _entries(run: Mapping[str, JSON], part: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, _entry(record)) for name, record in (run.get(part) or {}).items())


def _entry(record: JSON) -> str:
    if not isinstance(record, dict):
        return compact(record)
    details = [
        f"{key}: {compact(value)}"
        for key, value in record.items()
        if key not in ("component", "settings", "tells_version") and value not in (None, "", {}, [])
    ]
    details += [UNTOLD] if record.get("tells_version") is False else []
    return _lines(component_text(record), *details)


def _data(data: JSON) -> str:
    counts = (data.get("rows") or {}).items()
    rows = ", ".join(f"{count:,} {split}" for split, count in counts if isinstance(count, int))
    return _lines(f"rows: {rows}" if rows else "", *_files(data), *_skipped(data))


def _knowledge(record: JSON) -> str:
    """What was searched: how many passages, what was merged and left out on the way, and from which files."""
    if not isinstance(record, dict):
        return compact(record)
    passages, merged = record.get("passages"), record.get("merged")
    counts = [counted(passages, "passage") if isinstance(passages, int) and passages else ""]
    counts += [f"{counted(merged, 'identical passage')} merged" if isinstance(merged, int) and merged else ""]
    return _lines(component_text(record), "; ".join(filter(None, counts)), *_skipped(record), *_files(record))


def _files(record: Mapping[str, JSON]) -> list[str]:
    return [f"{file.get('path')}\nsha256 {file.get('sha256')}" for file in record.get("files") or ()]


def _skipped(record: Mapping[str, JSON]) -> list[str]:
    return [f"skipped {reason}" for reason in record.get("skipped") or ()]


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _circumstances(run: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    commit = run.get("commit") or {}
    dirty = " with uncommitted changes" if commit.get("dirty") else ""
    rows = {
        "Command": run.get("command"),
        "Seed": run.get("seed"),
        "Started": run.get("started"),
        "Finished": run.get("finished"),
        "Stages": _stages(run),
        "Harness": run.get("harness"),
        "Commit": f"{commit['hash']}{dirty}" if commit.get("hash") else None,
    }
    return tuple((name, str(value)) for name, value in rows.items() if value is not None)


def _stages(run: Mapping[str, JSON]) -> str | None:
    """How long each stage took when it last ran; None in a record without times, as older versions wrote it."""
    return ", ".join(f"{stage} {numbers.duration(took)}" for stage, took in (run.get("stages") or {}).items()) or None
