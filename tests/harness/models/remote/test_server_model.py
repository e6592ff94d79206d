"""A real server on this machine misbehaves as servers do: what is retried, what is a failure, what is never an answer."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.errors import ModelError, ServerGoneError
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.remote.asking import Asking
from harness.models.remote.schema_probe import QUESTION
from harness.models.remote.server_model import RemoteModel
from harness.records.inputs import Generation, Message, Prompt
from harness.records.outputs import Completion
from tests.shared.pauses import repeating

KEY = "sk-secret-of-the-test"
GENERATION = Generation(max_tokens=7, temperature=0.5, top_p=0.9, stop=("\n", "。"), seed=11)


def ask(text: str) -> Prompt:
    return (Message("system", "short"), Message("user", text))


class Fault:
    """One scripted reply: a status, a body (None: the right one), headers; cut: half the body; slow: seconds before it."""

    def __init__(
        self, status: int = 200, body: Any = None, *, cut: bool = False, slow: float = 0.0, **headers: str
    ) -> None:
        self.status, self.body, self.cut, self.slow = status, body, cut, slow
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


OK = Fault()


class Server(ThreadingHTTPServer):
    """Speaks OpenAI and Ollama; replies by the script, then rightly: `echo: ` and the last message."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Fault] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []  # path, headers, body
        self.lock = threading.Lock()
        self.extra: dict[str, Any] = {}  # over the right reply
        self.listing: Fault = OK
        self.delays = False  # earlier prompts take longer
        self.released = threading.Event()

    @property
    def place(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [body for path, _, body in self.requests if "chat" in path and not is_probe(body)]


def is_probe(body: dict[str, Any]) -> bool:
    """Whether a request only looks at what becomes of messages, or whether the server is there."""
    most = body.get("max_tokens", body.get("options", {}).get("num_predict"))
    is_short = most == 1 or QUESTION[0].content in str(body)
    return bool(body.get("_debug_render_only")) or is_short or "messages" not in body


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers), {}))
        listings = {
            "/v1/models": {"data": [{"id": "tiny"}, {"id": "other"}]},
            "/api/tags": {
                "models": [{"model": "tiny:latest", "digest": "abc123"}, {"model": "big:7b", "digest": "def456"}]
            },
        }
        is_ollama = "ollama" in self.headers["User-Agent"]
        if self.path in listings and self.path.startswith("/api/") is is_ollama:
            self.reply(self.server.listing, listings[self.path])
        else:
            self.reply(Fault(404, {"error": "not found"}), {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers), body))
            fault = OK
            if "chat" in self.path and not is_probe(body):
                fault = self.server.script.pop(0) if self.server.script else OK
        if "chat" not in self.path:  # what a model was trained with is not told, and unloading is agreed to
            self.reply(OK, {"model_info": {}} if self.path == "/api/show" else {"response": "", "done": True})
            return
        if "messages" not in body:
            self.reply(Fault(400, {"error": "'messages' is required"}), {})
            return
        text = body["messages"][-1]["content"]
        if body.get("_debug_render_only"):
            rendered = "\n".join(message["content"] for message in body["messages"])
            self.reply(OK, {"_debug_info": {"rendered_template": rendered}})
            return
        if self.server.delays:
            time.sleep(0.02 * (8 - int(text)))
        if self.path == "/v1/chat/completions":
            right = {
                "choices": [{"message": {"content": f"echo: {text}"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 3},
            }
        else:
            right = {
                "model": body["model"],
                "message": {"role": "assistant", "content": f"echo: {text}"},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": 5,
                "eval_count": 3,
            }
        self.reply(fault, right | self.server.extra)

    def reply(self, fault: Fault, right: Any) -> None:
        if fault.slow:
            self.server.released.wait(fault.slow)
        body = (
            fault.body
            if isinstance(fault.body, bytes)
            else json.dumps(right if fault.body is None else fault.body).encode()
        )
        if fault.cut:
            body = body[: len(body) // 2]
        self.send_response(fault.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has given up waiting


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


Make = Callable[..., RemoteModel]


@pytest.fixture(params=["openai", "ollama"])
def make(request: pytest.FixtureRequest, server: Server) -> Iterator[Make]:
    """Makes a model of either kind at the server; its connections are closed at the end."""
    made: list[RemoteModel] = []

    def build(**settings: Any) -> RemoteModel:
        settings = {"model": "tiny", "pause": 0, "patience": 1, **settings}
        made.append(
            OpenAI(url=f"{server.place}/v1", **settings)
            if request.param == "openai"
            else Ollama(host=server.place, **settings)
        )
        return made[-1]

    yield build
    for model in made:
        model.close()


@pytest.fixture
def openai(server: Server) -> Iterator[OpenAI]:
    model = OpenAI(model="tiny", url=f"{server.place}/v1", pause=0)
    yield model
    model.close()


@pytest.fixture
def ollama(server: Server) -> Iterator[Ollama]:
    model = Ollama(model="tiny", host=server.place, pause=0)
    yield model
    model.close()


def one(model: RemoteModel, text: str = "1", generation: Generation = GENERATION) -> Completion:
    (completion,) = model.generate([ask(text)], generation, [0])
    return completion


# -- answers ------------------------------------------------------------------------------------------------------------


def test_an_answer(make: Make) -> None:
    completion = one(make())
    assert (completion.text, completion.finish, completion.tokens_in, completion.tokens_out) == (
        "echo: 1",
        "stop",
        5,
        3,
    )
    assert completion.seconds > 0


def test_the_order_is_kept_by_several_workers(make: Make, server: Server) -> None:
    server.delays = True
    completions = make(workers=4).generate([ask(str(i)) for i in range(8)], GENERATION, [0] * 8)
    assert [completion.text for completion in completions] == [f"echo: {i}" for i in range(8)]


def test_a_cell_is_one_batch_whose_calls_are_kept_one_by_one(make: Make) -> None:
    prompts = [ask(str(i)) for i in range(10)]
    assert make(workers=2).plan(prompts, GENERATION) == [list(range(10))]
    assert make().plan([], GENERATION) == []


MESSAGES = [{"role": "system", "content": "short"}, {"role": "user", "content": "1"}]


def test_what_openai_is_sent(openai: OpenAI, server: Server) -> None:
    one(openai)
    assert server.calls == [
        {
            "model": "tiny",
            "messages": MESSAGES,
            "max_tokens": 7,
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 11,
            "stop": ["\n", "。"],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]
    one(openai, generation=Generation())
    assert "stop" not in server.calls[1]  # some servers refuse an empty list


SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}}
HELD = Generation(schema=SCHEMA)


def test_openai_holds_the_reply_to_a_schema(openai: OpenAI, server: Server) -> None:
    one(openai, generation=HELD)
    one(openai)
    assert [call.get("response_format") for call in server.calls] == [
        {"type": "json_schema", "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True}},
        None,
    ]


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_refuses_schemas_is_asked_without_from_then_on(
    status: int, openai: OpenAI, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    before = openai.identity()
    server.script = [Fault(status, {"error": "response_format: json_schema is not supported"})]
    assert one(openai, generation=HELD).text == "echo: 1"
    assert one(openai, generation=HELD).text == "echo: 1"
    assert ["response_format" in call for call in server.calls] == [True, False, False]
    assert "refuses response_format: tiny is asked without a schema" in caplog.text
    assert openai.identity() == before


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        (Fault(400, {"error": "no such option"}), 1),  # refused for something else
        (Fault(500, {"error": "response_format made me fall over"}), 2),  # passing: tried again, with the schema
    ],
)
def test_another_failure_does_not_lose_the_schema(fault: Fault, calls: int, openai: OpenAI, server: Server) -> None:
    server.script = [fault]
    one(openai, generation=HELD)
    assert ["response_format" in call for call in server.calls] == [True] * calls


def test_a_response_format_of_the_suite_is_kept(server: Server) -> None:
    model = OpenAI(model="tiny", url=f"{server.place}/v1", pause=0, extra={"response_format": {"type": "json_object"}})
    server.script = [Fault(400, {"error": "response_format"})]
    assert one(model, generation=HELD).finish == "error"
    model.close()
    assert [call["response_format"] for call in server.calls] == [{"type": "json_object"}]


def test_further_fields_are_sent_as_they_are(server: Server) -> None:
    model = OpenAI(model="tiny", url=f"{server.place}/v1", extra={"reasoning": {"effort": "low"}, "max_tokens": 3})
    one(model)
    model.close()
    assert server.calls[0]["reasoning"] == {"effort": "low"}
    assert server.calls[0]["max_tokens"] == 3


def test_what_ollama_is_sent(server: Server) -> None:
    model = Ollama(model="tiny", host=server.place, num_ctx=512, keep_alive="1m")
    one(model)
    model.close()
    (call,) = server.calls
    assert call["options"] == {
        "num_ctx": 512,
        "num_predict": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 11,
        "stop": ["\n", "。"],
    }
    assert (call["model"], call["messages"], call["stream"], call["think"], call["keep_alive"]) == (
        "tiny",
        MESSAGES,
        True,
        False,
        "1m",
    )


def test_repeats_are_sampled_with_seeds_of_their_own(make: Make, server: Server) -> None:
    make(workers=1).generate([ask("1")] * 3, GENERATION, [0, 1, 2])
    assert [call.get("seed", call.get("options", {}).get("seed")) for call in server.calls] == [11, 12, 13]


@pytest.mark.parametrize(
    ("reason", "finish"), [("length", "length"), ("stop", "stop"), ("tool_calls", "stop"), (None, "stop")]
)
def test_how_openai_says_it_finished(reason: str | None, finish: str, openai: OpenAI, server: Server) -> None:
    server.extra = {"choices": [{"message": {"content": "x"}, "finish_reason": reason}]}
    assert one(openai).finish == finish


@pytest.mark.parametrize(("reason", "finish"), [("length", "length"), ("stop", "stop"), (None, "stop")])
def test_how_ollama_says_it_finished(reason: str | None, finish: str, ollama: Ollama, server: Server) -> None:
    server.extra = {"done_reason": reason}
    assert one(ollama).finish == finish


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (0, 0)),
        ({}, (0, 0)),
        ({"prompt_tokens": None, "completion_tokens": None}, (0, 0)),
        ({"prompt_tokens": 4, "completion_tokens": 2}, (4, 2)),
        ([], (0, 0)),
    ],
)
def test_usage_may_be_missing(usage: Any, tokens: tuple[int, int], openai: OpenAI, server: Server) -> None:
    server.extra = {"usage": usage}
    completion = one(openai)
    assert (completion.text, (completion.tokens_in, completion.tokens_out)) == ("echo: 1", tokens)


