"""What a broken, changing or strange Ollama sends is never an answer: repeated, or unknown with its reason."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import ModelError, ServerGoneError
from harness.models.ollama import Ollama
from harness.records.inputs import Generation, Message
from harness.records.outputs import Completion
from tests.shared.faults import (
    COUNTS,
    DURATIONS,
    RENDERING,
    STRANGE_VERSIONS,
    Fault,
    dropping,
    html,
    in_a_character,
    in_a_part,
    setting,
)
from tests.shared.ollama_stand_in import Body, Script, StandIn

Start = Callable[..., StandIn]
Make = Callable[..., Ollama]
TEXT = "树 means tree."


def tree(body: Body) -> str:
    return TEXT


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes a model at a server; its connections are closed at the end."""
    made: list[Ollama] = []

    def build(server: StandIn, **further: Any) -> Ollama:
        settings = {"model": "judge", "host": server.place, "pause": 0, "num_ctx": 512, "timeout": 1.0, **further}
        made.append(Ollama(**settings))
        return made[-1]

    yield build
    for model in made:
        model.close()


def ask(model: Ollama, text: str = "Translate 树.") -> Completion:
    (completion,) = model.generate([(Message("user", text),)], Generation(max_tokens=64), [0])
    return completion


def ask_and_look(model: Ollama) -> None:
    """As a run does it: whether the server is still the same is asked now and then."""
    for number in range(3):
        ask(model, f"Translate 树 {number}.")
        model.still_the_same()


# -- a reply that goes wrong once is asked for again; one that always does is unknown ------------------------------------------

PASSING = [
    (Fault(cut=in_a_part), "closed connection|cut"),
    (Fault(cut=in_a_character), "closed connection|cut"),
    (Fault(half=True), "cut or no JSON|cut"),
    (Fault(undone=True), "the reply ends before its last part"),
    (Fault(without=("done",)), "the reply ends before its last part"),
    (Fault(extra={"done": False}), "the reply ends before its last part"),
    (Fault(extra={"done": "true"}), "the reply ends before its last part"),
    (Fault(instead={"error": "an error was encountered while running the model"}), "an error was encountered while"),
    (Fault(change=setting(content=7)), "no text"),
    (Fault(change=dropping("message")), "message|ends before|text"),
    (html(), "HTML|no JSON"),
    (Fault(body=b""), "ends before its last part|no JSON|empty"),
    (Fault(body=b"[]\n"), "no JSON object"),
    (Fault(body=b"null\n"), "no JSON object"),
    (Fault(hangs_up=True), "disconnected|closed|reset"),
    (Fault(status=500), "HTTP 500"),
    (Fault(stalls=3.0), "within 1 s|1 s|time"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "reason"), PASSING)
def test_what_may_pass_is_asked_for_again(fault: Fault, reason: str, stand_in: Start, make: Make) -> None:
    server = stand_in(tree)
    server.faults = [fault]
    completion = ask(make(server))
    assert (completion.text, completion.finish, completion.error) == (TEXT, "stop", None)
    assert len([body for body in server.bodies() if QUESTION not in str(body)]) == 2


