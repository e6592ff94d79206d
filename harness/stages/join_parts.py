"""Join the parts of a divided run: leaves what a whole run leaves before it is scored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.components.component import Component
from harness.components.task import Task
from harness.errors import StoreError
from harness.records.inputs import JSON, Cell, Sample
from harness.records.outputs import Prediction
from harness.records.shards import PARTS, SHARD, Shard, seal_in
from harness.runtime.joined_folder import parts_record
from harness.runtime.part_seals import merge_command
from harness.runtime.process_settings import allow_open_files
from harness.runtime.provenance import described, described_scope, described_suite
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_parts import COMPARED, RunPart
from harness.stages.item_shards import division_digest, shard_numbers
from harness.stages.plan import planned_cells
from harness.suite.suite import Suite
from harness.text.counting import counted

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class PartOutcome:
    """What one shard came to."""

    shard: Shard
    lost: tuple[str, ...]  # cells of which no call was answered
    lines: tuple[str, ...]

    def loss(self) -> str | None:
        """A sentence that names the cells without any answer; None where each has one."""
        return f"of {self.shard.words}, no call was answered in {', '.join(self.lost)}" if self.lost else None


def part_outcome(folder: RunFolder) -> PartOutcome:
    """What there is to say of a finished part. Raises StoreError for a folder that is none."""
    record = folder.read_run()
    seal = seal_in(record)
    if seal is None:
        raise StoreError(f"{folder.path} is no finished part; run its shard again")
    cells = record.get("cells") or ()
    failed = sum(cell["failed"] for cell in cells)
    lost = [
        f"{own['task']} × {own['variant']}" for own in cells if own["failed"] and not own["tokens_in"] + own["cached"]
    ]
    answers = sum(cell["samples"] for cell in cells)
    lines = [
        f"{seal.shard.words.capitalize()}: {counted(answers, 'answer')} in {counted(len(cells), 'cell')}: {folder.path}"
    ]
    if failed:
        lines.append(f"{counted(failed, 'call')} failed; the same command asks them again")
    lines.append(f"When all {seal.shard.of} are done: {merge_command(folder.path, seal.shard)}")
    return PartOutcome(shard=seal.shard, lost=tuple(lost), lines=tuple(lines))


def join_parts(parts: Sequence[RunPart], suite: Suite, tasks: Mapping[str, Task], folder: RunFolder) -> None:
    """Write samples, predictions and record of the whole run, all in the suite's order, a line at a time.

    `parts` are all of one division, in order. Raises StoreError where the suite here has other items than they divide,
    and for a part that does not hold the items of its shard.
    """
    of = len(parts)
    if any(part.seal.division != division_digest(tasks, of) for part in parts):
        raise StoreError(
            f"{suite.path}: its items are not those that the parts divide, as its data here differ from theirs; merge "
            "where the data of the parts are, or run the shards again"
        )
    allow_open_files(of)
    folder.clear()
    folder.write_samples(_joined_samples(parts, tasks))
    folder.write_predictions(_joined_predictions(parts, suite, tasks))
    folder.write_overlaps(parts[0].folder.overlaps())
    folder.write_latencies(parts[0].folder.latencies())
    folder.write_run(_joined_record(parts, suite, tasks))


def _joined_samples(parts: Sequence[RunPart], tasks: Mapping[str, Task]) -> Iterator[Sample]:
    sources = {part.number: part.folder.stream_samples() for part in parts}
    for name, numbers in shard_numbers(tasks, len(parts)).items():
        for item, number in zip(tasks[name].data.test, numbers, strict=True):
            sample = next(sources[number], None)
            if sample is None or (sample.task, sample.id) != (name, item.id):
                raise _misplaced(parts[number - 1], "samples.jsonl", f"item {item.id} of {name}")
            yield sample
    _refuse_rest(parts, sources, "samples.jsonl")


def _joined_predictions(parts: Sequence[RunPart], suite: Suite, tasks: Mapping[str, Task]) -> Iterator[Prediction]:
    sources = {part.number: part.folder.stream_predictions() for part in parts}
    for name, numbers in shard_numbers(tasks, len(parts)).items():
        for variant in suite.asked(name):
            for item, number in zip(tasks[name].data.test, numbers, strict=True):
                own = next(sources[number], None)
                if own is None or (own.task, own.variant, own.sample_id) != (name, variant, item.id):
                    place = f"the answer of {variant} to item {item.id} of {name}"
                    raise _misplaced(parts[number - 1], "predictions.jsonl", place)
                yield own
    _refuse_rest(parts, sources, "predictions.jsonl")


def _misplaced(part: RunPart, file: str, what: str) -> StoreError:
    return StoreError(f"{part.folder.path / file}: {what} is not where it should be; run {part.seal.shard.words} again")


def _refuse_rest(parts: Sequence[RunPart], sources: Mapping[int, Iterator[T]], file: str) -> None:
    for part in parts:
        if next(sources[part.number], None) is not None:
            raise _misplaced(part, file, "its last line")


def _joined_record(parts: Sequence[RunPart], suite: Suite, tasks: Mapping[str, Task]) -> dict[str, JSON]:
    """The record of the whole run: entries of all parts, each once; counts of calls and seconds added."""
    records = [part.record for part in parts]
    stages, tests = Counter[str](), Counter[str]()
    for record in records:
        stages.update(record.get("stages") or {})
        tests.update({name: own["rows"]["test"] for name, own in (record.get("data") or {}).items()})
    data = {name: {**own, "rows": {**own["rows"], "test": tests[name]}} for name, own in _all(records, "data").items()}
    searches = {(own["task"], own["variant"]): own for record in records for own in record.get("searches") or ()}
    indexes = {own["request"]: own for record in reversed(records) for own in record.get("indexes") or ()}
    return {
        **{name: value for name, value in records[0].items() if name not in (SHARD, "finished")},
        **{section: _all(records, section) for section in (*COMPARED, "training")},
        **{
            section: _local_entries(_all(records, section), getattr(suite, section))
            for section in ("knowledge", "models")
        },
        **described_scope(suite, tasks),
        **described_suite(suite, tasks),
        "status": "predicted",
        "started": min(str(record.get("started")) for record in records),
        "data": {name: data[name] for name in tasks},
        "indexes": list(indexes.values()),
        **{section: _united([record.get(section) or {} for record in records]) for section in ("hardware", "packages")},
        "stages": {stage: round(seconds, 3) for stage, seconds in stages.items()},
        "cells": list(_joined_cells(records, suite, tasks)),
        **({"searches": list(searches.values())} if searches else {}),
        PARTS: parts_record(parts),
    }


def _local_entries(entries: Mapping[str, JSON], components: Mapping[str, Component]) -> dict[str, JSON]:
    """Entries with the settings that the suite has here, where its files may lie elsewhere."""
    return {name: {**own, **described(components[name])} for name, own in entries.items()}


def _all(records: Sequence[Mapping[str, JSON]], section: str) -> dict[str, JSON]:
    """The entries of a section by name; a part knows those of the tasks of which it has items."""
    entries: dict[str, JSON] = {}
    for record in records:
        for name, own in (record.get(section) or {}).items():
            entries.setdefault(name, own)
    return entries


def _united(records: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    """A record of each field as all machines have it, or of all that they have."""
    values = {name: [record[name] for record in records if name in record] for name in records[0]}
    return {name: own[0] if all(value == own[0] for value in own) else _listed(own) for name, own in values.items()}


def _listed(values: Sequence[JSON]) -> JSON:
    if all(isinstance(value, list) for value in values):
        return list(dict.fromkeys(own for value in values for own in value))
    return " / ".join(dict.fromkeys(map(str, values)))


def _joined_cells(
    records: Sequence[Mapping[str, JSON]], suite: Suite, tasks: Mapping[str, Task]
) -> Iterator[dict[str, JSON]]:
    """The cells in the order of a plan, each with the counts of all parts."""
    counts: dict[Cell, Counter[str]] = {}
    for record in records:
        for own in record.get("cells") or ():
            numbers = {name: value for name, value in own.items() if isinstance(value, int | float)}
            counts.setdefault(Cell(own["task"], own["variant"]), Counter()).update(numbers)
    for cell in planned_cells(suite, tasks):
        yield {"task": cell.task, "variant": cell.variant, **counts.get(cell, {}), "estimate": None}
