"""A server that speaks Ollama's HTTP protocol, so that the official client and our model are tested as they are.

It answers as two real Ollamas did, by `version`: "0.24.0" (its own runner) or "0.33.0" (on llama-server); with `old` as
before 0.12.6. What generates is a script (`Script`, for faults and for judges of a known character) or a real small
model (tests/shared/llama_cpp.py).
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.shared.engines import Answer as Answer
from tests.shared.engines import Body as Body
from tests.shared.engines import Engine as Engine
from tests.shared.engines import Script as Script
from tests.shared.go_template import BARE as BARE
from tests.shared.go_template import CHATML as CHATML
from tests.shared.go_template import CONTENTS, render
from tests.shared.go_template import THINKER as THINKER
from tests.shared.http_stand_in import Fault as Fault
from tests.shared.http_stand_in import HttpReply, HttpStandIn, RefusedError, json_lines
from tests.shared.http_stand_in import serving as serving
from tests.shared.ollama_replies import Conversation, checked_options, checked_schema, wants_thought
from tests.shared.ollama_v1 import V1, chat_of, completion_of
from tests.shared.scripted_judges import filled as filled
from tests.shared.scripted_judges import in_turn as in_turn
from tests.shared.scripted_judges import noisy as noisy
from tests.shared.scripted_judges import of_another_form as of_another_form
from tests.shared.scripted_judges import preferring as preferring
from tests.shared.scripted_judges import refusing as refusing
from tests.shared.scripted_judges import steady as steady

WHEN = "2026-01-01T00:00:00.000000Z"
LEVELS = ("low", "medium", "high", "max")
DEFAULT_CONTEXT = 4096
VECTOR_TOLD = (0, 33)  # from here on only a model made for it embeds


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model that was pulled or created."""

    name: str
    engine: Engine
    template: str = CONTENTS
    capabilities: tuple[str, ...] = ("completion",)
    stop: tuple[str, ...] = ()
    family: str = "llama"
    size: int = 98363007
    parameter_size: str = "134.52M"
    quantization: str = "Q4_1"
    digest: str | None = None  # the engine's when None
    blob: str | None = None  # models of one blob share a runner: loading one unloads the other

    def details(self) -> Body:
        return {
            "parent_model": "", "format": "gguf", "family": self.family, "families": [self.family],
            "parameter_size": self.parameter_size, "quantization_level": self.quantization,
        }  # fmt: skip


