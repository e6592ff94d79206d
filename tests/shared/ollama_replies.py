"""A request to a model of the Ollama stand-in: its prompt, cut or refused as the version does it, and the reply in parts."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.shared.engines import THOUGHT_END, Ask, Body, Ending, Piece
from tests.shared.http_stand_in import GoneError, RefusedError

if TYPE_CHECKING:
    from tests.shared.ollama_stand_in import ServedModel, StandIn

KEPT = 4  # tokens at the front that Ollama keeps when it cuts
INTEGERS = ("num_ctx", "num_predict", "seed", "top_k", "num_keep", "num_batch", "num_gpu", "num_thread")
NUMBERS = ("temperature", "top_p", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")
SCHEMA_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
LLAMA_SERVER = (0, 30)  # from here on the engine is llama-server


def checked_options(options: Body) -> Body:
    """Unknown options are ignored; those of a wrong type are refused."""
    for name, value in options.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in INTEGERS and not is_number:
            raise RefusedError(500, f'option "{name}" must be of type integer')
        if name in NUMBERS and not is_number:
            raise RefusedError(500, f'option "{name}" must be of type float32')
    return options


def checked_schema(wanted: Any, version: tuple[int, ...]) -> None:
    """Refuse what `format` may not be."""
    if isinstance(wanted, str) and wanted not in ("", "json"):
        raise RefusedError(500, f'invalid format: "{wanted}"; expected "json" or a valid JSON Schema object')
    strange = strange_part(wanted) if isinstance(wanted, Mapping) else None
    if strange is None:
        return
    if version < LLAMA_SERVER:
        raise RefusedError(500, "invalid JSON schema in format")
    unknown = f"JSON schema conversion failed:\nUnrecognized schema: {json.dumps(strange, separators=(',', ':'))}"
    raise RefusedError(400, inner_error(f"Field 'json_schema': \"json_schema\": {unknown}", "invalid_request_error"))


def strange_part(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first part of a schema whose type does not exist."""
    if "type" in schema and isinstance(schema["type"], str) and schema["type"] not in SCHEMA_TYPES:
        return schema
    inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return next((part for each in inner if (part := strange_part(each)) is not None), None)


def inner_error(message: str, kind: str, **details: Any) -> str:
    """llama-server's error, as Ollama hands it on: JSON inside the message."""
    error = {"error": {"code": 400, "message": message, "type": kind, **details}}
    return json.dumps(error, separators=(",", ":"))


