"""Answers beside the rows: the file that people keep, row by row."""

import json
from collections.abc import Callable
from pathlib import Path

from harness.runtime.run_folder import RunFolder
from tests.shared.commands import run_command

SUITE = """\
name: follow
models: {robot: {scripted: {rules: [{match: two, fail: out of power}], default: "done"}}}
tasks:
  task: {data: {alpaca: {path: rows.json}}, prompt: "{{ instruction }} {{ input_text }}", metrics: {exact: exact_match}}
  plain: {data: {tsv: {path: rows.tsv, input: 词, target: 名}}, prompt: "{{ input }}", metrics: {exact: exact_match}}
variants: {a*b: {prompting: {model: robot}}}
"""
ROWS = [
    {"instruction": "one", "input": "text", "output": "x", "level": 3},
    {"instruction": "two", "input": "", "output": "y", "history": [["q", "r"]]},
]


def test_rows_with_their_answers(
    write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder], tmp_path: Path
) -> None:
    folder = run_suite(write_suite(SUITE, rows__json=json.dumps(ROWS), rows__tsv="词\t名\na\t甲\n"))
    result = run_command("export", "responses", str(folder.path), "--variant", "a*b", cwd=tmp_path)
    place = f"exports/follow/{folder.path.name}/responses"
    files = [f"{place}/plain-a_b-with-response.json", f"{place}/task-a_b-with-response.json"]
    assert sorted(result.stdout.split()) == files
    plain, task = (json.loads((tmp_path / file).read_text(encoding="utf-8")) for file in files)
    assert task == [
        {"instruction": "one", "input": "text", "output": "x", "level": 3, "model_response": "done", "id": "rows:1"},
        {"instruction": "two", "input": "", "output": "y", "history": [["q", "r"]], "model_response": None, "error": "out of power", "id": "rows:2"},
    ]  # fmt: skip
    assert plain == [{"input": "a", "output": "甲", "model_response": "done", "id": "rows:1"}]
    unknown = run_command("export", "responses", str(folder.path), "--variant", "c", "--out", "other", cwd=tmp_path)
    assert not (tmp_path / "other").exists()
    assert (unknown.returncode, unknown.stderr) == (2, "error: --variant c: the run has no such variant (known: a*b)\n")
