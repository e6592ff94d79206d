"""The logs of Inspect, as .json and as .eval (a zip of JSON files): one answer a sample."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from baselines.foreign_answers.answer_rows import AnswerRow
from harness.components.packages import is_installed
from harness.errors import DataError
from harness.readers.parsing.text_file import read_bytes, read_text
from harness.records.inputs import JSON
from harness.text.excerpts import shortened

PACKAGE = "inspect_ai"
ATTACHMENT = "attachment://"  # begins a long text that stands in the sample's `attachments`
REASON = 200  # characters
OPENING = 4096  # bytes in which a log says what it is


def is_inspect_log(path: str, suffix: str) -> bool:
    """Whether a JSON file is a log rather than a table: it says so in its first lines."""
    opening = read_bytes(path)[:OPENING] if suffix == ".json" else b""
    return opening.lstrip().startswith(b"{") and b'"version"' in opening and b'"eval"' in opening


def inspect_rows(path: str) -> list[AnswerRow]:
    """One answer a sample, of several epochs the first. Raises DataError for a log without samples."""
    samples = list(_samples(path))
    first = min((int(sample.get("epoch") or 1) for _, sample in samples), default=1)
    rows = [_answer(line, own) for line, own in samples if int(own.get("epoch") or 1) == first]
    if not rows:
        raise DataError(f"{path}: the log holds no samples; run inspect without --no-log-samples")
    return rows


def _samples(path: str) -> Iterator[tuple[int, Mapping[str, JSON]]]:
    """The samples with their numbers in the log."""
    try:
        log = list(_archived(path)) if zipfile.is_zipfile(path) else _listed_in(json.loads(read_text(path)))
    except (ValueError, RecursionError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(f"{path}: not a log of Inspect: {error}") from error
    for number, sample in enumerate(log, start=1):
        if not isinstance(sample, dict) or "id" not in sample:
            raise DataError(f"{path}: sample {number} is no sample of Inspect: it has no id")
        yield number, sample


def _listed_in(log: JSON) -> list[JSON]:
    samples = log.get("samples") if isinstance(log, dict) else None
    return samples if isinstance(samples, list) else []


def _archived(path: str) -> Iterator[JSON]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("samples/") and name.endswith(".json"):
                try:
                    content = archive.read(name)
                except NotImplementedError:  # compressed by zstd, which zipfile reads from Python 3.14 on
                    yield from _read_by_inspect(path)
                    return
                yield json.loads(content)


def _read_by_inspect(path: str) -> Iterator[JSON]:
    if not is_installed(PACKAGE):
        raise DataError(f"{path}: is compressed in a way that needs the package: pip install inspect-ai")
    from inspect_ai.log import read_eval_log

    log = read_eval_log(str(Path(path).resolve()))
    yield from (sample.model_dump(mode="json") for sample in log.samples or ())


def _answer(number: int, sample: Mapping[str, JSON]) -> AnswerRow:
    error, attachments = sample.get("error"), sample.get("attachments") or {}
    target = sample.get("target")
    return AnswerRow(
        line=number,
        text=_reply(sample.get("output") or {}, attachments),
        id=str(sample["id"]),
        texts={"input": _input(sample.get("input"), attachments)},
        label=target if isinstance(target, str) and target else None,
        error=shortened(str(error.get("message") or "it failed"), REASON) if isinstance(error, dict) else None,
    )


def _reply(output: Mapping[str, JSON], attachments: Mapping[str, JSON]) -> str | None:
    choices = output.get("choices") or ()
    if choices:
        return _text((choices[0].get("message") or {}).get("content"), attachments)
    completion = output.get("completion")
    return _text(completion, attachments) if completion else None


def _input(value: JSON, attachments: Mapping[str, JSON]) -> str:
    """What was asked: a text, or the turns of a conversation one after another."""
    if isinstance(value, list):
        return "\n".join(_text(turn.get("content"), attachments) for turn in value if isinstance(turn, dict))
    return _text(value, attachments)


def _text(content: JSON, attachments: Mapping[str, JSON]) -> str:
    """A text, or the text parts of a content of several; reasoning and pictures are no part of an answer."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(_text(part.get("text"), attachments) for part in parts)
    text = content if isinstance(content, str) else ""
    return str(attachments.get(text.removeprefix(ATTACHMENT), text)) if text.startswith(ATTACHMENT) else text