class StandIn(HttpStandIn):
    """The server. `models` are names, served by the engine as it is, or ServedModels."""

    generating = ("/api/chat", "/api/generate", "/v1/chat/completions", "/v1/completions")

    def __init__(
        self, engine: Engine, *, models: Iterable[str | ServedModel] = ("judge:latest",), old: bool = False,
        version: str | None = "0.33.0", parallel: int = 1, context: int = DEFAULT_CONTEXT,
    ) -> None:  # fmt: skip
        super().__init__(parallel=parallel)
        self.engine = engine
        self.models: list[str | ServedModel] = list(models)
        self.version = "0.12.5" if old else version  # None: it tells no version
        self.context = context  # what is set on the server, for requests that set none
        self.thinks = False  # whether every model can think
        self.renders = True  # whether `_debug_render_only` is known
        self.loading = 0.0  # seconds
        self.unloading = 0.01 if self.numbers >= (0, 30) else 0.036  # seconds that a model stays listed
        self.contexts: dict[str, int] = {}  # of the loaded models
        self._leaving: dict[str, float] = {}  # the models that are being unloaded, and when they are gone

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version as numbers; a strange one counts as the newest."""
        try:
            return tuple(int(part) for part in str(self.version).split("-")[0].split(".")[:3])
        except ValueError:
            return (99,)

    @property
    def old(self) -> bool:
        return self.numbers < (0, 12, 6) and self.version != "0.0.0"

    @property
    def loaded(self) -> set[str]:
        """The models that stay."""
        return set(self.contexts) - set(self._leaving)

    @loaded.setter
    def loaded(self, names: Iterable[str]) -> None:
        self.contexts = dict.fromkeys(names, self.context)
        self._leaving = {}

    def served(self) -> list[ServedModel]:
        plain = (model for model in self.models)
        return [ServedModel(name=m, engine=self.engine) if isinstance(m, str) else m for m in plain]

    def model(self, name: Any, told_as: str | None = None) -> ServedModel:
        """The model that a request names."""
        if not name:
            raise RefusedError(400, "model is required", "invalid_request_error")
        wanted = full_name(str(name))
        for model in self.served():
            if full_name(model.name) == wanted:
                return model
        raise RefusedError(404, f"model '{told_as or name}' not found", "not_found_error")

    def capabilities(self, model: ServedModel) -> list[str]:
        thinks = self.thinks and "thinking" not in model.capabilities
        return [*model.capabilities, *(["thinking"] if thinks else [])]

    def digest(self, model: ServedModel) -> str:
        return model.digest or model.engine.digest

    # -- routes ---------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: Body, is_gone: Callable[[], bool]) -> HttpReply:
        if method in ("GET", "HEAD"):
            return self._looked_up(path)
        if path in ("/api/chat", "/api/generate"):
            return self._generated(path, body, is_gone)
        if path in ("/v1/chat/completions", "/v1/completions"):
            return self._compatible(path, body, is_gone)
        if path == "/api/show":
            return HttpReply(parts=[self._show(body)])
        if path in ("/api/embed", "/v1/embeddings"):
            return HttpReply(parts=[self._embedded(path, body, is_gone)])
        return HttpReply(parts=[], status=404, text="404 page not found")

    def error(self, path: str, refusal: RefusedError) -> Body:
        if path.startswith("/v1"):
            return {"error": {"message": str(refusal), "type": refusal.kind, "param": None, "code": None}}
        return {"error": str(refusal)}

    def _looked_up(self, path: str) -> HttpReply:
        if path == "/":
            return HttpReply(parts=[], text="Ollama is running")
        if path == "/api/version" and self.version is not None:
            return HttpReply(parts=[{"version": self.version}])
        if path == "/api/tags":
            return HttpReply(parts=[{"models": [self._listed(model) for model in self.served()]}])
        if path == "/api/ps":
            return HttpReply(parts=[{"models": self._running()}])
        if path == "/v1/models":
            return HttpReply(parts=[V1.models([model.name for model in self.served()])])
        return HttpReply(parts=[], status=404, text="404 page not found")

    def _listed(self, model: ServedModel) -> Body:
        entry = {"name": model.name, "model": model.name, "modified_at": WHEN, "size": model.size}
        entry |= {"digest": self.digest(model), "details": model.details()}
        if self.numbers >= (0, 30):
            sizes = {"context_length": model.engine.trained, "embedding_length": model.engine.width}
            entry["details"] |= sizes
            entry["capabilities"] = self.capabilities(model)
        return entry

    def _running(self) -> list[Body]:
        now = time.monotonic()
        with self.lock:
            for name in [name for name, gone in self._leaving.items() if gone <= now]:
                del self._leaving[name]
                self.contexts.pop(name, None)
            contexts = dict(self.contexts)
        served = {model.name: model for model in self.served()}
        running = [served[name] for name in reversed(contexts) if name in served]
        return [
            {
                "name": model.name, "model": model.name, "size": model.size * 2, "digest": self.digest(model),
                "details": model.details(), "expires_at": WHEN, "size_vram": 0, "context_length": contexts[model.name],
            }
            for model in running
        ]  # fmt: skip

    def _show(self, body: Body) -> Body:
        name = str(body.get("model") or body.get("name") or "")
        tagged = name if ":" in name or self.numbers < (0, 30) else f"{name}:latest"
        model = self.model(name, tagged)
        family = model.family
        information = {"general.architecture": family, f"{family}.context_length": model.engine.trained}
        information |= {f"{family}.embedding_length": model.engine.width, "general.parameter_count": 134515008}
        stops = "\n".join(f'stop                           "{stop}"' for stop in model.stop)
        shown = {"template": model.template, "details": model.details(), "model_info": information}
        shown |= {"capabilities": self.capabilities(model), "modified_at": WHEN}
        return ({"parameters": stops} if stops else {}) | shown

    # -- loading --------------------------------------------------------------------------------------------------------

    def load(self, model: ServedModel, context: int) -> float:
        """The seconds that it took: none where it is there with the same context."""
        with self.lock:
            is_there = self.contexts.get(model.name) == context and model.name not in self._leaving
            for other in self.served():
                if other.blob is not None and other.blob == model.blob:
                    self.contexts.pop(other.name, None)
            self.contexts.pop(model.name, None)
            self.contexts[model.name] = context  # the last: listed first
            self._leaving.pop(model.name, None)
        if not is_there:
            self.released.wait(self.loading)
        return 0.0007 if is_there else self.loading + 0.001

    def unload(self, model: ServedModel) -> None:
        with self.lock:
            if model.name in self.contexts:
                self._leaving[model.name] = time.monotonic() + self.unloading

    # -- what models do -------------------------------------------------------------------------------------------------

    def conversation(self, path: str, body: Body, is_gone: Callable[[], bool]) -> Conversation:
        """A request to a model, read and checked."""
        began = time.monotonic()
        model = self.model(body.get("model"))
        top = body.get("top_logprobs") or 0
        if not 0 <= top <= 20:
            raise RefusedError(400, "top_logprobs must be between 0 and 20", "invalid_request_error")
        options = checked_options(body.get("options") or {})
        think = body.get("think")
        if think is not None and not isinstance(think, bool) and think not in LEVELS:
            levels = '"high", "medium", "low", "max", true, or false'
            raise RefusedError(400, f'invalid think value: "{think}" (must be {levels})', "invalid_request_error")
        if think and "thinking" not in self.capabilities(model):
            error = f'"{body["model"]}" does not support thinking'
            raise RefusedError(400, error, "invalid_request_error")
        checked_schema(body.get("format"), self.numbers)
        return Conversation(
            server=self, model=model, path=path, body=body, options=options, began=began, is_gone=is_gone,
            think=wants_thought(think, self.capabilities(model)),
        )  # fmt: skip

    def prompt_of(self, model: ServedModel, messages: list[Body], think: Any) -> str:
        return render(model.template, messages, version=self.numbers, think=think)

    def _generated(self, path: str, body: Body, is_gone: Callable[[], bool]) -> HttpReply:
        if (path == "/api/chat" and not body.get("messages")) or (path == "/api/generate" and not body.get("prompt")):
            return HttpReply(parts=[self._loaded_or_unloaded(path, body)])
        conversation = self.conversation(path, body, is_gone)
        if body.get("_debug_render_only") and self.renders and not self.old:
            return HttpReply(parts=[conversation.rendering()])
        if body.get("stream", True):
            return HttpReply(parts=begun(conversation.stream()), framing=json_lines)
        return HttpReply(parts=[conversation.whole()])

    def _loaded_or_unloaded(self, path: str, body: Body) -> Body:
        model = self.model(body.get("model"))
        leaves = body.get("keep_alive") in (0, "0", "0s")
        if leaves:
            self.unload(model)
        else:
            self.load(model, min(body.get("options", {}).get("num_ctx", self.context), model.engine.trained or 1 << 20))
        empty = {"message": {"role": "assistant", "content": ""}} if path == "/api/chat" else {"response": ""}
        state = {"done": True, "done_reason": "unload" if leaves else "load"}
        return {"model": body["model"], "created_at": WHEN, **empty, **state}

    def _compatible(self, path: str, body: Body, is_gone: Callable[[], bool]) -> HttpReply:
        is_chat = path == "/v1/chat/completions"
        if is_chat and not body.get("messages"):
            raise RefusedError(400, "[] is too short - 'messages'", "invalid_request_error")
        inner = chat_of(body) if is_chat else completion_of(body)
        conversation = self.conversation("/api/chat" if is_chat else "/api/generate", inner, is_gone)
        return V1(conversation, body, is_chat).reply()

    def _embedded(self, path: str, body: Body, is_gone: Callable[[], bool]) -> Body:
        began = time.monotonic()
        model = self.model(body.get("model"))
        texts = body.get("input", [])
        texts = [texts] if isinstance(texts, str) else texts
        limit = min((body.get("options") or {}).get("num_ctx", self.context), model.engine.trained)
        tokens = [model.engine.tokens(text) for text in texts]
        if body.get("truncate") is False and any(len(each) > limit for each in tokens):
            raise RefusedError(400, "the input length exceeds the context length", "invalid_request_error")
        if self.numbers >= VECTOR_TOLD and "embedding" not in model.capabilities:
            raise RefusedError(501, "This server does not support embeddings. Start it with `--embeddings`")
        with self.queue.turn(is_gone):
            loading = self.load(model, limit)
            vectors = [model.engine.embed(each[:limit]) for each in tokens]
        count = sum(min(len(each), limit) for each in tokens)
        if path == "/v1/embeddings":
            return V1.embeddings(body["model"], vectors, count)
        durations = {"total_duration": nanoseconds(time.monotonic() - began), "load_duration": nanoseconds(loading)}
        return {"model": body["model"], "embeddings": vectors, **durations, "prompt_eval_count": count}


def begun(parts: Iterator[Body]) -> Iterator[Body]:
    """The parts, of which the first is made now: a refusal is an error by status, not a part of the stream."""
    first = next(parts)

    def rest() -> Iterator[Body]:
        yield first
        yield from parts

    return rest()


def full_name(name: str) -> str:
    """A name as Ollama compares it: without case, with its tag, without the registry that is the usual one."""
    low = name.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
    return low if ":" in low.rpartition("/")[2] else f"{low}:latest"


def nanoseconds(seconds: float) -> int:
    return max(1, math.ceil(seconds * 1e9))
