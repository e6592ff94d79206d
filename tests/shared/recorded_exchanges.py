"""What real servers answered (reference/*.json): requests as they were sent, and how far a reply must be the same.

Held: status, the words of errors, the keys and kinds of values (of each chunk, too), names and their order, why a reply
ended, and the counts of tokens wherever the engine is deterministic and the tokeniser the same. Texts are the engine's own.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.shared.paths import REFERENCE

SENTENCE = "The weather was fine and the hills were green. "
STORY = "Write a very long story. "
WORD = "The code word is BANANA. "
QUESTION = "What is the code word?"
SHORTENED = re.compile(r"^(?P<front>.*)… \((?P<size>\d+) characters\)$", re.DOTALL)
OTHER_TOKENS = ("gemma3:270m",)  # another tokeniser than the model that runs here
OPEN_KEYS = (  # that a recording shortens, or that another build of the same server has or has not
    "model_info", "ui", "ui_settings", "chat_template_caps", "media_marker", "cors_proxy_enabled", "parameters",
    "architecture", "params",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and what a real server answered."""

    name: str
    method: str
    path: str
    request: Any
    status: int
    reply: Any


def exchanges(recording: str) -> Iterator[Exchange]:
    """Those of a recording, in their order, with the shortened texts whole again."""
    for entry in json.loads((REFERENCE / recording).read_text(encoding="utf-8")):
        if "path" in entry:
            fields = {key: entry[key] for key in ("name", "method", "path", "status", "reply")}
            yield Exchange(**fields, request=whole(entry["request"]))


def whole(value: Any) -> Any:
    """A request with the texts that the recording shortens."""
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [whole(inner) for inner in value]
    if value == "word × 9000":
        return "word " * 9000
    match = SHORTENED.match(value) if isinstance(value, str) else None
    if match is None:
        return value
    size = int(match["size"])
    if value.startswith(WORD):
        return (WORD + SENTENCE * size)[: size - len(QUESTION)] + QUESTION
    front, again = (STORY, SENTENCE) if value.startswith(STORY + SENTENCE[:4]) else ("", value[: value.index(". ") + 2])
    return (front + again * size)[:size]


def ask(client: httpx.Client, exchange: Exchange) -> tuple[int, Any]:
    """The status and the reply of another server: its JSON, its chunks, or its text as the recording notes it."""
    response = client.request(exchange.method, exchange.path, json=exchange.request)
    lines = response.text.splitlines()
    if response.headers["content-type"].startswith("application/x-ndjson"):
        return response.status_code, [json.loads(line) for line in lines]
    try:
        return response.status_code, response.json()
    except ValueError:
        return response.status_code, {"not json": response.text}


def differences(exchange: Exchange, status: int, reply: Any) -> list[str]:
    """What of a reply is not as it was recorded."""
    lines = [] if status == exchange.status else [f"status {status} for {exchange.status}"]
    recorded = exchange.reply
    if isinstance(recorded, list):
        chunks = [part for part in recorded if isinstance(part, dict)]
        shapes = {json.dumps(shape(part)) for part in reply[:-1]}
        lines += [] if shapes == {json.dumps(shape(chunks[0]))} else [f"chunks {shapes}"]
        recorded, reply = chunks[-1], reply[-1]
    lines += [f"{where}: {mine!r} for {theirs!r}" for where, mine, theirs in unlike(shape(reply), shape(recorded))]
    same = {"error": lambda part: part.get("error"), "not json": lambda part: part.get("not json"), **FACTS}
    for what, fact in same.items():
        mine, theirs = fact(reply), fact(recorded)
        if mine != theirs and not is_free(exchange, what):
            lines.append(f"{what}: {mine!r} for {theirs!r}")
    return [f"{exchange.name}: {line}" for line in lines]


FACTS = {
    "names": lambda part: [entry["name"] for entry in part.get("models", [])],
    "contexts": lambda part: [entry.get("context_length") for entry in part.get("models", [])],
    "capabilities": lambda part: part.get("capabilities"),
    "template": lambda part: part.get("template", part.get("chat_template")),
    "rendered": lambda part: part.get("prompt"),
    "numbers": lambda part: part.get("tokens"),
    "end": lambda part: part.get("done_reason") or [choice["finish_reason"] for choice in part.get("choices", [])],
    "tokens in": lambda part: part.get("prompt_eval_count", (part.get("usage") or {}).get("prompt_tokens")),
    "tokens out": lambda part: part.get("eval_count", (part.get("usage") or {}).get("completion_tokens")),
}


def is_free(exchange: Exchange, what: str) -> bool:
    """Whether a fact is the engine's or the tokeniser's own."""
    request = exchange.request or {}
    ends_by_itself = "format" in request or "response_format" in request or request.get("max_tokens") == 0
    if what in ("end", "tokens out"):
        return ends_by_itself or request.get("model") in OTHER_TOKENS
    if what == "names":
        return exchange.path == "/v1/models"
    return what == "tokens in" and (request.get("model") in OTHER_TOKENS or exchange.path == "/v1/embeddings")


def shape(value: Any) -> Any:
    """The keys and the kinds of values; of a list, the shape of its first."""
    if isinstance(value, Mapping):
        return {key: shape(inner) if key not in OPEN_KEYS else "open" for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, str) and re.match(r"\d+ numbers", value):
        return ["number"]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if is_number else type(value).__name__


def unlike(mine: Any, theirs: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two shapes differ."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in sorted(mine.keys() | theirs.keys()):
            if key in mine and key in theirs:
                yield from unlike(mine[key], theirs[key], f"{where}.{key}")
            elif key not in OPEN_KEYS:
                yield f"{where}.{key}", mine.get(key), theirs.get(key)
    elif isinstance(mine, list) and isinstance(theirs, list) and mine and theirs:
        yield from unlike(mine[0], theirs[0], f"{where}[]")
    elif mine != theirs:
        yield where, mine, theirs
