"""What a broken, changing or strange server of OpenAI's form sends is never an answer: repeated, or unknown with its reason."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import ModelError, ServerGoneError
from harness.models.openai import OpenAI
from harness.records.inputs import Generation, Message
from harness.records.outputs import Completion
from tests.shared.faults import Fault, dropping, html, in_a_character, in_a_part, setting
from tests.shared.ollama_stand_in import Body, Script, StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, OpenAIStandIn
from tests.shared.served_fixtures import NativeServer

Serve = Callable[[Any], Any]
Make = Callable[..., OpenAI]
TEXT = "树 means tree."
KINDS = [Hosted, LlamaServer, Vllm]


def tree(body: Body) -> str:
    return TEXT


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes a model at a server; its connections are closed at the end."""
    made: list[OpenAI] = []

    def build(server: OpenAIStandIn | NativeServer, **further: Any) -> OpenAI:
        settings = {"model": "smol", "url": f"{server.place}/v1", "pause": 0, "timeout": 1.0, **further}
        made.append(OpenAI(**settings))
        return made[-1]

    yield build
    for model in made:
        model.close()


def ask(model: OpenAI, text: str = "Translate 树.") -> Completion:
    (completion,) = model.generate([(Message("user", text),)], Generation(max_tokens=64), [0])
    return completion


PASSING = [
    (Fault(cut=in_a_part), "cut|closed connection|ended before"),
    (Fault(cut=in_a_character), "cut|closed connection|ended before"),
    (Fault(half=True), "cut|ended before|no JSON"),
    (Fault(instead={"error": {"message": "out of memory", "type": "server_error", "code": 500}}), "out of memory"),
    (Fault(change=setting(content=7)), "no text"),
    (Fault(change=dropping("choices")), "choice|ended before"),
    (Fault(change=dropping("finish_reason", "[DONE]")), "ended before|ends"),
    (html(), "the reply is an HTML page, “Sign in”, as a proxy"),
    (Fault(body=b""), "ended before|no JSON|no choices"),
    (Fault(body=b"data: []\n\n"), "no part of a reply|ended before"),
    (Fault(body=b"data: null\n\n"), "no part of a reply|ended before"),
    (Fault(hangs_up=True), "disconnected|closed|reset"),
    (Fault(status=500), "HTTP 500"),
    (Fault(stalls=3.0), "1 s|time"),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("fault", "reason"), PASSING)
def test_what_may_pass_is_asked_for_again(
    kind: type[OpenAIStandIn], fault: Fault, reason: str, serve: Serve, make: Make
) -> None:
    server = serve(kind(Script(tree)))
    server.faults = [fault]
    completion = ask(make(server))
    assert (completion.text, completion.finish, completion.error) == (TEXT, "stop", None)
    assert len([body for body in server.bodies() if QUESTION not in str(body)]) == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "reason"), [pair for pair in PASSING if pair[0].stalls == 0 and not pair[0].hangs_up]
)
def test_what_does_not_pass_is_unknown(
    kind: type[OpenAIStandIn], fault: Fault, reason: str, serve: Serve, make: Make
) -> None:
    server = serve(kind(Script(tree)))
    server.faults = [fault] * 9
    completion = ask(make(server))
    assert (completion.text, completion.finish) == ("", "error")
    assert any(words.lower() in str(completion.error).lower() for words in reason.split("|")), completion.error
    assert "\n" not in str(completion.error)


QUESTION = "capital of France"  # a short call that shows whether a server is there
BUSY = [
    html(502),
    Fault(status=429, headers={"Retry-After": "0"}),
    Fault(status=503, headers={"Retry-After": "0"}),
    Fault(status=504),
]


@pytest.mark.parametrize("fault", BUSY)
def test_a_busy_or_absent_server_is_waited_for(fault: Fault, serve: Serve, make: Make) -> None:
    server = serve(Hosted(Script(tree)))
    server.faults = [fault] * 2
    assert ask(make(server, retries=0, patience=60)).text == TEXT
    assert [QUESTION in str(body) for body in server.bodies()] == [False, True, True, False]


@pytest.mark.parametrize("fault", BUSY)
def test_a_server_that_stays_away_interrupts_the_run(fault: Fault, serve: Serve, make: Make) -> None:
    server = serve(Hosted(Script(tree)))
    server.faults = [fault] * 50
    with pytest.raises(ServerGoneError) as caught:
        ask(make(server, retries=0, patience=0.2))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "keys", [("usage",), ("timings",), ("usage", "timings"), ("prompt_tokens_details",), ("created", "id", "model")]
)
def test_a_reply_without_counts_or_times_is_an_answer(
    kind: type[OpenAIStandIn], keys: tuple[str, ...], serve: Serve, make: Make
) -> None:
    server = serve(kind(Script(tree)))
    server.faults = [Fault(change=dropping(*keys))]
    completion = ask(make(server))
    assert (completion.text, completion.finish, completion.error) == (TEXT, "stop", None)
    assert completion.serving is None or "timings" not in keys or completion.serving.compute_seconds is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault(status=401), "401"), (Fault(status=400), "400"), (Fault(status=404), "404"), (Fault(status=422), "422")],
)
def test_what_asking_again_would_not_mend_is_not_asked_again(
    fault: Fault, reason: str, serve: Serve, make: Make
) -> None:
    server = serve(Hosted(Script(tree)))
    server.faults = [fault]
    completion = ask(make(server, extra={"x": 1}))
    assert (completion.text, completion.finish) == ("", "error")
    assert reason in str(completion.error)
    assert len(server.bodies()) == 1


