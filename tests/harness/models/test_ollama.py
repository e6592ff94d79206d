"""Ollama as it is: what its client sends, what it does with a prompt that does not fit, and a real model behind it.

The tests marked slow ask a real small model behind the stand-in of tests/shared/ollama_stand_in.py; with OLLAMA_HOST set, they
ask the Ollama there (OLLAMA_MODEL, else its first model).
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from ollama import Client

from harness.components.component import settings
from harness.components.model import Model
from harness.errors import ModelError, ServerGoneError
from harness.models.ollama import Ollama
from harness.records.inputs import Generation, Message, Prompt
from harness.records.outputs import Completion
from tests.shared.ollama_fixtures import Place
from tests.shared.ollama_stand_in import Body, Fault, StandIn, noisy, of_another_form, preferring, refusing, steady

Start = Callable[..., StandIn]
Make = Callable[..., Ollama]
SCHEMA = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 40},
        "score": {"type": "integer", "minimum": 0, "maximum": 100},
    },
    "required": ["reason", "score"],
    "additionalProperties": False,
}
UNBOUNDED = {**SCHEMA, "properties": {"reason": {"type": "string"}, "score": {"type": "integer"}}}  # not all is kept to
COMPARISON = {"type": "object", "properties": {"verdict": {"type": "string", "enum": ["first", "second", "tie"]}}}
SHORT = Generation(max_tokens=8)
HELD = Generation(max_tokens=120, schema=SCHEMA)


def hello(body: Body) -> str:
    return "Hello there."


def user(text: str) -> Prompt:
    return (Message("user", text),)


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes a model at a server; its connections are closed at the end."""
    made: list[Ollama] = []

    def build(place: StandIn | Place, **further: Any) -> Ollama:
        host, name = (place.place, "judge") if isinstance(place, StandIn) else (place.host, place.model)
        made.append(Ollama(**{"model": name, "host": host, "pause": 0, "patience": 1, "num_ctx": 512, **further}))
        return made[-1]

    yield build
    for model in made:
        model.close()


def one(model: Model, prompt: Prompt = (), generation: Generation = SHORT, repeat: int = 0) -> Completion:
    (completion,) = model.generate([prompt or user("1")], generation, [repeat])
    return completion


