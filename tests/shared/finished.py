"""A finished run made of a summary and whatever else a test has of it, and what its page and terminal show."""

import base64
import gzip
import io
import json
import re
from collections.abc import Mapping, Sequence

from rich.console import Console

from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction, Score
from harness.records.summary import Summary
from reports.terminal import print_summary


def finished(
    summary: Summary,
    run: Mapping[str, JSON] | None = None,
    samples: Sequence[Sample] = (),
    predictions: Sequence[Prediction] = (),
    scores: Sequence[Score] = (),
) -> FinishedRun:
    return FinishedRun(run=run or {}, summary=summary, samples=samples, predictions=predictions, scores=scores)


def visible(page: str) -> str:
    """The text of the page in the language that is shown first, one space for any white space."""
    body = re.sub(r"<(script|style|svg|template)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\u00a0", " ").split())


def unpacked(page: str) -> dict:
    """The matrix of the page, and its items with the texts that they name by number, as `items_payload` gives them."""
    encoding = re.search(r'id="data" data-encoding="([^"]*)"', page).group(1)
    matrix, shared, *chunks = (
        json.loads(gzip.decompress(base64.b64decode(packed)).decode(encoding))
        for packed in re.findall(r'<script type="application/octet-stream"[^>]*>([^<]*)</script>', page)
    )
    items, texts = [], []
    for chunk in chunks:
        items += _renumbered(chunk["items"], len(texts))
        texts += [shared[text] if isinstance(text, int) else text for text in chunk["texts"]]
    return {**matrix, "items": items, "texts": texts}


def _renumbered(items: list[dict], by: int) -> list[dict]:
    for item in items:
        item["input"] += by
        for answer in item["answers"]:
            answer["messages"] = [[role, [piece + by for piece in pieces]] for role, pieces in answer["messages"]]
    return items


def rendered_text(answer: Mapping[str, JSON], texts: Sequence[str]) -> str:
    """The prompt as the model read it, of an answer as the page holds it: a message stands as its place in brackets."""
    messages = ["".join(texts[piece] for piece in pieces).strip() for _, pieces in answer["messages"]]
    return "".join(messages[part[0]] if isinstance(part, list) else texts[part] for part in answer["rendered"])


def printed(summary: Summary, width: int, encoding: str) -> str:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding, errors="strict")
    print_summary(finished(summary), Console(file=file, width=width, force_terminal=False))
    file.flush()
    return buffer.getvalue().decode(encoding)
