"""Every mistake of a suite file is found at once, with its line and the remedy."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.parser import load_suite
from harness.suite.yaml_source import read_source

GOOD = """\
name: small
models:
  robot: {scripted: {default: "对"}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, input: 词, target: 标准}}
    metrics: {accuracy: exact_match}
variants:
  plain: {prompting: {model: robot}}
"""


def mistakes(path: Path) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    return list(caught.value.mistakes)


def test_a_good_suite_has_names_defaults_and_absolute_paths(write_suite: Callable[..., Path]) -> None:
    suite = load_suite(write_suite(GOOD))
    assert (suite.name, suite.seed, list(suite.variants)) == ("small", 42, ["plain"])
    assert suite.tasks["norm"].generation.max_tokens == 256
    assert suite.tasks["norm"].data.sources()[0].endswith("/suite/test.tsv")


# (what is replaced, by what, the lines that must come out)
TABLE = [
    ("exact_match", "exact_mach", ["7: tasks.norm.metrics.accuracy: metric 'exact_mach' is not known (did you mean exact_match?)"]),
    ("{model: robot}", "{model: robto}", ["9: variants.plain.prompting.model: 'robto' is not among models (did you mean robot?)"]),
    ("{model: robot}", "{model: robot, shot: 3}", ["9: variants.plain.prompting.shot: is not a parameter of Prompting (did you mean shots?)"]),
    ("{model: robot}", "{model: robot, shots: -1}", ["9: variants.plain.prompting.shots: must be at least 0"]),
    ("{model: robot}", "{model: no}", ['9: variants.plain.prompting.model: must be text, but YAML reads no as something else; write "no" in quotes']),
    ("{model: robot}", "{model: 1.0}", ['9: variants.plain.prompting.model: must be text, but YAML reads 1.0 as something else; write "1.0" in quotes']),
    ("{model: robot}", "{model: robot, shots: many}", ["9: variants.plain.prompting.shots: input should be a valid integer, not many"]),
    ("{model: robot}", "{model: robot, system: '你好 {{ name'}", ["9: variants.plain.prompting.system: suite.yaml:9:1: unexpected end of template, expected 'end of print statement'."]),
    ("{model: robot}", "{model: robot, system: role.j2}", ["9: variants.plain.prompting.system: no file role.j2 beside the suite or in prompts/ (none is defined)"]),
    ("{model: robot}", "{model: robot, samples: 3}", ["9: variants.plain.prompting: samples above 1 need a temperature above 0, or all answers are the same (try 0.7)"]),
    ("  plain:", "  12:", ['9: variants: the name 12 is read as a number; write "12" in quotes']),
    ("name: small", "nmae: small", ["1: nmae: is not a known key (did you mean name?)"]),
    ("    metrics:", "    metric:", ["5: tasks.norm: metrics is required", "7: tasks.norm.metric: is not a known key (did you mean metrics?)"]),
    ("path: test.tsv", 'path: "${NOWHERE}/test.tsv"', ["6: tasks.norm.data.tsv.path: environment variable NOWHERE is not set; for the text ${NOWHERE} itself write $${NOWHERE}"]),
    ("metrics: {accuracy", "prompt: norm.j2\n    metrics: {accuracy", ["7: tasks.norm.prompt: no file norm.j2 beside the suite or in prompts/ (none is defined)"]),
    ("metrics: {accuracy", "prompt: '{{ input'\n    metrics: {accuracy", ["7: tasks.norm.prompt: suite.yaml:7:1: unexpected end of template, expected 'end of print statement'."]),
    ("metrics: {accuracy: exact_match}", "metrics: {accuracy: choice}", ["7: tasks.norm.metrics.accuracy: Choice scores choice answers, but this task's answer is text"]),
    ("name: small", "name: small\ncompare: {reference: plan, headline: [norm.accurac]}", [
        "2: compare.headline.0: 'norm.accurac' is not a metric (did you mean norm.accuracy?)",
        "2: compare.reference: 'plan' is not among variants (did you mean plain?)",
    ]),
    ("name: small", "name: small\nname: other", ["2: name: duplicate key (first on line 1)"]),
    ("name: small", "name: [small", ["2: not YAML: expected ',' or ']', but got ':'"]),
    ("path: test.tsv", "path: ${DATA}/test.tsv", ["6: not YAML: expected ',' or '}', but got '{'; inside {…} write a value with ${…} in quotes"]),
    ("scripted", "no_such.module.Model", ["3: models.robot: model 'no_such.module.Model' cannot be imported: No module named 'no_such'"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), TABLE, ids=[row[1][:40] for row in TABLE])
def test_mistakes(write_suite: Callable[..., Path], old: str, new: str, expected: list[str]) -> None:
    assert old in GOOD
    assert mistakes(write_suite(GOOD.replace(old, new, 1))) == [f"suite.yaml:{line}" for line in expected]


def test_all_mistakes_come_together_in_the_order_of_lines(write_suite: Callable[..., Path]) -> None:
    text = (
        GOOD.replace("exact_match", "exact_mach")
        .replace("{model: robot}", "{modle: robot}")
        .replace("name:", "nam:", 1)
    )
    lines = mistakes(write_suite(text))
    assert [line.split(":")[1] for line in lines] == ["1", "7", "9", "9"]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory" in mistakes(tmp_path / "none.yaml")[0]


def test_an_empty_file_says_what_a_suite_is(write_suite: Callable[..., Path]) -> None:
    assert mistakes(write_suite("")) == ["suite.yaml:1: a suite is a mapping with models, tasks and variants"]


def test_yaml_numbers_and_dates_are_read_as_people_expect(write_suite: Callable[..., Path]) -> None:
    text = GOOD.replace("{model: robot}", "{model: robot, temperature: 7e-1, marker: 2024-01-01}")
    variant = load_suite(write_suite(text)).variants["plain"]
    assert (variant.temperature, variant.marker) == (0.7, "2024-01-01")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1:1", "1:1"), ("0:1", "0:1"), ("12:30", "12:30"), ("1:30.5", "1:30.5"), ("-1:10:20", "-1:10:20"),
        ("10", 10), ("-1_000", -1000), ("0x1F", 31), ("017", 15), ("0b11", 3), ("1.5", 1.5), ("1.5e+3", 1500.0), (".5", 0.5),
        ("-.inf", -math.inf),
    ],
)  # fmt: skip
def test_numbers_in_base_60_are_text(written: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(f"a: {{b: {written}}}", encoding="utf-8")
    assert read_source(path).data == {"a": {"b": value}}


def test_data_root_defaults_to_the_working_folder(
    write_suite: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    suite = load_suite(write_suite(GOOD.replace("path: test.tsv", 'path: "${DATA}/test.tsv"')))
    assert suite.tasks["norm"].data.sources() == (str(tmp_path / "data" / "test.tsv"),)
