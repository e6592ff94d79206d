"""top_k and repetition_penalty reach each server under the name that it knows, or are refused: never lost in silence."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SuiteError
from harness.models.chat_completions.sampling_fields import SamplingFields
from harness.records.inputs import Generation
from harness.stages.prepare import check
from harness.suite.parser import load_suite
from tests.shared.ollama_stand_in import StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script

BOTH = Generation(top_k=5, repetition_penalty=1.2)
LOCAL, OFFICIAL = "http://127.0.0.1:8000/v1", "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("generation", "engine", "extra", "fields"),
    [
        (BOTH, "llama.cpp", {}, {"top_k": 5, "repeat_penalty": 1.2, "repeat_last_n": 1 << 20}),
        (BOTH, "vLLM", {}, {"top_k": 5, "repetition_penalty": 1.2}),
        (Generation(top_k=0), "llama.cpp", {}, {"top_k": 0}),  # all tokens
        (Generation(top_k=0), "vLLM", {}, {"top_k": -1}),
        (Generation(repetition_penalty=1.0), "vLLM", {}, {"repetition_penalty": 1.0}),  # stated, against the server's
        (Generation(), "llama.cpp", {}, {}),
        (BOTH, "llama.cpp", {"repetition_penalty": 1}, {"top_k": 5}),  # the model's own field says it already
        (BOTH, "", {"repeat_penalty": 1, "top_k": 1}, {}),
    ],
)
def test_what_an_engine_is_sent(generation: Generation, engine: str, extra: Any, fields: dict[str, Any]) -> None:
    sampling = SamplingFields(url=LOCAL, extra=extra.keys())
    assert sampling.mistake(generation, engine) is None
    assert sampling.fields(generation, engine) == fields


@pytest.mark.parametrize(
    ("url", "engine", "generation", "mistake"),
    [
        (OFFICIAL, "", BOTH, "knows no top_k and repetition_penalty; leave top_k and repetition_penalty out"),
        (OFFICIAL, "vLLM", Generation(top_k=1), "knows no top_k;"),
        (LOCAL, "Ollama", BOTH, "ignores top_k and repetition_penalty; name the model under ollama instead"),
        (LOCAL, "", Generation(repetition_penalty=1.2), "e.g. extra: {repetition_penalty: 1.2}"),
    ],
)
def test_what_would_be_lost_is_refused(url: str, engine: str, generation: Generation, mistake: str) -> None:
    assert mistake in str(SamplingFields(url=url, extra=()).mistake(generation, engine))


SUITE = """
name: s
models: {{m: {{openai: {{model: smol, url: "{url}", patience: 0{further}}}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    generation: {{max_tokens: 4, {options}}}
    metrics: {{em: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""
CHECKED = [
    (LlamaServer, "top_k: 3, repetition_penalty: 1.1", "", None),
    (Vllm, "top_k: 3", "", None),
    (Hosted, "temperature: 0", "", None),
    (Hosted, "top_k: 3", "", "is behind a server that does not tell its engine"),
    (Hosted, "top_k: 3", ", extra: {top_k: 3}", None),
    (StandIn, "repetition_penalty: 1.1", ", server_context: 4096", "ignores repetition_penalty"),
    (None, "top_k: 3", "", "which knows no top_k"),
]


@pytest.mark.parametrize(("server", "options", "further", "problem"), CHECKED)
def test_check_refuses_an_option_that_a_server_ignores(
    server: Any, options: str, further: str, problem: str | None, serve: Any, write_suite: Callable[..., Path]
) -> None:
    settings = {"models": ["smol"]} if server is StandIn else {}
    url = f"{serve(server(Script(lambda body: 'x'), **settings)).place}/v1" if server else OFFICIAL
    text = SUITE.format(url=url, options=options, further=further)
    suite = load_suite(write_suite(text, rows__jsonl='{"q": "1?", "a": "A"}\n'))
    with closing(suite.models["m"]):
        if problem is None:
            check(suite)
        else:
            with pytest.raises(SuiteError, match=rf"^tasks\.t\.generation: model m .*{problem}.*$"):
                check(suite)
