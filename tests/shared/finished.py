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
    packed = re.search(r'id="data">([^<]*)</script>', page).group(1)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def printed(summary: Summary, width: int, encoding: str) -> str:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding, errors="strict")
    print_summary(finished(summary), Console(file=file, width=width, force_terminal=False))
    file.flush()
    return buffer.getvalue().decode(encoding)
