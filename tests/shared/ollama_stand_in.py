"""A server that speaks Ollama's HTTP protocol, so that the official client and our model are tested as they are.

What answers is a script (`Script`, for faults and for judges of a known character) or a real small model
(tests/shared/llama_cpp.py). Prompts that do not fit are refused or cut as Ollama 0.33 does it, with `old` as before 0.12.6.
"""

import json
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

Body = dict[str, Any]
Answer = Callable[[Body], str]  # the text that replies to a request to /api/chat
KEPT = 4  # tokens at the front that Ollama keeps when it cuts


@dataclass(frozen=True)
class Reply:
    """What an engine says to a prompt."""

    text: str
    tokens_out: int
    reason: str  # stop or length


class Engine(Protocol):
    """What stands behind the protocol."""

    trained: int  # the context length that the model was trained with, in tokens
    digest: str

    def tokens(self, messages: Sequence[Body]) -> list[Any]:
        """The tokens of a conversation as the model reads it."""

    def reply(self, body: Body, tokens: list[Any], room: int) -> Reply:
        """The reply to a request whose prompt has these tokens; at most `room` tokens."""


@dataclass(frozen=True)
class Fault:
    """How one reply to /api/chat goes wrong."""

    status: int | None = None  # instead of the answer; 307 sends the client here again
    slow: float = 0.0  # seconds before it
    half: bool = False  # only the first half of the body
    extra: Mapping[str, Any] = field(default_factory=dict)  # over the fields of the right reply


class Script:
    """Replies by a function of the request; one character counts as one token."""

    digest = "5c71e7"

    def __init__(self, answer: Answer, trained: int = 32768) -> None:
        self.answer, self.trained = answer, trained

    def tokens(self, messages: Sequence[Body]) -> list[Any]:
        return [character for message in messages for character in message["content"]]

    def reply(self, body: Body, tokens: list[Any], room: int) -> Reply:
        whole = self.answer(body)
        text = whole[:room]
        return Reply(text, len(text), "length" if len(text) < len(whole) else "stop")


