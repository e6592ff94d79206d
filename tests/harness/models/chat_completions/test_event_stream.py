"""Events are read however their bytes were cut, and put together to one reply or to the reason why there is none."""

import json
from typing import Any

import pytest

from harness.models.chat_completions.event_stream import ServerEvent, begins_as_events, events_of
from harness.models.chat_completions.reply_assembly import assemble
from harness.models.remote.call_error import CallError

CHINESE = "data: 阑尾炎\n\ndata: 二\n\n".encode()


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([b"data: 1\n\ndata: 2\n\n"], [("1",), ("2",)]),
        ([b"data: 1\r\n\r\ndata: 2\r\n\r\n"], [("1",), ("2",)]),
        ([b"data: 1\r\rdata: 2\r\r"], [("1",), ("2",)]),
        ([b"data: 1\r", b"\n\r", b"\ndata: 2\r\n", b"\r\n"], [("1",), ("2",)]),  # between the signs of a line's end
        ([bytes([byte]) for byte in CHINESE], [("阑尾炎",), ("二",)]),  # in the middle of characters
        ([b"", b"data: 1\n", b"", b"\n"], [("1",)]),
        ([b": ping\n\n: \n\ndata: 1\n\n:\n\n"], [("1",)]),  # what keeps a connection alive
        ([b"event: completion\nid: 5\nretry: 10\ndata: 1\n\n"], [("1",)]),
        ([b"data: 1\ndata: 2\n\n"], [("1", "2")]),  # lines of one event
        ([b"data:1\n\ndata:  2\n\n"], [("1",), (" 2",)]),  # one space is no part of it
        ([b"\xef\xbb\xbfdata: 1\n\n"], [("1",)]),
        ([b"\n\n\ndata: 1\n\n\n\n"], [("1",)]),
        ([b"data: 1"], [("1",)]),  # the end is missing
        ([b"data: \xe9\x98"], [("�",)]),  # cut inside a character
        ([b"data\n\n"], [("",)]),
        ([b"nothing: 1\n\n"], []),
        ([], []),
    ],
)
def test_events_are_read_from_bytes(chunks: list[bytes], expected: list[tuple[str, ...]]) -> None:
    assert [event.data for event in events_of(chunks)] == expected


def test_a_long_line_in_many_chunks_is_one() -> None:
    (event,) = events_of([b"data: ", *([b"x" * 1000] * 5000), b"\n\n"])
    assert event.data == ("x" * 5_000_000,)


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"data: 1", True), (b"\n\nevent: x", True), (b": ping\n", True), (b'{"a": 1}', False), (b"<html>", False), (b"", False)],
)  # fmt: skip
def test_a_stream_is_known_by_its_beginning(body: bytes, expected: bool) -> None:
    assert begins_as_events(body) is expected


# -- assembling ---------------------------------------------------------------------------------------------------------


def delta(content: Any = None, reason: Any = None, index: int = 0, **further: Any) -> dict[str, Any]:
    said = {} if content is None else {"content": content}
    return {"choices": [{"index": index, "delta": {**said, **further}, "finish_reason": reason}]}


def stream(*chunks: Any) -> list[ServerEvent]:
    return [ServerEvent((chunk if isinstance(chunk, str) else json.dumps(chunk),)) for chunk in chunks]


USAGE = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}


