"""Replies as servers really send them: streamed, whole, cut, with reasoning, with what the work on them took."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.models.openai import OpenAI
from harness.records.inputs import Generation, Message
from harness.records.outputs import Completion, Serving
from tests.shared.faults import Fault, dropping, in_a_character, in_a_part, setting
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script
from tests.shared.raw_server import RawServer, chat, raw_server, reply

PROMPT = (Message("user", "q"),)
MANY = Generation(max_tokens=200)
TEXT = "阑尾炎 is 常见 here."
Serve = Callable[[Any], Any]
Asking = Callable[..., OpenAI]
KINDS = [LlamaServer, Vllm, Hosted]


def script(text: str = TEXT) -> Script:
    return Script(lambda body: text)


def one_reply(model: OpenAI, generation: Generation = MANY) -> Completion:
    (completion,) = model.generate([PROMPT], generation, [0])
    return completion


# -- streams ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_streamed_reply_is_whole(kind: Any, serve: Serve, asking: Asking) -> None:
    server = serve(kind(script()))
    completion = one_reply(asking(server))
    assert (completion.text, completion.finish, completion.tokens_out) == (TEXT, "stop", len(TEXT))
    assert completion.tokens_in > 0
    (body,) = server.bodies()
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut=in_a_part), Fault(cut=in_a_character), Fault(half=True), Fault(body=b""), Fault(body=b"data: [DONE]\n\n"),
        Fault(hangs_up=True), Fault(body=b'data: {"error": {"message": "engine died"}}\n\n'), Fault(body=b"data: {\n\n"),
        Fault(body=b'event: error\ndata: {"code": 500, "message": "no"}\n\n'), Fault(body=b'error: {"message": "old"}\n\n'),
    ],
)  # fmt: skip
def test_a_stream_that_is_cut_is_asked_again(kind: Any, fault: Fault, serve: Serve, asking: Asking) -> None:
    server = serve(kind(script()))
    server.faults = [fault]
    assert one_reply(asking(server, retries=1, patience=60)).text == TEXT
    server.faults = [fault]
    if not fault.hangs_up:
        completion = one_reply(asking(server))
        assert (completion.text, completion.finish) == ("", "error")


def events(*chunks: Any, end: bytes = b"\n\n", done: bool = True) -> bytes:
    lines = [b"data: " + (json.dumps(chunk, ensure_ascii=False).encode()) for chunk in chunks]
    return end.join([*lines, *([b"data: [DONE]"] if done else []), b""])


def part(text: str | None, reason: str | None = None, index: int = 0) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {} if text is None else {"content": text}, "finish_reason": reason}]}


PARTS = (
    part("阑"),
    part("other", index=1),
    part("尾炎"),
    part(None, "stop"),
    {"choices": [], "usage": {"prompt_tokens": 3}},
)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (events(*PARTS), "text/event-stream"),
        (events(*PARTS, end=b"\r\n\r\n"), "text/event-stream; charset=utf-8"),
        (events(*PARTS, done=False), "text/event-stream"),
        (events(*PARTS), "application/json"),  # not called by its name
        (events(*PARTS), "text/plain; charset=iso-8859-1"),
        (b": ping\n\n" + events(*PARTS), "text/event-stream"),
        (b"event: chunk\n" + events(*PARTS), "application/octet-stream"),
        (json.dumps(chat("阑尾炎", usage={"prompt_tokens": 3})).encode(), "application/json"),  # not streamed at all
        (json.dumps(chat("阑尾炎", usage={"prompt_tokens": 3})).encode(), "text/event-stream"),
    ],
)
def test_replies_in_any_dress(body: bytes, kind: str, asking: Asking) -> None:
    def answer(server: RawServer, request: bytes) -> list[bytes]:
        return [reply(body, content_type=kind) if request.startswith(b"POST") else reply({}, 404)]

    with raw_server(answer) as server:
        completion = one_reply(asking(server.place))
    assert (completion.text, completion.tokens_in, completion.error) == ("阑尾炎", 3, None)


def test_every_byte_may_be_a_chunk_of_its_own(asking: Asking) -> None:
    body = events(*PARTS)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = [b"1\r\n" + bytes([byte]) + b"\r\n" for byte in body]

    def answer(server: RawServer, request: bytes) -> Iterator[bytes]:
        if request.startswith(b"POST"):
            yield head
            yield from chunks
            yield b"0\r\n\r\n"
        else:
            yield reply({}, 404)

    with raw_server(answer) as server:
        assert one_reply(asking(server.place)).text == "阑尾炎"


def test_a_connection_that_is_held_open_behind_the_end_holds_nothing_up(asking: Asking) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

    def answer(server: RawServer, request: bytes) -> Iterator[bytes]:
        if request.startswith(b"POST"):
            yield head + events(*PARTS)
            server.stopped.wait(30)
        else:
            yield reply({}, 404)

    with raw_server(answer) as server:
        completion = one_reply(asking(server.place))
    assert completion.text == "阑尾炎"
    assert completion.seconds < 5


@pytest.mark.parametrize(
    ("refusal", "field", "left"),
    [
        ({"error": "Unknown field: stream_options"}, "stream_options", {"stream": True}),
        ({"error": {"message": "`stream` is not supported by this backend"}}, "stream", {}),
        ({"detail": [{"loc": ["body", "stream_options"], "msg": "extra fields not permitted"}]}, "stream_options", {"stream": True}),
        (
            {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}},
            "max_tokens",
            {"stream": True, "stream_options": {"include_usage": True}, "max_completion_tokens": 200},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [400, 422])
def test_a_field_that_a_server_refuses_is_left_out_from_then_on(
    refusal: Any, field: str, left: Any, status: int, serve: Serve, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(Hosted(script()))
    server.faults = [Fault(status=status, body=json.dumps(refusal).encode())]
    model = asking(server)
    assert [one_reply(model).text for _ in range(2)] == [TEXT, TEXT]
    assert [field in body for body in server.bodies()] == [True, False, False]
    fields = ("stream", "stream_options", "max_completion_tokens")
    assert {name: server.bodies()[-1][name] for name in fields if name in server.bodies()[-1]} == left
    assert [record.message.partition(": ")[0].rpartition("/v1 ")[2] for record in caplog.records] == [
        f"refuses {field}"
    ]


def test_a_suite_may_forbid_streams(serve: Serve, asking: Asking) -> None:
    server = serve(Hosted(script()))
    assert one_reply(asking(server, extra={"stream": False})).text == TEXT
    (body,) = server.bodies()
    assert body["stream"] is False
    assert "stream_options" not in body


# -- what the work took -------------------------------------------------------------------------------------------------


def test_llama_cpp_tells_its_own_seconds_and_cached_tokens(serve: Serve, asking: Asking) -> None:
    model = asking(serve(LlamaServer(Script(lambda body: TEXT, seconds=0.2, prompt_seconds=0.1))))
    first, again = (one_reply(model).serving for _ in range(2))
    assert first is not None
    assert again is not None
    assert 0.3 <= float(first.compute_seconds or 0) < 0.6
    assert (first.cached_tokens, first.fingerprint) == (0, "b0-unknown")
    assert 0.2 <= float(again.compute_seconds or 0) < 0.3  # what lies in the cache costs nothing
    assert int(again.cached_tokens or 0) > 10


@pytest.mark.parametrize(
    ("further", "expected"),
    [
        ({"timings": {"prompt_ms": 11.193, "predicted_ms": 66.624, "cache_n": 31}}, (0.077817, 31)),  # as recorded
        ({"timings": {"prompt_ms": 10, "predicted_ms": 5}, "usage": {"prompt_tokens_details": {"cached_tokens": 4}}}, (0.015, 4)),
        ({"usage": {"prompt_tokens_details": {"cached_tokens": 0}}}, (None, 0)),
        ({"usage": {"prompt_tokens_details": None}}, (None, None)),
        ({"usage": {"prompt_tokens_details": {"cached_tokens": "4"}}}, (None, None)),
        ({"timings": {"prompt_ms": 10}}, (None, None)),
        ({"timings": {"prompt_ms": float("nan"), "predicted_ms": 5}}, (None, None)),
        ({"timings": {"prompt_ms": -1, "predicted_ms": 5, "cache_n": -1}}, (None, None)),
        ({"timings": {"prompt_ms": "10", "predicted_ms": True}}, (None, None)),
        ({"timings": [10]}, (None, None)),
        ({}, (None, None)),
    ],
)  # fmt: skip
def test_what_is_told_of_the_work(further: Any, expected: tuple[float | None, int | None], asking: Asking) -> None:
    def answer(server: RawServer, request: bytes) -> list[bytes]:
        return [reply(chat(**further)) if request.startswith(b"POST") else reply({}, 404)]

    with raw_server(answer) as server:
        serving = one_reply(asking(server.place)).serving
    assert isinstance(serving, Serving)
    assert (serving.compute_seconds, serving.cached_tokens) == (pytest.approx(expected[0]), expected[1])


# -- reasoning ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("most", "text", "finish"), [(200, "B", "stop"), (6, "", "length"), (11, "", "length")])
def test_reasoning_is_kept_apart(
    kind: Any, stream: bool, most: int, text: str, finish: str, serve: Serve, asking: Asking
) -> None:
    server = serve(kind(Script(lambda body: "B", thought="Let me see."), thinks=True))
    completion = one_reply(asking(server, extra={"stream": stream}), Generation(max_tokens=most))
    assert (completion.text, completion.finish, completion.error) == (text, finish, None)
    assert completion.reasoning == "Let me see."[:most]


@pytest.mark.parametrize(("reasons", "said"), [(False, True), (True, False)])
def test_a_cut_inside_the_reasoning_names_the_setting_once(
    reasons: bool, said: bool, serve: Serve, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    model = asking(serve(Hosted(Script(lambda body: "B", thought="Let me see."), thinks=True)), reasons=reasons)
    for _ in range(2):
        one_reply(model, Generation(max_tokens=5))
    assert len([record for record in caplog.records if "reasons: true" in record.message]) == int(said)
    assert model.is_set_to_reason is reasons


@pytest.mark.parametrize("change", [dropping("usage"), dropping("finish_reason", "usage"), setting(usage=None)])
def test_a_reply_without_counts_is_an_answer(change: Any, serve: Serve, asking: Asking) -> None:
    server = serve(Hosted(script()))
    server.faults = [Fault(change=change)]
    completion = one_reply(asking(server))
    assert (completion.text, completion.tokens_in, completion.tokens_out) == (TEXT, 0, 0)


@pytest.mark.parametrize("indices", [(0, 1), (1, 0), (2, 1, 0), (None, None), (1, 2)])
def test_of_several_choices_the_one_of_index_0_counts(indices: tuple[int | None, ...], asking: Asking) -> None:
    """Servers may write them in any order; where none has the index 0, the first one counts."""
    whole = chat()
    choices = [
        {**whole["choices"][0], "index": index, "message": {"role": "assistant", "content": f"{place}"}}
        for place, index in enumerate(indices)
    ]
    expected = str(indices.index(0) if 0 in indices else 0)

    def answer(server: Any, request: bytes) -> list[bytes]:
        return [reply({**whole, "choices": choices}) if request.startswith(b"POST") else reply({}, 404)]

    with raw_server(answer) as server:
        assert one_reply(asking(server.place)).text == expected