# -- what is sent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("schema", "format"), [(None, {}), (SCHEMA, {"format": SCHEMA})])
def test_the_whole_request(schema: Any, format: Any, stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    one(
        make(server, keep_alive="1m"),
        user("问"),
        Generation(
            max_tokens=9,
            temperature=0.5,
            top_p=0.9,
            stop=("。",),
            seed=11,
            schema=schema,
            top_k=0,
            repetition_penalty=1.2,
        ),
        repeat=2,
    )
    assert server.bodies() == [
        {
            "model": "judge",
            "messages": [{"role": "user", "content": "问"}],
            "stream": True,
            "think": False,
            "options": {
                "num_ctx": 512,
                "num_predict": 9,
                "temperature": 0.5,
                "top_p": 0.9,
                "seed": 13,
                "top_k": 0,
                "repeat_penalty": 1.2,
                "repeat_last_n": 1 << 20,
                "stop": ["。"],
            },
            "keep_alive": "1m",
            "truncate": False,
            "shift": False,
            **format,
        }
    ]


def test_a_redirected_request_is_sent_whole(stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    server.faults = [Fault(307)]
    assert one(make(server), generation=Generation()).text == "Hello there."
    first, second = server.bodies()
    assert first == second
    assert second["truncate"] is False


def test_a_schema_is_no_part_of_the_models_identity(stand_in: Start, make: Make) -> None:
    model = make(stand_in(steady()))
    before = model.identity()
    assert json.loads(one(model, generation=HELD).text) == {"reason": "because", "score": 80}  # 0.8 of 0 to 100
    known = {"component": "ollama", "digest": "5c71e7", "num_ctx": 512, "think": False, "truncate": False}
    known |= {"version": "0.33.0"}
    assert model.identity() == before == known


# -- prompts that do not fit --------------------------------------------------------------------------------------------
# The script counts a character as a token.

ANSWERED = (
    Message("system", "s" * 20),
    Message("user", "u" * 300),
    Message("assistant", "a"),
    Message("user", "q" * 250),
)


@pytest.mark.parametrize(("old", "finish"), [(False, "stop"), (True, "error")])
def test_a_long_conversation_that_fits_is_answered(old: bool, finish: str, stand_in: Start, make: Make) -> None:
    """A judge that is asked again: 300 + 1 + 100 fit 512. An old server may have dropped the first 300 all the same."""
    asked_again = (Message("user", "u" * 300), Message("assistant", "a"), Message("user", "q" * 100))
    assert one(make(stand_in(lambda body: "y", old=old)), asked_again).finish == finish


@pytest.mark.parametrize(
    ("prompt", "old", "error"),
    [
        (user("x" * 510), False, None),
        (user("x" * 510), True, None),
        (user("x" * 511), True, "the prompt fills num_ctx 512: Ollama may have cut it; raise num_ctx"),
        # 512 fill it and leave no room: refused from 0.12.6 on, cut before
        (user("x" * 512), False, "the prompt does not fit num_ctx 512; raise num_ctx: request (512 tokens) exceeds"),
        (user("x" * 9000), False, "the prompt does not fit num_ctx 512; raise num_ctx: request (9000 tokens) exceeds"),
        (user("x" * 9000), True, "the prompt fills num_ctx 512: Ollama may have cut it"),
        # 20 + 300 + 1 + 250 = 571: the first question goes, 271 are left, 271 + 300 ≥ 511
        (ANSWERED, False, "the prompt does not fit num_ctx 512; raise num_ctx: request (571 tokens) exceeds"),
        (ANSWERED, True, "the prompt fills num_ctx 512: Ollama may have cut it"),
    ],
)  # fmt: skip
def test_a_prompt_that_does_not_fit(prompt: Prompt, old: bool, error: str | None, stand_in: Start, make: Make) -> None:
    server = stand_in(lambda body: "y", old=old)
    completion = one(make(server), prompt)
    if error is None:
        assert (completion.text, completion.finish, completion.tokens_in) == ("y", "stop", 510)
    else:
        assert (completion.text, completion.finish) == ("", "error")
        assert str(completion.error).startswith(error)
    assert len([body for body in server.bodies() if body["stream"]]) == 1  # trying again would not help


def test_why_the_prompt_must_be_refused(stand_in: Start) -> None:
    """What the client sends by itself has a prompt cut to half the context: its count tells nobody."""
    client = Client(host=stand_in(hello).place)
    reply = client.chat("judge", [{"role": "user", "content": "x" * 9000}], options={"num_ctx": 512})
    client.close()
    assert (reply.message.content, reply.prompt_eval_count) == ("Hello there.", 258)  # 512 − (512 − 4) // 2


@pytest.mark.parametrize(("length", "finish"), [(413, "stop"), (414, "error")])
def test_a_reply_that_pushes_the_prompt_out(length: int, finish: str, stand_in: Start, make: Make) -> None:
    # Before 0.12.6 the start of the prompt makes room for the reply: 100 + 413 = num_ctx + 1, whose last has no place
    server = stand_in(lambda body: "y" * length, old=True)
    completion = one(make(server), user("x" * 100), Generation(max_tokens=1000))
    assert completion.finish == finish
    if finish == "error":
        assert completion.error == (
            "prompt and reply overflow num_ctx 512: Ollama cut the prompt on the way; raise num_ctx"
        )


@pytest.mark.parametrize("version", ["0.24.0", "0.33.0"])
@pytest.mark.parametrize(
    ("prompt", "reply", "max_tokens", "error"),
    [
        (
            100,
            900,
            1000,
            r"the reply was cut after 41[23] of 1000 tokens, because prompt and reply fill num_ctx 512; raise",
        ),
        (505, 900, 24, r"the reply was cut after [78] of 24 tokens, because prompt and reply fill num_ctx 512; raise"),
        (300, 900, 214, r"the reply was cut after 21[23] of 214 tokens"),
        (300, 900, 212, None),  # at its own limit
        (300, 211, 1000, None),  # the model came to its end
    ],
)
def test_a_reply_that_runs_out_of_context_is_unknown(
    version: str, prompt: int, reply: int, max_tokens: int, error: str | None, stand_in: Start, make: Make
) -> None:
    server = stand_in(lambda body: "y" * reply, version=version)
    completion = one(make(server), user("x" * prompt), Generation(max_tokens=max_tokens))
    if error is None:
        assert (completion.error, completion.tokens_in, completion.tokens_out) == (None, 300, min(reply, max_tokens))
    else:
        assert (completion.text, completion.finish) == ("", "error")
        assert re.match(error, str(completion.error))
        assert len(server.bodies()) == 1


@pytest.mark.parametrize("count", [None, 0])
def test_a_prompt_that_was_not_counted_is_a_failure(count: int | None, stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    server.faults = [Fault(extra={"prompt_eval_count": count})]
    completion = one(make(server))
    assert (completion.text, completion.finish) == ("", "error")
    assert (
        completion.error
        == "Ollama did not count the prompt's tokens, so a cut prompt could not be detected; update Ollama"
    )
    assert len(server.bodies()) == 1


# -- check --------------------------------------------------------------------------------------------------------------


def test_more_context_than_the_model_knows(stand_in: Start, make: Make) -> None:
    server = stand_in(hello, trained=2048)
    make(server, num_ctx=2048).check()
    model = make(server, num_ctx=2049)
    with pytest.raises(ModelError) as caught:
        model.check()
    assert str(caught.value) == (
        "model judge: num_ctx 2049 is more than the 2048 tokens it was trained with, and Ollama would lower it "
        "silently; set num_ctx: 2048 or less"
    )
    assert (model.trained_length(), model.context_length()) == (2048, 2049)


@pytest.mark.parametrize("trained", [None, "8192", 0])
def test_a_length_that_is_not_told_is_no_mistake(trained: Any, stand_in: Start, make: Make) -> None:
    model = make(stand_in(hello, trained=trained))
    model.check()
    assert model.trained_length() is None


def test_a_model_that_was_not_pulled(stand_in: Start, make: Make) -> None:
    server = stand_in(hello, models=["other:7b"])
    model = make(server)
    with pytest.raises(ModelError, match=r"^Ollama has no model judge: ollama pull judge \(known: other:7b\)$"):
        model.check()
    completion = one(model)
    assert (completion.finish, completion.error) == ("error", "Ollama: HTTP 404: model 'judge' not found")
    assert len(server.bodies()) == 1


# -- faults of a server -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "finish", "calls"),
    [
        ([Fault(500)], "stop", 2),
        ([Fault(500), Fault(503)], "stop", 4),  # a short call looks whether it is there
        ([Fault(500), Fault(500), Fault(500)], "error", 3),  # two retries
        ([Fault(500), Fault(503), Fault(503), Fault(500)], "stop", 5),  # a busy server is waited for
        ([Fault(half=True)], "stop", 2),
        ([Fault(half=True)] * 3, "error", 3),
        ([Fault(slow=5)], "stop", 3),
        ([Fault(400)], "error", 1),
    ],
)
def test_a_fault_is_retried_or_a_failure(
    faults: list[Fault], finish: str, calls: int, stand_in: Start, make: Make
) -> None:
    server = stand_in(hello)
    server.faults = list(faults)
    completion = one(make(server, longest=0.5), generation=Generation())
    assert (completion.text, completion.finish) == ("Hello there." if finish == "stop" else "", finish)
    assert len(server.bodies()) == calls


def test_a_refused_connection(stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    server.refuse()
    model = make(server)
    with pytest.raises(ServerGoneError):
        one(model)
    with pytest.raises(ModelError, match=rf"^Ollama does not answer at {server.place}; start it with `ollama serve`$"):
        model.check()


def test_a_model_that_cannot_think_is_told(stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    model = make(server, think=True)
    assert "does not support thinking" in str(one(model).error)
    server.thinks = True
    assert one(model, generation=Generation()).text == "Hello there."  # its thoughts are no part of the answer


# -- unloading ----------------------------------------------------------------------------------------------------------


def test_a_used_model_is_unloaded(stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    model = make(server)
    one(model)
    assert server.loaded == {"judge:latest"}
    model.close()
    assert server.loaded == set()
    assert server.bodies("/api/generate") == [{"model": "judge", "stream": False, "keep_alive": 0}]
    model.close()
    assert len(server.bodies("/api/generate")) == 1
    assert one(model, generation=Generation()).text == "Hello there."  # and can be used again


def test_a_model_that_was_not_used_stays_as_it_is(stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    server.loaded = {"judge:latest"}  # by somebody else
    model = make(server)
    model.check()
    model.close()
    assert server.loaded == {"judge:latest"}


def test_a_shared_server_keeps_the_model(stand_in: Start, make: Make) -> None:
    server = stand_in(hello)
    model = make(server, unload=False)
    one(model)
    model.close()
    assert server.loaded == {"judge:latest"}
    assert settings(model)["unload"] is False


@pytest.mark.parametrize("trouble", ["gone", "no such model"])
def test_closing_never_fails(trouble: str, stand_in: Start, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    server = stand_in(hello)
    model = make(server)
    one(model)
    if trouble == "gone":
        server.refuse()
    else:
        server.models.clear()
    with caplog.at_level(logging.INFO, logger="harness"):
        model.close()
    assert "model judge stays loaded in Ollama for 5m" in caplog.text


# -- the stand-in itself ------------------------------------------------------------------------------------------------


def test_a_stream_is_the_same_reply_in_parts(stand_in: Start) -> None:
    client = Client(host=stand_in(lambda body: " 一 two\nthree ").place)
    parts = list(client.chat("judge", [{"role": "user", "content": "abc"}], stream=True))
    client.close()
    assert "".join(part.message.content or "" for part in parts) == " 一 two\nthree "
    assert [part.done for part in parts] == [False] * 3 + [True]
    assert (parts[-1].prompt_eval_count, parts[-1].eval_count, parts[-1].done_reason) == (3, 13, "stop")


@pytest.mark.parametrize(
    ("answer", "first", "second"),
    [
        (steady(choice="first"), "first", "first"),  # flips: always what stands first
        (preferring("good"), "first", "second"),
        (preferring("nothing"), "tie", "tie"),
    ],
)
def test_judges_of_a_known_character(answer: Any, first: str, second: str, stand_in: Start, make: Make) -> None:
    model = make(stand_in(answer))
    orders = [("good", "bad", first), ("bad", "good", second)]
    for left, right, verdict in orders:
        prompt = user(f"<first-ab1>\n{left}\n</first-ab1>\n<second-ab1>\n{right}\n</second-ab1>")
        reply = one(model, prompt, Generation(schema=COMPARISON))
        assert json.loads(reply.text) == {"verdict": verdict}


def test_noise_comes_from_the_seed(stand_in: Start, make: Make) -> None:
    model = make(stand_in(noisy(0.1)))
    scores = [json.loads(one(model, generation=HELD, repeat=i).text)["score"] for i in (0, 1, 2, 3, 0)]
    assert scores[0] == scores[4]
    assert len(set(scores)) > 1
    assert all(40 <= score <= 60 for score in scores)  # 0.5 ± 0.1 of 100


@pytest.mark.parametrize("answer", [refusing, of_another_form])
def test_judges_that_ignore_the_schema(answer: Any, stand_in: Start, make: Make) -> None:
    text = one(make(stand_in(answer)), generation=HELD).text
    try:
        reply = json.loads(text)
    except ValueError:
        reply = text
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(reply, SCHEMA)


# -- a real model -------------------------------------------------------------------------------------------------------
# Few short prompts: a busy machine reads about 15 tokens a second.


def brief(text: str) -> Prompt:
    """With a system turn of our own, which is shorter than the model's."""
    return (Message("system", "Be brief."), Message("user", text))


@pytest.mark.slow
def test_a_real_model_is_held_to_the_schema(real_ollama: Place, make: Make) -> None:
    model = make(real_ollama)
    model.check()
    completion = one(model, brief("Capital of France? Answer: Paris. Score it, 0 to 100, in JSON."), HELD)
    assert completion.error is None
    jsonschema.validate(json.loads(completion.text), UNBOUNDED)
    assert completion.finish == "stop"
    assert completion.tokens_in > 15
    assert 5 < completion.tokens_out <= 120


@pytest.mark.slow
def test_a_real_model_stops_where_it_is_told_and_counts_a_cached_prompt_whole(real_ollama: Place, make: Make) -> None:
    model = make(real_ollama)
    cut, again = (one(model, brief("Count to twenty in words."), Generation(max_tokens=5)) for _ in range(2))
    assert (cut.finish, cut.tokens_out) == ("length", 5)
    assert (again.text, again.tokens_in) == (cut.text, cut.tokens_in)  # greedy


@pytest.mark.slow
def test_a_real_model_samples_by_the_seed(real_ollama: Place, make: Make) -> None:
    model = make(real_ollama)
    generation = Generation(max_tokens=5, temperature=1.5, seed=5)
    texts = [one(model, brief("Tell me about an animal."), generation, repeat).text for repeat in (0, 1, 0)]
    assert texts[0] == texts[2] != texts[1]


@pytest.mark.slow
def test_a_real_model_never_answers_a_cut_prompt(real_ollama: Place, make: Make) -> None:
    completion = one(make(real_ollama), user("A cat sat on the mat. " * 100))  # about 700 tokens
    assert (completion.text, completion.finish) == ("", "error")
    assert "num_ctx 512" in str(completion.error)


@pytest.mark.slow
def test_a_real_server_unloads_the_model(real_ollama: Place, make: Make) -> None:
    model = make(real_ollama)
    assert one(model, brief("Hi"), Generation(max_tokens=1)).error is None
    client = Client(host=real_ollama.host)
    running = [[entry.model for entry in client.ps().models]]
    model.close()
    running.append([entry.model for entry in client.ps().models])
    client.close()
    assert [real_ollama.model in names for names in running] == [True, False]


@pytest.mark.slow
def test_a_real_server_tells_what_the_model_was_trained_with(real_ollama: Place, make: Make) -> None:
    trained = make(real_ollama).trained_length()
    assert trained is not None
    with pytest.raises(ModelError, match=f"more than the {trained} tokens"):
        make(real_ollama, num_ctx=trained + 1).check()
