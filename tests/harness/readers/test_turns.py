"""Turns as ms-swift, OpenAI and TRL write them: in `messages`, beside query and response, and as a history."""

import json
from pathlib import Path

import pytest

from harness.components.task import Task
from harness.errors import DataError, HarnessError
from harness.readers.parsing.rows import BadRow
from harness.readers.parsing.turns import history_of
from harness.stages.describe import describe
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite


def said(*pairs):
    return [{"role": role, "content": text} for role, text in pairs]


EARLIER = said(("user", "Normal?"), ("assistant", "36.8"))


@pytest.mark.parametrize(
    ("history", "system", "pairs"),
    [
        ([["Normal?", "36.8"]], "", (("Normal?", "36.8"),)),
        (EARLIER, "", (("Normal?", "36.8"),)),
        (json.dumps(EARLIER), "", (("Normal?", "36.8"),)),  # a cell of a csv
        (said(("system", "Be exact.")) + EARLIER * 2, "Be exact.", (("Normal?", "36.8"),) * 2),
        ([{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "", (("a", "b"),)),
        (said(("user", "a"), ("tool_call", "{}"), ("tool_response", "38"), ("assistant", "b")), "", (("a", "{}"), ("38", "b"))),
        ([], "", ()),
        (None, "", ()),
    ],
)  # fmt: skip
def test_history_as_pairs_or_turns(history, system, pairs):
    assert history_of({"h": history}, "h") == (system, pairs)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (said(("assistant", "a"), ("user", "b")), "'h': a turn of 'assistant' where user or tool_response is expected (assistant)"),
        (said(("user", "a"), ("user", "b")), "'h': a turn of 'user' where assistant or tool_call is expected (user → user)"),
        (said(("user", "a"), ("assistant", "b"), ("user", "c")), "'h': the last turn is of 'user' and has no answer; what is asked is no part of it"),
        (said(("user", "a"), ("system", "s")), "'h': a turn of 'system' where assistant or tool_call is expected (user → system)"),
        ([*EARLIER, ["a", "b"]], "'h': turn 3 is a list, not an object"),
        ([{"role": "user", "text": "a"}], "'h': turn 1: 'content' is missing (it has role, text); text is expected (see tags)"),
        ([{"role": "user", "content": None}], "'h': turn 1: 'content' holds null; text is expected (see tags)"),
        ([["a", "b", "c"]], "'h': turn 1 is not a pair of texts [user, assistant], nor an object with role and content"),
        ({"role": "user", "content": "a"}, "'h' holds an object where a list is expected"),
        ("[{'role': 'user'}]", "'h' is the text [{'role': 'user'}] where a list is expected; write it as JSON"),
    ],
)  # fmt: skip
def test_a_history_in_disorder(history, message):
    with pytest.raises(BadRow) as error:
        history_of({"h": history}, "h")
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("reader", "row", "expected"),
    [
        ("alpaca", {"instruction": "And?", "output": "37", "history": EARLIER}, ("And?", "37", "")),
        ("json", {"input": "And?", "target": "37", "history": EARLIER}, ("And?", "37", "")),
        ("messages", {"messages": said(("system", "Be brief."), *((t["role"], t["content"]) for t in EARLIER), ("user", "And?"), ("assistant", "37"))}, ("And?", "37", "Be brief.")),
        ("messages", {"messages": EARLIER + said(("user", "And?"), ("assistant", "37")), "system": "Be kind."}, ("And?", "37", "Be kind.")),
        ("query_response", {"query": "And?", "response": "37", "history": [["Normal?", "36.8"]]}, ("And?", "37", "")),
        ("query_response", {"query": "And?", "response": "37", "history": EARLIER, "system": "Be brief."}, ("And?", "37", "Be brief.")),
    ],
)  # fmt: skip
def test_forms_with_turns(write, read, reader, row, expected):
    mapped = {"history": "history"} if reader == "json" else {}
    sample = read(reader, path=write("x.json", json.dumps([row])), **mapped).test[0]
    assert (sample.input, sample.targets[0], sample.system) == expected
    assert sample.history == (("Normal?", "36.8"),)


