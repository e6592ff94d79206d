"""Which folder a run writes to: a new one, or the unfinished one of the same suite, so that a run can be resumed."""

from collections.abc import Iterable
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from harness.components.component import Component
from harness.components.task import Task
from harness.errors import StoreError
from harness.records.inputs import JSON
from harness.records.run_scopes import LIMITED, scope_in
from harness.records.shards import PARTS
from harness.runtime.part_seals import folder_name, refuse_part
from harness.runtime.provenance import described, described_entries, described_suite
from harness.runtime.run_folder import RunFolder
from harness.runtime.whole_files import writing
from harness.suite.suite import Suite

ROOT = Path("runs")
_UNRECORDED = {"language": "zh"}  # what runs of before did not record, because there was nothing else


def folder_for(suite: Suite, out: Path | None) -> RunFolder:
    """The folder named by the user, else the suite's unfinished one, else a new one named by the time.

    Limited runs lie apart, in runs/NAME/limited: none of them is taken for a whole run, and no whole run for one. So do
    parts, in runs/NAME/parts: each shard has its own folder, whose older part of the same suite it replaces.
    """
    if out is not None:
        return _named(suite, out)
    root, shard = root_for(suite), suite.scope.shard
    if shard is not None:
        return _named(suite, root / PARTS / folder_name(shard))
    last = latest(root)
    if last is not None and is_unfinished(last, suite) and not last.is_locked():
        return last
    stamp = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    fresh = [stamp, *(f"{stamp}-{i}" for i in range(2, 1000))]
    return RunFolder(root / next(name for name in fresh if not (root / name).exists()))


def root_for(suite: Suite) -> Path:
    """The folder that holds the runs of a suite which reach as far."""
    return ROOT / suite.name / LIMITED if suite.scope.is_limited else ROOT / suite.name


def folder_from(suite: Suite, out: Path | None) -> RunFolder:
    """The run whose later stages are run again. Raises StoreError where it reaches otherwise than the suite's."""
    folder = folder_for(suite, out) if suite.scope.shard else run_at(out or root_for(suite))
    if suite.scope.shard is None or (folder.path / "run.json").exists():
        refuse_scope_change(folder, suite)
    return folder


def refuse_scope_change(folder: RunFolder, suite: Suite) -> None:
    """Raise StoreError for a limited run in place of a whole one or of one that is limited otherwise, and back."""
    record = folder.read_run()
    if not suite.scope.reaches_as(record):
        before = scope_in(record)
        kind = "a limited run" if before.shard is None else "a part of a run"
        described = f"{kind} ({before.options()})" if before.options() else "a whole run"
        raise StoreError(
            f"{folder.path} holds {described}, which this one ({suite.scope.options() or 'whole'}) neither goes on nor "
            "replaces; choose another folder with --out, or give the same options"
        )


def latest(root: Path) -> RunFolder | None:
    """The newest run below a suite's folder."""
    runs = sorted((path.parent for path in root.glob("*/run.json")), key=lambda path: path.name)
    return RunFolder(runs[-1]) if runs else None


def run_at(place: Path) -> RunFolder:
    """The run that a path means: a run folder, or the newest run below a suite's folder. A part is none."""
    try:
        last = RunFolder(place) if (place / "run.json").is_file() else latest(place)
    except OSError:  # e.g. a name that is too long
        last = None
    if last is None and (place / PARTS).is_dir():
        raise StoreError(f"{place}: only parts of runs here; join them: harness merge {place / PARTS}")
    if last is None and (place / LIMITED).is_dir():
        raise StoreError(f"{place}: only limited runs here; name {place / LIMITED}, or make a whole run")
    if last is None:
        raise StoreError(f"{place}: no run here; name a folder made by `harness run`, such as {ROOT}/NAME")
    refuse_part(last)
    return last


def is_unfinished(folder: RunFolder, suite: Suite) -> bool:
    """Whether a run of this very suite was cut short; a folder that cannot be read is not."""
    try:
        record = folder.read_run()
    except StoreError:
        return False
    is_unchanged = record["suite"].get("text") == suite.text and record["suite"].get("prompts") == dict(suite.prompts)
    return bool(is_unchanged and suite.scope.reaches_as(record) and record.get("status") != "complete")


