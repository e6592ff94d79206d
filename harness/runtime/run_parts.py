"""The parts of a divided run: read, held against each other, and refused where they do not belong together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from harness.errors import StoreError
from harness.records.inputs import JSON
from harness.records.outputs import Prediction
from harness.records.searches import searches_in
from harness.records.shards import PARTS, PartSeal, seal_in, shard_in
from harness.runtime.part_seals import broken_seals
from harness.runtime.run_folder import RunFolder

COMPARED = {  # sections of run.json that hold an entry a name, with what of it is compared beside the digests of files
    "tasks": ("prompt", "system", "language", "generation"),
    "variants": ("component",),
    "knowledge": ("passages", "merged", "learned_names"),
    "models": ("digest",),
    "data": ("skipped",),
}
MOST_NUMBERS = 12  # missing shards that a message names


@dataclass(frozen=True)
class RunPart:
    """The answers of one shard, finished and whole."""

    folder: RunFolder
    record: Mapping[str, JSON]
    seal: PartSeal

    @property
    def number(self) -> int:
        """The number of its shard, from 1."""
        return self.seal.shard.number

    def __str__(self) -> str:
        return str(self.folder.path)


@dataclass(frozen=True)
class PartSet:
    """All parts of one run, in the order of their shards, and what has to be said of them."""

    parts: tuple[RunPart, ...]
    notes: tuple[str, ...] = ()


def read_parts(places: Sequence[Path], different_versions: bool = False) -> PartSet:
    """The parts in some folders, or in the folders below them. Raises StoreError with a line for all that is wrong.

    `different_versions` lets packages differ from part to part.
    """
    parts: list[RunPart] = []
    mistakes: list[str] = []
    for path in _folders(places):
        try:
            parts.append(_read_part(path))
        except StoreError as error:
            mistakes += error.lines
    _refuse(mistakes)
    _refuse([*_strangers(parts)])
    _refuse([*_differences(parts), *([] if different_versions else _version_differences(parts))])
    by_number: dict[int, list[RunPart]] = {}
    for part in sorted(parts, key=lambda own: (str(own.record.get("started")), str(own))):
        by_number.setdefault(part.number, []).append(part)
    notes = []
    for first, *copies in by_number.values():
        mistakes += [line for copy in copies for line in _unequal(first, copy)]
        notes += [f"{copy}: a copy of {first}, with the same answers; taken once" for copy in copies]
    _refuse([*mistakes, *_missing(parts[0], by_number)])
    chosen = tuple(by_number[number][0] for number in sorted(by_number))
    return PartSet(chosen, (*notes, *_remarks(chosen)))


def _folders(places: Sequence[Path]) -> list[Path]:
    """The folders that are named; in place of one that is no run, those with runs in it. Raises StoreError for none."""
    folders = []
    for place in places:
        is_run = (place / "run.json").is_file() or not place.is_dir()
        inner = place / PARTS if (place / PARTS).is_dir() else place  # of runs/NAME its parts
        folders += [place] if is_run else sorted(file.parent for file in inner.glob("*/run.json")) or [place]
    return list({path.resolve(): path for path in folders}.values())


def _read_part(path: Path) -> RunPart:
    folder = RunFolder(path)
    record = folder.read_run()
    shard, seal = shard_in(record), seal_in(record)
    if shard is None:
        raise StoreError(f"{path} is no part but a run by itself; name folders that harness run --shard made")
    if seal is None:
        raise StoreError(
            f"{path}: {shard.words} is not finished (status {record.get('status')}); to go on: {record.get('command')}"
        )
    if faults := list(broken_seals(folder, seal)):
        raise StoreError(*faults)
    return RunPart(folder, record, seal)


def _strangers(parts: Sequence[RunPart]) -> Iterator[str]:
    """Parts of another suite than the first; and the first part of each other number of shards."""
    first = parts[0]
    suite, divisions = first.record["suite"], {first.seal.shard.of}
    for part in parts[1:]:
        own, shard = part.record["suite"], part.seal.shard
        if own.get("name") != suite.get("name"):
            yield f"{part} is of suite {own.get('name')}, {first} of suite {suite.get('name')}; join those of one suite"
        elif (own.get("text"), own.get("prompts")) != (suite.get("text"), suite.get("prompts")):
            yield f"{part} is of another text of suite {own.get('name')} than {first}; run all of one text"
        elif shard.of not in divisions:
            divisions.add(shard.of)
            yield f"{part} is {shard.words}, {first} {first.seal.shard.words}; join those of one division"


def _differences(parts: Sequence[RunPart]) -> Iterator[str]:
    """What answers depend on, and is not the same in all parts: a line for each entry of each part."""
    first = parts[0]
    entries: dict[tuple[str, str], tuple[RunPart, JSON]] = {}
    for part in parts:
        again = f"run {part.seal.shard.words} again"
        if part.record.get("seed") != first.record.get("seed") or _limits(part) != _limits(first):
            yield f"{part} has another seed, or other limits, than {first}; {again}"
        elif part.seal.division != first.seal.division:
            yield f"{part} divides other items than {first}: the data are not the same; {again}"
        for section in COMPARED:
            for name, entry in (part.record.get(section) or {}).items():
                holder, first_entry = entries.setdefault((section, name), (part, _compared(section, entry)))
                if first_entry != _compared(section, entry):
                    yield f"{part}: {section}.{name} is not what it is in {holder}{_cause(section, part)}; {again}"
        for key, search in searches_in(part.record).items():
            choice = search.settings[search.choice]
            holder, first_entry = entries.setdefault(("searches", str(key)), (part, choice))
            if first_entry != choice:
                yield f"{part}: the search of {key[0]} on {key[1]} chose otherwise than in {holder}{_SHARE}; {again}"


_SHARE = " (let all shards use one HARNESS_CACHE)"


def _cause(section: str, part: RunPart) -> str:
    return _SHARE if section == "models" and part.record.get("training") else ""


def _limits(part: RunPart) -> JSON:
    limited = part.record.get("limited") or {}
    return {name: value for name, value in limited.items() if name != "items"}


def _compared(section: str, entry: JSON) -> JSON:
    """Of an entry of run.json what has to be the same in all parts; where its files lie is each machine's own."""
    files = [file["sha256"] for file in entry.get("files") or ()]
    return files, {name: value for name, value in entry.items() if name in COMPARED[section]}


