"""The items in pieces that a page can hold: the matrix at once, all else in chunks that are unpacked when read."""

import base64
import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from reports.facts.item_matrix import chunk_size, matrix_payload
from reports.facts.item_payload import ItemRecords, items_payload

MOST_PACKED = 24 * 10**6  # characters of all pieces; a page above it holds the matrix alone, and asks a server
GZIP = 31  # window bits by which zlib writes a gzip stream; its header then holds no time
Encoding = Literal["utf-8", "gb18030"]  # both hold all of Unicode; Chinese takes a sixth less in the second
# What browsers read otherwise than Python writes it: the edition of 2022 moved these. They are escaped instead.
MOVED = re.compile("[\u1e3f\u9fb4-\u9fbb\ue000-\uf8ff\ufe10-\ufe19]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedItems:
    """Each piece is gzipped JSON as base64, which can hold no tag. Equal runs give equal pieces."""

    matrix: str
    encoding: Encoding
    shared: str = ""  # the texts that several chunks name
    chunks: tuple[str, ...] = ()

    @property
    def is_served(self) -> bool:
        """Whether the page has to ask `harness view` for its items."""
        return not self.shared


def pack(finished: FinishedRun) -> PackedItems:
    """The items of a run, within MOST_PACKED characters.

    Raises StoreError when a prediction answers an item that the run does not have.
    """
    records = ItemRecords(finished)
    size = chunk_size(records)
    items, texts = [], []
    for first in range(0, len(records.samples), size):
        payload = items_payload(records, first, first + size - 1)
        items.append(as_json(payload["items"]))  # as text it takes a fraction of the memory
        texts.append(payload["texts"])
    encoding = _shorter_encoding(items[0] + as_json(texts[0]) if items else "")
    numbers = _shared_numbers(texts)
    matrix, shared = packed(as_json(matrix_payload(records)), encoding), packed(as_json(list(numbers)), encoding)
    left = MOST_PACKED - len(matrix) - len(shared)
    chunks: list[str] = []
    for chunk_items, chunk_texts in zip(items, texts, strict=True):
        own = as_json([numbers.get(text, text) for text in chunk_texts])
        chunks.append(packed(f'{{"items":{chunk_items},"texts":{own}}}', encoding))
        left -= len(chunks[-1])
        if left < 0:
            return PackedItems(matrix=matrix, encoding=encoding)
    return PackedItems(matrix=matrix, encoding=encoding, shared=shared, chunks=tuple(chunks))


def packed(text: str, encoding: Encoding) -> str:
    """JSON gzipped, in base64. Half a surrogate pair, which is no text, becomes a question mark."""
    if encoding == "gb18030":
        text = MOVED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    packer = zlib.compressobj(level=9, wbits=GZIP)
    content = packer.compress(text.encode(encoding, "replace")) + packer.flush()
    return base64.b64encode(content).decode("ascii")


def _shorter_encoding(text: str) -> Encoding:
    return "gb18030" if len(packed(text, "gb18030")) < len(packed(text, "utf-8")) else "utf-8"


def as_json(content: JSON) -> str:
    """Content as the page reads it: short, and without a number that is none."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _shared_numbers(chunks: Sequence[Sequence[str]]) -> dict[str, int]:
    """The texts of more than one chunk, each with its number."""
    counts = Counter(text for texts in chunks for text in texts)
    return {text: number for number, text in enumerate(text for text, count in counts.items() if count > 1)}