def refuse_changed(folder: RunFolder, suite: Suite, tasks: dict[str, Task], scored: bool) -> None:
    """Raise StoreError if the run's predictions were made by other samples, prompts, answers or variants.

    Metrics may differ: scoring again by other metrics is what a later first stage is for. Where the scores are taken as
    they are (`scored`), they must be those of these metrics and judges.
    """
    record, described_now = folder.read_run(), described_suite(suite, tasks)
    changed = []
    tasks_before, variants_before = record.get("tasks", {}), record.get("variants", {})
    if record["suite"].get("name") != suite.name:
        changed.append(f"suite {record['suite'].get('name')} is not {suite.name}")
    changed += [
        f"task {name}" for name in sorted({*tasks_before, *tasks}) if _asks_otherwise(name, record, described_now)
    ]
    answering = suite.answering()
    changed += [
        f"variant {n}"
        for n in sorted({*variants_before, *answering})
        if n not in answering or _changed(variants_before.get(n), described_now["variants"][n], answering[n])
    ]
    for kind, used in (("knowledge", suite.usage.knowledge), ("models", suite.usage.predicting)):
        before, components = record.get(kind, {}), getattr(suite, kind)
        entries = described_entries(suite, kind)
        changed += [f"{kind}.{n}" for n in used if _changed(before.get(n), entries[n], components[n])]
    samples = (sample for task in tasks.values() for sample in task.data.test)
    if not changed and not _are_equal(folder.stream_samples(), samples):
        changed.append("the data")
    predictions = ((p.task, p.variant, p.sample_id) for p in folder.stream_predictions())
    expected = ((s.task, variant, s.id) for n, t in tasks.items() for variant in suite.asked(n) for s in t.data.test)
    if not changed and not _are_equal(predictions, expected):
        changed.append("predictions.jsonl is not complete")
    if not changed and scored:
        _refuse_changed_metrics(folder, suite, tasks)
    if changed:
        raise StoreError(
            f"{folder.path}: changed since its predictions were made: {', '.join(changed)}; "
            "run without --from (finished calls are cached)"
        )


def _are_equal(first: Iterable[object], second: Iterable[object]) -> bool:
    return all(a == b for a, b in zip_longest(first, second))


def _asks_otherwise(task: str, record: JSON, described_now: JSON) -> bool:
    """Whether a task is new, is gone, or asks and reads otherwise than when the run was recorded."""
    before, after = record.get("tasks", {}).get(task), described_now["tasks"].get(task)
    if before is None or after is None:
        return True
    parts = ("answer", "prompt", "system", "generation", "language")
    return any(before.get(part, _UNRECORDED.get(part)) != after[part] for part in parts)


def _refuse_changed_metrics(folder: RunFolder, suite: Suite, tasks: dict[str, Task]) -> None:
    record, described_now = folder.read_run(), described_suite(suite, tasks)
    changed = [
        f"the metrics of task {name}"
        for name, task in described_now["tasks"].items()
        if task["metrics"] != record["tasks"][name]["metrics"]
    ]
    judges_before = record.get("judges", {})
    changed += [
        f"models.{name}"
        for name in suite.usage.judges
        if _changed(judges_before.get(name), described(suite.models[name]), suite.models[name])
    ]
    if changed:
        raise StoreError(f"{folder.path}: changed since it was scored: {', '.join(changed)}; run with --from score")


def _changed(before: JSON, after: dict[str, JSON], component: Component) -> bool:
    """Whether an entry differs from its record, in what it says and in its files.

    A parameter that is younger than the record had its default then.
    """
    if before is None:
        return True
    fields, recorded = type(component).model_fields, before.get("settings", {})
    younger = {
        name: value
        for name, value in after["settings"].items()
        if name not in recorded and getattr(component, name) == fields[name].get_default(call_default_factory=True)
    }
    return any(before.get(part) != after[part] for part in after if part != "settings") or (
        {**recorded, **younger} != after["settings"]
    )


def _named(suite: Suite, out: Path) -> RunFolder:
    with writing(out):
        is_file = out.exists() and not out.is_dir()
    if is_file:
        raise StoreError(f"{out} is a file; choose another place with --out")
    folder = RunFolder(out)
    folder.refuse_foreign()
    if (out / "run.json").exists():
        if (name := folder.read_run()["suite"].get("name")) != suite.name:
            raise StoreError(f"{out} holds a run of suite {name}; choose another folder with --out")
        refuse_scope_change(folder, suite)
    return folder
