"""Servers of OpenAI's form: what is the same in all, and a service that tells nothing.

llama.cpp's and vLLM's are in tests/shared/openai_servers.py. An Ollama at its root with /v1 beside it is tests/shared/ollama_stand_in.py. llama.cpp's own server over a real model is
the fixture `llama_server` (tests/shared/served_fixtures.py).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jinja2

from tests.shared.engines import Answer as Answer
from tests.shared.engines import Ask, Body, Ending, Engine, Piece
from tests.shared.engines import Script as Script
from tests.shared.http_stand_in import Fault as Fault
from tests.shared.http_stand_in import GoneError, HttpReply, HttpStandIn, RefusedError, server_sent_events
from tests.shared.http_stand_in import serving as serving
from tests.shared.ollama_replies import Thoughts, without_ids

CONTENTS = "{% for message in messages %}{{ message['content'] }}{% endfor %}"  # for scripts that count characters


@dataclass(frozen=True, kw_only=True)
class Work:
    """A request whose prompt fits, before its reply."""

    body: Body
    ask: Ask
    is_chat: bool

    @property
    def streamed(self) -> bool:
        return bool(self.body.get("stream"))


class OpenAIStandIn(HttpStandIn):
    """The server: `Hosted`, `LlamaServer` or `Vllm`."""

    generating = ("/v1/chat/completions", "/v1/completions")
    reasoning_field: ClassVar[str] = "reasoning_content"
    numbers_tokens: ClassVar[bool] = False  # whether each log-probability has its token's number

    def __init__(
        self, engine: Engine, *, model: str = "smol", template: str = CONTENTS, context: int = 2048, parallel: int = 1,
        thinks: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parallel=parallel)
        self.engine, self.model, self.template, self.context = engine, model, template, context
        self.thinks = thinks
        self.fingerprint: str | None = None

    # -- what a kind of server answers in its own way -----------------------------------------------------------------------

    def looked_up(self, path: str) -> HttpReply:
        """The reply to a GET."""
        if path == "/v1/models":
            return HttpReply(
                parts=[{"object": "list", "data": [{"id": self.model, "object": "model", "owned_by": "me"}]}]
            )
        raise self.unknown_path()

    def looked_into(self, path: str, body: Body) -> HttpReply:
        """The reply to a POST that generates nothing."""
        raise self.unknown_path()

    def unknown_path(self) -> RefusedError:
        return RefusedError(404, "Not Found", "not_found_error", code=404)

    def check(self, body: Body) -> None:
        """Refuse what this kind refuses."""

    def fit(self, tokens: list[Any], wanted: int | None) -> list[Any]:
        """The prompt's tokens that are used, or RefusedError."""
        return tokens

    def message(self, content: str, thinking: str) -> Body:
        return {"role": "assistant", "content": content} | ({self.reasoning_field: thinking} if thinking else {})

    def choice(self, fields: Body, reason: str | None, logprobs: list[Body]) -> Body:
        shown = logprobs if self.numbers_tokens else without_ids(logprobs)
        noted = {"logprobs": {"content": shown}} if logprobs else {}
        return {"index": 0, **fields, "finish_reason": reason, **noted}

    def counted(self, tokens_in: int, ending: Ending) -> Body:
        """The usage, and what stands beside it."""
        tokens_out = ending.tokens_out
        usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
        return {"usage": usage}

    def counted_at_the_end(self, work: Work, counted: Body) -> tuple[Body, Body | None]:
        """What of it stands in the last chunk of a stream, and the chunk behind that one, if there is one."""
        if (work.body.get("stream_options") or {}).get("include_usage"):
            return {}, {"choices": [], **counted}
        return {}, None

    # -- the same in all ------------------------------------------------------------------------------------------------

    def render(self, messages: Sequence[Body]) -> str:
        environment = jinja2.Environment(keep_trailing_newline=True, autoescape=False)
        return environment.from_string(self.template).render(messages=list(messages), add_generation_prompt=True)

    def answer(self, method: str, path: str, body: Body, is_gone: Callable[[], bool]) -> HttpReply:
        if method in ("GET", "HEAD"):
            return self.looked_up(path)
        if path not in self.generating:
            return self.looked_into(path, body)
        self.check(body)
        is_chat = path == "/v1/chat/completions"
        if is_chat and not body.get("messages"):
            raise RefusedError(400, "'messages' is required", "invalid_request_error", code=400)
        work = self._work(body, is_chat=is_chat)
        if work.streamed:
            return HttpReply(parts=self._stream(work, is_gone), framing=server_sent_events)
        return HttpReply(parts=[self._whole(work, is_gone)])

    def error(self, path: str, refusal: RefusedError) -> Body:
        return {
            "error": {"message": str(refusal), "type": refusal.kind, "param": None, "code": None, **refusal.details}
        }

    def _work(self, body: Body, *, is_chat: bool) -> Work:
        wanted = body.get("max_tokens") or body.get("max_completion_tokens")
        text = self.render(body["messages"]) if is_chat else str(body.get("prompt", ""))
        tokens = self.fit(self.engine.tokens(text), wanted)
        top = None
        if body.get("logprobs"):
            top = body.get("top_logprobs", 0) if is_chat else int(body["logprobs"])
        stop = body.get("stop") or []
        ask = Ask(
            body=self._native(body, text, is_chat=is_chat), tokens=tokens,
            room=min(wanted or 1 << 20, max(1, self.context - len(tokens))),
            stop=[stop] if isinstance(stop, str) else stop, thinking=is_chat and self.thinks, top=top,
        )  # fmt: skip
        return Work(body=body, ask=ask, is_chat=is_chat)

    def _native(self, body: Body, text: str, *, is_chat: bool) -> Body:
        """The request as a script or the real engine reads it: in the form of /api/chat."""
        wanted = body.get("response_format") or {}
        schema = wanted.get("json_schema", {}).get("schema") if wanted.get("type") == "json_schema" else None
        options = {key: body[key] for key in ("temperature", "top_p", "seed") if body.get(key) is not None}
        messages = body["messages"] if is_chat else [{"role": "user", "content": text}]
        return {"model": self.model, "messages": messages, "options": options} | ({"format": schema} if schema else {})

    def _pieces(self, work: Work, is_gone: Callable[[], bool]) -> Iterator[Piece | Ending]:
        with self.queue.turn(is_gone):
            for piece in self.engine.generate(work.ask):
                if is_gone():
                    raise GoneError
                yield piece

    def _frame(self, work: Work, suffix: str = "") -> Body:
        kind = f"chat.completion{suffix}" if work.is_chat else "text_completion"
        frame = {"id": "chatcmpl-1", "object": kind, "created": int(time.time()), "model": self.model}
        return frame | ({"system_fingerprint": self.fingerprint} if self.fingerprint is not None else {})

    def _whole(self, work: Work, is_gone: Callable[[], bool]) -> Body:
        thoughts = Thoughts(is_thinking=work.ask.thinking)
        thinking, content, logprobs = "", "", []
        for piece in self._pieces(work, is_gone):
            if isinstance(piece, Ending):
                break
            thought, text = thoughts.split(piece.text)
            thinking, content = thinking + thought, content + text
            logprobs += piece.logprobs
        fields = {"message": self.message(content, thinking)} if work.is_chat else {"text": content}
        choices = [self.choice(fields, piece.reason, logprobs)]
        return self._frame(work) | {"choices": choices} | self.counted(len(work.ask.tokens), piece)

    def _stream(self, work: Work, is_gone: Callable[[], bool]) -> Iterator[Body]:
        frame = self._frame(work, ".chunk")
        thoughts = Thoughts(is_thinking=work.ask.thinking)
        is_first = True
        for piece in self._pieces(work, is_gone):
            if is_first and work.is_chat:
                yield frame | {"choices": [self.choice({"delta": {"role": "assistant", "content": None}}, None, [])]}
            is_first = False
            if isinstance(piece, Ending):
                last, behind = self.counted_at_the_end(work, self.counted(len(work.ask.tokens), piece))
                fields: Body = {"delta": {}} if work.is_chat else {"text": ""}
                yield frame | {"choices": [self.choice(fields, piece.reason, [])]} | last
                if behind is not None:
                    yield frame | behind
                break
            thought, text = thoughts.split(piece.text)
            delta = {key: value for key, value in ((self.reasoning_field, thought), ("content", text)) if value}
            fields = {"delta": delta} if work.is_chat else {"text": text}
            yield frame | {"choices": [self.choice(fields, None, list(piece.logprobs))]}
        yield {"[DONE]": True}


