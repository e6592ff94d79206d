"""A reply of Ollama put together from its parts: text, reasoning, why it ended, counts and the server's own time."""

import json
import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_server import PREFIX, OllamaServer
from harness.models.remote.outcome import CUT
from harness.models.remote.server_reply import count_of
from harness.models.remote.streamed_reply import BoundedAnswer
from harness.records.inputs import JSON
from harness.records.outputs import Serving


@dataclass(frozen=True, kw_only=True)
class AssembledReply:
    """One reply, whole or ended here."""

    answer: BoundedAnswer
    last: Mapping[str, JSON]  # the part with reason, counts and durations; empty where the reply was ended here
    logprobs: JSON = None  # of its first token, where they were asked for

    @property
    def reason(self) -> JSON:
        """Why it ended, in the server's word."""
        return self.answer.finish or self.last.get("done_reason")

    @property
    def tokens_in(self) -> int | None:
        return count_of(self.last.get("prompt_eval_count"))

    @property
    def tokens_out(self) -> int:
        """The parts where the server does not count; Ollama leaves out a count of 0."""
        return count_of(self.last.get("eval_count")) or self.answer.parts

    @property
    def is_cut_by_server(self) -> bool:
        return self.answer.finish is None and str(self.reason).strip().lower() in CUT

    @property
    def serving(self) -> Serving:
        """The server's time for prompt and reply; `total_duration` would include its queue."""
        parts = [_seconds(self.last.get(name)) for name in ("prompt_eval_duration", "eval_duration")]
        measured = [part for part in parts if part is not None]
        return Serving(
            compute_seconds=sum(measured) if len(measured) == len(parts) else None,
            cached_tokens=count_of(self.last.get("prompt_eval_cached_count")),
        )


def assembled(server: OllamaServer, path: str, body: Mapping[str, JSON], answer: BoundedAnswer) -> AssembledReply:
    """The reply to a request. Raises CallError, also for a stream that ends before its last part."""
    logprobs: JSON = None
    with closing(server.parts(path, body)) as parts:
        for part in parts:
            logprobs = part.get("logprobs") if logprobs is None else logprobs
            if answer.grow(*_texts(part)):
                return AssembledReply(answer=answer, last={}, logprobs=logprobs)
            if part.get("done") is True:
                answer.settle(count_of(part.get("eval_count")))
                return AssembledReply(answer=answer, last=part, logprobs=logprobs)
    raise CallError(f"{PREFIX}the reply ends before its last part: the stream was cut", lasting=False)


def _texts(part: Mapping[str, JSON]) -> tuple[str, str]:
    """The text and the reasoning in a part of /api/chat, or of /api/generate."""
    message = part.get("message", part if "response" in part else None)
    if not isinstance(message, Mapping):
        raise CallError(f"{PREFIX}a part of the reply has no message: {str(part)[:80]}", lasting=False)
    texts = [message.get(name) or "" for name in ("response" if message is part else "content", "thinking")]
    if not all(isinstance(text, str) for text in texts):
        raise CallError(f"{PREFIX}a part of the reply is no text: {str(part)[:80]}", lasting=False)
    return texts[0], texts[1]


def _seconds(nanoseconds: JSON) -> float | None:
    if isinstance(nanoseconds, bool) or not isinstance(nanoseconds, int | float):
        return None
    return nanoseconds / 1e9 if math.isfinite(nanoseconds) and nanoseconds >= 0 else None


def keeps_format(text: str, schema: Mapping[str, JSON], is_cut: bool) -> bool:
    """Whether a reply can have been held to a schema: JSON with the fields it requires, or the beginning of it."""
    if is_cut:
        return text.lstrip().startswith(("{", "[", '"') if schema.get("type") != "object" else "{")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if schema.get("type") != "object":
        return True
    required = schema.get("required", ())
    return isinstance(content, dict) and all(name in content for name in required)
