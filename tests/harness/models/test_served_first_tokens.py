"""Options by the first token of replies of servers: what is asked, read, refused, and how near it is to the weights.

The test marked slow asks a real small model behind a stand-in, with OLLAMA_HOST set the Ollama there.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.answers.choice import Choice
from harness.errors import SuiteError
from harness.models.chat_completions.chat_reply import first_positions
from harness.models.huggingface import HuggingFace
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.readers.ceval import Ceval
from harness.records.inputs import Message, Prompt
from harness.records.outputs import Completion
from harness.runtime.run_folder import RunFolder
from harness.stages.prepare import check
from harness.suite.parser import load_suite
from harness.text.templates import Template
from tests.shared.faults import Fault, dropping, fewer_alternatives, setting
from tests.shared.llama_cpp import SMOLLM2
from tests.shared.ollama_fixtures import PROXIES, Place
from tests.shared.ollama_stand_in import Body, StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, OpenAIStandIn, Script, serving
from tests.shared.paths import MODELS, REAL_DATA
from tests.shared.served_fixtures import NativeServer

Start, Make = Callable[..., StandIn], Callable[..., Ollama]
QUESTION: Prompt = (Message("system", "只回答字母。"), Message("user", "哪一项？\nA. 甲\nB. 乙\nC. 丙\n答案："))
ABC = ("A", "B", "C")
SURE = {"B": 0.6, " b": 0.1, "A": 0.2, "C": 0.02, "答": 0.07, "x": 0.001}


@dataclass(frozen=True)
class Exam:
    """Prompts with their options, as the weights in this process read and answer them."""

    prompts: list[Prompt]
    options: list[tuple[str, ...]]
    rendered: list[str]
    exact: list[Completion]


def replying(body: Body) -> str:
    return "B"


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Ollama] = []

    def build(place: StandIn | Place, **further: Any) -> Ollama:
        host, name = (place.place, "judge") if isinstance(place, StandIn) else (place.host, place.model)
        made.append(Ollama(**{"model": name, "host": host, "pause": 0, "num_ctx": 512, **further}))
        return made[-1]

    yield build
    for model in made:
        model.close()


def choose(model: Any, options: tuple[str, ...] = ABC) -> Completion:
    ((place, completion),) = model.first_token_each([QUESTION], [options])
    assert place == 0
    return completion


@pytest.mark.parametrize(
    ("first", "options", "best", "shares", "elsewhere"),
    [
        (SURE, ABC, "B", [0.2 / 0.92, 0.7 / 0.92, 0.02 / 0.92], 0.08),
        ({"A": 0.55, "a": 0.25, "B": 0.1, "C": 0.05}, ABC, "A", [0.8 / 0.95, 0.1 / 0.95, 0.05 / 0.95], 0.05),
        ({"C.": 0.5, "Ｂ": 0.2, "答案": 0.2, "x": 0.01}, ("B", "C"), "C", [0.2 / 0.7, 0.5 / 0.7], 0.3),
    ],
)
def test_what_ollama_is_asked_and_what_is_read(
    stand_in: Start, make: Make, first: dict[str, float], options: tuple[str, ...], best: str, shares: list[float],
    elsewhere: float,
) -> None:  # fmt: skip
    server = stand_in(replying, first=lambda body: first)
    completion = choose(make(server), options)
    assert (completion.text, completion.finish, completion.tokens_out) == (best, "stop", 1)
    assert [math.exp(value) for value in completion.logprobs or ()] == pytest.approx(shares)
    assert completion.elsewhere == pytest.approx(elsewhere)
    assert completion.serving is not None
    assert "哪一项？" in str(completion.rendered)
    body = server.bodies()[-1]
    assert (body["logprobs"], body["top_logprobs"], body["options"]["num_predict"]) == (True, 20, 1)
    assert (body["options"]["temperature"], body["think"], body["truncate"]) == (0.0, False, False)
    assert "format" not in body


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (
            {"A": 0.3, "B": 0.28, "x": 0.1},
            "server lists: A has 30 %, B may have up to 60 % with spellings that are not listed",
        ),
        ({"答案": 0.9, "B": 0.04, "x": 0.01}, "server lists: B has 4 %, A may have up to 5 %"),
        ({"我": 0.5, "答案": 0.3}, "server lists: no option is among them, B may have up to 20 %"),
    ],
)
def test_what_the_list_leaves_open_is_unknown(stand_in: Start, make: Make, first: dict[str, float], says: str) -> None:
    completion = choose(make(stand_in(replying, first=lambda body: first)))
    assert (completion.finish, completion.logprobs, completion.elsewhere) == ("error", None, None)
    assert says in str(completion.error)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(change=dropping("logprobs")), "lists no log-probabilities of the first token"),
        (Fault(change=dropping("top_logprobs")), "lists no log-probabilities of the first token"),
        (Fault(change=setting(top_logprobs=[])), "lists no log-probabilities of the first token"),
        (Fault(change=setting(top_logprobs=[{"token": "A", "logprob": math.nan}])), "which is no log-probability"),
        (Fault(change=setting(top_logprobs=[{"token": "A", "logprob": 0.5}])), "which is no log-probability"),
        (Fault(change=setting(top_logprobs=[{"token": "A"}])), "which is no log-probability"),
        (Fault(change=setting(top_logprobs=[{"token": "<think>", "logprob": -0.1}])), "reasons before it answers"),
        (Fault(change=fewer_alternatives(1)), None),  # 0.6 is listed, and all that is not is 0.4
    ],
)
def test_a_list_that_cannot_be_right_is_unknown(stand_in: Start, make: Make, fault: Fault, says: str | None) -> None:
    server = stand_in(replying, first=lambda body: SURE)
    model = make(server)
    choose(model)
    server.faults = [fault]
    completion = choose(model)
    assert (completion.finish == "error") == (says is not None)
    assert (says or "") in str(completion.error)


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("0.12.10", "Ollama 0.12.10 lists no likeliest tokens; update Ollama to 0.12.11 or later"),
        ("0.9.6", "Ollama 0.9.6 lists no likeliest tokens; update Ollama to 0.12.11 or later"),
        ("0.12.11-rc1", None), ("0.12.11", None), ("0.33.0-rc2+x", None), ("1.0.0", None),
        ("0.0.0", None), (None, None), ("main", None),  # built by hand: the replies say whether they list any
    ],
)  # fmt: skip
def test_an_ollama_that_is_too_old_is_refused(
    stand_in: Start, make: Make, version: str | None, says: str | None
) -> None:
    mistake = make(stand_in(replying, version=version)).first_token_mistake()
    assert (mistake is None) == (says is None)
    assert str(mistake or "").startswith(says or "")


@pytest.mark.parametrize("think", [True, "low", "high"])
def test_a_model_that_is_set_to_think_is_refused(stand_in: Start, make: Make, think: Any) -> None:
    mistake = make(stand_in(replying), think=think).first_token_mistake()
    assert str(mistake).startswith("think has it reason before it answers")


def test_a_server_that_is_gone_is_no_mistake_of_the_choice(stand_in: Start, make: Make) -> None:
    server = stand_in(replying)
    model = make(server)
    server.refuse()
    assert model.first_token_mistake() is None


SUITE = """\
name: exam
models:
  judge: {ollama: {model: judge, host: "PLACE", num_ctx: 512}}
