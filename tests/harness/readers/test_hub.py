"""Hub data sets: a local folder is to `datasets` what a hub id is.

All of it in one process of its own, so that its cache and its offline switch are the tests'.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from harness.components.registry import find

PARQUET = """
from datasets import ClassLabel, Dataset, Features, Sequence, Value
kinds = {"question": Value("string"), "choices": Sequence(Value("string")), "answer": ClassLabel(names=list("ABCD"))}
rows = {"question": ["1+1?", "2+2?"], "choices": [["2", "3"], ["5", "4"]], "answer": [0, 1]}
Dataset.from_dict(rows, features=Features(kinds)).to_parquet("hub/mmlu/test-00000-of-00001.parquet")
"""
READ = """
import json, sys
from harness.components.registry import find
from harness.errors import DataError
for name, parameters in json.load(sys.stdin):
    try:
        data = find("reader", name).model_validate(parameters).read("t", 42)
        print(json.dumps([[s.id, s.input, s.targets, s.options, s.system] for s in (*data.test, *data.train)]))
    except DataError as error:
        print(json.dumps(str(error)))
"""
# What is called of ModelScope's package. The package itself read such a folder by hand (1.40); tests do not need it.
STAND_IN = """
from datasets import load_dataset
class MsDataset:
    def __init__(self, rows):
        self.to_hf_dataset = lambda: rows
    @staticmethod
    def load(dataset_name, subset_name=None, data_dir=None, split=None):
        return MsDataset(load_dataset(dataset_name, name=subset_name, data_dir=data_dir, split=split))
"""
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "q"},
    {"role": "assistant", "content": "a"},
]
ALPACA = {"instruction": "Translate.", "input": "发热", "output": "fever"}
FILES: dict[str, list[dict[str, Any]]] = {
    "alpaca/train.jsonl": [{**ALPACA, "instruction": f"{i}"} for i in range(4)],
    "part/inner/test.jsonl": [ALPACA],
    "chat/test.jsonl": [{"messages": TALK}],
    "chat/train.jsonl": [{"messages": TALK}],
    "qr/test.jsonl": [{"query": "q", "response": "a", "history": [["x", "y"]], "system": "Be kind."}],
}
ENTRIES = {
    "hf": {"hf_hub_url": "hub/part", "folder": "inner", "split": "test"},
    "ms": {"ms_hub_url": "hub/part", "folder": "inner", "split": "test", "file_name": "rows.json"},
    "gone": {"hf_hub_url": "someone/something", "subset": "en"},
}
MMLU = {"path": "hub/mmlu", "input": "question", "target": "answer", "options": "choices"}
CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    "an entry of Hugging Face": ("dataset_info", {"name": "hf"}, [["part[test]:1", "Translate.\n发热", ["fever"], [], ""]]),
    "an entry of ModelScope": ("dataset_info", {"name": "ms"}, [["part[test]:1", "Translate.\n发热", ["fever"], [], ""]]),
    "an entry that is not there": ("dataset_info", {"name": "gone"}, "someone/something: datasets cannot load it (subset en, split train): "),
    "a table with class labels": ("hub", MMLU, [["mmlu[test]:1", "1+1?", ["A"], ["2", "3"], ""], ["mmlu[test]:2", "2+2?", ["B"], ["5", "4"], ""]]),
    "alpaca, divided": (
        "hub", {"path": "hub/alpaca", "form": "alpaca", "test": "train", "split": {"train": "0:3", "test": "3:"}},
        [[f"alpaca[train]:{n}", f"{n - 1}\n发热", ["fever"], [], ""] for n in (4, 1, 2, 3)],
    ),
    "messages, and train rows": (
        "hub", {"path": "hub/chat", "form": "messages", "train": "train"},
        [[f"chat[{split}]:1", "q", ["a"], [], "Be brief."] for split in ("test", "train")],
    ),
    "query and response": ("hub", {"path": "hub/qr", "form": "query_response"}, [["qr[test]:1", "q", ["a"], [], "Be kind."]]),
    "columns of its own": (
        "hub", {"path": "hub/qr", "form": "alpaca", "columns": {"prompt": "query", "response": "response"}},
        [["qr[test]:1", "q", ["a"], [], "Be kind."]],
    ),
    "no such column": ("hub", {**MMLU, "target": "answr"}, "hub/mmlu[test]: no column 'answr' (did you mean answer?)"),
    "no such split": ("hub", {**MMLU, "test": "dev"}, "hub/mmlu: datasets cannot load it (subset None, split dev): "),
    "no such data set": ("hub", {"path": "someone/something"}, "someone/something: datasets cannot load it (subset None, split test): "),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each case came to: samples, or an error."""
    pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("hubs")
    for name, rows in FILES.items():
        file = folder / "hub" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "hub/mmlu").mkdir()
    (folder / "dataset_info.json").write_text(json.dumps(ENTRIES), encoding="utf-8")
    if find_spec("modelscope") is None:
        (folder / "modelscope.py").write_text(STAND_IN, encoding="utf-8")
    asked = [(name, {"path": "dataset_info.json", **parameters}) for name, parameters, _ in CASES.values()]
    root = str(Path(__file__).parents[3])
    environment = {
        **os.environ, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join([str(folder), root]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PARQUET + READ],
        cwd=folder, input=json.dumps(asked), capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, map(json.loads, done.stdout.splitlines()[-len(CASES) :]), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_rows_of_a_hub(results: dict[str, Any], case: str) -> None:
    expected = CASES[case][2]
    if isinstance(expected, str):
        assert results[case].startswith(expected)
        assert "\n" not in results[case]
    else:
        assert results[case] == expected


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"columns": {"prompt": "q"}}, "columns belongs to another form; give form, or input and target for a table"),
        ({"form": "alpaca", "input": "q"}, "input belongs to form: table; form alpaca takes columns"),
        ({"form": "alpaca", "columns": {"promt": "q"}}, r"'promt' is no column of alpaca \(did you mean prompt\?\)"),
        (
            {"form": "alpaca", "tags": {"role_tag": "r"}},
            "tags are of sharegpt and messages; alpaca has no turns to name",
        ),
        ({"train": "test"}, "test, train and validation must be different splits"),
        ({"train": "train", "split": "80/10/10"}, "give either split or train, not both"),
        ({"form": "parquet"}, "Input should be 'table', 'alpaca'"),
    ],
)
def test_parameters_that_do_not_fit(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find("reader", "hub").model_validate({"path": "a/b", **parameters})
