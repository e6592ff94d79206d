"""A folder of files of one form stands for one file, for every reader of files and for dataset_info.json."""

import json

import pytest
from openpyxl import Workbook

from harness.components.registry import find
from harness.errors import DataError


def rows(*inputs):
    return [{"input": text, "target": text.upper()} for text in inputs]


def sheet(path, *inputs):
    book = Workbook()
    for cells in (["input", "target"], *([text, text.upper()] for text in inputs)):
        book.active.append(cells)
    book.save(path)


def content(form, inputs):
    """The content of a file in a form of text."""
    match form:
        case "json":
            return json.dumps(rows(*inputs))
        case "jsonl":
            return "\n".join(map(json.dumps, rows(*inputs)))
        case "csv" | "tsv":
            sign = "," if form == "csv" else "\t"
            return "\n".join(sign.join(cells) for cells in (("input", "target"), *((t, t.upper()) for t in inputs)))


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "tsv", "xlsx"])
def test_the_files_of_a_folder_are_read_in_the_order_of_their_names(write, read, tmp_path, form):
    for name, inputs in {"part-2": ("c",), "part-10": ("d", "e"), "part-1": ("a", "b")}.items():
        if form == "xlsx":
            (tmp_path / "parts").mkdir(exist_ok=True)
            sheet(tmp_path / "parts" / f"{name}.xlsx", *inputs)
        else:
            write(f"parts/{name}.{form}", content(form, inputs))
    write("parts/.DS_Store", b"\0")
    folder = str(tmp_path / "parts")
    data = read(form, path=folder)
    assert [sample.input for sample in data.test] == ["a", "b", "d", "e", "c"]
    assert [sample.id for sample in data.test][1:4] == ["part-1:2", "part-10:1", "part-10:2"]
    divided = read(form, path=folder, split="60/40/0")  # through all files: 3 and 2 rows
    assert [[s.input for s in part] for part in (divided.train, divided.test)] == [["a", "b", "d"], ["e", "c"]]
    ranges = read(form, path=folder, split={"train": ":1", "test": "3:5"})
    assert [sample.input for sample in ranges.test] == ["e", "c"]
    entry = {"file_name": "parts", "columns": {"prompt": "input", "response": "target"}}
    info = write("dataset_info.json", json.dumps({"own": entry}))
    assert [sample.input for sample in read("dataset_info", path=info, name="own").test] == ["a", "b", "d", "e", "c"]
    sources = find("reader", form).model_validate({"path": folder}).sources()
    assert sources == tuple(f"{folder}/part-{number}.{form}" for number in (1, 10, 2))
    assert find("reader", "dataset_info").model_validate({"path": info, "name": "own"}).sources() == (info, *sources)


def test_a_train_folder_with_the_same_names(write, read, tmp_path):
    for split in ("test", "train"):
        write(f"{split}/a.json", content("json", [split]))
        write(f"{split}/a.jsonl", content("jsonl", [f"{split} too"]))  # one form, told apart by what stands in it
    write("test/a.jsonl", "\n".join(json.dumps({"instruction": row["input"], "output": "x"}) for row in rows("b")))
    data = read("dataset_info", path=_info(write, {"file_name": "train"}), name="own")
    assert [sample.id for sample in data.test] == ["a:1", "test/a:1"]
    folders = {"path": str(tmp_path / "train"), "train": str(tmp_path / "copy")}
    write("copy/a.json", content("json", ["copy"]))
    with pytest.raises(DataError, match=r"a\.jsonl:1: expected a JSON list of objects"):
        read("json", **folders)  # the reader of lists says which file is none


def _info(write, entry):
    columns = {"prompt": "input", "response": "target"}
    return write("dataset_info.json", json.dumps({"own": {**entry, "columns": columns}}))


@pytest.mark.parametrize(
    ("files", "entry", "message"),
    [
        (["a.json", "b.csv"], {}, "d: holds files of several forms, such as a.json and b.csv; keep those of one form in it"),
        (["a.json", "README.md"], {}, "d: holds files of several forms, such as README.md and a.json;"),
        (["a.json", "old/b.json"], {}, "d: holds the folder old; the files of a data set stand in one folder"),
        ([".hidden"], {}, "d: the folder holds no files"),
        (["a.parquet"], {}, "a.parquet: '.parquet' files are not read; convert it to .json, .jsonl, .csv or .xlsx"),
        (["a.json", "b.json"], {"file_sha1": "0" * 40}, "d: file_sha1 is of one file, and the folder holds 2; drop it"),
        (["a.json", "b.jsonl"], {}, "b.jsonl: holds no rows"),
    ],
)  # fmt: skip
def test_damaged_folders(write, read, files, entry, message):
    for name in files:
        write(f"d/{name}", " []" if name == "a.json" and "sha1" in str(entry) else content("json", ["q"]))
    if message.startswith("b.jsonl"):
        write("d/b.jsonl", "[]")
        message = "b.jsonl:1: expected an object with named values, found a list"
    with pytest.raises(DataError) as error:
        read("dataset_info", path=_info(write, {"file_name": "d", **entry}), name="own")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_instruction_data_is_divided_as_its_course_does(read, shared):
    """int(1100 * 0.85) = 935 rows for training, then int(1100 * 0.1) = 110 for testing, the other 55 for validation."""
    path = shared / "instruction" / "instruction-data.json"
    outputs = [row["output"] for row in json.loads(path.read_text(encoding="utf-8"))]
    data = read("alpaca", path=str(path), split="85/10/5")
    parts = [[sample.targets[0] for sample in part] for part in (data.train, data.test, data.validation)]
    assert parts == [outputs[:935], outputs[935:1045], outputs[1045:]]
    assert data.division.endswith("of 1,100 rows train 1-935, test 936-1,045, validation 1,046-1,100")
