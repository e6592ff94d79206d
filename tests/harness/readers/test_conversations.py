"""Alpaca, ShareGPT and dataset_info.json: published forms with fixed meanings."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from harness.components.registry import find
from harness.errors import DataError


def alpaca(**more):
    return {"instruction": "Translate.", "input": "发热", "output": "fever", **more}


def turns(*pairs, **more):
    return {"conversations": [{"from": role, "value": text} for role, text in pairs], **more}


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        (alpaca(), "Translate.\n发热"),
        (alpaca(input=""), "Translate."),
        (alpaca(input=None), "Translate."),
        (alpaca(instruction=""), "发热"),
        ({"instruction": "Translate.", "output": "fever"}, "Translate."),
    ],
)
@pytest.mark.parametrize("lines", [False, True])
def test_alpaca_input(write, read, row, asked, lines):
    path = write("x.json", json.dumps(row) + "\n" + json.dumps(row) if lines else json.dumps([row, row]))
    sample = read("alpaca", path=path).test[1]
    assert (sample.id, sample.input, sample.targets) == ("x:2", asked, ("fever",))
    assert dict(sample.meta) == {
        "instruction": row["instruction"],
        "input_text": row.get("input") or "",
        "system": "",
    }


def test_alpaca_history_system_and_own_columns(write, read):
    row = {
        "q": "And adults?",
        "a": "37.2",
        "history": [["Normal?", "36.8"]],
        "system": "Be exact.",
        "ward": 3,
        "output": "z",
    }
    sample = read("alpaca", path=write("x.jsonl", json.dumps(row)), prompt="q", response="a").test[0]
    assert (sample.input, sample.targets, sample.history) == ("And adults?", ("37.2",), (("Normal?", "36.8"),))
    assert dict(sample.meta) == {
        "ward": 3, "output": "z", "instruction": "And adults?", "input_text": "", "system": "Be exact.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "parameters", "message"),
    [
        ([alpaca(), alpaca(output="")], {}, ":3: 'output' is empty"),
        ([alpaca(), alpaca(input="", instruction=" ")], {}, ":3: 'instruction' and 'input': nothing is asked"),
        ([alpaca(output=[])], {}, ":2: 'output' is an empty list: no target"),
        ([alpaca(output=[None, " "])], {}, ":2: 'output' is an empty list: no target"),
        (
            [alpaca(output={"en": "fever"})],
            {},
            ':2: \'output\' holds an object, {"en": "fever"}, where text is expected',
        ),
        ([{"instruction": "a", "outputs": "b"}], {}, ": no column 'output' (did you mean outputs?)"),
        ([alpaca()], {"system": "sytem"}, ": no column 'sytem'"),
        ([alpaca(history=[["a", "b"], ["c"]])], {}, ":2: 'history': turn 2 is not a pair of texts"),
        ([alpaca(id="k"), alpaca(id="k")], {"id": "id"}, ":3: id 'k' is also at"),
    ],
)
def test_alpaca_rows_refused(write, read, rows, parameters, message):
    path = write("x.json", "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
    with pytest.raises(DataError) as error:
        read("alpaca", path=path, **parameters)
    assert str(error.value).startswith(path + message)


@pytest.mark.parametrize(
    ("output", "targets"),
    [
        (["fever", "pyrexia"], ("fever", "pyrexia")),
        (["fever", "", "fever"], ("fever",)),
        ([38, "38"], ("38",)),
        (38, ("38",)),
    ],
)
def test_a_list_of_responses_holds_alternatives(write, read, output, targets):
    path = write("x.jsonl", json.dumps(alpaca(output=output)))
    assert read("alpaca", path=path).test[0].targets == targets


TALK = (("human", "hi"), ("gpt", "hello"), ("human", "how hot?"), ("gpt", "38"))
TOOL = (("human", "how hot?"), ("function_call", '{"name": "measure"}'), ("observation", "38.4"), ("gpt", "38.4 °C"))


@pytest.mark.parametrize(
    ("row", "system", "history", "asked", "target"),
    [
        (turns(*TALK), "", (("hi", "hello"),), "how hot?", "38"),
        (turns(("system", "Be brief."), *TALK[2:]), "Be brief.", (), "how hot?", "38"),
        (turns(*TALK[2:], system="Be kind."), "Be kind.", (), "how hot?", "38"),
        (turns(*TOOL, tools="[]"), "", (("how hot?", '{"name": "measure"}'),), "38.4", "38.4 °C"),
        (turns(*TOOL[:2]), "", (), "how hot?", '{"name": "measure"}'),
    ],
)
def test_sharegpt(write, read, row, system, history, asked, target):
    sample = read("sharegpt", path=write("x.json", json.dumps([row]))).test[0]
    assert (sample.history, sample.input, sample.targets) == (history, asked, (target,))
    assert dict(sample.meta) == {"system": system, **({"tools": "[]"} if "tools" in row else {})}


def test_sharegpt_tags(write, read):
    row = {"chat": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    sample = read("sharegpt", path=write("x.json", json.dumps([row])), messages="chat", tags=tags).test[0]
    assert (sample.input, sample.targets) == ("hi", ("hello",))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (turns(*TALK[:3]), "the last turn is of 'human', so there is no answer to compare with"),
        (turns(TALK[1]), "a turn of 'gpt' where human or observation is expected (gpt)"),
        (turns(TALK[0], TALK[2]), "a turn of 'human' where gpt or function_call is expected (human → human)"),
        (turns(TALK[0], ("bot", "x")), "a turn of 'bot' where gpt or function_call is expected (human → bot)"),
        (turns(*TALK[:2], ("system", "x"), TALK[3]), "a turn of 'system' where human or observation is expected"),
        (turns(("system", "x")), "holds no turns"),
        (turns(), "holds no turns"),
        (turns(TALK[0], ("gpt", " ")), "the last answer is empty"),
        (turns(("human", ""), TALK[1]), "the last question is empty"),
        ({"conversations": ["hi"]}, "turn 1 is a text, not an object"),
        ({"conversations": [{"role": "user", "content": "hi"}]}, "turn 1: 'from' is missing (it has role, content)"),
        (turns(("human", ["hi"])), "turn 1: 'value' holds a list; text is expected (see tags)"),
    ],
)
def test_sharegpt_rows_refused(write, read, row, message):
    path = write("x.json", json.dumps([row]))
    with pytest.raises(DataError) as error:
        read("sharegpt", path=path)
    assert str(error.value).startswith(f"{path}:1: 'conversations'")
    assert message in str(error.value)


PAIRS = {"formatting": "sharegpt", "columns": {"messages": "conversations", "chosen": "c", "rejected": "r"}}


def info(write, **entries):
    return write("dataset_info.json", json.dumps(entries, indent=2))


def test_dataset_info_columns_replace_all_defaults(write, read):
    # `input` exists in the row, but the entry's columns leave query out, so LLaMA-Factory would not use it either
    write("rows.json", json.dumps([{"q": "Translate 发热.", "a": "fever", "input": "unused", "s": "Be exact."}]))
    path = info(write, own={"file_name": "rows.json", "columns": {"prompt": "q", "response": "a", "system": "s"}})
    sample = read("dataset_info", path=path, name="own").test[0]
    assert (sample.id, sample.input, sample.targets) == ("rows:1", "Translate 发热.", ("fever",))
    assert sample.meta["system"] == "Be exact."


def test_dataset_info_defaults_sha1_splits_and_sources(write, read, tmp_path):
    rows = write("rows.jsonl", "\n".join(json.dumps(alpaca(instruction=f"{i}")) for i in range(4)))
    write("talk.json", json.dumps([turns(*TALK)]))
    write("table.csv", "instruction,input,output\nTranslate.,发热,fever\n".encode("gb18030"))
    sha1 = hashlib.sha1(Path(rows).read_bytes()).hexdigest()
    path = info(
        write,
        rows={"file_name": "rows.jsonl", "file_sha1": sha1},
        talk={"file_name": "talk.json", "formatting": "sharegpt"},
        table={"file_name": "table.csv"},
    )
    data = read("dataset_info", path=path, name="rows", train="talk", validation="table")
    assert [len(data.test), len(data.train), len(data.validation)] == [4, 1, 1]
    assert data.test[0].input == "0\n发热"
    assert data.validation[0].input == "Translate.\n发热"
    assert len(read("dataset_info", path=path, name="rows", split="50/50/0").test) == 2
    reader = find("reader", "dataset_info").model_validate({"path": path, "name": "rows", "train": "talk"})
    assert reader.sources() == (path, rows, str(tmp_path / "talk.json"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"file_name": "x.json", "ranking": True, **PAIRS}, "ranking: a preference pair has"),
        ({"file_name": "x.json", **PAIRS}, "ranking: a preference pair has"),
        ({"hf_hub_url": "a/b", "ranking": True}, "ranking: a preference pair has"),
        ({"file_name": "x.json", "columns": {"kto_tag": "label"}}, "kto_tag: "),
        ({"file_name": "x.json", "columns": {"images": "i"}}, "images, videos and audios: only text is read"),
        ({"file_name": "x.json", "columns": {"prompt": "text"}}, "columns: there is no response"),
        ({"file_name": "x.json", "num_samples": 5}, "num_samples: "),
        ({"subset": "en"}, "names no data; give file_name, hf_hub_url or ms_hub_url"),
        ({"file_name": "x.json", "formating": "sharegpt"}, "formating is not a field (did you mean formatting?)"),
        ({"file_name": "x.json", "columns": {"promt": "a"}}, "columns.promt is not a field (did you mean prompt?)"),
        ({"file_name": "x.json", "tags": {"role": "a"}}, "tags.role is not a field (did you mean role_tag?)"),
        ({"file_name": "x.json", "columns": ["a"]}, "columns: input should be"),
        ({"file_name": "x.json", "formatting": "openai"}, "formatting: input should be 'alpaca' or 'sharegpt'"),
        (
            {"file_name": "x.json", "formatting": "ChatML"},
            "formatting: input should be 'alpaca' or 'sharegpt', not ChatML; messages with role and content are sharegpt with columns: {messages: messages} and tags: {role_tag: role, ",
        ),
        (
            {"file_name": "x.json", "formatting": "ShareGPT"},
            "formatting: input should be 'alpaca' or 'sharegpt', not ShareGPT; write sharegpt",
        ),
        (
            {"file_name": "x.json", "formatting": "parquet"},
            "formatting: input should be 'alpaca' or 'sharegpt', not parquet",
        ),
        (["x.json"], "expected an object with named values, found a list"),
    ],
)
def test_dataset_info_entries_refused(write, read, entry, message):
    path = info(write, first={"file_name": "x.json"}, own=entry)  # "first" takes lines 2-4, so "own" begins on line 5
    with pytest.raises(DataError) as error:
        read("dataset_info", path=path, name="own")
    assert str(error.value).startswith(f"{path}:5: own: {message}")


def test_messages_of_openai_are_read_as_the_remedy_says(write, read):
    talk = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    write("talk.jsonl", json.dumps({"messages": talk}))
    tags = {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    }
    entry = {"file_name": "talk.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": tags}
    sample = read("dataset_info", path=info(write, own=entry), name="own").test[0]
    assert (sample.input, sample.targets, sample.meta["system"]) == ("a", ("b",), "Be brief.")


def test_dataset_info_names_files_and_sums(write, read):
    rows = write("rows.json", json.dumps([alpaca()]))
    path = info(
        write,
        rows={"file_name": "rows.json", "file_sha1": "0" * 40},
        gone={"file_name": "row.json"},
        text={"file_name": "dataset_info.txt"},
    )
    with pytest.raises(DataError, match=r"no entry 'row' \(did you mean rows\?\)"):
        read("dataset_info", path=path, name="row")
    sha1 = hashlib.sha1(Path(rows).read_bytes()).hexdigest()
    with pytest.raises(DataError, match=rf"rows\.json: its sha1 is {sha1}, file_sha1 says 0000"):
        read("dataset_info", path=path, name="rows")
    with pytest.raises(DataError, match=r"row\.json: no such file \(did you mean rows\.json\?\)"):
        read("dataset_info", path=path, name="gone")
    with pytest.raises(DataError, match=r"'\.txt' files are not read; convert it"):
        read("dataset_info", path=path, name="text")
    with pytest.raises(DataError, match=r"broken\.json:2: not JSON"):
        read("dataset_info", path=write("broken.json", '{"a": {},\n b: {}}'), name="a")
    with pytest.raises(DataError, match=r"list\.json:1: expected a JSON object, found a list"):
        read("dataset_info", path=write("list.json", "[]"), name="a")


def test_a_hub_id_without_datasets(write, read, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)  # what an absent package looks like to import
    path = info(write, hub={"hf_hub_url": "someone/something"})
    with pytest.raises(DataError) as error:
        read("dataset_info", path=path, name="hub")
    assert str(error.value).startswith(
        "someone/something: hub data sets need the package datasets: pip install 'domain-harness[hub]'"
    )
    assert find("reader", "dataset_info").model_validate({"path": path, "name": "hub"}).sources() == (path,)
