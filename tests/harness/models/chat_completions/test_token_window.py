"""Prompts that a server cut in silence, and replies that it could not finish, are no answers."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.chat_completions.token_window import TokenWindow, most_tokens
from harness.models.openai import OpenAI
from harness.models.remote.call_error import CallError
from harness.records.inputs import Generation, Message, Prompt
from harness.records.outputs import Completion, Finish
from tests.shared.ollama_stand_in import StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script

Serve = Callable[[Any], Any]
Asking = Callable[..., OpenAI]


def said(text: str) -> Prompt:
    return (Message("user", text),)


def completion(tokens_in: int, tokens_out: int = 3, finish: Finish = "stop") -> Completion:
    return Completion(text="x", tokens_in=tokens_in, tokens_out=tokens_out, finish=finish)


LONG = said("weather " * 4000)  # 32,000 bytes
CHINESE = said("天气" * 300)  # 1,800 bytes
BRIEF = said("weather " * 20)  # 160 bytes and what a template writes: fewer than 512 tokens in any case
TURNS = (Message("user", "a" * 300), Message("assistant", "b" * 200), Message("user", "c" * 100))


@pytest.mark.parametrize(
    ("tokens", "prompt", "count", "most", "problem"),
    [
        (4096, LONG, 4096, 16, "may have lost a part"),  # 0.24: cut to the context
        (4096, LONG, 4095, 16, "may have lost a part"),
        (4096, LONG, 2050, 16, "may have lost a part"),  # 0.33: 4 + (4096 − 4) / 2
        (512, LONG, 258, 16, "may have lost a part"),  # 4 + (512 − 4) / 2
        (512, CHINESE, 258, 16, "may have lost a part"),
        (2048, LONG, 1026, 16, "may have lost a part"),
        (4096, LONG, 2049, 16, None),
        (4096, LONG, 3000, 16, None),
        (512, BRIEF, 258, 16, None),  # it cannot be longer
        (512, LONG, 400, 16, None),
        (512, LONG, 400, 113, "more than the server's context of 512"),
        (512, LONG, 400, 112, None),
        (512, BRIEF, 30, 600, "more than the server's context of 512"),
        (512, LONG, 0, 16, "did not count"),
        (512, TURNS, 212, 16, "may have lost a part"),  # with the 300 characters that may have been left out: 512
        (512, TURNS, 210, 16, None),
        (8192, TURNS, 8191, 0, None),  # shorter than the context whatever is counted
    ],
)
def test_a_prompt_that_ollama_may_have_cut(
    tokens: int, prompt: Prompt, count: int, most: int, problem: str | None
) -> None:
    context = TokenWindow(tokens=tokens, cuts=True)
    if problem is None:
        context.check(prompt, completion(count, 1), most)
        return
    with pytest.raises(CallError, match=problem) as caught:
        context.check(prompt, completion(count, 1), most)
    assert caught.value.lasting
    assert caught.value.blame == ("prompt" if count else "call")


def test_a_turn_that_the_rendering_lacks_was_left_out() -> None:
    reply = Completion(text="x", tokens_in=50, tokens_out=1, rendered="bbb ccc".replace("bbb", "b" * 200))
    with pytest.raises(CallError, match="left out the user's turn “aaa"):
        TokenWindow(tokens=4096, cuts=True).check(TURNS, reply, 16)


@pytest.mark.parametrize(
    ("reply", "most", "problem"),
    [
        (completion(2015, 33, "length"), 800, "after 33 of 800 tokens"),  # as llama.cpp was recorded
        (completion(2015, 32, "length"), 800, "after 32 of 800 tokens"),
        (completion(505, 7, "length"), 24, None),  # of another context
        (completion(2015, 33, "length"), 33, None),  # its own limit
        (completion(2015, 33, "stop"), 800, None),  # it came to its end
        (completion(100, 20, "length"), 800, None),  # cut by something else
        (completion(2015, 36, "stop"), 800, "have 2051 tokens"),  # room was made on the way
        (completion(2015, 34, "stop"), 800, None),  # the last token takes no place
        (completion(0, 0, "stop"), 800, None),  # not counted
    ],
)
def test_a_reply_that_a_full_context_cut(reply: Completion, most: int, problem: str | None) -> None:
    context = TokenWindow(tokens=2048)
    if problem is None:
        context.check(BRIEF, reply, most)
        return
    with pytest.raises(CallError, match=rf"{problem}.*raise the server's context") as caught:
        context.check(BRIEF, reply, most)
    assert (caught.value.lasting, caught.value.blame) == (True, "prompt")


@pytest.mark.parametrize("text", ["", "abc", "天气预报", "🙂" * 5, "ℵ"])
def test_no_prompt_has_more_tokens_than_bytes(text: str) -> None:
    assert most_tokens(said(text)) >= len(text.encode())


# -- servers ------------------------------------------------------------------------------------------------------------


def script(length: int = 5) -> Script:
    return Script(lambda body: "x " * length)


@pytest.mark.parametrize("kind", [LlamaServer, Vllm])
@pytest.mark.parametrize(("length", "is_cut"), [(10, False), (400, True), (249, True)])
def test_a_served_reply_that_fills_the_context(
    kind: Any, length: int, is_cut: bool, serve: Serve, asking: Asking
) -> None:
    """One token a character; llama.cpp tells its context at /props, vLLM in its list of models."""
    template = "{{ messages[0]['content'] }}"
    server = serve(kind(script(length), context=512, template=template))
    server.fit = lambda tokens, wanted: tokens  # newer servers let a reply begin that may not end
    (reply,) = asking(server).generate([said("q" * 20)], Generation(max_tokens=500), [0])
    assert (reply.finish == "error") is is_cut
    if is_cut:
        assert "after 492 of 500 tokens" in str(reply.error)
        assert "raise the server's context" in str(reply.error)


@pytest.mark.parametrize("kind", [LlamaServer, Vllm, Hosted])
def test_a_too_long_prompt_is_refused_by_name(kind: Any, serve: Serve, asking: Asking) -> None:
    server = serve(kind(script(), context=512))
    completions = asking(server).generate([said("q" * 600)] * 4 + [said("short")], Generation(max_tokens=20), [0] * 5)
    assert [reply.finish for reply in completions] == ["error"] * 4 + ["stop"]  # the others are asked all the same
    assert "context" in str(completions[0].error)


@pytest.mark.parametrize("version", ["0.24.0", "0.33.0"])
@pytest.mark.parametrize(("length", "is_cut"), [(100, False), (1000, True), (3000, True)])
def test_what_an_ollama_cuts_is_no_answer(
    version: str, length: int, is_cut: bool, serve: Serve, asking: Asking
) -> None:
    server = serve(StandIn(script(), models=["smol"], version=version, context=512))
    (reply,) = asking(server, server_context=512).generate([said("q" * length)], Generation(max_tokens=8), [0])
    assert (reply.finish == "error") is is_cut
    if is_cut:
        assert "may have lost a part; raise the server's context" in str(reply.error)


@pytest.mark.parametrize(
    ("server", "settings", "problem"),
    [
        (StandIn(script(), models=["smol"]), {}, r"is an Ollama, .* use ollama: \{model: smol, host: http://127\.0\.0\.1"),
        (StandIn(script(), models=["smol"], version=None), {}, "is an Ollama"),
        (StandIn(script(), models=["smol"]), {"server_context": 4096}, None),
        (StandIn(script(), models=["smol"]), {"server_context": 4096, "template": "chatml"},
         r"own template, inside which .* use ollama: \{model: smol, host: http://127\.0\.0\.1:\d+, template: chatml\}"),
        (StandIn(script(), models=["smol"], version="0.33.0"), {"server_context": 4096, "template": "gemma"},
         "template: gemma}"),
        (StandIn(script(), models=["smol"]), {"server_context": 4096, "template": "{{ messages[-1].content }}"},
         "template: …}"),
        (LlamaServer(script(), context=512), {"template": "chatml"}, None),
        (LlamaServer(script(), context=512), {"server_context": 1024}, "server_context 1024 is more than the 512 tokens"),
        (LlamaServer(script(), context=512), {"server_context": 512}, None),
        (LlamaServer(script(), context=512), {}, None),
        (Vllm(script(), context=512), {"server_context": 600}, "set server_context: 512 or less"),
        (Hosted(script()), {"server_context": 600}, None),
    ],
)  # fmt: skip
def test_a_context_that_is_not_the_servers(
    server: Any, settings: dict[str, Any], problem: str | None, serve: Serve, asking: Asking
) -> None:
    model = asking(serve(server), **settings)
    if problem is None:
        model.check()
        model.check_server()
        return
    for check in (model.check, model.check_server):
        with pytest.raises(ModelError, match=problem):
            check()
