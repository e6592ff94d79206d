"""An OpenAI-compatible server that refuses or ignores a schema: a constrained reply of it is unknown, never free text."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.models.openai import OpenAI
from harness.models.remote.schema_probe import is_conclusive, probe_generation, schema_violation
from harness.records.inputs import Generation, Message
from harness.records.outputs import Completion
from harness.text.json_schemas import object_schema
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script
from tests.shared.served_fixtures import NativeServer

Reply = tuple[int, Any]  # a status, and a text or what stands under "error"
Answer = Callable[[dict[str, Any]], Reply]
SCHEMA = object_schema({"主诉": {"type": "string"}})
OBJECT = '{"主诉": "咳嗽"}'
PROBE = '{"kxq7": "kxq7"}'
WISH = Generation(max_tokens=50, schema=SCHEMA)
MUST = Generation(max_tokens=50, schema=SCHEMA, strict=True)
PROMPTS = [(Message("user", text),) for text in ("咳嗽", "发热")]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *arguments: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self._send(404, {"error": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/chat/completions"):
            self._send(404, {"error": "not found"})
            return
        self.server.asked.append(body)
        status, said = self.server.answer(body)
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        whole = {"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}
        self._send(status, whole if status == 200 else {"error": {"message": said}})

    def _send(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(answer: Answer) -> Iterator[Server]:
    server = Server(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def schema_in(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body.get("response_format", {}).get("json_schema", {}).get("schema", {}))


def holds(body: dict[str, Any]) -> Reply:
    schema = schema_in(body)
    if not schema:
        return 200, "咳嗽，考虑肺炎。"
    return 200, json.dumps({name: part.get("enum", ["咳嗽"])[0] for name, part in schema["properties"].items()},
                           ensure_ascii=False)  # fmt: skip


def refusing(status: int, words: str) -> Answer:
    return lambda body: (status, words) if schema_in(body) else (200, OBJECT)


FREE = "does not hold replies to a JSON schema"
REFUSED = "refuses response_format"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (holds, None),
        (lambda body: (200, OBJECT), FREE),  # readable, but it would be called constrained without being so
        (lambda body: (200, "咳嗽，考虑肺炎。"), FREE),
        (lambda body: (200, f"```json\n{PROBE}\n```" if "kxq7" in json.dumps(schema_in(body)) else OBJECT), FREE),
        (refusing(400, "response_format: json_schema is not supported"), REFUSED),
        (refusing(422, "unknown field `response_format`"), REFUSED),
        (refusing(400, "'response_format.type' must be 'json_object' or 'text'"), REFUSED),
        (refusing(400, "Invalid schema"), "Invalid schema"),
        (lambda body: (401, "no key"), "no key"),
    ],
)
def test_a_reply_that_must_be_held_to_a_schema_is_or_is_unknown(answer: Answer, reason: str | None) -> None:
    with serving(answer) as server:
        model = OpenAI(model="tiny", url=f"http://127.0.0.1:{server.server_address[1]}/v1", retries=0, pause=0)
        completions = model.generate(PROMPTS, MUST, [0, 0])
        model.close()
    for completion in completions:
        assert (completion.finish == "error") is (reason is not None)
        assert reason is None or reason in (completion.error or "")
        assert reason is not None or completion.text == OBJECT
    if reason in (FREE, REFUSED):
        assert all("leave out constrained" in (completion.error or "") for completion in completions)
    assert not any(OBJECT in completion.text for completion in completions if reason)


def follow(body: dict[str, Any]) -> str:
    """What a server writes that holds a reply to the schema in `format`; free text without one."""
    schema = body.get("format")
    return json.dumps({key: part.get("enum", ["咳嗽"])[0] for key, part in schema["properties"].items()},
                      ensure_ascii=False) if schema else "咳嗽，考虑肺炎。"  # fmt: skip


@pytest.mark.parametrize("generation", [WISH, MUST])
@pytest.mark.parametrize(
    ("kind", "template", "field"),
    [
        (LlamaServer, "chatml", "json_schema"),  # as b6500 and later: response_format is not read where a text goes on
        (LlamaServer, "gemma", "json_schema"),
        (LlamaServer, None, "response_format"),
        (Vllm, "chatml", "response_format"),
        (Hosted, "llama3", "response_format"),
    ],
)
def test_a_stated_template_is_held_to_a_schema_too(
    kind: Any, template: str | None, field: str, generation: Generation, serve: Callable[[Any], Any]
) -> None:
    server = serve(kind(Script(follow)))
    model = OpenAI(model="smol", url=f"{server.place}/v1", retries=0, pause=0, template=template)
    completions = model.generate(PROMPTS, generation, [0, 0])
    model.close()
    assert [completion.text for completion in completions] == [OBJECT, OBJECT]
    bodies = server.bodies("/v1/completions" if template else "/v1/chat/completions")
    assert all(field in body for body in bodies)


@pytest.mark.parametrize("field", ["response_format", "json_schema", "grammar"])
def test_what_takes_the_place_of_a_schema_is_named(field: str) -> None:
    model = OpenAI(model="m", url="http://127.0.0.1:9/v1", extra={field: "x"})
    assert f"has {field} in extra" in str(model.schema_problem())


@pytest.mark.slow
@pytest.mark.parametrize("template", [None, "chatml"])
def test_llama_cpp_holds_replies_to_a_schema(template: str | None, llama_server: NativeServer) -> None:
    model = OpenAI(model=llama_server.model, url=llama_server.url, template=template)
    (completion,) = model.generate(PROMPTS[:1], MUST, [0])
    model.close()
    assert completion.error is None
    assert completion.text.lstrip().startswith("{")


@pytest.mark.parametrize("first", [WISH, MUST])
def test_a_judges_schema_stays_a_wish(first: Generation) -> None:
    """A server that refuses schemas is asked without by a judge, before and behind a constrained variant."""
    with serving(refusing(400, "response_format is not supported")) as server:
        model = OpenAI(model="tiny", url=f"http://127.0.0.1:{server.server_address[1]}/v1", retries=0, pause=0)
        for generation in (first, WISH, MUST, WISH):
            (completion,) = model.generate(PROMPTS[:1], generation, [0])
            assert (completion.error is None) is (generation is WISH)
        model.close()
    assert all(schema_in(body) == {} for body in server.asked[-1:])


def test_what_holds_schemas_is_asked_once_whether_it_does() -> None:
    with serving(holds) as server:
        model = OpenAI(model="tiny", url=f"http://127.0.0.1:{server.server_address[1]}/v1", retries=0, pause=0)
        for _ in range(3):
            model.generate(PROMPTS, MUST, [0, 0])
        model.close()
    probes = [body for body in server.asked if "kxq7" in json.dumps(schema_in(body))]
    assert (len(probes), len(server.asked)) == (1, 1 + 3 * 2)


@pytest.mark.parametrize(
    ("completion", "told", "reason"),
    [
        (Completion(text=PROBE), True, None),
        (Completion(text='{\n  "kxq7" : "kxq7"\n}\n'), True, None),
        (Completion(text=f"<think>\nParis?\n</think>\n\n{PROBE}"), True, None),
        (Completion(text="Paris"), True, FREE),
        (Completion(text='{"answer": "Paris"}'), True, FREE),
        (Completion(text=f"{PROBE} Paris"), True, FREE),
        (Completion(text="The capital of France is", finish="length"), True, FREE),
        (Completion(text="<think>\nThe user asks", finish="length"), False, None),  # cut before there is an answer
        (Completion(text="", finish="length"), False, None),
        (Completion(text="", finish="error", error="refused"), False, None),
    ],
)
def test_what_a_reply_to_the_question_tells(completion: Completion, told: bool, reason: str | None) -> None:
    assert is_conclusive(completion) is told
    if told:
        assert (schema_violation(completion) is None) is (reason is None)
        assert reason is None or reason in (schema_violation(completion) or "")


@pytest.mark.parametrize(("most", "expected"), [(8, 64), (200, 200), (2304, 2304)])
def test_the_question_has_room_for_the_reasoning_and_its_object(most: int, expected: int) -> None:
    generation = probe_generation(Generation(max_tokens=most, temperature=0.7, stop=("\n",), seed=3, schema=SCHEMA))
    assert (generation.max_tokens, generation.temperature, generation.stop) == (expected, 0.0, ())
    assert generation.strict