# -- engines and versions -----------------------------------------------------------------------------------------------


def test_keys_differ_by_what_a_server_tells(serve: Serve, make: Make) -> None:
    first = serve(Vllm(Script(tree), version="0.11.0"))
    keys = []
    for version in ("0.11.0", "0.11.1", "0.0.0", "0.11.0-rc2+x", "0.11.0"):
        first.version = version
        keys.append(str(make(first).identity()))
    assert (len(set(keys)), keys[0]) == (4, keys[4])


@pytest.mark.parametrize("kind", [Vllm, LlamaServer])
@pytest.mark.parametrize(
    "change",
    [dropping("version", "build_info"), setting(version=None, build_info=7), setting(version="", build_info="")],
)
def test_a_server_without_a_version_is_asked(kind: type[OpenAIStandIn], change: Any, serve: Serve, make: Make) -> None:
    server = serve(kind(Script(tree)))
    server.faults = [Fault(at=path, change=change) for path in ("/version", "/props") for _ in range(9)]
    assert ask(make(server)).text == TEXT


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [(Vllm, "version", "0.12.0"), (LlamaServer, "fingerprint", "b9999-abc"), (LlamaServer, "context", 4096)],
)
def test_a_server_that_changes_during_the_run_is_noticed(
    kind: type[OpenAIStandIn], field: str, value: Any, serve: Serve, make: Make
) -> None:
    server = serve(kind(Script(tree)))
    model = make(server)
    _ = model.identity()
    assert ask(model).text == TEXT
    model.still_the_same()
    server.after(1, lambda: setattr(server, field, value))
    with pytest.raises(ModelError, match="changed during the run") as caught:
        model.still_the_same()
    assert "\n" not in str(caught.value)


def test_an_ollama_behind_v1_is_refused(serve: Serve, make: Make) -> None:
    server = serve(StandIn(Script(tree), models=["smol"]))
    with pytest.raises(ModelError, match=r"ollama") as caught:
        make(server).check()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(at="/apply-template", without=("prompt",)),
        Fault(at="/apply-template", extra={"prompt": 5}),
        Fault(at="/apply-template", status=500),
        html(at="/apply-template"),
    ],
)
def test_a_rendering_without_its_field_costs_no_answer(fault: Fault, serve: Serve, make: Make) -> None:
    server = serve(LlamaServer(Script(tree)))
    server.faults = [fault] * 20
    model = make(server)
    prompt = (Message("system", "Be brief."), Message("user", "Translate 树."))
    model.before_asking([prompt], Generation(max_tokens=64))
    (completion,) = model.generate([prompt], Generation(max_tokens=64), [0])
    assert (completion.text, completion.error) == (TEXT, None)


@pytest.mark.parametrize(
    ("fault", "at"),
    [
        (Fault(at="/props", body=b"{"), "/props"),
        (html(at="/props"), "/props"),
        (Fault(at="/props", status=500), "/props"),
    ],
)
def test_strange_words_about_itself_are_no_failure(fault: Fault, at: str, serve: Serve, make: Make) -> None:
    server = serve(LlamaServer(Script(tree)))
    server.faults = [fault] * 9
    assert ask(make(server)).text == TEXT


# -- llama.cpp's own server ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_second_real_server_is_asked(llama_server: NativeServer, make: Make) -> None:
    """One reply after the other over streams: it drops connections after some, which is no failure."""
    model = make(llama_server, timeout=60)
    model.check()
    completions = [
        model.generate([(Message("user", f"Say {word}"),)], Generation(max_tokens=6, temperature=0), [0])[0]
        for word in ("hi", "yes", "no", "hi")
    ]
    assert [completion.error for completion in completions] == [None] * 4
    assert completions[0].text == completions[3].text
    assert all(completion.tokens_in > 30 for completion in completions)  # with the template's own system text
    assert all(completion.serving and completion.serving.compute_seconds for completion in completions)


@pytest.mark.slow
@pytest.mark.parametrize("words", [400, 900, 4000])
def test_the_second_real_server_refuses_what_does_not_fit(words: int, llama_server: NativeServer, make: Make) -> None:
    completion = ask(make(llama_server, timeout=60), "The weather was fine and the hills were green. " * words)
    assert (completion.text, completion.finish) == ("", "error")
    assert "2048" in str(completion.error)
