"""Failures under status 200 are unknown, tried again and never kept; replies of nothing but reasoning say so."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.answers.choice import Choice
from harness.answers.text import Text
from harness.components.display import Display
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.remote.call_error import CallError
from harness.models.remote.outcome import ServerReply, completion_of
from harness.models.remote.server_model import RemoteModel
from harness.records.inputs import Generation, Message, Sample
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.text.replies import CUT_INSIDE, ONLY_REASONING, lack_of_answer
from tests.shared.raw_server import chat, in_turn, ollama_chat, raw_server, reply

PROMPT = (Message("user", "q"),)
Build = Callable[[str, str], RemoteModel]


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """Makes a model of either kind at a server."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    made: list[RemoteModel] = []

    def make(kind: str, place: str) -> RemoteModel:
        settings: dict[str, Any] = {"model": "tiny", "pause": 0, "retries": 1}
        openai, ollama = OpenAI, Ollama
        made.append(openai(url=place, **settings) if kind == "openai" else ollama(host=place, unload=False, **settings))
        return made[-1]

    yield make
    for model in made:
        model.close()


def failure(reason: str, text: str | None = "The patient") -> dict[str, Any]:
    return chat(text, reason, usage={"prompt_tokens": 4, "completion_tokens": 2})


# -- failures -----------------------------------------------------------------------------------------------------------

OPENAI_FAILURES = [
    *(failure(reason) for reason in ("error", "content_filter", "insufficient_system_resource", "sensitive", "abort")),
    *(
        failure(reason)
        for reason in ("network_error", "CONTENT_FILTER", "cancelled", "SAFETY", "RECITATION", "timeout")
    ),
    *(failure(reason, "") for reason in ("error", "content_filter", "a word that nobody knows")),
    failure("error", None),
    *(chat("half", reason) for reason in (5, ["stop"], {"stop": 1}, True)),
    chat("", "stop", usage={"completion_tokens": 0}),
    chat(None, None, usage={"completion_tokens": 0.0}),
    chat(" \n", "length", usage={"prompt_tokens": 9, "completion_tokens": 0}),
    chat("half", "stop", error={"message": "the engine died", "code": 500}),
    chat("half", "stop", error="overloaded"),
    {"choices": [{"message": {"content": "half"}, "finish_reason": "stop", "error": {"message": "cut off"}}]},
]
OLLAMA_FAILURES = [
    *(ollama_chat("half", reason) for reason in ("error", "abort", "content_filter", "load", "unload", "shutdown")),
    ollama_chat("half", "stop", done=False),
    ollama_chat("half", "stop", error="llama runner process has terminated"),
    ollama_chat("", "stop", eval_count=0),
    ollama_chat("", "stop", eval_count=None),
    ollama_chat("", "load", eval_count=0, prompt_eval_count=0),
    {"error": "model runner has unexpectedly stopped"},
]


@pytest.mark.parametrize(
    ("kind", "body"),
    [*(("openai", body) for body in OPENAI_FAILURES), *(("ollama", body) for body in OLLAMA_FAILURES)],
)
def test_a_failure_under_status_200_is_unknown_and_tried_again(kind: str, body: Any, build: Build) -> None:
    right = chat() if kind == "openai" else ollama_chat()
    with raw_server(in_turn(body)) as server:
        (completion,) = build(kind, server.place).generate([PROMPT], Generation(), [0])
        assert (completion.text, completion.finish, completion.tokens_out) == ("", "error", 0)
        assert completion.error
        assert len(server.chats) == 2  # within bounds
    with raw_server(in_turn(body, right)) as server:
        assert build(kind, server.place).generate([PROMPT], Generation(), [0])[0].text == "fine"


def test_a_failure_under_status_200_is_not_cached(build: Build, tmp_path: Path) -> None:
    bodies = [failure("content_filter"), failure("error"), chat("an answer")]
    with raw_server(in_turn(*bodies)) as server:
        cache = Cache(tmp_path / "calls.sqlite")
        context = Context({"m": build("openai", server.place)}, cache, Display(), 0)
        assert context.generate("m", [PROMPT], Generation())[0].finish == "error"
        assert context.generate("m", [PROMPT], Generation())[0].text == "an answer"
        assert context.generate("m", [PROMPT], Generation())[0].text == "an answer"
        assert len(server.chats) == 3
        cache.close()


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"), ("STOP", "stop"), ("eos", "stop"), ("eos_token", "stop"), ("end_turn", "stop"), ("", "stop"),
        (None, "stop"), ("tool_calls", "stop"), ("stop_sequence", "stop"),
        ("normal", "stop"), ("model_length", "length"), ("limit", "length"),
        ("length", "length"), ("max_tokens", "length"), ("MAX_TOKENS", "length"), (" length ", "length"),
    ],
)  # fmt: skip
def test_ends_that_make_an_answer(reason: Any, finish: str) -> None:
    completion = completion_of(ServerReply(text="x", reason=reason, tokens_in=4, tokens_out=1))
    assert (completion.text, completion.finish, completion.tokens_in, completion.tokens_out) == ("x", finish, 4, 1)


