"""Ollama's streams: limits of answer and reasoning, ends that are none, its own time, schemas that it ignores."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.ollama import Ollama
from harness.models.remote.streamed_reply import BoundedAnswer
from harness.records.inputs import Generation, Message, Prompt
from harness.records.outputs import Completion
from tests.shared.ollama_stand_in import Body, Fault, StandIn
from tests.shared.raw_server import Chunks, raw_server, reply

Start = Callable[..., StandIn]
Make = Callable[..., Ollama]
QUESTION: Prompt = (Message("user", "q"),)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a model at an address; its connections are closed at the end."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    made: list[Ollama] = []

    def build(place: str, **settings: Any) -> Ollama:
        usual = {"model": "judge", "host": place, "pause": 0, "retries": 0, "num_ctx": 4096, "unload": False}
        made.append(Ollama(**{**usual, **settings}))
        return made[-1]

    yield build
    for model in made:
        model.close()


def ask(model: Ollama, generation: Generation, prompt: Prompt = QUESTION) -> Completion:
    (completion,) = model.generate([prompt], generation, [0])
    return completion


def streamed(*parts: dict[str, Any]) -> bytes:
    body = b"".join(json.dumps(part).encode() + b"\n" for part in parts)
    return reply(body, content_type="application/x-ndjson")


def thought(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": "", "thinking": text}, "done": False}


def said(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}, "done": False}


def done(reason: str = "stop", **further: Any) -> dict[str, Any]:
    counts = {"prompt_eval_count": 5, "eval_count": 3}
    return {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": reason, **counts, **further}


def in_words(*parts: dict[str, Any]) -> Chunks:
    """The same stream for every chat; a prompt counted by a single token has 5."""

    def answer(server: Any, request: bytes) -> list[bytes]:
        path = request.split(b" ")[1]
        if path == b"/api/version":
            return [reply({"version": "0.33.0"})]
        if path == b"/api/show":
            return [reply({"capabilities": ["completion", "thinking"]})]
        return [streamed(*parts) if b'"stream":true' in request else reply(done("length", eval_count=1))]

    return answer


# -- limits -------------------------------------------------------------------------------------------------------------

BOTH = Generation(max_tokens=3, reasoning_tokens=4)


@pytest.mark.parametrize(
    ("think", "parts", "text", "reasoning", "finish", "tokens_out"),
    [
        # thinking of 5 parts, at most 4: ended there, no answer
        (True, [thought(f"{n} ") for n in range(5)], "", "0 1 2 3", "length", 4),
        ("low", [thought(f"{n} ") for n in range(50)], "", "0 1 2 3", "length", 4),
        # thinking of 4, an answer of 3
        (True, [*[thought("t ")] * 4, said("a"), said("b"), said("c"), done(eval_count=8)], "abc", "t t t t", "stop", 8),
        # the answer goes on: cut at 3
        (True, [thought("t"), said("a"), said("b"), said("c"), said("d"), said("e")], "abc", "t", "length", 4),
        (True, [said("a"), said("b"), said("c"), said("d")], "abc", "", "length", 3),  # it did not think
        # the server's own limit comes inside the thinking
        (True, [thought("t"), thought("t"), done("length", eval_count=7)], "", "tt", "length", 7),
        # reasoning in the text, by tags
        (True, [said("<think>"), said("x"), said("</think>"), *[said(c) for c in "abcd"]], "<think>x</think>abc", "",
         "length", 6),
        # nothing is thought where that is off: the server's own limit counts
        (False, [said("a"), said("b"), done("length", eval_count=2)], "ab", "", "length", 2),
    ],
)  # fmt: skip
def test_answer_and_reasoning_have_limits_of_their_own(
    think: Any, parts: Any, text: str, reasoning: str, finish: str, tokens_out: int, make: Make
) -> None:
    with raw_server(in_words(*parts)) as server:
        generation = BOTH if think else Generation(max_tokens=2)
        completion = ask(make(server.place, think=think), generation)
    assert completion.error is None
    assert (completion.text, completion.reasoning, completion.finish) == (text, reasoning, finish)
    assert (completion.tokens_in, completion.tokens_out) == (5, tokens_out)


@pytest.mark.parametrize(
    ("settings", "options", "sent"),
    [
        ({}, {}, 24),
        ({"think": True}, {}, 24 + 2048),  # REASONING_TOKENS where none are given
        ({"think": "high"}, {"reasoning_tokens": 100}, 124),
        ({}, {"reasoning_tokens": 7}, 31),
        ({}, {"marker": "Answer:"}, 24 + 2048),
    ],
)
def test_what_is_sent_is_the_sum(settings: Any, options: Any, sent: int, stand_in: Start, make: Make) -> None:
    server = stand_in(lambda body: "Answer: yes")
    server.thinks = True
    completion = ask(make(server.place, **settings), Generation(max_tokens=24, stop=("\n",), **options))
    assert completion.error is None
    (body,) = server.bodies()
    assert (body["options"]["num_predict"], body["think"]) == (sent, settings.get("think", False))
    assert ("stop" in body["options"]) is (sent == 24)  # else it would cut the reasoning


@pytest.mark.parametrize(
    ("stop", "parts", "text", "finish"),
    [
        (("\n",), ["one\n", "two"], "one", "stop"),
        (("END",), ["one E", "ND two"], "one ", "stop"),  # across parts
        (("x",), ["one", " two"], "one two", "stop"),
    ],
)
def test_stop_strings_count_behind_the_reasoning(stop: Any, parts: Any, text: str, finish: str, make: Make) -> None:
    stream = [thought("a\nb END x"), *map(said, parts), done()]
    with raw_server(in_words(*stream)) as server:
        completion = ask(make(server.place, think=True), Generation(max_tokens=9, stop=stop))
    assert (completion.text, completion.finish) == (text, finish)


@pytest.mark.parametrize(
    ("pieces", "tokens", "text", "finish"),
    [
        (["abcdefgh"], 8, "abc", "length"),  # 8 tokens in one part: 3 of 8 characters
        (["abc"], 3, "abc", None),
        (["a", "b", "c"], 4, "abc", None),  # the end of the turn is a token, too
        (["ab" * 10], 10, "ababab", "length"),  # 2 characters a token
    ],
)
def test_parts_of_several_tokens(pieces: list[str], tokens: int, text: str, finish: str | None) -> None:
    answer = BoundedAnswer(BOTH, 4)
    assert not any(answer.grow(piece, "") for piece in pieces)
    answer.settle(tokens)
    assert (answer.text, answer.finish) == (text, finish)


# -- streams that end otherwise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([said("half")], "the reply ends before its last part"),
        ([said("half"), {"message": {"content": "x"}}], "the reply ends before its last part"),
        ([said("half"), {"error": "an error was encountered while running the model"}], "running the model"),
        ([{"error": {"message": "out of memory"}}], "out of memory"),
        (b'{"message":{"content":"ha"},"done":false}\n{"message":{"con', "a part of the reply is cut or no JSON"),
        ('{"message":{"content":"病'.encode()[:-1], "a part of the reply is cut or no JSON"),
        (b"<html>503</html>\n", "the reply is an HTML page"),
        (b"[1]\n", "a part of the reply is no JSON object"),
        ([{"message": {"content": ["x"]}, "done": True}], "a part of the reply is no text"),
        ([{"message": 5, "done": True}], "has no message"),
    ],
)
def test_a_stream_that_is_no_reply_is_a_passing_failure(body: Any, error: str, make: Make) -> None:
    content = body if isinstance(body, bytes) else b"".join(json.dumps(part).encode() + b"\n" for part in body)
    raw = reply(content, content_type="application/x-ndjson")
    with raw_server(lambda server, request: [raw]) as server:
        completion = ask(make(server.place, retries=1), Generation())
        assert (completion.text, completion.finish) == ("", "error")
        assert error in str(completion.error)
        assert len(server.chats) == 2  # tried again


@pytest.mark.parametrize("text", ["a\x85b", "a\u2028b", "a\x0bb", "一 二"])
def test_breaks_inside_a_text_part_nothing(text: str, make: Make) -> None:
    part = {"message": {"role": "assistant", "content": text}, "done": False}
    body = json.dumps(part, ensure_ascii=False).encode() + b"\n" + json.dumps(done()).encode()
    with raw_server(lambda server, request: [reply(body)]) as server:
        assert ask(make(server.place), Generation()).text == text


# -- the server's own time ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("further", "seconds", "cached"),
    [
        ({"prompt_eval_duration": 65_283_304, "eval_duration": 251_744_196, "total_duration": 10**12}, 0.3170275, None),
        ({"prompt_eval_duration": 10**9, "eval_duration": 2 * 10**9, "prompt_eval_cached_count": 31}, 3.0, 31),
        ({"eval_duration": 10**9}, None, None),
        ({"prompt_eval_duration": 5, "eval_duration": -1}, None, None),
        ({"prompt_eval_duration": "5", "eval_duration": True, "prompt_eval_cached_count": "many"}, None, None),
        ({}, None, None),
    ],
)
def test_seconds_are_the_servers_own(further: Any, seconds: float | None, cached: int | None, make: Make) -> None:
    with raw_server(in_words(said("x"), done(**further))) as server:
        serving = ask(make(server.place), Generation()).serving
    assert serving is not None
    assert (serving.compute_seconds, serving.cached_tokens) == (pytest.approx(seconds), cached)


# -- schemas ------------------------------------------------------------------------------------------------------------

SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}
HELD = Generation(max_tokens=20, schema=SCHEMA)


@pytest.mark.parametrize(
    ("ignoring", "thinks", "asked"),
    [
        ("I think it is good.", True, [False, True, True]),  # asked again, and thinking from then on
        ('{"rating": 5}', True, [False, True, True]),
        ("", True, [False, True, True]),
        ('{"score": 5}', True, [False, False]),
        ("I think it is good.", False, [False, False]),  # a model that cannot think
    ],
)
def test_a_schema_that_is_ignored_is_asked_for_again(
    ignoring: str, thinks: bool, asked: list[bool], stand_in: Start, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(body: Body) -> str:
        return '{"score": 7}' if body["think"] else ignoring

    server = stand_in(answer)
    server.thinks = thinks
    model = make(server.place)
    with caplog.at_level(logging.WARNING, logger="harness"):
        texts = [ask(model, HELD, (Message("user", f"q{n}"),)).text for n in range(2)]
    assert [body["think"] for body in server.bodies()] == asked
    assert texts == (['{"score": 7}'] * 2 if True in asked else [ignoring] * 2)
    assert caplog.text.count("ignores the schema") == (True in asked)
    assert ("thinking before each answer with a schema" in model.describe()) is (True in asked)
    assert all(body["options"]["num_predict"] == (20 + 2048 if body["think"] else 20) for body in server.bodies())


# -- what stays the same ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.24.0", "0.33.0-rc2+x", "0.0.0", None])
def test_the_version_is_part_of_the_identity(version: str | None, stand_in: Start, make: Make) -> None:
    model = make(stand_in(lambda body: "y", version=version).place)
    assert model.identity()["version"] == (version or "not told")
    shown = "of a version that it does not tell" if version is None else version
    assert model.describe() == f"judge in Ollama {shown}, context 4096"


@pytest.mark.parametrize(
    ("version", "refuses"),
    [("0.33.0-rc2+x", True), ("0.12.6", True), ("v0.13", True), ("0.12.5", False), ("0.0.0", False), (None, False),
     ("a build", False), ("0.33.0+x", True)],
)  # fmt: skip
def test_whether_a_server_refuses_to_cut(version: str | None, refuses: bool, stand_in: Start, make: Make) -> None:
    model = make(stand_in(lambda body: "y", version=version).place)
    assert model._served.refuses_to_cut is refuses


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, None),
        ({"version": "0.33.1"}, "the version of its Ollama was 0.33.0 when the run began and is 0.33.1 now"),
        ({"version": None}, "the version of its Ollama was 0.33.0 when the run began and is not told now"),
        ({"digest": "abc"}, "its digest was 5c71e7 when the run began and is abc now"),
        ({"models": []}, "its digest was 5c71e7 when the run began and is none, because it is no longer there, now"),
    ],
)
def test_a_server_that_changes_during_the_run(change: Any, what: str | None, stand_in: Start, make: Make) -> None:
    server = stand_in(lambda body: "y")
    model = make(server.place)
    model.identity()
    for name, value in change.items():
        setattr(server.engine if name == "digest" else server, name, value)
    if what is None:
        model.still_the_same()
        server.refuse()
        model.still_the_same()  # a server that is gone is met by its calls
        return
    with pytest.raises(ModelError) as caught:
        model.still_the_same()
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fault_in_the_middle_is_tried_again(stand_in: Start, make: Make) -> None:
    server = stand_in(lambda body: "one two three")
    server.faults = [Fault(undone=True)]
    assert ask(make(server.place, retries=1), Generation()).text == "one two three"