def test_an_empty_answer_is_an_answer(openai: OpenAI, server: Server) -> None:
    server.extra = {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}
    completion = one(openai)
    assert (completion.text, completion.finish, completion.error) == ("", "stop", None)


# -- failures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500, {"error": "busy"}),
        Fault(503, b"<html>"),
        Fault(429, {"error": "slow down"}, Retry_After="0"),
        Fault(cut=True),
    ],
)
def test_a_passing_failure_is_tried_again(fault: Fault, make: Make, server: Server) -> None:
    server.script = [fault]
    completion = one(make())
    assert (completion.text, completion.finish) == ("echo: 1", "stop")
    assert len(server.calls) == 2


def test_attempts_are_bounded_and_the_last_reason_is_told(make: Make, server: Server) -> None:
    server.script = [
        Fault(500, {"error": "busy"}),
        Fault(507, {"error": "later"}),
        Fault(508, {"error": "gateway"}),
        OK,
    ]
    completion = one(make(retries=2))
    assert (completion.text, completion.finish) == ("", "error")
    assert "HTTP 508" in str(completion.error)
    assert "gateway" in str(completion.error)
    assert len(server.calls) == 3
    server.script = [Fault(500)]
    assert one(make(retries=0)).finish == "error"
    assert len(server.calls) == 4


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_a_lasting_failure_is_not_tried_again(status: int, make: Make, server: Server) -> None:
    server.script = [Fault(status, {"error": "no such option"})]
    completion = one(make())
    assert (completion.text, completion.finish) == ("", "error")
    assert f"HTTP {status}" in str(completion.error)
    assert "no such option" in str(completion.error)
    assert len(server.calls) == 1


