"""What a reply says: its text, its reasoning, why it ended, what it cost, and who says that it wrote it."""

import json
import math
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from harness.models.chat_completions.event_stream import begins_as_events, events_of
from harness.models.chat_completions.reply_assembly import REASONING_FIELDS, assemble
from harness.models.remote.call_error import CallError
from harness.models.remote.outcome import ServerReply
from harness.models.remote.server_reply import count_of, error_of, json_of, page_in, page_of, text_of, unreadable
from harness.records.inputs import JSON
from harness.records.outputs import Serving

if TYPE_CHECKING:
    import httpx

DRAINING = 1.0  # seconds for the end of a body whose reply is whole: then its connection can be used again


def content_of(response: "httpx.Response") -> JSON:
    """The content of a reply whose body has not been read: streamed, or whole though a stream was asked for.

    Raises CallError for a body that holds none.
    """
    if "event-stream" not in response.headers.get("content-type", "").lower():
        response.read()
        if begins_as_events(response.content):
            return assemble(events_of([response.content]))
        content = json_of(response)
        if content is None:
            raise unreadable(text_of(response), page_of(response))
        return content
    chunks = response.iter_bytes()
    head = next(chunks, b"")
    if head.lstrip()[:1] == b"{":
        return json.loads(b"".join((head, *chunks)))
    if head.lstrip()[:1] == b"<":
        text = b"".join((head, *chunks)).decode("utf-8", "replace")
        raise unreadable(text, page_in(text))
    content = assemble(events_of(chain([head], chunks)))
    _drain(chunks)
    return content


def _drain(chunks: Iterable[bytes]) -> None:
    import httpx

    from harness.models.remote.transport import time_limit

    try:
        with time_limit(DRAINING):
            for _ in chunks:
                pass
    except (httpx.HTTPError, httpx.StreamError):
        return  # the reply is whole


def reply_in(content: Any) -> ServerReply:
    """The first choice of a reply. Raises CallError when there is none, or when it tells a failure."""
    try:
        choice = _first_choice(content)
        message = choice["message"] if "message" in choice else {"content": choice["text"]}
        text = message["content"] or message.get("refusal") or ""
        if not isinstance(text, str):
            raise TypeError
    except (KeyError, IndexError, TypeError) as error:
        raise CallError(f"the reply has no choices[0].message.content: {content}", lasting=False) from error
    if (problem := error_of(content) or error_of(choice)) is not None:
        raise CallError(f"the server answered with an error: {problem}", lasting=False)
    usage = content["usage"] if isinstance(content.get("usage"), dict) else {}
    thoughts = (message.get(name) for name in REASONING_FIELDS)
    return ServerReply(
        text=text,
        reasoning=next((part for part in thoughts if isinstance(part, str) and part.strip()), ""),
        reason=choice.get("finish_reason"),
        tokens_in=count_of(usage.get("prompt_tokens")) or 0,
        tokens_out=count_of(usage.get("completion_tokens")),
        serving=_serving(content, usage),
    )


def _first_choice(content: Any) -> Any:
    """The choice of index 0, wherever it stands; the first one where none says so."""
    choices = content["choices"]
    return next((choice for choice in choices if isinstance(choice, dict) and choice.get("index") == 0), choices[0])


def first_positions(content: Any) -> JSON:
    """The likeliest tokens by position, in the form of a chat; a continued text has a mapping for each position."""
    logprobs = _first_choice(content).get("logprobs")
    if not isinstance(logprobs, dict) or isinstance(logprobs.get("content"), list):
        return logprobs["content"] if isinstance(logprobs, dict) else None
    positions = logprobs.get("top_logprobs")
    return [
        {"top_logprobs": [{"token": token, "logprob": logprob} for token, logprob in position.items()]}
        for position in (positions if isinstance(positions, list) else [])[:1]
        if isinstance(position, dict)
    ]


def _serving(content: Mapping[str, JSON], usage: Mapping[str, JSON]) -> Serving:
    """How the server worked on the call, as llama.cpp's timings and OpenAI's details of the prompt tell it."""
    fingerprint = content.get("system_fingerprint")
    details, timings = usage.get("prompt_tokens_details"), content.get("timings")
    cached = count_of(details.get("cached_tokens")) if isinstance(details, dict) else None
    seconds = None
    if isinstance(timings, dict):
        parts = [_milliseconds(timings.get(name)) for name in ("prompt_ms", "predicted_ms")]
        seconds = None if None in parts else sum(filter(None, parts)) / 1000
        cached = count_of(timings.get("cache_n")) if cached is None else cached
    return Serving(
        compute_seconds=seconds,
        cached_tokens=cached,
        fingerprint=fingerprint if isinstance(fingerprint, str) and fingerprint else None,
    )


def _milliseconds(value: JSON) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) and value >= 0 else None
