"""Runs of served models, from the first call to the report: whose time is shown, what was cut, what was asked again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.records.figures import Usage
from harness.runtime.run_folder import RunFolder
from reports.sections.divergent_renderings import DivergentRenderings
from reports.sections.run_record import RunRecord
from tests.shared.engines import Body, Script
from tests.shared.ollama_stand_in import CHATML, ServedModel, StandIn
from tests.shared.openai_servers import LlamaServer
from tests.shared.openai_stand_in import Hosted
from tests.shared.served_fixtures import NativeServer
from tests.shared.served_fixtures import llama_server as llama_server
from tests.shared.served_fixtures import serve as serve

Serve = Callable[[Any], Any]
Write = Callable[..., Path]
Run = Callable[..., RunFolder]
SUITE = """\
name: served
models:
{models}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, input: input, target: target}}}}
    prompt: "{{{{ input }}}}"
    generation: {{max_tokens: 40}}
    metrics: {{accuracy: exact_match}}
variants:
{variants}
"""


def suite(models: dict[str, str], **variants: str) -> str:
    return SUITE.format(
        models="\n".join(f"  {name}: {entry}" for name, entry in models.items()),
        variants="\n".join(
            f"  {name}: {entry}" for name, entry in (variants or {"v": "{prompting: {model: m}}"}).items()
        ),
    )


def rows(*inputs: str) -> str:
    return "input\ttarget\n" + "".join(f"{text}\tx\n" for text in inputs)


def numbered(body: Body) -> str:
    """A reply that differs from item to item."""
    return f"said {body['messages'][-1]['content'][:20]}"


def ollama(server: StandIn, **settings: Any) -> str:
    further = "".join(f", {name}: {value}" for name, value in settings.items())
    return f'{{ollama: {{model: judge, host: "{server.place}", num_ctx: 2048{further}}}}}'


def openai(server: Any, **settings: Any) -> str:
    further = "".join(f", {name}: {value}" for name, value in settings.items())
    return f'{{openai: {{model: smol, url: "{server.place}/v1"{further}}}}}'


@pytest.mark.parametrize(("before", "now"), [("0.24.0", "0.33.0"), ("0.33.0", "0.33.0-rc2+x"), ("0.24.0", "0.12.11")])
def test_a_plan_names_the_version_that_changed(
    serve: Serve, write_suite: Write, run_suite: Run, before: str, now: str
) -> None:
    server = serve(StandIn(Script(numbered), version=before))
    path = write_suite(suite({"m": ollama(server)}), test__tsv=rows("a", "b", "c"))
    run_suite(path)
    plan = CliRunner().invoke(app, ["plan", str(path)]).output
    assert "asked again" not in plan
    server.version = now
    plan = " ".join(CliRunner().invoke(app, ["plan", str(path)]).output.split())
    assert f"model m: its version is {now} and was {before} when its stored answers to these prompts were given" in plan
    assert "3 calls to compute" in plan


@pytest.mark.parametrize(
    ("kind", "parallel", "latency"),
    [("ollama", 1, 0.1), ("llama.cpp", 1, 0.1), ("llama.cpp", 8, 0.1), ("hosted", 1, None), ("hosted", 8, None)],
)
def test_seconds_are_those_of_the_clock(
    serve: Serve, write_suite: Write, run_suite: Run, kind: str, parallel: int, latency: float | None
) -> None:
    """24 calls of 0.1 s, eight workers: waiting in the queue is no latency, and no second is counted twice."""
    script = Script(numbered, seconds=0.1)
    if kind == "ollama":
        model = ollama(serve(StandIn(script, parallel=parallel)), workers=8)
    else:
        server = serve((LlamaServer if kind == "llama.cpp" else Hosted)(script, parallel=parallel))
        model = openai(server, workers=8)
    path = write_suite(suite({"m": model}), test__tsv=rows(*(f"q{number}" for number in range(24))))
    began = time.perf_counter()
    folder = run_suite(path)
    elapsed = time.perf_counter() - began
    (usage,) = folder.summary().usage
    (cell,) = folder.read_run()["cells"]
    assert usage.seconds == pytest.approx(cell["seconds"], abs=0.5)  # added up over eight workers, it is above 2.4 s
    assert usage.seconds < elapsed
    assert (usage.seconds < 1.2) == (parallel == 8)
    assert usage.timing is not None
    assert usage.timing.served
    if latency is not None:
        assert usage.timing.latency == pytest.approx(latency, rel=0.3)
        assert (usage.timing.measured, usage.timing.shared) == (24, None)
    else:
        assert usage.timing.measured < 24  # the first, which had no other beside it
        assert usage.timing.at_once == 8
        assert (usage.timing.shared or 0.0) > (0.5 if parallel == 1 else 0.09)


def costs(folder: RunFolder) -> dict[str, Usage]:
    return {usage.variant: usage for usage in folder.summary().usage}


def test_cached_tokens_stand_beside_the_latency(serve: Serve, write_suite: Write, run_suite: Run) -> None:
    server = serve(LlamaServer(Script(numbered), parallel=1))
    path = write_suite(suite({"m": openai(server, workers=1)}), test__tsv=rows("aaaa", "aaab", "aaac"))
    timing = costs(run_suite(path))["v"].timing
    assert timing is not None
    assert (timing.cached_tokens or 0) > 0


@pytest.mark.parametrize(("count", "alarmed"), [(300, 3), (5000, 0)])
def test_prompts_that_a_server_cuts_raise_the_alarm(
    serve: Serve, write_suite: Write, run_suite: Run, count: int, alarmed: int
) -> None:
    class Cutting(Hosted):
        def fit(self, tokens: list[Any], wanted: int | None) -> list[Any]:
            return tokens[:count]

    server = serve(Cutting(Script(numbered)))
    inputs = [f"{number} {'word ' * (60 + 40 * number)}" for number in range(1, 4)]  # 500, 700 and 900 characters
    path = write_suite(suite({"m": openai(server)}), test__tsv=rows("short one", *inputs))
    raised = [anomaly for anomaly in run_suite(path).summary().anomalies if anomaly.kind == "cut prompts"]
    assert [anomaly.count for anomaly in raised] == ([alarmed] if alarmed else [])


@pytest.mark.parametrize("kind", ["ollama", "llama.cpp"])
def test_replies_cut_in_their_reasoning_raise_the_alarm(
    serve: Serve, write_suite: Write, run_suite: Run, kind: str
) -> None:
    script = Script(numbered, thought="I think about it for a long time. " * 200)
    variant = "{prompting: {model: m, reasoning_tokens: 12}}"
    if kind == "ollama":
        server = serve(StandIn(script))
        server.thinks = True
        model = ollama(server, think="true")
    else:
        model = openai(serve(LlamaServer(script, thinks=True)))
    path = write_suite(suite({"m": model}, v=variant), test__tsv=rows(*"abcdef"))
    folder = run_suite(path)
    assert all(prediction.reasoning.startswith("I think") for prediction in folder.predictions())
    assert [(a.kind, a.count) for a in folder.summary().anomalies] == [("empty", 6)]
    assert "raise reasoning_tokens" in folder.summary().anomalies[0].remedy


def test_a_default_system_text_is_named_in_the_report(serve: Serve, write_suite: Write, run_suite: Run) -> None:
    """The same weights, and the same question: in Ollama without a system text, in llama.cpp with one of its template."""
    script = Script(numbered)
    plain = serve(StandIn(script, models=[ServedModel(name="judge:latest", engine=script, template=CHATML)]))
    models = {"m": ollama(plain), "n": openai(serve(LlamaServer(script)))}
    variants = {"v": "{prompting: {model: m}}", "w": "{prompting: {model: n}}"}
    folder = run_suite(write_suite(suite(models, **variants), test__tsv=rows(*"abcdef")))
    (caution,) = DivergentRenderings().cautions(folder.finished())
    assert "You are a helpful AI assistant named SmolLM" in caution
    assert 'system: ""' in caution
    same = [anomaly for anomaly in folder.summary().anomalies if anomaly.kind == "no effect"]
    assert {anomaly.variant for anomaly in same} == {"v", "w"}


@pytest.mark.parametrize("version", ["0.33.0", "0.0.0", None])
def test_a_server_that_tells_no_version_is_named_in_the_report(
    serve: Serve, write_suite: Write, run_suite: Run, version: str | None
) -> None:
    server = serve(StandIn(Script(numbered), version=version))
    path = write_suite(suite({"m": ollama(server)}), test__tsv=rows("a", "b", "c"))
    first = run_suite(path).finished()
    assert first.run["models"]["m"]["tells_version"] is (version is not None)
    assert not list(RunRecord().cautions(first))  # all of it was asked now
    cautions = list(RunRecord().cautions(run_suite(path).finished()))
    assert [caution.startswith("The server of m does not tell its version, and 3 answers") for caution in cautions] == (
        [True] if version is None else []
    )


CHOICE = """\
name: exam
models:
  m: {model}