class Hosted(OpenAIStandIn):
    """A service that tells nothing but its replies. `cuts`: a prompt that does not fit is cut in silence, not refused."""

    def __init__(self, engine: Engine, *, key: str | None = None, cuts: bool = False, **settings: Any) -> None:
        super().__init__(engine, **settings)
        self.key, self.cuts = key, cuts

    def fit(self, tokens: list[Any], wanted: int | None) -> list[Any]:
        if len(tokens) + (0 if self.cuts else wanted or 0) <= self.context:
            return tokens
        if self.cuts:
            return tokens[-self.context :]
        limit = f"This model's maximum context length is {self.context} tokens"
        asked = f"However, you requested {len(tokens) + (wanted or 0)} tokens"
        raise RefusedError(
            400, f"{limit}. {asked}.", "invalid_request_error", param="messages", code="context_length_exceeded"
        )

    def check(self, body: Body) -> None:
        if body.get("model") != self.model:
            error = f"The model `{body.get('model')}` does not exist or you do not have access to it."
            raise RefusedError(404, error, "invalid_request_error", code="model_not_found")
        if (body.get("top_logprobs") or 0) > 20:
            raise RefusedError(
                400, "Invalid value for 'top_logprobs': must be less than or equal to 20.", "invalid_request_error"
            )


def embeddings(engine: Engine, model: str, body: Body) -> Body:
    """The reply to /v1/embeddings."""
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    tokens = [engine.tokens(text) for text in texts]
    data = [{"object": "embedding", "embedding": engine.embed(each), "index": i} for i, each in enumerate(tokens)]
    count = sum(map(len, tokens))
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": count, "total_tokens": count}}


def number_of(token: Any) -> int:
    """A token as a number: a script's tokens are characters."""
    return token if isinstance(token, int) else ord(token)