def _version_differences(parts: Sequence[RunPart]) -> Iterator[str]:
    first = parts[0]
    versions = _versions(first)
    for part in parts[1:]:
        own = _versions(part)
        if own != versions:
            names = [name for name in sorted({*own, *versions}) if own.get(name) != versions.get(name)]
            listed = ", ".join(
                f"{name} {own.get(name, 'none')} instead of {versions.get(name, 'none')}" for name in names
            )
            yield (
                f"{part} was made with other versions than {first}: {listed}; run {part.seal.shard.words} again with "
                "the same, or accept the difference with --different-versions"
            )


def _versions(part: RunPart) -> dict[str, str]:
    python = (part.record.get("hardware") or {}).get("python")
    own = {"harness": part.record.get("harness"), "python": python, **(part.record.get("packages") or {})}
    return {name: str(version) for name, version in own.items() if version is not None}


def _unequal(first: RunPart, copy: RunPart) -> Iterator[str]:
    """Where two parts of one shard differ first in what was answered; times do not count."""
    for before, after in zip_longest(first.folder.stream_predictions(), copy.folder.stream_predictions()):
        if before is None or after is None or _answer(before) != _answer(after):
            own = after or before
            yield (
                f"{copy}: {own.variant} answered item {own.sample_id} of {own.task} otherwise than in {first}, and "
                f"both are {first.seal.shard.words}; leave one of them out"
            )
            return


def _answer(prediction: Prediction) -> Prediction:
    return replace(prediction, seconds=0.0, serving=None)


def _missing(first: RunPart, by_number: Mapping[int, Sequence[RunPart]]) -> Iterator[str]:
    of = first.seal.shard.of
    missing = [number for number in range(1, of + 1) if number not in by_number]
    if missing:
        listed = ", ".join(map(str, missing[:MOST_NUMBERS]))
        more = f" and {len(missing) - MOST_NUMBERS} more" if len(missing) > MOST_NUMBERS else ""
        plural, verb, theirs = ("s", "are", "their parts") if len(missing) > 1 else ("", "is", "its part")
        yield (
            f"shard{plural} {listed}{more} of {of} {verb} missing; name {theirs} too, or make "
            f"{'them' if plural else 'it'}: harness run {first.seal.suite} --shard {missing[0]}/{of}"
        )


def _remarks(parts: Sequence[RunPart]) -> Iterator[str]:
    """What may differ between parts, and is said."""
    for what, values in (
        ("commits", [(part.record.get("commit") or {}).get("hash") for part in parts]),
        ("processors", [(part.record.get("hardware") or {}).get("cpu") for part in parts]),
        ("accelerators", [(part.record.get("hardware") or {}).get("accelerators") for part in parts]),
        ("versions", [_versions(part) for part in parts]),
    ):
        if any(value != values[0] for value in values):
            yield f"The parts were made with different {what}; run.json says of each with which."


def _refuse(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise StoreError(*mistakes)
