"""Whatever is wrong with a set-up ends in lines that name place and remedy; what is right but unusual works."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.components.metric import Metric
from harness.components.registry import components
from harness.errors import HarnessError, SuiteError
from harness.records.inputs import Sample
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from harness.text.templates import Template
from tests.shared.commands import run_command

SUITE = """\
name: small
models:
  robot: {scripted: {default: 对}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, input: 词, target: 标准}}
    prompt: "{{ input }}?"
    metrics: {accuracy: exact_match, terms: term_set}
variants:
  plain: {prompting: {model: robot}}
"""
ROWS = "词\t标准\n甲\t对\n乙\t错\n"
Write = Callable[..., Path]


def told(path: Path) -> list[str]:
    """The lines that loading a suite and reading its data end in."""
    with pytest.raises(HarnessError) as caught:
        prepare(load_suite(path))
    return str(caught.value).splitlines()


# (what is replaced, by what, the lines that must come out)
FILE = [
    ("name: small", "compare: {headline: [norm.terms.recal]}", ["1: compare.headline.0: 'norm.terms.recal' is not a part of TermSet (did you mean norm.terms.recall?)"]),
    ("name: small", "compare: {headline: [norm.accuracy.strict]}", ["1: compare.headline.0: 'norm.accuracy.strict' is not a part of ExactMatch, whose parts() names none (did you mean norm.accuracy?)"]),
    ("name: small", "compare: {headline: [norm.terms.]}", ["1: compare.headline.0: 'norm.terms.' is not a part of TermSet (did you mean norm.terms?)"]),
    ("name: small", "compare: []", ["1: compare: must be a mapping"]),
    ("name: small", "compare: 0", ["1: compare: must be a mapping"]),
    ("name: small", "name: ''", ["1: name: the name of a suite is more than dots and has no spaces, colons or slashes"]),
    ("name: small", "name: '..'", ["1: name: the name of a suite is more than dots and has no spaces, colons or slashes"]),
    ('{{ input }}?"', '{{ input }}\\ud83d"', ["7: tasks.norm.prompt: an escape such as \\ud83d is half a character; write the character itself"]),
    ("name: small", 'name: "a\\u202Eb"', ["1: name: the name of a suite has no characters that turn or hide text, such as U+202E; leave it out"]),
    ("  norm:\n", "  '':\n", ["5: tasks.: a name is more than dots and has no spaces, colons or slashes"]),
    ("    prompt", "    generation: 0\n    prompt", ["7: tasks.norm.generation: must be a mapping"]),
    ("    prompt", "    generation: {temperature: .inf}\n    prompt", ["7: tasks.norm.generation.temperature: must be a finite number, not .inf"]),
    ("    prompt", "    generation: {temperature: .nan}\n    prompt", ["7: tasks.norm.generation.temperature: must be a finite number, not .nan"]),
    ("{model: robot}", "{model: robot, temperature: .inf}", ["10: variants.plain.prompting.temperature: must be a finite number, not .inf"]),
    ("path: test.tsv", "limit: -1, path: test.tsv", ["6: tasks.norm.data.tsv.limit: must be at least 1"]),
    ("default: 对", "default: !!binary aGk=", ["3: models.robot.scripted.default: the tag !!binary has no meaning in a suite; leave it out"]),
    ("{model: robot}", "!!set {model: robot}", [
        "10: variants.plain.prompting: the tag !!set has no meaning in a suite; leave it out",
    ]),
    ("default: 对", "default: !mine 对", ["3: models.robot.scripted.default: the tag !mine has no meaning in a suite; leave it out"]),
    ("name: small", "seed: !!int ''", ["1: seed:  cannot be read as int; write \"\" in quotes", "1: seed: must be a whole number, 0 or more"]),
    ("default: 对", "rules: &r [*r]", ["3: not YAML: an alias stands inside the value it repeats; write it out"]),
    ("{model: robot}", "&p {<<: *p, model: robot}", ["10: not YAML: an alias stands inside the value it repeats; write it out"]),
    ("{model: robot}", "{<<: robot, model: robot}", ["10: variants.plain.prompting: << takes another mapping, e.g. <<: *defaults after &defaults {…}"]),
    ('"{{ input }}?"', "{{ input }}", ["7: tasks.norm.prompt: a name must be text; write a value with {{ … }} or […] in quotes", "7: tasks.norm.prompt: must be the name of a .j2 file or a text with {{ input }}"]),
    ("name: small", "name: small\0", ["1: not YAML: the character U+0000 is not allowed; delete it"]),
    ("name: small", "name: " + "[" * 5000, [" not a suite: nested too deeply"]),
    ("exact_match", ".Mine", ["8: tasks.norm.metrics.accuracy: metric '.Mine' is not of the form package.module.Class"]),
    ("exact_match", "json.Encoder", ["8: tasks.norm.metrics.accuracy: metric 'json.Encoder': module json has no Encoder (none is defined)"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), FILE, ids=[row[1][:40].replace("\0", "NUL") for row in FILE])
def test_mistakes_in_the_file(write_suite: Write, old: str, new: str, expected: list[str]) -> None:
    assert old in SUITE
    text = SUITE.replace(old, new, 1)
    assert told(write_suite(text, test__tsv=ROWS)) == [f"suite.yaml:{line}" for line in expected]


def test_a_prompt_file_that_is_no_text_is_one_line(write_suite: Write) -> None:
    path = write_suite(SUITE.replace('"{{ input }}?"', "norm.j2"), test__tsv=ROWS)
    (path.parent / "norm.j2").write_bytes("你".encode("gbk"))
    (line,) = told(path)
    assert line.startswith("suite.yaml:7: tasks.norm.prompt: norm.j2 cannot be read: ")
    assert line.endswith("; it must be UTF-8 text")


def test_a_headline_may_name_a_part(write_suite: Write) -> None:
    headline = "compare: {headline: [norm.terms.recall, norm.accuracy]}"
    path = write_suite(SUITE.replace("name: small", headline), test__tsv=ROWS)
    assert load_suite(path).compare.headline == ["norm.terms.recall", "norm.accuracy"]


@pytest.mark.parametrize(
    ("metric", "part", "fits"),
    [
        ("json_fields", "主诉", True),  # without `fields` the parts come from the targets
        ("{json_fields: {fields: [主诉]}}", "主诉", True),
        ("{json_fields: {fields: [主诉]}}", "missing", True),
        ("{json_fields: {fields: [主诉]}}", "诊断", False),
    ],
)
def test_parts_that_depend_on_the_data_are_not_refused(write_suite: Write, metric: str, part: str, fits: bool) -> None:
    answer = "    answer: {json: {fields: [主诉, 诊断]}}\n    metrics"
    text = SUITE.replace("exact_match, terms: term_set", metric).replace("    metrics", answer)
    path = write_suite(text.replace("name: small", f"compare: {{headline: [norm.accuracy.{part}]}}"), test__tsv=ROWS)
    if fits:
        load_suite(path)
    else:
        assert "is not a part of JsonFields" in told(path)[0]


def test_parts_with_a_scale_of_their_own_are_declared() -> None:
    for name, component in components("metric"):
        assert issubclass(component, Metric)
        if component.part_scales and not any(info.is_required() for info in component.model_fields.values()):
            parts = component().parts()
            assert parts is None or set(component.part_scales) <= set(parts), name


# -- YAML merge keys ----------------------------------------------------------------------------------------------

MERGE = SUITE.replace("{model: robot}", "&t {model: robot, shots: 0, marker: 甲}")


@pytest.mark.parametrize(
    ("more", "marker", "samples"),
    [
        ("{<<: *t, marker: 乙}", "乙", 1),  # its own name overrides the merged one, before or after it
        ("{marker: 乙, <<: *t}", "乙", 1),
        ("{<<: [*t, {marker: 丙, samples: 2, temperature: 1}]}", "甲", 2),  # of several, the earlier overrides
    ],
)
def test_a_merged_mapping_can_be_overridden(write_suite: Write, more: str, marker: str, samples: int) -> None:
    variant = load_suite(write_suite(f"{MERGE}  other: {{prompting: {more}}}\n", test__tsv=ROWS)).variants["other"]
    assert variant.model_dump()["marker"] == marker
    assert variant.model_dump()["samples"] == samples


def test_real_duplicates_are_found_beside_a_merge(write_suite: Write) -> None:
    text = f"{MERGE}  other: &o {{prompting: {{<<: *t, shots: 1, shots: 2}}}}\n  third: *o\n"
    line = "suite.yaml:11: variants.other.prompting.shots: duplicate key (first on line 11)"
    assert told(write_suite(text, test__tsv=ROWS)) == [line]


# -- a user's own classes -------------------------------------------------------------------------------------------

MINE = '''
    """A metric of a user's own."""
    from harness.components.metric import Metric

    class Mine(Metric):
        """Always right."""

        def score(self, sample, prediction):
            return 1.0