class StandIn(ThreadingHTTPServer):
    """The server. `faults` are used up one a chat; `asked` holds every request in its order: path and body."""

    daemon_threads = True

    def __init__(self, engine: Engine, *, models: Iterable[str] = ("judge:latest",), old: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.engine, self.models, self.old = engine, list(models), old
        self.thinks = False  # whether the model can think
        self.faults: list[Fault] = []
        self.asked: list[tuple[str, Body]] = []
        self.loaded: set[str] = set()
        self.lock = threading.Lock()
        self.released = threading.Event()  # ends the waiting of slow replies

    @property
    def place(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self, path: str = "/api/chat") -> list[Body]:
        """The requests to a path, in their order."""
        return [body for asked, body in self.asked if asked == path]

    def refuse(self) -> None:
        """Connections are refused from now on."""
        self.shutdown()
        self.server_close()


@contextmanager
def serving(server: StandIn) -> Iterator[StandIn]:
    """The server, running in a thread until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.refuse()
        thread.join()


class RefusedError(Exception):
    """A request that Ollama answers with an error."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {}))
        listed = [{"model": name, "name": name, "digest": self.server.engine.digest} for name in self.server.models]
        running = [entry for entry in listed if entry["model"] in self.server.loaded]
        bodies = {"/api/version": {"version": "0.12.5" if self.server.old else "0.33.3"}}
        bodies |= {"/api/tags": {"models": listed}, "/api/ps": {"models": running}}
        self._send(200 if self.path in bodies else 404, bodies.get(self.path, {"error": "not found"}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((self.path, body))
            fault = self.server.faults.pop(0) if self.server.faults and self.path == "/api/chat" else Fault()
        self.server.released.wait(fault.slow)
        if fault.status is not None:
            self._send(fault.status, {"error": f"a fault of the script, {fault.status}"})
            return
        try:
            parts = self._answered(body)
        except RefusedError as refusal:
            self._send(refusal.status, {"error": str(refusal)})
            return
        parts[-1] |= fault.extra
        self._send(200, *parts, half=fault.half)

    def _answered(self, body: Body) -> list[Body]:
        """The parts of the reply: one, or several when it is streamed."""
        name = body["model"] if ":" in body["model"] else f"{body['model']}:latest"
        if name not in self.server.models:
            raise RefusedError(404, f"model '{body['model']}' not found")
        if self.path == "/api/show":
            told = {"general.architecture": "llama", "llama.context_length": self.server.engine.trained}
            return [{"model_info": told, "details": {"family": "llama"}, "capabilities": ["completion"]}]
        if self.path == "/api/generate" and not body.get("prompt"):
            (self.server.loaded.discard if body.get("keep_alive") == 0 else self.server.loaded.add)(name)
            reason = "unload" if body.get("keep_alive") == 0 else "load"
            return [{"model": body["model"], "response": "", "done": True, "done_reason": reason}]
        if self.path != "/api/chat":
            raise RefusedError(404, f"the stand-in has no {self.path}")
        self.server.loaded.add(name)
        return chatted(self.server, body)

    def _send(self, status: int, *parts: Body, half: bool = False) -> None:
        content = "\n".join(json.dumps(part) for part in parts).encode()
        content = content[: len(content) // 2] if half else content
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if len(parts) == 1 else "application/x-ndjson")
        self.send_header("Content-Length", str(len(content)))
        if status == 307:
            self.send_header("Location", self.path)  # once more, as a proxy may ask for
        self.end_headers()
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has given up waiting


def chatted(server: StandIn, body: Body) -> list[Body]:
    """The reply to /api/chat in one part, or in one a word and a last one with the counts."""
    if body.get("think") and not server.thinks:
        raise RefusedError(400, f'"{body["model"]}" does not support thinking')
    options = body.get("options", {})
    num_ctx = min(options.get("num_ctx", 4096), server.engine.trained)  # lowered silently, as Ollama does it
    refuses = body.get("truncate") is False and not server.old
    tokens = server.engine.tokens(body["messages"])
    if len(tokens) >= num_ctx:
        if refuses:
            size = f"request ({len(tokens)} tokens) exceeds the available context size ({num_ctx} tokens)"
            raise RefusedError(400, f"{size}, try increasing it")
        tokens = cut(server, body["messages"], num_ctx)
    wanted = options.get("num_predict", -1)
    room = max(1, num_ctx - len(tokens)) if not server.old else 1 << 20  # before 0.12.6 the prompt makes room
    reply = server.engine.reply(body, tokens, room if wanted < 0 else min(room, wanted))
    thought = {"thinking": "Let me see."} if body.get("think") else {}
    last = {
        "model": body["model"],
        "created_at": "2026-01-01T00:00:00Z",
        "done": True,
        "done_reason": reply.reason,
        "prompt_eval_count": len(tokens),
        "eval_count": reply.tokens_out,
    }
    if not body.get("stream", True):
        return [last | {"message": {"role": "assistant", "content": reply.text, **thought}}]
    pieces = [
        {"model": body["model"], "message": {"role": "assistant", "content": piece}, "done": False}
        for piece in re.findall(r"\s*\S+\s*$|\s*\S+", reply.text)
    ]
    return [*pieces, last | {"message": {"role": "assistant", "content": "", **thought}}]


def cut(server: StandIn, messages: Sequence[Body], num_ctx: int) -> list[Any]:
    """What Ollama makes of a prompt that does not fit, without a word.

    The oldest messages go, except the system's and the last; then the middle of the rest: half the context is made
    free, before 0.30 only as much as must be.
    """
    messages = list(messages)
    while len(tokens := server.engine.tokens(messages)) >= num_ctx:
        oldest = next((i for i, message in enumerate(messages[:-1]) if message["role"] != "system"), None)
        if oldest is None:
            limit = num_ctx if server.old else num_ctx - (num_ctx - KEPT) // 2
            return tokens[:KEPT] + tokens[len(tokens) - (limit - KEPT) :]
        del messages[oldest]
    return tokens


# -- judges of a known character ----------------------------------------------------------------------------------------


def filled(schema: Mapping[str, Any], share: float, choice: str) -> Any:
    """A value of a JSON schema: numbers at `share` of their range, `choice` where it is offered, else the first."""
    if "enum" in schema:
        return choice if choice in schema["enum"] else schema["enum"][0]
    if schema.get("type") == "object":
        return {name: filled(part, share, choice) for name, part in schema["properties"].items()}
    if schema.get("type") in ("integer", "number"):
        value = schema["minimum"] + share * (schema["maximum"] - schema["minimum"])
        return round(value) if schema["type"] == "integer" else value
    return "because"


def steady(share: float = 0.8, choice: str = "first") -> Answer:
    """Always the same score and the same verdict, as the schema wants them; "first" flips with the order."""
    return lambda body: json.dumps(filled(body["format"], share, choice))


def noisy(spread: float) -> Answer:
    """Scores around the middle of the range, by the seed: one of another repeat is another one."""

    def answer(body: Body) -> str:
        away = random.Random(body["options"]["seed"]).uniform(-spread, spread)
        return json.dumps(filled(body["format"], 0.5 + away, "tie"))

    return answer


def preferring(mark: str) -> Answer:
    """The answer that holds the mark wins, wherever it stands; both or none is a tie. Reads our rubrics' fences."""

    def answer(body: Body) -> str:
        asked = body["messages"][-1]["content"]
        fenced = dict(re.findall(r"<(first|second)-\w+>\n(.*?)\n</\1-\w+>", asked, re.DOTALL))
        holding = [side for side, text in fenced.items() if mark in text]
        return json.dumps(filled(body["format"], 0.5, holding[0] if len(holding) == 1 else "tie"))

    return answer


def refusing(body: Body) -> str:
    """Prose that holds no verdict, whatever the schema says: some models do not keep to it."""
    return "抱歉，我不能评价医疗内容。I cannot judge medical content."


def of_another_form(body: Body) -> str:
    """JSON, but not what was asked for."""
    return '{"rating": "good", "comments": ["clear", "short"]}'


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other; the last one stays."""
    left = list(answers)
    lock = threading.Lock()

    def answer(body: Body) -> str:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        return now(body)

    return answer
