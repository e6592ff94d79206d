"""The `samples_*.jsonl` that lm-evaluation-harness writes with --log_samples: documents, prompts, replies."""

from collections.abc import Mapping, Sequence

from baselines.foreign_answers.answer_rows import AnswerRow
from harness.errors import DataError
from harness.readers.parsing.rows import Row
from harness.records.inputs import JSON
from harness.text.templates import LETTERS

SIGNS = ("doc", "resps")  # columns by which the format is known


def lm_eval_rows(rows: Sequence[Row], path: str) -> list[AnswerRow]:
    """One answer a document. A document has a row for each filter; all hold the same replies, so the first is taken.

    `doc_id` counts documents and is no id of a data set: the document's own `id` is one. Raises DataError.
    """
    first: dict[JSON, Row] = {}
    for row in rows:
        number = row.values.get("doc_id", row.line)
        if number not in first:
            first[number] = row
        elif row.values.get("filter") == first[number].values.get("filter"):
            raise DataError(f"{path}:{row.line}: doc_id {number} stands in line {first[number].line}, too; keep one")
    return [_answer(row, path) for row in first.values()]


def _answer(row: Row, path: str) -> AnswerRow:
    document, replies = row.values.get("doc"), row.values.get("resps")
    if not isinstance(replies, list) or not replies or not all(isinstance(own, list) and own for own in replies):
        raise DataError(f"{path}:{row.line}: 'resps' holds no reply; run lm_eval with --log_samples")
    text, logprobs = _reply([own[0] for own in replies], f"{path}:{row.line}")
    fields = document if isinstance(document, dict) else {"text": document}
    texts = {f"doc.{name}": str(value) for name, value in fields.items() if isinstance(value, str) and value.strip()}
    label, identifier, prompt = row.values.get("target"), fields.get("id"), _prompt(row.values.get("arguments"))
    return AnswerRow(
        line=row.line,
        text=text,
        id=None if identifier is None else str(identifier),
        texts=texts if prompt is None else {**texts, "prompt": prompt},
        label=None if label is None or isinstance(label, list | dict) else str(label),
        logprobs=logprobs,
    )


def _reply(replies: Sequence[JSON], place: str) -> tuple[str | None, tuple[float, ...] | None]:
    """A text; or of several scored options the likeliest, the first of equals, as lm-eval's `acc` has it."""
    if len(replies) == 1 and isinstance(replies[0], str):
        return replies[0], None
    try:
        logprobs = tuple(float(reply[0]) for reply in replies)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise DataError(f"{place}: 'resps' holds neither one text nor the log-probabilities of options") from error
    if not 2 <= len(logprobs) <= len(LETTERS):
        raise DataError(f"{place}: it was asked for a log-probability, not for an answer; score a task that generates")
    return LETTERS[logprobs.index(max(logprobs))], logprobs


def _prompt(arguments: JSON) -> str | None:
    """The first prompt: `{"gen_args_0": {"arg_0": prompt, …}, …}`, in older files `[[prompt, …], …]`."""
    calls = list(arguments.values()) if isinstance(arguments, Mapping) else arguments
    call = calls[0] if isinstance(calls, list) and calls else None
    if isinstance(call, Mapping):
        call = list(call.values())
    return call[0] if isinstance(call, list) and call and isinstance(call[0], str) else None