@pytest.mark.parametrize(
    ("reader", "row", "message"),
    [
        ("messages", {"messages": said(("user", "a"))}, "'messages': the last turn is of 'user', so there is no answer to compare with"),
        ("messages", {"messages": [{"from": "human", "value": "a"}]}, "'messages': turn 1: 'role' is missing (it has from, value)"),
        ("messages", {"conversations": []}, "no column 'messages'"),
        ("query_response", {"query": "a"}, "no column 'response'"),
        ("query_response", {"query": "", "response": "b"}, "'query': nothing is asked"),
        ("query_response", {"query": "a", "response": "b", "history": said(("user", "x"))}, "'history': the last turn is of 'user'"),
    ],
)  # fmt: skip
def test_damaged_forms(write, read, reader, row, message):
    path = write("x.jsonl", json.dumps(row))
    with pytest.raises(DataError) as error:
        read(reader, path=path)
    assert str(error.value).startswith(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_tags_that_are_stated_in_part_keep_the_others_of_the_form(write, read):
    path = write("x.json", json.dumps([{"messages": said(("user", "a"), ("bot", "b"))}]))
    assert read("messages", path=path, tags={"assistant_tag": "bot"}).test[0].targets == ("b",)


SUITE = """
models: {{m: {{scripted: {{default: x}}}}}}
tasks: {{t: {{data: {data}, {more} metrics: {{a: exact_match}}}}}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""


@pytest.fixture
def task(tmp_path: Path):
    """The only task of a suite with those rows as x.json."""

    def _task(data: str, rows: list, more: str = "") -> Task:
        (tmp_path / "x.json").write_text(json.dumps(rows), encoding="utf-8")
        suite = tmp_path / "suite.yaml"
        suite.write_text(SUITE.format(data=data, more=more), encoding="utf-8")
        return prepare(load_suite(suite))["t"]

    return _task


ALPACA = [{"instruction": f"q{i}", "output": "a", "system": text} for i, text in enumerate(["Be exact.", ""])]


@pytest.mark.parametrize(
    ("more", "first", "note"),
    [
        ("", ["system: Be exact.", "user: q0"], "system texts of 1 test row: sent as the system turn"),
        ("prompt: '{{ system }} {{ input }}',", ["user: Be exact. q0"], "system texts of 1 test row: shown by the prompt"),
        ("system: 'Now: {{ system }}',", ["system: Now: Be exact.", "user: q0"], "system texts of 1 test row: shown by the task's system turn"),
        ("system: Own.,", ["system: Own.", "user: q0"], "system texts of 1 test row: not shown, because the task states a system turn of its own: write {{ system }} into it to show them"),
        ('system: "",', ["system: ", "user: q0"], "system texts of 1 test row: not shown, because the task states a system turn of its own: write {{ system }} into it to show them"),
    ],
)  # fmt: skip
def test_a_rows_system_text_is_its_system_turn_where_the_task_states_none(task, more, first, note):
    prepared = task("{alpaca: {path: x.json}}", ALPACA, more)
    prompt, other = (prepared.prompt(sample) for sample in prepared.data.test)
    assert [f"{turn.role}: {turn.content}" for turn in prompt] == first
    assert [turn.content for turn in other if turn.role == "user"][-1].strip() == "q1"
    if not more:
        assert [turn.role for turn in other] == ["user"]  # a row without one asks as before
    assert describe(prepared, None).notes == (note,)


TOOLS = '[{"name": "measure"}]'
CALLS = [
    {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "tools": tools}
    for tools in ("[]", "", TOOLS)
]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("{sharegpt: {path: x.json}}", CALLS),
        ("{sharegpt: {path: x.json, split: {train: '1:3', test: '0:1'}}}", CALLS),  # also where only train rows have them
        ("{query_response: {path: x.json}}", [{"query": "q", "response": "a", "tools": t} for t in ([], None, [{"name": "f"}])]),
    ],
)  # fmt: skip
def test_tools_need_a_prompt_that_shows_them(task, data, rows):
    with pytest.raises(HarnessError) as error:
        task(data, rows)
    assert " of 3 rows, the first x:3, have tools, which the prompt does not show; write {{ tools }} into" in str(
        error.value
    )
    for more in ("prompt: '{{ tools }} {{ input }}',", "system: 'You may call {{ tools }}',"):
        assert len(task(data, rows, more).data.test) >= 1
    if rows is CALLS:
        assert (
            len(task("{sharegpt: {path: x.json, tools: none}}", [{**row, "none": ""} for row in rows]).data.test) == 3
        )
