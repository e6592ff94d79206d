"""Options and answers are scored only by servers that really score what they are given."""

import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SuiteError
from harness.models.chat_completions.echo_scoring import EchoScoring
from harness.models.openai import OpenAI
from harness.models.remote.call_error import CallError
from harness.records.inputs import Message, Prompt
from harness.stages.prepare import check
from harness.suite.parser import load_suite
from tests.shared.ollama_stand_in import StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script

Serve = Callable[[Any], Any]
Asking = Callable[..., OpenAI]
PROMPT: Prompt = (Message("user", "Which letter is first? A B"),)


def script() -> Script:
    return Script(lambda body: "x")


def scored(text: str, values: list[Any], count: Any = None, **fields: Any) -> dict[str, Any]:
    """A reply in which each character is a token; the last value is the generated token's."""
    told = {"tokens": [*text, "!"][: len(values)], "token_logprobs": values, **fields}
    return {"choices": [{"logprobs": told}], "usage": {"prompt_tokens": len(text) if count is None else count}}


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (scored("abc", [None, -1.0, -2.0, -0.5]), [("a", 0.0), ("b", -1.0), ("c", -2.0)]),
        (scored("abc", [None, -1.0, -2.0]), [("a", 0.0), ("b", -1.0), ("c", -2.0)]),  # nothing was generated
        (scored("abc", [-9.0, -1.0, -2.0]), [("a", 0.0), ("b", -1.0), ("c", -2.0)]),
        (scored("ab", [None, -math.inf]), [("a", 0.0), ("b", -1e9)]),
    ],
)
def test_a_row_is_the_prompts_alone(content: Any, row: Any) -> None:
    assert EchoScoring(lambda fields: content).row("abc") == row


@pytest.mark.parametrize(
    "content",
    [
        {"choices": [{"text": ",", "logprobs": {"content": [{"token": ",", "logprob": -1.9}]}}], "usage": {"prompt_tokens": 3}},
        {"choices": [{"text": ",", "logprobs": None}], "usage": {"prompt_tokens": 3}},  # Ollama
        {"choices": [{"text": ","}], "usage": {"prompt_tokens": 3}},
        {"choices": []}, {}, None, [], "text",
        scored("abc", [-0.5]),  # the generated token alone
        scored("abc", [None, -1.0]),
        scored("abc", [None, None, -1.0, -1.0]),
        scored("abc", [None, float("nan"), -1.0, -1.0]),
        scored("abc", [None, 0.5, -1.0, -1.0]),
        scored("abc", [None, "x", -1.0, -1.0]),
        scored("abc", [None, -1.0, -2.0], count=None, tokens=["a", "b"]),
        scored("abc", [None, -1.0, -2.0], count="3"),
        scored("a", [None]),
    ],
)  # fmt: skip
def test_a_reply_that_does_not_score_its_prompt(content: Any) -> None:
    with pytest.raises(CallError, match="does not score the prompt") as caught:
        EchoScoring(lambda fields: content).row("abc")
    assert caught.value.lasting


@pytest.mark.parametrize(
    ("value", "works"),
    [(lambda text, i: -float(ord(text[i]) % 7), True), (lambda text, i: -1.0, False), (lambda text, i: -float(len(text)), False)],
)  # fmt: skip
def test_a_server_that_scores_everything_alike_does_not_score(value: Any, works: bool) -> None:
    def ask(fields: Any) -> Any:
        text = fields["prompt"]
        return scored(text, [None, *(value(text, i) for i in range(1, len(text)))])

    assert EchoScoring(ask).works() is works


def test_options_are_scored_behind_what_they_share(serve: Serve, asking: Asking) -> None:
    """The stand-in's rule: a character that stood before has log-probability -0.5, a new one -3."""
    model = asking(serve(Vllm(script())))
    assert model.scoring_mistake() is None
    completions = model.score_options([PROMPT, PROMPT], [("A", "B", "Z"), ("AZ", "AB", "Ab!")])
    assert [completion.logprobs for completion in completions] == [(-0.5, -0.5, -3.0), (-3.0, -0.5, -6.0)]
    assert [completion.text for completion in completions] == ["A", "AB"]
    assert completions[0].rendered == PROMPT[0].content
    assert completions[0].tokens_in == len(PROMPT[0].content) + 1


def test_the_likelihood_of_an_answer(serve: Serve, asking: Asking) -> None:
    model = asking(serve(Vllm(script())))
    (completion,) = model.likelihood([PROMPT], ["AZ"])
    assert (completion.logprobs, completion.tokens_out, completion.tokens_in) == ((-3.5,), 2, len(PROMPT[0].content))


def test_a_block_of_reasoning_that_the_template_opens_is_closed(serve: Serve, asking: Asking) -> None:
    server = serve(Vllm(script()))
    model = asking(server, template="{{ messages[0].content }}\n<think>\n")
    (completion,) = model.score_options([PROMPT], [("A", "B")])
    assert str(completion.rendered).endswith("A B\n<think>\n</think>\n\n")


def test_a_field_of_vllm_that_others_refuse_is_left_out(serve: Serve, asking: Asking) -> None:
    server = serve(Vllm(script()))
    usual = server.check

    def strict(body: Any) -> None:
        from tests.shared.http_stand_in import RefusedError

        if "add_special_tokens" in body:
            raise RefusedError(400, "unknown field add_special_tokens")
        usual(body)

    server.check = strict
    assert asking(server).scoring_mistake() is None


SUITE = """
name: s
models: {{m: {{openai: {{model: smol, url: "{url}", patience: 0{further}}}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, options: o, target: a}}}}
    answer: {{choice: {{by: {by}}}}}
    metrics: {{accuracy: choice}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""
ROWS = '{"q": "1?", "o": ["one", "two"], "a": "A"}\n{"q": "2?", "o": ["one", "two"], "a": "B"}\n'


@pytest.mark.parametrize(
    ("server", "by", "problem"),
    [
        (LlamaServer(script()), "loglikelihood", "does not score the text"),
        (Hosted(script()), "loglikelihood", "does not tell the prompt as the model reads it"),
        (StandIn(script(), models=["smol"]), "loglikelihood", "does not score the text"),
        (Vllm(script()), "loglikelihood", None),
        (LlamaServer(script()), "generation", None),
    ],
)
def test_options_by_likelihood_are_refused_by_check(
    server: Any, by: str, problem: str | None, serve: Serve, write_suite: Callable[..., Path]
) -> None:
    running = serve(server)
    further = ", server_context: 4096" if isinstance(server, StandIn) else ""
    suite = load_suite(write_suite(SUITE.format(url=f"{running.place}/v1", by=by, further=further), rows__jsonl=ROWS))
    with closing(suite.models["m"]):
        if problem is None:
            check(suite)
            return
        expected = rf"model m cannot score options: .*{problem}.*use answer: .*by: first_token"
        with pytest.raises(SuiteError, match=expected):
            check(suite)


def test_a_server_that_is_gone_is_no_mistake_of_the_suite(serve: Serve, write_suite: Callable[..., Path]) -> None:
    server = serve(LlamaServer(script()))
    server.refuse()
    text = SUITE.format(url=f"{server.place}/v1", by="loglikelihood", further="")
    suite = load_suite(write_suite(text, rows__jsonl=ROWS))
    with closing(suite.models["m"]):
        check(suite)