@pytest.mark.parametrize(
    ("fault", "reason"), [pair for pair in PASSING if pair[0].stalls == 0 and not pair[0].hangs_up]
)
def test_what_does_not_pass_is_unknown(fault: Fault, reason: str, stand_in: Start, make: Make) -> None:
    server = stand_in(tree)
    server.faults = [fault] * 9
    completion = ask(make(server))
    assert (completion.text, completion.finish) == ("", "error")
    assert any(words.lower() in str(completion.error).lower() for words in reason.split("|")), completion.error
    assert "\n" not in str(completion.error)
    assert "Traceback" not in str(completion.error)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=401), "HTTP 401"),
        (Fault(status=400), "HTTP 400"),
        (Fault(without=COUNTS), "did not count the prompt's tokens"),
        (Fault(without=("prompt_eval_count",)), "did not count the prompt's tokens"),
        (Fault(extra={"prompt_eval_count": "many"}), "did not count the prompt's tokens"),
        (Fault(extra={"prompt_eval_count": -3}), "did not count the prompt's tokens"),
    ],
)  # fmt: skip
def test_what_asking_again_would_not_mend_is_not_asked_again(
    fault: Fault, reason: str, stand_in: Start, make: Make
) -> None:
    server = stand_in(tree)
    server.faults = [fault]
    completion = ask(make(server))
    assert (completion.text, completion.finish) == ("", "error")
    assert reason in str(completion.error)
    assert len(server.bodies()) == 1


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Fault(), True),
        (Fault(without=DURATIONS), False),
        (Fault(without=("eval_duration",)), False),
        (Fault(without=("total_duration", "load_duration")), True),
        (Fault(extra={"eval_duration": "long"}), False),
        (Fault(extra={"eval_duration": -1}), False),
    ],
)
def test_a_reply_without_durations_is_an_answer_without_a_time(
    fault: Fault, seconds: bool, stand_in: Start, make: Make
) -> None:
    server = stand_in(tree)
    server.faults = [fault]
    completion = ask(make(server))
    assert completion.text == TEXT
    assert completion.serving is not None
    assert (completion.serving.compute_seconds is not None) is seconds


def test_a_count_of_the_reply_that_is_missing_is_none(stand_in: Start, make: Make) -> None:
    server = stand_in(tree)
    server.faults = [Fault(without=("eval_count",))]
    assert (ask(make(server)).text, server.faults) == (TEXT, [])


QUESTION = "capital of France"  # a short call that shows whether a server is there
BUSY = [html(502), Fault(status=429, headers={"Retry-After": "0"}), Fault(status=503), Fault(status=504)]


@pytest.mark.parametrize("fault", BUSY)
def test_a_busy_or_absent_server_is_waited_for(fault: Fault, stand_in: Start, make: Make) -> None:
    server = stand_in(tree)
    server.faults = [fault] * 2
    assert ask(make(server, retries=0, patience=60)).text == TEXT
    assert [QUESTION in str(body) for body in server.bodies()] == [False, True, True, False]


def test_a_server_that_comes_back_is_asked_again(stand_in: Start, make: Make) -> None:
    server = stand_in(tree)
    model = make(server, patience=60, workers=2)
    server.after(3, server.vanish)
    back = threading.Timer(1.5, server.come_back)
    back.start()
    prompts = [(Message("user", f"Translate 树 {number}."),) for number in range(8)]
    completions = model.generate(prompts, Generation(max_tokens=64), [0] * 8)
    back.join()
    assert [(completion.text, completion.error) for completion in completions] == [(TEXT, None)] * 8


def test_a_server_that_stays_away_interrupts_the_run(stand_in: Start, make: Make) -> None:
    server = stand_in(tree)
    server.after(1, server.vanish)
    model = make(server, patience=0.3)
    _ = model.identity()  # as a run begins
    assert ask(model).text == TEXT
    with pytest.raises(ServerGoneError) as caught:
        ask(model, "Translate tree.")
    assert "\n" not in str(caught.value)


# -- versions and digests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", STRANGE_VERSIONS)
def test_any_version_is_asked(version: str | None, stand_in: Start, make: Make) -> None:
    """A version that cannot be read is no failure, and stands in the key as it is."""
    model = make(stand_in(tree, version=version))
    model.check()
    completion = ask(model)
    assert (completion.text, completion.error) == (TEXT, None)
    assert version in (None, "") or version in str(model.identity()["version"])