@pytest.mark.parametrize("count", [None, 1, 30])
def test_an_empty_text_of_some_tokens_is_an_answer(count: int | None) -> None:
    """The model ended at once, or the server does not count."""
    assert completion_of(ServerReply(text="", reason="stop", tokens_out=count)).finish == "stop"


def test_the_reason_names_the_end_and_what_was_left() -> None:
    with pytest.raises(CallError, match=r"ended the reply by “content_filter”, after 4 characters of a reply"):
        completion_of(ServerReply(text="half", reason="content_filter"))


# -- reasoning ----------------------------------------------------------------------------------------------------------


def reasoned(field: str, reasoning: Any, reason: str = "stop", text: Any = "") -> dict[str, Any]:
    message = {"content": text, field: reasoning}
    usage = {"prompt_tokens": 5, "completion_tokens": 9}
    return {"choices": [{"message": message, "finish_reason": reason}], "usage": usage}


def thought(thinking: Any, reason: str = "stop", text: str = "") -> dict[str, Any]:
    return ollama_chat(text, reason, message={"role": "assistant", "content": text, "thinking": thinking})


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("openai", reasoned("reasoning_content", "B is right"), ONLY_REASONING),
        ("openai", reasoned("reasoning", "B is right", text=None), ONLY_REASONING),
        ("openai", reasoned("thinking", "B is right"), ONLY_REASONING),
        (
            "openai",
            reasoned("thinking", "B is", "length"),
            f"{CUT_INSIDE} after 9 tokens, before there was an answer; raise reasoning_tokens",
        ),
        (
            "openai",
            reasoned("reasoning_content", "B is", "length"),
            f"{CUT_INSIDE} after 9 tokens, before there was an answer; raise reasoning_tokens",
        ),
        ("openai", reasoned("reasoning", "</think> B is right", text="\n"), ONLY_REASONING),
        ("openai", reasoned("reasoning", "", "length"), "the reply is empty"),
        ("openai", reasoned("reasoning", ["B"], "length"), "the reply is empty"),
        ("ollama", thought("B is right"), ONLY_REASONING),
        (
            "ollama",
            thought("B is", "length"),
            f"{CUT_INSIDE} after 3 tokens, before there was an answer; raise reasoning_tokens",
        ),
        ("ollama", thought(None, "length"), "the reply is empty"),
    ],
)
@pytest.mark.parametrize("answer", [Text(), Choice()])
def test_a_reply_of_nothing_but_reasoning_says_so(
    kind: str, body: Any, expected: str, answer: Any, build: Build
) -> None:
    """It is the model's own: an answer that is missing, with its reason, and no failure."""
    with raw_server(lambda server, request: [reply(body)]) as server:
        (completion,) = build(kind, server.place).generate([PROMPT], Generation(), [0])
    assert completion.finish in ("stop", "length")
    sample = Sample(id="1", task="t", input="q", targets=("A",), options=("one", "two"))
    reading = answer.read(sample, completion.text)
    is_cut = completion.finish == "length"
    lack = lack_of_answer(completion.text, completion.reasoning, completion.tokens_out, is_cut=is_cut)
    assert (completion.text.strip(), reading.answer, lack or reading.reason) == ("", None, expected)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("openai", reasoned("reasoning", "so", text="B")), ("openai", reasoned("reasoning_content", "so", text="B")),
     ("ollama", thought("so", text="B"))],
)  # fmt: skip
def test_reasoning_beside_an_answer_is_no_part_of_it(kind: str, body: Any, build: Build) -> None:
    with raw_server(lambda server, request: [reply(body)]) as server:
        completion = build(kind, server.place).generate([PROMPT], Generation(), [0])[0]
    assert (completion.text, completion.reasoning) == ("B", "so")


@pytest.mark.parametrize(
    ("content", "refusal", "text"),
    [
        (None, "I cannot help.", "I cannot help."),
        ("", "不行", "不行"),
        ("B", "no", "B"),
        ("B", None, "B"),
        (None, None, ""),
    ],
)
def test_a_refusal_that_is_kept_apart_is_what_the_model_said(
    content: Any, refusal: Any, text: str, build: Build
) -> None:
    body = reasoned("refusal", refusal, text=content)
    with raw_server(lambda server, request: [reply(body)]) as server:
        completion = build("openai", server.place).generate([PROMPT], Generation(), [0])[0]
    assert (completion.text, completion.finish) == (text, "stop")