tasks:
  exam:
    data: {jsonl: {path: rows.jsonl, input: q, target: a, options: o}}
    answer: {choice: {by: first_token}}
    metrics: {accuracy: choice, ece: expected_calibration_error}
variants:
  once: {prompting: {model: judge}}
  circular: {prompting: {model: judge, circular: true}}
  sure: {cascade: {of: [once, circular], confidence: margin, thresholds: [3.0]}}
"""
ROWS = '{"q": "一", "a": "B", "o": ["甲", "乙", "丙"]}\n{"q": "二", "a": "A", "o": ["甲", "乙", "丙"]}\n'


def test_a_suite_on_ollama(
    stand_in: Start, write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder]
) -> None:
    server = stand_in(replying, first=lambda body: SURE)
    folder = run_suite(write_suite(SUITE.replace("PLACE", server.place), rows__jsonl=ROWS))
    predictions = {(p.variant, p.messages[-1].content[0]): p for p in folder.predictions()}
    once, circular, sure = (predictions[variant, "一"] for variant in ("once", "circular", "sure"))
    assert (once.reading.answer, once.elsewhere) == ("B", pytest.approx(0.08))
    assert once.confidence["margin"] == pytest.approx(math.log(0.7 / 0.2))
    # always B, whatever stands there: B, C and A of the question's own order, each with the same mean
    assert circular.reading.answer is None
    assert [math.exp(value) for value in circular.logprobs or ()] == pytest.approx([1 / 3] * 3)
    assert [step.variant for step in sure.route] == ["once", "circular"]  # a lead of 3.5 to 1: 1.25, under 3
    means = {(r.variant, r.metric): r.mean for r in folder.summary().results}
    assert (means["once", "accuracy"], means["circular", "accuracy"]) == (0.5, 0.0)
    # 0.76 sure, right in one of two
    assert means["once", "ece"] == pytest.approx(0.7 / 0.92 - 0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("version", "further", "says"),
    [
        ("0.12.10", "", "cannot choose by: first_token: Ollama 0.12.10 lists no likeliest tokens"),
        ("0.33.0", ", think: true", "cannot choose by: first_token: think has it reason before it answers"),
        ("0.12.11", "", None),
    ],
)
def test_check_says_what_ollama_cannot(
    stand_in: Start, write_suite: Callable[..., Path], version: str, further: str, says: str | None
) -> None:
    server = stand_in(replying, version=version)
    server.thinks = True
    text = SUITE.replace("PLACE", server.place).replace("num_ctx: 512", f"num_ctx: 512{further}")
    suite, mistakes = load_suite(write_suite(text, rows__jsonl=ROWS)), ()
    try:
        check(suite)
    except SuiteError as error:
        mistakes = error.mistakes
    suite.models["judge"].close()
    assert [line.partition("model judge ")[2].partition(";")[0] for line in mistakes[:1]] == (
        [] if says is None else [says]
    )


# -- OpenAI's protocol ----------------------------------------------------------------------------------------------------


@pytest.fixture
def make_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """A model of a kind of server that a script stands behind, and the server."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    made: list[OpenAI] = []
    with ExitStack() as running:

        def start(kind: type[OpenAIStandIn], first: dict[str, float] = SURE, **settings: Any) -> Any:
            options = {name: settings.pop(name) for name in ("thinks",) if name in settings}
            server = running.enter_context(serving(kind(Script(replying, first=lambda body: first), **options)))
            made.append(OpenAI(model="smol", url=f"{server.place}/v1", pause=0, **settings))
            return made[-1], server

        yield start
        for model in made:
            model.close()


