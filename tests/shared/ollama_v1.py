"""Ollama's /v1: OpenAI's form over the same models. What sets a context, options or thinking is ignored there."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from tests.shared.engines import Body, Piece
from tests.shared.http_stand_in import HttpReply, server_sent_events
from tests.shared.ollama_replies import Conversation, Counted, Thoughts, without_ids

OPTIONS = {"max_tokens": "num_predict", "temperature": "temperature", "top_p": "top_p", "seed": "seed"}


def chat_of(body: Body) -> Body:
    """The request to /api/chat that one to /v1/chat/completions becomes."""
    inner: Body = {"model": body.get("model"), "messages": body["messages"], "options": options_of(body)}
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        inner["format"] = wanted["json_schema"].get("schema")
    elif wanted.get("type") == "json_object":
        inner["format"] = "json"
    effort = body.get("reasoning_effort")
    if effort is not None:
        inner["think"] = False if effort == "none" else effort
    return inner | {key: body[key] for key in ("logprobs", "top_logprobs") if key in body}


def completion_of(body: Body) -> Body:
    """The request to /api/generate that one to /v1/completions becomes: without `echo` and `logprobs`."""
    prompt = body.get("prompt", "")
    return {
        "model": body.get("model"),
        "prompt": prompt if isinstance(prompt, str) else prompt[0],
        "options": options_of(body),
    }


def options_of(body: Body) -> Body:
    options = {name: body[key] for key, name in OPTIONS.items() if body.get(key) is not None}
    stop = body.get("stop")
    return options | ({"stop": [stop] if isinstance(stop, str) else stop} if stop else {})


class V1:
    """The reply to a conversation in OpenAI's form."""

    def __init__(self, conversation: Conversation, body: Body, is_chat: bool) -> None:
        self.conversation, self.body, self.is_chat = conversation, body, is_chat

    @staticmethod
    def models(names: Sequence[str]) -> Body:
        listed = [{"id": name, "object": "model", "created": 1795695402, "owned_by": "library"} for name in names]
        return {"object": "list", "data": listed}

    @staticmethod
    def embeddings(model: str, vectors: Sequence[Sequence[float]], count: int) -> Body:
        data = [{"object": "embedding", "embedding": v, "index": i} for i, v in enumerate(vectors)]
        return {
            "object": "list",
            "data": data,
            "model": model,
            "usage": {"prompt_tokens": count, "total_tokens": count},
        }

    def reply(self) -> HttpReply:
        if not self.body.get("stream"):
            return HttpReply(parts=[self._whole()])
        parts = self._stream()
        first = next(parts)
        return HttpReply(parts=chained(first, parts), framing=server_sent_events)

    def _whole(self) -> Body:
        thoughts = Thoughts(is_thinking=bool(self.conversation.think))
        thinking, content, logprobs = "", "", []
        for piece in self.conversation.pieces():
            if isinstance(piece, Counted):
                break
            assert isinstance(piece, Piece)
            thought, text = thoughts.split(piece.text)
            thinking, content = thinking + thought, content + text
            logprobs += without_ids(piece.logprobs)
        choice: Body = {"index": 0}
        if self.is_chat:
            reasoning = {"reasoning": thinking} if thinking else {}
            choice["message"] = {"role": "assistant", "content": content, **reasoning}
        else:
            choice = {"text": content, "index": 0}
        choice["finish_reason"] = piece.ending.reason
        if logprobs:
            choice["logprobs"] = {"content": logprobs}
        return self._frame() | {"choices": [choice], "usage": usage(piece)}

    def _stream(self) -> Iterator[Body]:
        thoughts = Thoughts(is_thinking=bool(self.conversation.think))
        for piece in self.conversation.pieces():
            if isinstance(piece, Counted):
                yield self._chunk("", "", piece.ending.reason, [])
                if (self.body.get("stream_options") or {}).get("include_usage"):
                    yield self._frame(".chunk") | {"choices": [], "usage": usage(piece)}
                break
            assert isinstance(piece, Piece)
            thought, text = thoughts.split(piece.text)
            yield self._chunk(thought, text, None, without_ids(piece.logprobs))
        yield {"[DONE]": True}

    def _chunk(self, thought: str, text: str, reason: str | None, logprobs: Sequence[Body]) -> Body:
        reasoning = {"reasoning": thought} if thought else {}
        if self.is_chat:
            said: Body = {"index": 0, "delta": {"role": "assistant", "content": text, **reasoning}}
        else:
            said = {"text": text, "index": 0}
        noted = {"logprobs": {"content": list(logprobs)}} if logprobs else {}
        return self._frame(".chunk") | {"choices": [said | {"finish_reason": reason} | noted]}

    def _frame(self, suffix: str = "") -> Body:
        kind = f"chat.completion{suffix}" if self.is_chat else "text_completion"
        name = "chatcmpl-824" if self.is_chat else "cmpl-203"
        made = {"created": int(time.time()), "model": self.body["model"], "system_fingerprint": "fp_ollama"}
        return {"id": name, "object": kind, **made}


def usage(counted: Counted) -> Body:
    tokens_in, tokens_out = counted.tokens_in, counted.ending.tokens_out
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def chained(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from others