def test_a_failure_is_the_calls_own(make: Make, server: Server) -> None:
    server.script = [OK, Fault(400, {"error": "no"}), OK]
    completions = make(workers=1).generate([ask(str(i)) for i in range(3)], GENERATION, [0] * 3)
    assert [completion.finish for completion in completions] == ["stop", "error", "stop"]
    assert [completion.text for completion in completions] == ["echo: 0", "", "echo: 2"]


@pytest.mark.parametrize(
    "body",
    [{}, {"choices": []}, {"choices": None}, {"choices": [{}]}, {"choices": [{"message": None}]}, {"error": "odd"}, [1], "text",
     {"choices": [{"message": {"content": [{"type": "text", "text": "x"}]}}]}, {"choices": [{"message": {"content": 5}}]}],
)  # fmt: skip
def test_a_reply_without_an_answer_is_a_failure(body: Any, openai: OpenAI, server: Server) -> None:
    server.script = [Fault(body=body)] * 3
    completion = one(openai)
    assert (completion.text, completion.finish) == ("", "error")
    assert "choices[0].message.content" in str(completion.error)
    assert len(server.calls) == 3


@pytest.mark.parametrize("body", [{}, [1], "text", b"<html>", {"message": {"role": "assistant", "content": [1]}}])
def test_ollama_a_reply_without_an_answer_is_a_failure(body: Any, ollama: Ollama, server: Server) -> None:
    server.script = [Fault(body=body)] * 3
    completion = one(ollama)
    assert (completion.text, completion.finish) == ("", "error")
    assert str(completion.error).startswith("Ollama: ")
    assert len(server.calls) == 3