KINDS = (LlamaServer, Vllm, Hosted)


@pytest.mark.parametrize(("kind", "listed"), [(LlamaServer, 400), (Vllm, 20), (Hosted, 20)])
def test_what_a_server_of_openais_protocol_is_asked(make_server: Any, kind: type[OpenAIStandIn], listed: int) -> None:
    model, server = make_server(kind)
    assert model.first_token_mistake() is None
    completion = choose(model)
    assert (completion.text, completion.finish, completion.tokens_out) == ("B", "stop", 1)
    assert [math.exp(value) for value in completion.logprobs or ()] == pytest.approx(
        [0.2 / 0.92, 0.7 / 0.92, 0.02 / 0.92]
    )
    assert completion.elsewhere == pytest.approx(0.08)
    body = server.bodies("/v1/chat/completions")[-1]
    assert (body["logprobs"], body["top_logprobs"], body["max_tokens"], body["temperature"]) == (True, listed, 1, 0.0)
    assert "stream_options" not in body


def test_a_stated_template_continues_a_text(make_server: Any) -> None:
    model, server = make_server(LlamaServer, template="chatml")
    assert choose(model).text == "B"
    body = server.bodies("/v1/completions")[-1]
    assert (body["logprobs"], body["max_tokens"]) == (400, 1)
    assert body["prompt"].endswith("<|im_start|>assistant\n")