tasks:
  t:
    data: {{csv: {{path: test.csv, input: question, target: answer, options: [A, B]}}}}
    answer: {{choice: {{by: first_token}}}}
    metrics: {{accuracy: choice}}
variants:
  v: {{prompting: {{model: m}}}}
"""
QUESTIONS = "question,A,B,answer\n" + "".join(f"q{number},one,two,{'AB'[number % 2]}\n" for number in range(6))


@pytest.mark.parametrize(
    ("first", "mean", "astray"),
    [
        ({"A": 0.6, "B": 0.3, "The": 0.1}, 0.1, 0),
        ({"A": 0.2, "B": 0.1, "The": 0.7}, 0.7, 6),
        ({"A": 0.3, "B": 0.2, "The": 0.5}, 0.5, 0),  # not above one half
    ],
)
def test_the_probability_of_no_option_of_a_run(
    serve: Serve, write_suite: Write, run_suite: Run, first: dict[str, float], mean: float, astray: int
) -> None:
    server = serve(StandIn(Script(lambda body: "A", first=lambda body: first)))
    folder = run_suite(write_suite(CHOICE.format(model=ollama(server)), test__csv=QUESTIONS))
    usage = costs(folder)["v"]
    assert (usage.elsewhere, usage.astray) == (pytest.approx(mean, abs=1e-3), astray)
    kinds = [anomaly.kind for anomaly in folder.summary().anomalies]
    assert ("no option" in kinds) == bool(astray)


@pytest.mark.slow
@pytest.mark.nightly
def test_a_second_run_asks_a_real_server_nothing(
    llama_server: NativeServer, write_suite: Write, run_suite: Run
) -> None:
    """llama.cpp's own server, two calls at once, a limit of calls a minute: the same records as of any model."""
    entry = f"{{openai: {{model: smol, url: {llama_server.url}, workers: 2, requests_per_minute: 600}}}}"
    path = write_suite(suite({"m": entry}), test__tsv=rows("Say hi", "Say yes", "Name a colour", "Count to three"))
    first, second = run_suite(path, "first"), run_suite(path, "second")
    usage = [run.read_run()["cells"][0] for run in (first, second)]
    assert [(own["calls"], own["cached"], own["failed"]) for own in usage] == [(4, 0, 0), (0, 4, 0)]
    answers = [
        [(own.sample_id, own.text, own.finish, own.tokens_in, own.tokens_out) for own in run.predictions()]
        for run in (first, second)
    ]
    assert answers[0] == answers[1]
    assert all(tokens_in > 20 and 0 < tokens_out <= 40 for *_, tokens_in, tokens_out in answers[0])