def test_half_a_body_is_a_failure(make: Make, server: Server) -> None:
    server.script = [Fault(cut=True)] * 3
    completion = one(make())
    assert (completion.text, completion.finish) == ("", "error")
    assert len(server.calls) == 3


def test_a_slow_reply_is_a_failure(make: Make, server: Server) -> None:
    """A short call is answered beside it: the server is there."""
    server.script = [Fault(slow=1)] * 2
    completion = one(make(longest=0.3, retries=1))
    assert completion.finish == "error"
    assert "ReadTimeout" in str(completion.error)
    server.script = [Fault(slow=1)]
    assert one(make(longest=0.3)).text == "echo: 1"  # it is tried again


def test_a_server_that_is_down_interrupts_the_run(make: Make, server: Server) -> None:
    model = make()
    server.server_close()
    server.shutdown()
    with pytest.raises(ServerGoneError, match="no call was taken for 1 s"):
        one(model)


def test_a_server_may_ask_to_wait(server: Server, openai: OpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(Asking, "_rest", repeating(waited))
    server.script = [Fault(429, Retry_After="3"), Fault(429, Retry_After="3600")]
    assert one(openai).finish == "stop"
    server.script = [Fault(503, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")]
    assert one(openai).finish == "stop"
    assert waited[:2] == [3.0, 60.0]  # at most a minute
    assert waited[2] < 0.1  # the date is over


def test_pauses_double(server: Server, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(Asking, "_rest", repeating(waited))
    server.script = [Fault(500)] * 3
    one(make(pause=1, retries=3))
    assert [0.8 <= wait / 2**i <= 1.2 for i, wait in enumerate(waited)] == [True] * 3


@pytest.mark.parametrize(("tokens", "finish"), [(510, "stop"), (511, "error"), (512, "error")])
def test_a_prompt_that_ollama_has_cut_is_a_failure(tokens: int, finish: str, server: Server) -> None:
    server.extra = {"prompt_eval_count": tokens}
    model = Ollama(model="tiny", host=server.place, num_ctx=512, pause=0)
    completion = one(model)
    model.close()
    assert completion.finish == finish
    if finish == "error":
        assert completion.text == ""
        assert completion.error == "the prompt fills num_ctx 512: Ollama may have cut it; raise num_ctx"
    assert len(server.calls) == 1


@pytest.mark.parametrize(("tokens", "finish"), [(410, "stop"), (411, "error")])
def test_a_conversation_that_lost_a_message_may_look_short(tokens: int, finish: str, server: Server) -> None:
    # num_ctx 512; the longest earlier message has 100 characters: the rest and it would fill 411 + 100 = 511 tokens
    server.extra = {"prompt_eval_count": tokens}
    model = Ollama(model="tiny", host=server.place, num_ctx=512, pause=0)
    prompt = (
        Message("system", "s" * 300),
        Message("user", "例" * 100),
        Message("assistant", "答"),
        Message("user", "q" * 200),
    )
    (completion,) = model.generate([prompt], Generation(max_tokens=5), [0])
    model.close()
    assert completion.finish == finish


# -- check --------------------------------------------------------------------------------------------------------------


def test_a_model_that_is_there_passes(make: Make) -> None:
    make().check()


def test_ollama_names_the_command_that_gets_a_model(server: Server) -> None:
    for name in ("big:70b", "tyni"):
        model = Ollama(model=name, host=server.place)
        with pytest.raises(ModelError, match=rf"^Ollama has no model {name}: ollama pull {name} \(did you mean"):
            model.check()
        model.close()


def test_openai_names_the_models_that_are_there(server: Server) -> None:
    model = OpenAI(model="absent", url=f"{server.place}/v1")
    with pytest.raises(ModelError, match=r"has no model absent; it has: other, tiny$"):
        model.check()
    model.close()


@pytest.mark.parametrize(
    "listing",
    [
        Fault(404, {"error": "no such path"}),
        Fault(500),
        Fault(body={"data": []}),
        Fault(body={"data": None}),
        Fault(body=b"<html>"),
        Fault(body=[]),
    ],
)
def test_a_server_that_lists_nothing_is_believed(listing: Fault, openai: OpenAI, server: Server) -> None:
    server.listing = listing
    if listing.status == 500:
        listing.body = {"error": "busy"}
    openai.check()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_its_variable(status: int, openai: OpenAI, server: Server) -> None:
    server.listing = Fault(status, {"error": "key"})
    with pytest.raises(ModelError, match="refuses the key; set the environment variable OPENAI_API_KEY"):
        openai.check()


@pytest.mark.parametrize("listing", [Fault(500, {"error": "busy"}), Fault(body=b"<html>"), Fault(404, b"not found")])
def test_what_is_not_ollama_is_told(listing: Fault, ollama: Ollama, server: Server) -> None:
    server.listing = listing
    with pytest.raises(ModelError, match=rf"^(Ollama does not answer at|the server at) {server.place}") as caught:
        ollama.check()
    assert "ollama serve" not in str(caught.value)


def test_a_server_that_is_down_names_the_remedy(make: Make, server: Server) -> None:
    model = make()
    server.server_close()
    server.shutdown()
    remedy = "start the server or correct url" if isinstance(model, OpenAI) else "start it with `ollama serve`"
    with pytest.raises(ModelError, match=remedy) as caught:
        model.check()
    assert server.place in str(caught.value)


def test_ollama_host_is_the_variable_else_this_machine(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Ollama(model="tiny")._host == "http://127.0.0.1:11434"
    monkeypatch.setenv("OLLAMA_HOST", server.place)
    model = Ollama(model="tiny")
    model.check()
    model.close()
    assert [path for path, _, _ in server.requests] == ["/api/tags", "/api/show"]


# -- identity and key ---------------------------------------------------------------------------------------------------


def test_ollamas_identity_is_the_servers_digest(server: Server) -> None:
    def identity(**settings: Any) -> Any:
        model = Ollama(host=server.place, **{"model": "tiny", **settings})
        found = model.identity()
        model.close()
        return found

    assert identity() == identity(model="tiny:latest") == identity(workers=1, timeout=5, keep_alive="1m")
    assert identity() == {
        "component": "ollama", "digest": "abc123", "num_ctx": 8192, "think": False, "truncate": False, "version": "not told"
    }  # fmt: skip
    assert identity() != identity(model="big:7b")
    assert identity() != identity(num_ctx=512)
    assert identity() != identity(think=True)


def test_openais_identity_is_address_name_and_extra_fields() -> None:
    def identity(**settings: Any) -> Any:
        return OpenAI(**{"model": "tiny", "url": "http://127.0.0.1:1/v1", **settings}).identity()

    assert identity() == identity(workers=1, retries=0, pause=0, timeout=5, api_key="OTHER")
    differing = [identity(), identity(model="b"), identity(url="http://127.0.0.1:2/v1"), identity(extra={"top_k": 1})]
    assert len({json.dumps(some, sort_keys=True) for some in differing}) == len(differing)


def test_the_key_comes_from_the_variable_and_stays_there(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    model = OpenAI(model="tiny", url=f"{server.place}/v1", api_key="MY_KEY")
    model.check()
    one(model)
    assert {headers.get("Authorization") for _, headers, _ in server.requests} == {f"Bearer {KEY}"}
    shown = [
        json.dumps(model.identity()),
        model.model_dump_json(),
        repr(model),
        model.describe(),
        *(json.dumps(call) for call in server.calls),
    ]
    assert not [text for text in shown if KEY in text]
    model.close()


def test_without_a_key_none_is_sent(openai: OpenAI, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    one(openai)
    assert "Authorization" not in server.requests[0][1]


@pytest.mark.parametrize("ending", ["\n", "\r\n", " "])
def test_a_keys_line_end_is_not_part_of_it(
    ending: str, openai: OpenAI, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY + ending)
    assert one(openai).finish == "stop"
    assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [f"{KEY}\n{KEY}", f"{KEY}密", f"{KEY}\x01"])
def test_a_key_that_cannot_be_sent_is_told_without_telling_it(
    key: str, openai: OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transport's own message would hold the key, and so would the run folder and the report."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    for call in (openai.check, lambda: one(openai)):
        with pytest.raises(ModelError, match="environment variable OPENAI_API_KEY") as caught:
            call()
        assert KEY not in str(caught.value)


def test_a_server_that_repeats_the_key_does_not_get_it_into_the_run(
    openai: OpenAI, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.script = [Fault(401, {"error": f"Incorrect API key provided: {KEY}"})]
    completion = one(openai)
    assert "Incorrect API key provided" in str(completion.error)
    assert KEY not in str(completion.error)


def test_close_and_use_again(make: Make) -> None:
    model = make()
    assert one(model).text == "echo: 1"
    model.close()
    model.close()
    assert one(model).text == "echo: 1"