@pytest.mark.parametrize(
    ("logprobs", "expected"),
    [
        ({"content": [{"token": "A", "top_logprobs": []}]}, [{"token": "A", "top_logprobs": []}]),
        ({"tokens": ["A"], "top_logprobs": [{"A": -0.1, " B": -2.5}, {"x": -1.0}]},
         [{"top_logprobs": [{"token": "A", "logprob": -0.1}, {"token": " B", "logprob": -2.5}]}]),
        ({"top_logprobs": None}, []), ({"top_logprobs": [None]}, []), (None, None), ([], None), ("A", None),
    ],
)  # fmt: skip
def test_forms_in_which_likeliest_tokens_are_listed(logprobs: Any, expected: Any) -> None:
    assert first_positions({"choices": [{"text": "A", "logprobs": logprobs}]}) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(change=dropping("logprobs")), "lists no log-probabilities of the first token"),
        (Fault(change=setting(logprobs=None)), "lists no log-probabilities of the first token"),
        (Fault(change=setting(top_logprobs=[{"token": "<think>", "logprob": -0.01}])), "reasons before it answers"),
    ],
)
def test_a_server_that_cannot_is_found_by_check(
    make_server: Any, kind: type[OpenAIStandIn], fault: Fault, says: str
) -> None:
    model, server = make_server(kind)
    server.faults = [fault]
    assert says in str(model.first_token_mistake())


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_reasons_first_is_found_by_check(make_server: Any, kind: type[OpenAIStandIn]) -> None:
    assert "reasons before it answers" in str(make_server(kind, thinks=True)[0].first_token_mistake())
    assert make_server(kind, reasons=True)[0].first_token_mistake() == "it is set to reason before it answers"


def test_a_busy_or_silent_server_is_no_mistake_of_the_choice(make_server: Any) -> None:
    for fault in (Fault(status=503), Fault(status=429), Fault(hangs_up=True), Fault(status=401)):
        model, server = make_server(Hosted)
        server.faults = [fault]
        assert model.first_token_mistake() is None


# -- real weights ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exam() -> Exam:
    """Questions of C-Eval, and what the weights in this process make of them: the whole vocabulary is summed."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data sets are not beside the checkout")
    answer = Choice(by="first_token")
    subjects = ["physician", "clinical_medicine"]
    samples = Ceval(path=str(REAL_DATA / "ceval"), subjects=subjects, limit=4).read("t", 0).test
    template = Template(answer.prompt_in("zh"), "prompt")
    system = Message("system", "You are a doctor.")
    prompts: list[Prompt] = [(system, Message("user", template.render(sample))) for sample in samples]
    options = [answer.options(sample) for sample in samples]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(MODELS))
        local = HuggingFace(path=SMOLLM2, dtype="float32", device="cpu")
        exact = dict(local.first_token_each(prompts, options))
        rendered = [local.render(prompt) for prompt in prompts]
        local.close()
    return Exam(prompts, options, rendered, [exact[place] for place in range(len(prompts))])


def assert_like_the_weights(model: Ollama | OpenAI, exam: Exam) -> None:
    answers = dict(model.first_token_each(exam.prompts, exam.options))
    known = [place for place, completion in answers.items() if completion.error is None]
    assert len(known) >= len(exam.prompts) - 3  # what a list leaves open is a near tie
    for place, completion in answers.items():
        exact = exam.exact[place]
        if place not in known:
            assert "which option is likeliest is not told" in str(completion.error)
            assert sorted(exact.logprobs or ())[-1] - sorted(exact.logprobs or ())[-2] < 0.7
            continue
        assert completion.rendered == exam.rendered[place]
        assert completion.logprobs == pytest.approx(exact.logprobs, abs=0.3)  # llama.cpp computes in fewer bits
        assert completion.elsewhere == pytest.approx(exact.elsewhere, abs=0.1)
    assert sum(answers[place].text == exam.exact[place].text for place in known) >= len(known) - 1


@pytest.mark.slow
def test_ollama_is_like_the_weights_in_this_process(real_ollama: Place, make: Make, exam: Exam) -> None:
    if real_ollama.server is None:
        pytest.skip("a real Ollama may have another model")
    assert_like_the_weights(make(real_ollama, num_ctx=2048), exam)


@pytest.mark.slow
def test_llama_cpp_is_like_the_weights_in_this_process(llama_server: NativeServer, exam: Exam) -> None:
    model = OpenAI(model=llama_server.model, url=llama_server.url, pause=0)
    assert model.first_token_mistake() is None
    assert_like_the_weights(model, exam)
    model.close()
