"""Which of an entry's addresses is read: LLaMA-Factory's order, worked out from its documentation and its parser."""

import json
import sys

import pytest

from harness.errors import DataError
from harness.readers.parsing.dataset_origin import DatasetAddress, origin_of

HF, MS, OM, SCRIPT, CLOUD, FILE = (
    "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name", "file_name",
)  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "environment", "field"),
    [
        ((FILE,), {}, FILE),
        ((FILE, HF), {}, HF),
        ((FILE, MS), {}, MS),
        ((FILE, HF, MS), {}, HF),
        ((FILE, HF, MS), {"USE_MODELSCOPE_HUB": "1"}, MS),
        ((FILE, HF, MS), {"USE_MODELSCOPE_HUB": "True"}, MS),
        ((FILE, HF, MS), {"USE_MODELSCOPE_HUB": "0"}, HF),
        ((FILE, HF), {"USE_MODELSCOPE_HUB": "1"}, HF),
        ((FILE, OM), {}, OM),
        ((HF, OM), {"USE_OPENMIND_HUB": "y"}, OM),
        ((HF, MS, OM), {"USE_OPENMIND_HUB": "1"}, OM),
        ((HF, MS, OM), {"USE_OPENMIND_HUB": "1", "USE_MODELSCOPE_HUB": "1"}, MS),
        ((MS, OM), {"USE_OPENMIND_HUB": "1"}, MS),
        ((FILE, CLOUD), {}, CLOUD),
        ((FILE, CLOUD, SCRIPT), {}, SCRIPT),
        ((SCRIPT, HF), {}, HF),
    ],
)  # fmt: skip
def test_the_order_of_hubs_and_files(monkeypatch, fields, environment, field):
    for variable in ("USE_MODELSCOPE_HUB", "USE_OPENMIND_HUB"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    origin = origin_of(DatasetAddress(**{name: f"the {name}" for name in fields}))
    assert (origin.field, origin.name) == (field, f"the {field}")


def info(write, **entry):
    write("rows.json", json.dumps([{"instruction": "q", "output": "a"}]))
    return write("dataset_info.json", json.dumps({"own": entry}))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({MS: "o/n", FILE: "rows.json"}, "o/n: ModelScope data sets need the package modelscope: pip install 'domain-harness[hub]'; to read rows.json instead, leave ms_hub_url out, which LLaMA-Factory takes before file_name"),
        ({MS: "o/n"}, "o/n: ModelScope data sets need the package modelscope: pip install 'domain-harness[hub]'; or download the data, and give file_name in place of ms_hub_url"),
        ({OM: "o/n", FILE: "rows.json"}, "dataset_info.json:1: own: om_hub_url: the hub of openMind is not read; to read rows.json instead, leave om_hub_url out, which LLaMA-Factory takes before file_name"),
        ({SCRIPT: "load.py"}, "script_url: a loading script is not read; or download the data, and give file_name in place of script_url"),
        ({CLOUD: "s3://a/b.json", FILE: "rows.json"}, "cloud_file_name: a file in a cloud is not read; to read rows.json instead"),
        ({MS: "o/n", "columns": {"role": "role"}}, "own: columns.role is inside a turn of a conversation: formatting must be sharegpt"),
        ({FILE: "rows.json", "formatting": "sharegpt", "columns": {"role": "role"}, "tags": {"role_tag": "r"}}, "own: columns.role and tags.role_tag name different keys; give one of them"),
    ],
)  # fmt: skip
def test_a_file_is_never_read_in_place_of_a_hub(write, read, monkeypatch, entry, message):
    monkeypatch.setitem(sys.modules, "modelscope", None)  # what an absent package looks like to import
    with pytest.raises(DataError) as error:
        read("dataset_info", path=info(write, **entry), name="own")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    ("row", "entry", "target"),
    [
        ({"messages": TALK}, {"columns": {"role": "role", "content": "content"}}, "a"),
        ({"talk": TALK}, {"columns": {"messages": "talk", "role": "role", "content": "content"}}, "a"),
        (
            {"talk": [{"r": "user", "c": "q"}, {"r": "bot", "c": "b"}]},
            {"columns": {"messages": "talk", "role": "r", "content": "c"}, "tags": {"assistant_tag": "bot"}},
            "b",
        ),
        (
            {"conversations": [{"role": "human", "content": "q"}, {"role": "gpt", "content": "c"}]},
            {"columns": {"messages": "conversations"}, "tags": {"role_tag": "role", "content_tag": "content"}},
            "c",
        ),
        ({"query": "q", "response": "d", "past": [["x", "y"]]}, {"formatting": "alpaca", "columns": {"prompt": "query", "response": "response", "history": "past"}}, "d"),
    ],
)  # fmt: skip
def test_roles_and_contents_by_columns_and_by_tags(write, read, row, entry, target):
    write("talk.jsonl", json.dumps(row))
    entry = {"file_name": "talk.jsonl", "formatting": "sharegpt", **entry}
    path = write("dataset_info.json", json.dumps({"own": entry}))
    sample = read("dataset_info", path=path, name="own").test[0]
    assert (sample.input, sample.targets) == ("q", (target,))