def test_keys_differ_by_version_and_by_digest(stand_in: Start, make: Make) -> None:
    places = [("0.24.0", "aaa"), ("0.33.0", "aaa"), ("0.33.0", "bbb"), ("0.33.0-rc2+x", "aaa"), (None, "aaa")]
    keys = [
        str(make(stand_in(tree, version=version, digest=digest)).identity()) for version, digest in places
    ]  # fmt: skip
    assert len(set(keys)) == len(places)
    again = make(stand_in(tree, version="0.24.0", digest="aaa"))  # another host with the same model
    assert str(again.identity()) == keys[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda server: setattr(server, "version", "0.34.0"), "version of its Ollama was 0.33.0 .* is 0.34.0 now"),
        (lambda server: setattr(server, "version", "0.24.0"), "version of its Ollama was 0.33.0 .* is 0.24.0 now"),
        (lambda server: setattr(server.engine, "digest", "other"), "digest was 5c71e7 .* is other now"),
        (lambda server: server.models.clear(), "digest was 5c71e7 .* no longer there"),
    ],
)
def test_a_server_that_changes_during_the_run_is_noticed(
    change: Callable[[StandIn], None], words: str, stand_in: Start, make: Make
) -> None:
    server = stand_in(tree)
    server.after(1, lambda: change(server))
    model = make(server)
    _ = model.identity()
    model.still_the_same()
    with pytest.raises(ModelError, match=words):
        ask_and_look(model)


# -- renderings ---------------------------------------------------------------------------------------------------------

TURNS = (Message("system", "Be brief."), Message("user", "Translate 树."))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(at=RENDERING, without=("_debug_info",)),
        Fault(at=RENDERING, extra={"_debug_info": {}}),
        Fault(at=RENDERING, extra={"_debug_info": None}),
        Fault(at=RENDERING, extra={"_debug_info": {"rendered_template": None}}),
        Fault(at=RENDERING, extra={"_debug_info": {"rendered_template": 5}}),
        Fault(at=RENDERING, extra={"_debug_info": "?"}),
    ],
)
@pytest.mark.parametrize(
    ("template", "is_kept"), [("{{ range .Messages }}{{ .Content }} {{ end }}", True), ("{{ .Prompt }}", False)]
)
def test_a_rendering_without_its_field_is_made_up_for_by_counts(
    fault: Fault, template: str, is_kept: bool, stand_in: Start, make: Make
) -> None:
    from tests.shared.ollama_stand_in import ServedModel

    server = stand_in(tree, version="0.24.0")
    server.models = [ServedModel(name="judge:latest", engine=Script(tree), template=template)]
    server.faults = [fault] * 20
    model = make(server)
    if is_kept:
        model.before_asking([TURNS], Generation(max_tokens=64))
        assert model.generate([TURNS], Generation(max_tokens=64), [0])[0].text == TEXT
    else:
        with pytest.raises(ModelError, match=r"leaves out the system text.*TEMPLATE.*template: chatml"):
            model.before_asking([TURNS], Generation(max_tokens=64))


@pytest.mark.parametrize(
    "fault", [Fault(at=RENDERING, status=500), Fault(at=RENDERING, hangs_up=True), html(at=RENDERING)]
)
def test_a_rendering_that_fails_once_costs_no_answer(fault: Fault, stand_in: Start, make: Make) -> None:
    server = stand_in(tree)
    server.faults = [fault]
    model = make(server)
    model.before_asking([TURNS], Generation(max_tokens=64))
    (completion,) = model.generate([TURNS], Generation(max_tokens=64), [0])
    assert (completion.text, completion.error) == (TEXT, None)


# -- time ---------------------------------------------------------------------------------------------------------------


def test_dripping_bytes_come_to_an_end(stand_in: Start, make: Make) -> None:
    """Each byte within the time limit, the whole never: `longest` ends it."""
    server = stand_in(tree)
    server.faults = [Fault(drip=0.1)] * 9
    began = time.monotonic()
    completion = ask(make(server, longest=1.0, retries=0))
    assert (completion.text, completion.finish) == ("", "error")
    assert time.monotonic() - began < 20