@pytest.mark.parametrize(
    ("chunks", "text", "reasoning", "reason"),
    [
        ([delta("A"), delta("B"), delta(reason="stop"), USAGE, "[DONE]"], "AB", None, "stop"),
        ([delta("A"), delta("B", "stop")], "AB", None, "stop"),  # without [DONE]
        ([delta("A"), "[DONE]"], "A", None, None),  # without a reason
        ([delta("A"), delta("B", "stop"), "[DONE]", "garbage"], "AB", None, "stop"),  # behind the end
        ([delta("A"), delta("x", index=1), delta("B"), delta(reason="stop"), "[DONE]"], "AB", None, "stop"),
        ([delta(reasoning_content="t1"), delta(reasoning_content="t2"), delta("A", "stop"), "[DONE]"], "A", "t1t2", "stop"),
        ([delta(reasoning="t", reasoning_content="t"), delta("A", "stop"), "[DONE]"], "A", "t", "stop"),  # written twice
        ([delta(role="assistant"), delta("", None), delta("A"), delta(reason="length"), "[DONE]"], "A", None, "length"),
        ([{"choices": [{"text": "A"}]}, {"choices": [{"text": "B", "finish_reason": "stop"}]}, "[DONE]"], "AB", None, "stop"),
        ([{"choices": [{"message": {"content": "AB"}, "finish_reason": "stop"}]}, "[DONE]"], "AB", None, "stop"),
        ([{"choices": []}, {"choices": None}, {}, delta("A", "stop"), "[DONE]"], "A", None, "stop"),
    ],
)  # fmt: skip
def test_deltas_are_put_together(chunks: list[Any], text: str, reasoning: str | None, reason: str | None) -> None:
    (choice,) = assemble(stream(*chunks))["choices"]
    thoughts = choice["message"].get("reasoning_content") or choice["message"].get("reasoning")
    assert (choice["message"]["content"], thoughts, choice.get("finish_reason")) == (text, reasoning, reason)


def test_counts_and_names_are_taken_from_any_chunk() -> None:
    first = {"model": "m", "system_fingerprint": "b1", **delta("A", "stop"), "timings": {"prompt_ms": 1}}
    whole = assemble(stream(first, USAGE, "[DONE]"))
    assert whole["usage"] == USAGE["usage"]
    assert (whole["model"], whole["system_fingerprint"], whole["timings"]) == ("m", "b1", {"prompt_ms": 1})


def test_lines_without_a_blank_one_between_are_chunks_of_their_own() -> None:
    lines = tuple(json.dumps(chunk) for chunk in (delta("A"), delta("B", "stop")))
    (choice,) = assemble([ServerEvent((*lines, "[DONE]"))])["choices"]
    assert choice["message"]["content"] == "AB"


def test_log_probabilities_are_put_together() -> None:
    def noted(token: str) -> Any:
        return {"choices": [{"delta": {"content": token}, "logprobs": {"content": [{"token": token}]}}]}

    (choice,) = assemble(stream(noted("A"), noted("B"), delta(reason="stop"), "[DONE]"))["choices"]
    assert choice["logprobs"]["content"] == [{"token": "A"}, {"token": "B"}]


OVERLOADED = {"error": {"message": "overloaded", "code": 503}}


@pytest.mark.parametrize(
    ("events", "problem", "lasting"),
    [
        (stream(delta("A")), "ended before the reply did, after 1 characters", False),
        ([], "ended before the reply did, after 0 characters", False),
        (stream(delta("A"), '{"choices": [{"del'), "is no JSON, or was cut", False),
        (stream(delta("A", "stop"), '{"choices": [], "usa'), "is no JSON, or was cut", False),
        (stream(delta("A"), OVERLOADED), "overloaded", False),
        (stream(delta("A"), {"error": {"message": "too long", "code": 400}}), "too long", True),
        (stream(delta("A"), {"error": {"message": "later", "code": 429}}), "later", False),
        (stream(delta("A"), {"error": "engine died"}), "engine died", False),
        (stream({"object": "error", "message": "no such model", "code": 404}), "no such model", True),
        ([ServerEvent(('{"error": {"message": "lost"}}',), "error")], "lost", False),
        ([ServerEvent(('{"code": 500, "message": "gone"}',), "error")], "gone", False),
        (stream("[1]"), "no part of a reply", False),
        (stream("5"), "no part of a reply", False),
        (stream(delta(["A"])), "choices[0].delta.content", False),
        (stream({"choices": [{"delta": 5}]}), "choices[0].delta.content", False),
    ],
)  # fmt: skip
def test_a_stream_that_is_no_reply_says_why(events: list[ServerEvent], problem: str, lasting: bool) -> None:
    with pytest.raises(CallError) as caught:
        assemble(events)
    assert problem in str(caught.value)
    assert caught.value.lasting is lasting


def test_a_stream_of_nothing_but_its_end_has_no_choice() -> None:
    assert assemble(stream("[DONE]")) == {"choices": []}
