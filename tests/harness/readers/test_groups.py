"""What a row belongs to: every reader can name it, and questions asked twice are one group."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.runtime.run_folder import RunFolder

CSV = "id,dialogue,input,target\n1,d1,甲,x\n2,d1,乙,y\n3,d2,丙,x\n4,,丁,y\n"
ROWS = [{"dialogue": 7, "input": "甲", "target": "x"}, {"dialogue": 7, "input": "乙", "target": "y"}]
SQUAD = {"data": [{"title": "t", "paragraphs": [
    {"context": "first text", "qas": [{"question": q, "answers": [{"text": "first"}]} for q in ("a?", "b?")]},
    {"context": "second text", "qas": [{"question": "c?", "answers": [{"text": "second"}]}]},
]}]}  # fmt: skip
ALPACA = [{"instruction": "a", "output": "x", "case": "k"}, {"instruction": "b", "output": "y", "case": "k"}]
CHAT = [
    {"id": i, "talk": "t1", "conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": "x"}]}
    for i, q in enumerate("ab")
]
MRG = {"d1": {"dialogue": [{"speaker": "患者", "sentence": "咳嗽"}], "report": {"主诉": "咳嗽"}}}


@pytest.mark.parametrize(
    ("name", "file", "content", "parameters", "groups"),
    [
        ("csv", "a.csv", CSV, {"group": "dialogue"}, ["d1", "d1", "d2", None]),
        ("tsv", "a.tsv", CSV.replace(",", "\t"), {"group": "dialogue"}, ["d1", "d1", "d2", None]),
        ("csv", "a.csv", CSV, {}, [None] * 4),
        ("json", "a.json", json.dumps(ROWS), {"group": "dialogue"}, ["7", "7"]),
        ("jsonl", "a.jsonl", "\n".join(map(json.dumps, ROWS)), {"group": "dialogue"}, ["7", "7"]),
        ("alpaca", "a.json", json.dumps(ALPACA), {"group": "case"}, ["k", "k"]),
        ("sharegpt", "a.json", json.dumps(CHAT), {"group": "talk"}, ["t1", "t1"]),
        ("imcs_mrg", "a.json", json.dumps(MRG), {"group": "example_id"}, ["d1"]),
        ("squad", "a.json", json.dumps(SQUAD), {}, ["t#1", "t#1", "t#2"]),
        ("squad", "a.json", json.dumps(SQUAD), {"group": "title"}, ["t", "t", "t"]),
        ("squad", "a.json", json.dumps(SQUAD), {"group": None}, [None] * 3),
    ],
)
def test_group(write, read, name, file, content, parameters, groups) -> None:  # type: ignore[no-untyped-def]
    data = read(name, path=write(file, content), **parameters)
    assert [sample.group for sample in data.test] == groups


@pytest.mark.parametrize(
    ("content", "group", "message"),
    [
        (CSV, "dialog", "a.csv: group: no column 'dialog' (did you mean dialogue?)"),
        ('[{"input": "a", "target": "x", "case": ["k"]}]', "case", "'case' holds a list where a text or a number is"),
    ],
)
def test_a_group_that_cannot_be(write, read, content, group, message) -> None:  # type: ignore[no-untyped-def]
    name = "csv" if content == CSV else "json"
    with pytest.raises(DataError, match=re.escape(message)):
        read(name, path=write(f"a.{name}", content), group=group)


def test_subjects_of_ceval_are_groups_where_asked(write, read) -> None:  # type: ignore[no-untyped-def]
    header = "id,question,A,B,C,D,answer\n"
    for part in ("val", "dev"):
        for subject in ("law", "physics"):
            write(f"c/{part}/{subject}_{part}.csv", f"{header}0,{subject} {part}?,a,b,c,d,A\n")
    folder = str(Path(write("c/readme", "")).parent)
    assert [sample.group for sample in read("ceval", path=folder, group="subject").test] == ["law", "physics"]
    assert [sample.group for sample in read("ceval", path=folder).test] == [None, None]


SUITE = """
    name: repeated
    models: {m: {scripted: {rules: [{match: 甲, reply: x}], default: y}}, w: {scripted: {default: z}}}
    tasks: {t: {data: {csv: {path: rows.csv, group: dialogue}}, prompt: "{{ input }}", metrics: {accuracy: exact_match}}}
    variants: {a: {prompting: {model: m}}, b: {prompting: {model: w}}}
"""


@pytest.mark.parametrize(
    ("rows", "groups", "repeated"),
    [
        (["d1,甲,x", "d2,乙,y", "d3,甲,x"], 2, 1),  # the first and the last ask the same: d1 and d3 are one group
        ([",甲,x", ",乙,y", ",甲,x", ",甲,y"], 2, 2),  # also where another answer is right
        (["d1,甲,x", "d1,乙,y", "d2,乙,y", "d2,丙,y"], 1, 1),  # chains join
        ([",甲,x", ",甲 ,x", ",乙,y"], None, 0),  # a space is another prompt
    ],
)
def test_questions_asked_twice_are_one_group(
    rows: list[str],
    groups: int | None,
    repeated: int,
    write_suite: Callable[..., Path],
    run_suite: Callable[..., RunFolder],
) -> None:
    folder = run_suite(write_suite(SUITE, rows__csv="\n".join(["dialogue,input,target", *rows])))
    summary = folder.finished().summary
    assert [(own.groups, own.repeated) for own in summary.groupings] == ([(groups, repeated)] if groups else [])
    assert {comparison.groups for comparison in summary.comparisons} == {groups}
    page = (folder.path / "report.html").read_text(encoding="utf-8")
    assert any("word for word" in line for line in summary.warnings) == (repeated > 0)
    assert any(line in page for line in summary.warnings if "word for word" in line) == (repeated > 0)
    assert any("below 10" in line for line in summary.warnings) == (groups is not None)
