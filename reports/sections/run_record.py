"""How a run came about, read from run.json: a figure nobody can trace is not evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.figures import Grouping
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.metric_columns import direction_of, metric_columns
from reports.facts.phrases import counted
from reports.facts.record_text import FactGroup, compact, component_text, named_values
from reports.facts.self_test import self_test_rows
from reports.facts.test_names import spoken_test
from reports.facts.training_cost import models_behind
from reports.section import Section
from reports.wording import say

SPLITS: Mapping[str, str] = {
    "train": "run_record.train",
    "validation": "run_record.validation",
    "test": "run_record.test",
}
HARDWARE: Mapping[str, str] = {
    "cpu": "run_record.cpu",
    "cores": "run_record.cores",
    "memory gib": "run_record.memory",
    "accelerators": "run_record.accelerators",
    "python": "run_record.python",
    "platform": "run_record.platform",
}


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
                yield say("run_record.silent_server", model=name, answers=counted(cached, "answer"))


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
    texts += [(say("run_record.rubric", name=name), text) for name, text in (run.get("rubrics") or {}).items()]
    return tuple(SourceText(title, text) for title, text in texts)


def _groups(run: Mapping[str, JSON], summary: Summary) -> tuple[FactGroup, ...]:
    """Everything else that the result depends on, one group after the other; empty groups are left out."""
    names = [column.name for column in metric_columns(summary) if column.name in summary.metrics]
    knowledge = tuple((name, _knowledge(record)) for name, record in (run.get("knowledge") or {}).items())
    groups = (
        FactGroup(say("run_record.statistics"), _statistics(summary), is_unfolded=True),
        FactGroup(say("run_record.metrics"), tuple((name, _metric(summary, name)) for name in names)),
        FactGroup(say("run_record.variants"), _entries(run, "variants")),
        FactGroup(say("run_record.models"), _entries(run, "models")),
        FactGroup(say("run_record.judges"), _entries(run, "judges")),
        FactGroup(say("run_record.tasks"), _entries(run, "tasks")),
        FactGroup(say("run_record.knowledge"), knowledge),
        FactGroup(say("run_record.data"), tuple((task, _data(data)) for task, data in (run.get("data") or {}).items())),
        FactGroup(say("run_record.run"), _circumstances(run), is_unfolded=True),
        FactGroup(say("run_record.hardware"), _hardware(run)),
        FactGroup(say("run_record.packages"), named_values(run.get("packages"))),
        FactGroup(say("run_record.self_test"), self_test_rows(run)),
    )
    return tuple(group for group in groups if group.rows)


def _statistics(summary: Summary) -> tuple[tuple[str, str], ...]:
    tests = sorted({comparison.test for comparison in summary.comparisons if comparison.test})
    rows = [
        (say("run_record.means"), say("run_record.means_text")),
        *((say("run_record.items_of", task=grouping.task), _grouping_text(grouping)) for grouping in summary.groupings),
    ]
    if tests:
        differences = say("run_record.differences_text", reference=summary.reference)
        rows += [
            (say("run_record.differences"), differences),
            (say("run_record.tests"), say("run_record.separator").join(map(spoken_test, tests))),
            (say("run_record.correction"), say("run_record.correction_text")),
            (say("run_record.power"), say("run_record.power_text")),
        ]
    return (*rows, (say("run_record.unknown"), say("run_record.unknown_text")))


def _grouping_text(grouping: Grouping) -> str:
    return say(
        "run_record.grouping_with_repeats" if grouping.repeated else "run_record.grouping",
        items=counted(grouping.samples, "item"),
        groups=counted(grouping.groups, "group"),
        largest=grouping.largest,
        repeated=grouping.repeated,
    )


def _metric(summary: Summary, name: str) -> str:
    info = summary.metrics[name]
    return _lines(
        component_text({"component": info.component, "settings": dict(info.settings)}),
        say("run_record.range", scale=numbers.scale(info), direction=direction_of(info.better)),
        say("run_record.corpus") if info.corpus else "",
    )


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
    details += [say("run_record.untold_version")] if record.get("tells_version") is False else []
    return _lines(component_text(record), *details)


def _data(data: JSON) -> str:
    counts = (data.get("rows") or {}).items()
    rows = say("run_record.row_separator").join(_split(name, count) for name, count in counts if isinstance(count, int))
    return _lines(say("run_record.rows", rows=rows) if rows else "", *_files(data), *_skipped(data))


def _split(split: str, count: int) -> str:
    return say(SPLITS.get(split, "run_record.split"), split=split, count=f"{count:,}")


def _knowledge(record: JSON) -> str:
    """What was searched: how many passages, what was merged and left out on the way, and from which files."""
    if not isinstance(record, dict):
        return compact(record)
    passages, merged = record.get("passages"), record.get("merged")
    counts = [counted(passages, "passage") if isinstance(passages, int) and passages else ""]
    counts += [
        say("run_record.merged", passages=counted(merged, "identical passage"))
        if isinstance(merged, int) and merged
        else ""
    ]
    return _lines(
        component_text(record),
        say("run_record.count_separator").join(filter(None, counts)),
        *_skipped(record),
        *_files(record),
    )


def _files(record: Mapping[str, JSON]) -> list[str]:
    return [f"{file.get('path')}\nsha256 {file.get('sha256')}" for file in record.get("files") or ()]


def _skipped(record: Mapping[str, JSON]) -> list[str]:
    return [say("run_record.skipped", reason=str(reason)) for reason in record.get("skipped") or ()]


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _circumstances(run: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    commit = run.get("commit") or {}
    digest = commit.get("hash")
    rows = (
        (say("run_record.command"), run.get("command")),
        (say("run_record.seed"), run.get("seed")),
        (say("run_record.started"), run.get("started")),
        (say("run_record.finished"), run.get("finished")),
        (say("run_record.stages"), _stages(run)),
        (say("run_record.harness"), run.get("harness")),
        (
            say("run_record.commit"),
            say("run_record.changed_commit", hash=digest) if digest and commit.get("dirty") else digest or None,
        ),
    )
    return tuple((name, str(value)) for name, value in rows if value is not None)


def _hardware(run: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    """Facts of the machine; those that are not known by name stand under the record's own."""
    facts = named_values(run.get("hardware"))
    return tuple((say(HARDWARE[name]) if name in HARDWARE else name, value) for name, value in facts)


def _stages(run: Mapping[str, JSON]) -> str | None:
    """How long each stage took when it last ran; None in a record without times, as older versions wrote it."""
    stages = (run.get("stages") or {}).items()
    lines = (say("run_record.stage", stage=stage, duration=numbers.duration(took)) for stage, took in stages)
    return say("run_record.stage_separator").join(lines) or None
