"""The seal of a finished part: which shard of which division it is, and what its files have to be."""

from collections.abc import Iterator
from pathlib import Path

from harness.errors import StoreError
from harness.records.inputs import JSON
from harness.records.shards import PART, SHARD, PartSeal, Shard, shard_in
from harness.runtime.digests import fresh_digest
from harness.runtime.provenance import now
from harness.runtime.run_folder import RunFolder
from harness.suite.shipped import shipped_suites

SEALED = ("samples.jsonl", "predictions.jsonl", "overlaps.jsonl", "latency.jsonl")


def seal_part(folder: RunFolder, shard: Shard, suite: Path, division: str) -> Path:
    """Mark a folder as a finished part; returns its place. `suite` is the suite's file."""
    files: dict[str, dict[str, JSON]] = {
        name: {"sha256": fresh_digest(folder.path / name), "bytes": (folder.path / name).stat().st_size}
        for name in SEALED
        if (folder.path / name).is_file()
    }
    seal = PartSeal(shard=shard, suite=_named(suite), division=division, files=files)
    folder.write_run({**folder.read_run(), "status": PART, "finished": now(), SHARD: seal.record()})
    return folder.path


def broken_seals(folder: RunFolder, seal: PartSeal) -> Iterator[str]:
    """What of a part's files is not as it was sealed, a line a file."""
    lacking = [name for name in SEALED[:2] if name not in seal.files]
    if lacking:
        yield f"{folder.path / 'run.json'}: its seal names no {' and no '.join(lacking)}; run {seal.shard.words} again"
    for name, own in seal.files.items():
        file, size = folder.path / name, own.get("bytes")
        if not file.is_file():
            yield f"{file} is missing; copy the part again, or run {seal.shard.words} again"
        elif isinstance(size, int) and file.stat().st_size < size:
            yield (
                f"{file} is cut: it has {file.stat().st_size:,} of {size:,} bytes; copy the part again, or run "
                f"{seal.shard.words} again"
            )
        elif fresh_digest(file) != own.get("sha256"):
            yield f"{file} was changed after it was finished; copy the part again, or run {seal.shard.words} again"


def refuse_part(folder: RunFolder) -> None:
    """Raise StoreError for a part: it holds answers, and figures are made of all parts together."""
    shard = shard_in(folder.read_run())
    if shard is not None:
        raise StoreError(
            f"{folder.path} is {shard.words}, a part of a run that has no figures by itself; join the parts: "
            f"{merge_command(folder.path, shard)}"
        )


def merge_command(part: Path, shard: Shard) -> str:
    """What joins a part with the others, as far as its place tells where these are."""
    if part.name == folder_name(shard):
        return f"harness merge {part.parent}/*-of-{shard.of}"
    return f"harness merge {part} {'…' if shard.of > 1 else ''}".rstrip()


def folder_name(shard: Shard) -> str:
    """Of a part, where nobody names it."""
    return f"{shard.number}-of-{shard.of}"


def _named(suite: Path) -> str:
    """A suite's file as another machine finds it, where that can be said: a shipped one by its name."""
    shipped = {folder: name for name, folder in shipped_suites().items()}
    return f"{shipped[suite.parent]}/{suite.name}" if suite.parent in shipped else suite.as_posix()
