"""What a reader sees of a report: the text of its page, the data packed into it, and what the terminal prints."""

import base64
import gzip
import io
import json
import re

from rich.console import Console

from harness.records.figures import Summary
from reports.terminal import print_summary


def unpacked(page: str) -> dict:
    packed = re.search(r'id="data">([^<]*)</script>', page).group(1)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def visible(page: str) -> str:
    """The text of the page, one space for any white space."""
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("\u00a0", " ").split())


def printed(summary: Summary, width: int, encoding: str) -> str:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding, errors="strict")
    print_summary(summary, Console(file=file, width=width, force_terminal=False))
    file.flush()
    return buffer.getvalue().decode(encoding)
