"""A turn that a server's template leaves out is named for every variant before anything is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import app
from tests.shared.engines import Script
from tests.shared.ollama_stand_in import BARE, CHATML, ServedModel, StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted
from tests.shared.served_fixtures import serve as serve

Serve = Callable[[Any], Any]
Write = Callable[..., Path]
SUITE = """\
name: rehearsed
models:
  good: GOOD
  bare: BARE
knowledge:
  words: {texts: {path: words.txt}}
tasks:
  t:
    data: {tsv: {path: test.tsv, train: train.tsv, input: input, target: target}}
    prompt: "{{ input }}"
    generation: {max_tokens: 8}
    metrics: {accuracy: exact_match}
variants:
  first: {prompting: {model: good, system: "Be brief."}}
  plain: {prompting: {model: bare}}
  VARIANTS
"""
ROWS = "input\ttarget\n" + "".join(f"question {number}\tx\n" for number in range(4))
NO_SYSTEM = '{{ range .Messages }}{{ if eq .Role "user" }}<user>{{ .Content }}{{ end }}{{ end }}'
JINJA = "{% for m in messages if m['role'] != 'system' %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"


def write(write_suite: Write, good: str, bare: str, variants: str) -> Path:
    text = SUITE.replace("GOOD", good).replace("BARE", bare).replace("VARIANTS", variants)
    return write_suite(text, test__tsv=ROWS, train__tsv=ROWS.replace("question", "example"), words__txt="x\ny\n")


def ollama(server: StandIn, name: str, **settings: Any) -> str:
    further = "".join(f", {key}: {value}" for key, value in settings.items())
    return f'{{ollama: {{model: {name}, host: "{server.place}", num_ctx: 2048{further}}}}}'


def two_models(version: str, template: str) -> StandIn:
    script = Script(lambda body: "x")
    models = [ServedModel(name="good", engine=script, template=CHATML)]
    return StandIn(
        script,
        models=[*models, ServedModel(name="bare", engine=script, template=template, digest="b" * 64)],
        version=version,
    )


def answers(server: Any) -> int:
    """The replies that a model was asked for."""
    return sum(bool(body.get("messages") or body.get("prompt")) for body in server.bodies())


def ended(command: str, path: Path) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, [command, str(path)])
    return result.exit_code, [line for line in result.output.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("command", ["check", "plan", "run"])
@pytest.mark.parametrize(
    ("version", "template", "variants", "refusals"),
    [
        ("0.24.0", BARE, ['a: {prompting: {model: bare, system: "Be brief."}}'], ["a: the system text “Be brief.”"]),
        ("0.24.0", BARE, ["a: {prompting: {model: bare, shots: 2}}"], ["a: joins the turns"]),
        ("0.24.0", BARE,
         ["a: {rag: {model: bare, knowledge: words, k: 1, system: 只答词}}", "b: {prompting: {model: bare, shots: 1}}"],
         ["a: the system text “只答词”", "b: joins the turns"]),
        ("0.33.0", NO_SYSTEM, ['a: {prompting: {model: bare, system: "Be brief."}}'], ["a: the system text “Be brief.”"]),
        ("0.33.0", BARE, ['a: {prompting: {model: bare, system: "Be brief."}}'], []),  # llama-server's own template
        ("0.24.0", BARE, ["a: {prompting: {model: bare, chain_of_thought: true}}"], []),
    ],
)  # fmt: skip
def test_ollama(
    serve: Serve,
    write_suite: Write,
    command: str,
    version: str,
    template: str,
    variants: list[str],
    refusals: list[str],
) -> None:
    server = serve(two_models(version, template))
    path = write(write_suite, ollama(server, "good"), ollama(server, "bare"), "\n  ".join(variants))
    code, lines = ended(command, path)
    assert (code, len(lines)) == ((2, len(refusals)) if refusals else (0, 0)), lines
    for line, refusal in zip(lines, refusals, strict=True):
        variant, fault = refusal.split(": ", 1)
        assert line.startswith(f"error: variants.{variant} on tasks.t: model bare: its template in Ollama ")
        assert fault in line
        assert "set template: chatml" in line
    assert answers(server) == (12 if command == "run" and not refusals else 0)
    assert not server.loaded


@pytest.mark.parametrize("command", ["check", "plan", "run"])
@pytest.mark.parametrize("kind", [LlamaServer, Vllm])
def test_servers_that_render(serve: Serve, write_suite: Write, command: str, kind: Any) -> None:
    server = serve(kind(Script(lambda body: "x"), template=JINJA))
    model = f'{{openai: {{model: smol, url: "{server.place}/v1"}}}}'
    path = write(write_suite, "{scripted: {default: x}}", model, 'a: {prompting: {model: bare, system: "Be brief."}}')
    code, lines = ended(command, path)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: variants.a on tasks.t: ")
    assert "the system text “Be brief.”" in lines[0]
    assert answers(server) == 0


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_server_that_renders_nothing_is_not_asked_for_replies(serve: Serve, write_suite: Write, command: str) -> None:
    server = serve(Hosted(Script(lambda body: "x"), template=JINJA))
    model = f'{{openai: {{model: smol, url: "{server.place}/v1"}}}}'
    path = write(write_suite, "{scripted: {default: x}}", model, 'a: {prompting: {model: bare, system: "Be brief."}}')
    assert ended(command, path) == (0, [])
    assert answers(server) == 0
    code, lines = ended("run", path)  # there, replies of one token tell
    assert code == 2
    assert "the system text “Be brief.”" in lines[0]


def test_what_is_answered_already_loads_no_model(serve: Serve, write_suite: Write) -> None:
    server = serve(two_models("0.24.0", CHATML))
    path = write(write_suite, ollama(server, "good"), ollama(server, "bare"), "a: {prompting: {model: bare, shots: 1}}")
    assert ended("run", path) == (0, [])
    for command in ("check", "plan", "run"):
        server.asked.clear()
        assert ended(command, path) == (0, [])
        assert not server.bodies()
        assert not [body for asked, body in server.asked if body.get("_debug_render_only")]


@pytest.mark.parametrize("variant", ["{model: bare, shots: 1}", '{model: bare, system: "Be brief."}', "{model: good}"])
def test_a_run_unloads_nothing_before_it_asks(serve: Serve, write_suite: Write, variant: str) -> None:
    server = serve(two_models("0.24.0", CHATML))
    path = write(write_suite, ollama(server, "good"), ollama(server, "bare"), f"a: {{prompting: {variant}}}")
    assert ended("run", path) == (0, [])
    calls = [body for asked, body in server.asked if asked in ("/api/chat", "/api/generate")]
    replies = [place for place, body in enumerate(calls) if "messages" in body and not body.get("_debug_render_only")]
    unloads = [place for place, body in enumerate(calls) if body.get("keep_alive") == 0]
    assert unloads
    assert unloads[0] > replies[0]


def test_no_server_is_no_mistake_of_a_check(serve: Serve, write_suite: Write) -> None:
    server = serve(two_models("0.24.0", BARE))
    path = write(write_suite, ollama(server, "good"), ollama(server, "bare"), "a: {prompting: {model: bare, shots: 1}}")
    server.refuse()
    assert ended("check", path) == (0, [])
