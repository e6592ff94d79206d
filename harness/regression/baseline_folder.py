"""A baseline on disk: small files for a repository, which say what a run scored and hold none of its texts."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.errors import StoreError, reason_of
from harness.records.decisions import DecisionRecord
from harness.records.inputs import JSON
from harness.records.judgements import Judging
from harness.records.run_evidence import Acceptance, AcceptedRun, RunEvidence
from harness.records.summary import Summary
from harness.regression.baseline_items import ItemColumns, item_columns, item_lines, read_items
from harness.regression.identities import identities, without_folders
from harness.runtime.whole_files import replace_file, writing

FORMAT = 1
HEAD, SUMMARY, ITEMS, README = "baseline.json", "summary.json", "items.jsonl", "README.md"
FILES = (HEAD, SUMMARY, ITEMS, README)
ABOUT = """# Baseline of the suite {suite}

`harness baseline accept` made this folder: later runs of the suite are held against it. It has no texts of items or
answers, but for anchors.jsonl where judges score, and belongs into the repository. `harness baseline show DIR` says
what it holds; do not edit it by hand.
"""
_SUMMARY, _HEAD = TypeAdapter(Summary), TypeAdapter(dict[str, JSON])


def is_baseline(place: Path) -> bool:
    """Whether a folder holds a baseline, whole or not."""
    return (place / HEAD).is_file()


def write_baseline(place: Path, evidence: RunEvidence, acceptance: Acceptance) -> tuple[AcceptedRun, ...]:
    """Make a run the baseline of a folder; returns the earlier acceptances there.

    Raises StoreError for a folder with other files, one of another suite, and one that cannot be written.
    """
    with writing(place):
        names = {file.name for file in place.iterdir()} if place.is_dir() else set()
    if place.exists() and not is_baseline(place) and (names or not place.is_dir()):
        raise StoreError(f"{place} is not empty and holds no baseline; choose a new or empty folder with --into")
    earlier: tuple[AcceptedRun, ...] = ()
    if is_baseline(place):
        head = read_head(place)
        if head["suite"] != evidence.suite:
            raise StoreError(
                f"{place} is the baseline of suite {head['suite']}, not of {evidence.suite}; choose another with --into"
            )
        earlier = history_of(place)
    columns = item_columns(evidence)
    parts = {
        SUMMARY: _SUMMARY.dump_json(_figures_only(evidence.summary), indent=1) + b"\n",
        ITEMS: "".join(f"{line}\n" for line in item_lines(evidence, columns)).encode(),
        README: ABOUT.format(suite=evidence.suite).encode(),
    }
    parts[HEAD] = _head(evidence, acceptance, earlier, columns, parts)
    with writing(place):
        for name in (README, ITEMS, SUMMARY, HEAD):
            replace_file(place / name, [parts[name]])
    return earlier


def read_baseline(place: Path) -> RunEvidence:
    """The baseline of a folder. Raises StoreError, one line, for what is missing, broken or of another format."""
    head = read_head(place)
    for name, expected in head["files"].items():
        if _digest(_content(place / name)) != expected:
            raise StoreError(
                f"{place / name}: not what `harness baseline accept` wrote (cut short, merged or edited); "
                "take the folder from the repository again, or accept a run anew"
            )
    try:
        summary = _SUMMARY.validate_json(_content(place / SUMMARY))
        columns = {task: ItemColumns(**own) for task, own in head["columns"].items()}
        items = read_items(_content(place / ITEMS).decode("utf-8").splitlines(), columns)
        acceptance = Acceptance(**head["acceptance"])
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{place}: a baseline that cannot be read ({_first_line(error)}); accept a run anew"
        ) from error
    return RunEvidence(
        place=str(place),
        key=str(head["key"]),
        suite=str(head["suite"]),
        started=str(head["started"]),
        record=head["record"],
        summary=summary,
        scores=items.scores,
        questions=items.questions,
        answers=items.answers,
        groups=items.groups,
        acceptance=acceptance,
    )


def read_head(place: Path) -> dict[str, JSON]:
    """baseline.json. Raises StoreError, also for a format that this version does not read."""
    try:
        head = _HEAD.validate_json(_content(place / HEAD))
    except ValidationError as error:
        raise StoreError(
            f"{place / HEAD}: not JSON as `harness baseline accept` writes it; accept a run anew"
        ) from error
    number = head.get("format")
    if number != FORMAT:
        is_newer = isinstance(number, int) and number > FORMAT
        remedy = "update harness" if is_newer else f"accept a run anew: harness baseline accept RUN --into {place}"
        raise StoreError(f"{place}: a baseline of format {number}; this version reads format {FORMAT}; {remedy}")
    missing = [
        key for key in ("suite", "key", "started", "acceptance", "record", "columns", "files") if key not in head
    ]
    if missing:
        raise StoreError(f"{place / HEAD}: {missing[0]} is missing; accept a run anew")
    return head


def history_of(place: Path) -> tuple[AcceptedRun, ...]:
    """All acceptances of a baseline, the oldest first and the present one last. Raises StoreError."""
    head = read_head(place)
    try:
        return tuple(
            AcceptedRun(key=own["key"], started=own["started"], acceptance=Acceptance(**own["acceptance"]))
            for own in (*head.get("history", ()), head)
        )
    except (KeyError, TypeError) as error:
        raise StoreError(f"{place / HEAD}: its history cannot be read; accept a run into a new folder") from error


def _head(
    evidence: RunEvidence,
    acceptance: Acceptance,
    earlier: Sequence[AcceptedRun],
    columns: Mapping[str, ItemColumns],
    parts: Mapping[str, bytes],
) -> bytes:
    content = {
        "format": FORMAT,
        "suite": evidence.suite,
        "key": evidence.key,
        "started": evidence.started,
        "acceptance": asdict(acceptance),
        "history": [asdict(own) for own in earlier],
        "files": {name: _digest(parts[name]) for name in (SUMMARY, ITEMS)},
        "columns": {task: asdict(own) for task, own in columns.items()},
        "record": {"suite": {"name": evidence.suite}, **identities(evidence.record)},
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _figures_only(summary: Summary) -> Summary:
    """The figures that a later run is held against: no item's text, no comparison of variants."""
    decisions = summary.decisions
    costs = tuple(
        replace(own, latency=replace(own.latency, note="") if own.latency else None) for own in decisions.costs
    )
    return replace(
        summary,
        metrics={
            name: replace(info, settings=without_folders(info.settings)) for name, info in summary.metrics.items()
        },
        comparisons=(), leaders=(), floors=(), retrieved=(), routed=(), warnings=(), statements=(), overlaps=(),
        clean=(), breakdowns=(), forgotten=(), confusions=(), judging=Judging(), mismatches=(),
        anomalies=tuple(
            replace(own, excerpt="", cause="", remedy="", examples=(), statements=()) for own in summary.anomalies
        ),
        decisions=DecisionRecord(approaches=decisions.approaches, costs=costs, currency=decisions.currency),
    )  # fmt: skip


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes().replace(b"\r\n", b"\n")  # as git hands it out on Windows
    except OSError as error:
        raise StoreError(f"{file}: {reason_of(error)}; name a folder made by `harness baseline accept`") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _first_line(error: Exception) -> str:
    return str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
