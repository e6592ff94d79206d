"""What is learnt of rows in the forms of others: their system texts and turns, and never rows whose tools are lost."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite

SUITE = """
models:
  base: {{huggingface: {{path: owner/name}}}}
  lora: {{tuned: {{base: base, method: lora, on: [t], mix: {{general: 1}}}}}}
datasets: {{general: {general}}}
tasks: {{t: {{data: {data}, {more} metrics: {{a: exact_match}}}}}}
variants: {{v: {{prompting: {{model: lora}}}}}}
"""
SAID = [{"role": "user", "content": "Normal?"}, {"role": "assistant", "content": "36.8"}]
QUERY = {"query": "And?", "response": "37", "history": SAID, "system": "Be exact."}
TALK = {"messages": [{"role": "system", "content": "Be brief."}, *SAID]}
ALPACA = {"instruction": "And?", "output": "37", "history": SAID, "system": "Be exact."}
LEARNT = ["system: Be exact.", "user: Normal?", "assistant: 36.8", "user: And?", "assistant: 37"]


def learn(folder: Path, data: str, row: dict, more: str = "", general: dict = TALK) -> list[list[str]]:
    """The rows that are learnt, turn by turn: the task's, then the mixed-in one."""
    (folder / "x.json").write_text(json.dumps([row, row]), encoding="utf-8")
    (folder / "g.jsonl").write_text(json.dumps(general), encoding="utf-8")
    reader = "{messages: {path: g.jsonl}}"
    path = folder / "suite.yaml"
    path.write_text(SUITE.format(data=data, more=more, general=reader), encoding="utf-8")
    suite = load_suite(path)
    prepare(suite)
    examples = suite.models["lora"].data.examples
    return [
        [f"{turn.role}: {turn.content}" for turn in example.prompt] + [f"assistant: {example.answer}"]
        for example in examples
    ]


@pytest.mark.parametrize(
    ("data", "row", "more", "learnt"),
    [
        ("{query_response: {path: x.json, split: 50/50/0}}", QUERY, "", LEARNT),
        ("{alpaca: {path: x.json, split: 50/50/0}}", ALPACA, "", LEARNT),
        ("{alpaca: {path: x.json, split: 50/50/0}}", ALPACA, "system: Own.,", ["system: Own.", *LEARNT[1:]]),
        ("{messages: {path: x.json, split: 50/50/0}}", TALK, "", ["system: Be brief.", "user: Normal?", "assistant: 36.8"]),
    ],
)  # fmt: skip
def test_rows_are_learnt_as_they_are_asked(tmp_path, data, row, more, learnt):
    task, mixed = learn(tmp_path, data, row, more)
    assert task == learnt
    assert mixed == ["system: Be brief.", "user: Normal?", "assistant: 36.8"]


def test_mixed_in_rows_with_tools_are_refused(tmp_path):
    with pytest.raises(
        HarnessError, match="mix: data set general: 1 row, the first g:1, with tools, which only the prompt"
    ):
        learn(tmp_path, "{alpaca: {path: x.json, split: 50/50/0}}", ALPACA, general={**TALK, "tools": [{"name": "f"}]})