def wants_thought(think: Any, capabilities: Sequence[str]) -> Any:
    """What `think` comes to: a model that can, does so unless it is forbidden."""
    return True if think is None and "thinking" in capabilities else think


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A checked request to /api/chat or /api/generate."""

    server: "StandIn"
    model: "ServedModel"
    path: str
    body: Body
    options: Body
    began: float
    is_gone: Callable[[], bool]
    think: Any

    @property
    def messages(self) -> list[Body]:
        """Those of a chat; of /api/generate, the turns that its prompt makes."""
        if self.path == "/api/chat":
            return list(self.body["messages"])
        system = [{"role": "system", "content": self.body["system"]}] if self.body.get("system") else []
        return [*system, {"role": "user", "content": self.body["prompt"]}]

    @property
    def context(self) -> int:
        """Lowered silently to what the model was trained with, as Ollama does it."""
        trained = self.model.engine.trained
        return min(
            self.options.get("num_ctx", self.server.context),
            trained if isinstance(trained, int) and trained else 1 << 20,
        )

    def prompt(self, messages: list[Body]) -> str:
        if self.body.get("raw"):
            return str(self.body["prompt"])
        return self.server.prompt_of(self.model, messages, self.think)

    def rendering(self) -> Body:
        """What the model would read. It is loaded for it, as Ollama does it, but not run."""
        self.server.load(self.model, self.context)
        told = {"rendered_template": self.prompt(self.messages)}
        return self._part("", is_done=False) | {"_debug_info": told}

    # -- the prompt -----------------------------------------------------------------------------------------------------

    def tokens(self) -> list[Any]:
        """The tokens that the model gets."""
        tokens = self.model.engine.tokens(self.prompt(self.messages))
        too_many = len(tokens) >= self.context if self.server.numbers >= LLAMA_SERVER else len(tokens) > self.context
        if self.server.old:
            too_many = len(tokens) >= self.context
        if not too_many:
            return tokens
        if self.body.get("truncate") is not False or self.server.old:
            return self._cut()
        if self.server.numbers < LLAMA_SERVER:
            raise RefusedError(400, "the input length exceeds the context length")
        size = f"request ({len(tokens)} tokens) exceeds the available context size ({self.context} tokens)"
        counts = {"n_prompt_tokens": len(tokens), "n_ctx": self.context}
        raise RefusedError(400, inner_error(f"{size}, try increasing it", "exceed_context_size_error", **counts))

    def _cut(self) -> list[Any]:
        """What Ollama makes of a prompt that does not fit, without a word.

        The oldest messages go, except the system's and the last; then the middle of the rest: half the context is made
        free, before llama-server only as much as must be.
        """
        messages = self.messages
        while len(tokens := self.model.engine.tokens(self.prompt(messages))) >= self.context:
            oldest = next((i for i, message in enumerate(messages[:-1]) if message["role"] != "system"), None)
            if oldest is None:
                free = (self.context - KEPT) // 2 if self.server.numbers >= LLAMA_SERVER else 0
                return tokens[:KEPT] + tokens[len(tokens) - (self.context - free - KEPT) :]
            del messages[oldest]
        return tokens

    # -- the reply ------------------------------------------------------------------------------------------------------

    def pieces(self) -> Iterator[Piece | Ending]:
        """What the engine says, when the turn of this request has come; the seconds of loading in the first."""
        with self.server.queue.turn(self.is_gone):
            tokens = self.tokens()
            loading = self.server.load(self.model, self.context)
            top = (self.body.get("top_logprobs") or 0) if self.body.get("logprobs") else None
            ask = Ask(
                body={**self.body, "messages": self.messages}, tokens=tokens, room=self._room(tokens),
                stop=tuple(self.options.get("stop") or self.model.stop), thinking=bool(self.think) and not self.body.get("raw"),
                top=top if self.server.numbers >= (0, 12, 11) else None,
            )  # fmt: skip
            for piece in self.model.engine.generate(ask):
                if self.is_gone():
                    raise GoneError
                if isinstance(piece, Ending):
                    yield self._counted(piece, len(tokens), loading)
                else:
                    yield piece
        if self.body.get("keep_alive") in (0, "0", "0s"):
            self.server.unload(self.model)

    def _counted(self, ending: Ending, tokens_in: int, loading: float) -> "Counted":
        return Counted(ending=ending, tokens_in=tokens_in, loading=loading, total=time.monotonic() - self.began)

    def _room(self, tokens: list[Any]) -> int:
        """Tokens that the reply may have. With `shift` the prompt makes room for it."""
        wanted = self.options.get("num_predict", -1)
        wanted = wanted if wanted > 0 else 1 << 20
        if self.body.get("shift") is not False or self.server.old:
            return wanted
        left = self.context - len(tokens) + (0 if self.server.numbers >= LLAMA_SERVER else 1)
        return max(1, min(wanted, left))

    def stream(self) -> Iterator[Body]:
        thoughts = Thoughts(is_thinking=bool(self.think) and not self.body.get("raw"))
        for piece in self.pieces():
            if isinstance(piece, Counted):
                for thinking, content in thoughts.rest():
                    yield self._part(content, thinking)
                yield self._part("", is_done=True) | piece.fields(self.server.numbers)
                return
            logprobs = {"logprobs": without_ids(piece.logprobs)} if piece.logprobs else {}
            thinking, content = thoughts.split(piece.text)
            if thinking or content or logprobs:
                yield self._part(content, thinking) | logprobs

    def whole(self) -> Body:
        """The parts of the stream as one."""
        parts = list(self.stream())
        content = "".join(self._text(part) for part in parts)
        thinking = "".join(self._thought(part) for part in parts)
        logprobs = [entry for part in parts for entry in part.get("logprobs", [])]
        last = {**parts[-1], **self._part(content, thinking, is_done=True)}
        return last | ({"logprobs": logprobs} if logprobs else {})

    def _text(self, part: Body) -> str:
        return str(part["message"]["content"] if self.path == "/api/chat" else part["response"])

    def _thought(self, part: Body) -> str:
        return str((part["message"] if self.path == "/api/chat" else part).get("thinking", ""))

    def _part(self, content: str, thinking: str = "", *, is_done: bool = False) -> Body:
        thought = {"thinking": thinking} if thinking else {}
        if self.path == "/api/chat":
            said: Body = {"message": {"role": "assistant", "content": content, **thought}}
        else:
            said = {"response": content, **thought}
        stamp = f"2026-01-01T00:00:{time.time() % 60:09.6f}Z"
        return {"model": self.body["model"], "created_at": stamp, **said, "done": is_done}


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The end of a reply with what Ollama adds to it."""

    ending: Ending
    tokens_in: int
    loading: float
    total: float  # seconds from the request on, those in the queue included

    def fields(self, version: tuple[int, ...]) -> Body:
        """A count of 0 is left out, as Ollama leaves it out."""
        counts = {"prompt_eval_count": self.tokens_in, "eval_count": self.ending.tokens_out}
        fields = {
            "done_reason": self.ending.reason,
            "total_duration": self.total,
            "load_duration": self.loading,
            "prompt_eval_count": counts["prompt_eval_count"],
            "prompt_eval_duration": self.ending.prompt_seconds,
            "eval_count": counts["eval_count"],
            "eval_duration": self.ending.seconds,
        }
        written = {k: max(1, math.ceil(v * 1e9)) if k.endswith("_duration") else v for k, v in fields.items()}
        return {key: value for key, value in written.items() if value != 0}


def without_ids(logprobs: Sequence[Body]) -> list[Body]:
    """Log-probabilities as Ollama writes them."""
    entries = []
    for token in logprobs:
        others = [{key: value for key, value in other.items() if key != "id"} for other in token["top_logprobs"]]
        entries.append({key: value for key, value in token.items() if key != "id"} | {"top_logprobs": others})
    return entries


class Thoughts:
    """Parts what a model writes into its thought and the answer behind it."""

    def __init__(self, *, is_thinking: bool) -> None:
        self.is_thinking = is_thinking
        self._kept = ""  # what may be the front of the mark that ends the thought

    def split(self, text: str) -> tuple[str, str]:
        """The thought and the answer in the next piece."""
        if not self.is_thinking:
            return "", text
        text = self._kept + text
        thought, mark, answer = text.partition(THOUGHT_END)
        if mark:
            self.is_thinking, self._kept = False, ""
            return thought, answer.lstrip()
        front = next((n for n in range(len(THOUGHT_END) - 1, 0, -1) if text.endswith(THOUGHT_END[:n])), 0)
        self._kept = text[len(text) - front :]
        return text[: len(text) - front], ""

    def rest(self) -> list[tuple[str, str]]:
        return [(self._kept, "")] if self._kept else []