'''


@pytest.fixture
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that loading puts on the path leave it with the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.mark.usefixtures("_own_path")
def test_a_class_in_a_file_beside_the_suite(write_suite: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "beside_the_suite", raising=False)
    path = write_suite(SUITE.replace("exact_match", "beside_the_suite.Mine"), test__tsv=ROWS, beside_the_suite__py=MINE)
    assert type(load_suite(path).tasks["norm"].metrics["accuracy"]).__name__ == "Mine"


@pytest.mark.usefixtures("_own_path")
@pytest.mark.parametrize(
    ("module", "code", "reason"),
    [
        ("ownsyntax", "def (", "SyntaxError: invalid syntax (ownsyntax.py, line 1)"),
        ("ownraises", "1 / 0", "ZeroDivisionError: division by zero"),
        ("ownlines", "raise ValueError('a\\nb')", "ValueError: a b"),
        ("ownexits", "raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_imported(write_suite: Write, module: str, code: str, reason: str) -> None:
    path = write_suite(SUITE.replace("exact_match", f"{module}.Mine"), **{"test__tsv": ROWS, f"{module}__py": code})
    place = f"suite.yaml:8: tasks.norm.metrics.accuracy: metric '{module}.Mine'"
    assert told(path) == [f"{place}: module {module} cannot be imported: {reason}"]


# -- prompts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ 1 // 0 }}", "integer division or modulo by zero"),
        ("{% for i in range(99999999) %}{% endfor %}", "Range too big"),
        ("{% include 'x' %}", "no loader"),
        ("{{ input.nothing() }}", "has no attribute 'nothing'"),
        ("{{ options[0][5] }}", "has no element 0"),
    ],
)
def test_whatever_stops_a_template_is_one_line(text: str, reason: str) -> None:
    with pytest.raises(HarnessError) as caught:
        Template(text, "norm.j2").render(Sample(id="test:1", task="norm", input="甲", targets=("对",)))
    message = str(caught.value)
    assert message.startswith("norm.j2: sample test:1: ")
    assert reason in message
    assert "\n" not in message


# (prompt, rows, further files of the reader, the line)
DATA = [
    ("好", ROWS, "", "suite.yaml:7: the prompt is the same for every sample; use {{ input }}"),
    ("{% if 0 %}x{% endif %}", ROWS, "", "suite.yaml:7: sample test:1: the prompt is empty; use {{ input }}"),
    ("{{ 科 }}", "词\t标准\t科\n甲\t对\t内\n乙\t错\t \n", "", "suite.yaml:7: sample test:2: the prompt is empty; use {{ input }}"),
    ("{{ input }}{{ 科 }}", "词\t标准\t科\n甲\t对\t内\n", "train: train.tsv, ", "suite.yaml:7: sample train:1: '科' is undefined (there is: input, options)"),
    ("{{ 科 }}", "词\t标准\t科\n甲\t对\t内\n", "train: train2.tsv, ", "suite.yaml:7: sample train2:1: the prompt is empty; use {{ input }}"),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "rows", "more", "line"), DATA, ids=[row[3][:50] for row in DATA])
def test_prompts_that_the_data_shows_to_be_wrong(
    write_suite: Write, prompt: str, rows: str, more: str, line: str
) -> None:
    text = SUITE.replace("{{ input }}?", prompt).replace("path: test", f"{more}path: test")
    files = {"test__tsv": rows, "train__tsv": ROWS, "train2__tsv": "词\t标准\t科\n丙\t对\t\n"}
    assert told(write_suite(text, **files)) == [f"tasks.norm.prompt: {line}"]


@pytest.mark.parametrize("rows", ["词\t标准\n甲\t对\n", "词\t标准\n甲\t对\n甲\t错\n"], ids=["one sample", "same input"])
def test_an_equal_prompt_is_right_for_equal_inputs(write_suite: Write, rows: str) -> None:
    assert prepare(load_suite(write_suite(SUITE.replace("{{ input }}?", "好"), test__tsv=rows)))


def test_an_empty_test_file_is_one_line(write_suite: Write) -> None:
    (line,) = told(write_suite(SUITE, test__tsv="词\t标准\n"))
    assert "test.tsv" in line


def test_a_data_file_with_windows_line_ends_is_read(write_suite: Write) -> None:
    path = write_suite(SUITE)
    (path.parent / "test.tsv").write_bytes(ROWS.replace("\n", "\r\n").encode())
    assert [sample.targets for sample in prepare(load_suite(path))["norm"].data.test] == [("对",), ("错",)]


@pytest.mark.parametrize(("answer", "metric"), [("text", "exact_match"), ("choice", "choice")])
def test_more_options_than_letters_are_refused(write_suite: Write, answer: str, metric: str) -> None:
    row = {"词": "甲", "标准": "A", "项": [f"选{i}" for i in range(27)]}
    text = SUITE.replace("{tsv: {path: test.tsv,", "{jsonl: {path: test.jsonl, options: 项,").replace(
        "exact_match, terms: term_set}", f"{metric}}}\n    answer: {answer}"
    )
    (line,) = told(write_suite(text, test__jsonl=json.dumps(row, ensure_ascii=False)))
    assert line.startswith("tasks.norm: sample test:1: ")
    assert "26" in line
    assert "27" in line


# -- the command ----------------------------------------------------------------------------------------------------


def harness(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from harness.cli import main; main()", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("arguments", [["plan", "suite/suite.yaml"], ["run", "suite/suite.yaml"], ["list"], ["schema"]])
def test_an_ascii_terminal_is_served(write_suite: Write, tmp_path: Path, arguments: list[str]) -> None:
    write_suite(SUITE.replace("plain:", "直接:"), test__tsv=ROWS)
    result = harness(*arguments, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()
    if arguments == ["schema"]:
        assert "胃炎" in json.dumps(json.loads(result.stdout), ensure_ascii=False)


def test_a_mistake_can_be_told_on_an_ascii_terminal(write_suite: Write, tmp_path: Path) -> None:
    write_suite(SUITE.replace("model: robot", "model: 机器"), test__tsv=ROWS)
    result = harness("check", "suite/suite.yaml", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "is not among models" in result.stderr


def test_brackets_in_names_are_shown_as_written(write_suite: Write, tmp_path: Path) -> None:
    suite = write_suite(SUITE.replace("plain:", "'v[red]':"), test__tsv=ROWS)
    assert "v[red]" in run_command("plan", str(suite), cwd=tmp_path).stdout
    result = run_command("run", str(suite), "--out", "o[dim]ut", cwd=tmp_path)
    page = result.stdout.rstrip().splitlines()[-1].removeprefix("Report: ")
    assert page.startswith("o[dim]ut")
    assert (tmp_path / page).is_file()
    named = write_suite(SUITE.replace("norm:", "'n[red]':"), test__tsv=ROWS)
    assert "n[red]  rows: test 2" in run_command("data", "describe", str(named), cwd=tmp_path).stdout


@pytest.mark.parametrize("arguments", [["run", "suite/suite.yaml"], ["schema"]])
def test_a_reader_that_has_seen_enough_ends_the_command_quietly(
    write_suite: Write, tmp_path: Path, arguments: list[str]
) -> None:
    write_suite(SUITE, test__tsv=ROWS)
    read, write = os.pipe()
    os.close(read)  # as `| head -0` does
    command = [sys.executable, "-c", "from harness.cli import main; main()", *arguments]
    result = subprocess.run(
        command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True, timeout=120, check=False
    )
    os.close(write)
    assert (result.returncode, result.stderr) == (1, "")


def test_mistakes_of_the_file_are_a_suite_error(write_suite: Write) -> None:
    with pytest.raises(SuiteError):
        load_suite(write_suite("a: &a [*a]"))
