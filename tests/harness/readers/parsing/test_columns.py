"""Columns, targets, options, history, identifiers and splits: the parameters every table shares."""

import json

import pytest
from pydantic import ValidationError

from harness.components.registry import find
from harness.errors import DataError


def jsonl(write, *rows, name="x.jsonl"):
    return write(name, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows))


@pytest.mark.parametrize(
    ("row", "parameters", "targets"),
    [
        ({"target": "a"}, {}, ("a",)),
        ({"target": 7}, {}, ("7",)),
        ({"target": " a b "}, {}, (" a b ",)),  # verbatim: normalising is the metric's business
        ({"target": ["a", "b", "a"]}, {}, ("a", "b")),
        ({"target": "a##b"}, {}, ("a##b",)),
        ({"target": "a## b ##"}, {"target_separator": "##"}, ("a", "b")),
        ({"one": "a", "two": "", "three": "c"}, {"target": ["one", "two", "three"]}, ("a", "c")),
        ({"one": ["a", "b"], "two": "c"}, {"target": ["one", "two"]}, ("a", "b", "c")),
        ({"target": '["a", "b"]'}, {}, ('["a", "b"]',)),  # a text stays a text: it may be a JSON answer
    ],
)
def test_targets(write, read, row, parameters, targets):
    path = jsonl(write, {"input": "q", **row})
    assert read("jsonl", path=path, **parameters).test[0].targets == targets


@pytest.mark.parametrize(
    ("row", "options", "expected"),
    [
        ({"A": "x", "B": "y", "C": ""}, ["A", "B", "C"], ("x", "y")),
        ({"o": ["x", "y"]}, "o", ("x", "y")),
        ({"o": '["x", "y"]'}, "o", ("x", "y")),
        ({"o": []}, "o", ()),
        ({"o": {"A": "甲", "B": "乙"}}, "o", ("甲", "乙")),
        ({"o": {"C": "丙", "A": "甲", "B": "乙"}}, "o", ("甲", "乙", "丙")),  # by letter, not by place
        ({"o": {"a": "甲", "（B）": "乙", "C.": 3}}, "o", ("甲", "乙", "3")),
        (
            {"o": {"A": "甲", "B": "乙", "C": None, "D": ""}},
            "o",
            ("甲", "乙"),
        ),  # as with columns, the last may be blank
        ({"o": '{"A": "甲", "B": "乙"}'}, "o", ("甲", "乙")),  # as csv has it
        ({"o": None}, "o", ()),
        ({"o": float("nan")}, "o", ()),
    ],
)
def test_options(write, read, row, options, expected):
    path = jsonl(write, {"input": "q", "target": "A", **row})
    sample = read("jsonl", path=path, options=options).test[0]
    assert (sample.options, dict(sample.meta)) == (expected, {})


@pytest.mark.parametrize(
    ("row", "parameters", "message"),
    [
        (
            {"A": "x", "B": "", "C": "z"},
            {"options": ["A", "B", "C"]},
            "option 'B' is empty although a later one is not",
        ),
        ({"o": "x|y"}, {"options": "o"}, "'o' is the text x|y where a list is expected"),
        ({"o": ["x", ""]}, {"options": "o"}, "'o[1]' is empty"),
        ({"o": {"A": "x", "C": "z"}}, {"options": "o"}, "option 'o.B' is empty although a later one is not"),
        (
            {"o": {"opa": "x", "opb": "y"}},
            {"options": "o"},
            "'o' is an object with opa, opb; name the options A, B, C, …, or write a list of texts",
        ),
        (
            {"o": {"text": ["x"], "label": ["A"]}},
            {"options": "o"},
            "'o' is an object with text, label; name the options",
        ),
        ({"o": {"A": "x", "a": "y"}}, {"options": "o"}, "'o' is an object with A, a; name the options"),
        ({"o": 3}, {"options": "o"}, "'o' holds a number where a list is expected"),
        ({"input": ["q"]}, {}, "'input' holds a list, [\"q\"], where text is expected; join its items into one text"),
        (
            {"target": {"text": ["a"]}},
            {},
            '\'target\' holds an object, {"text": ["a"]}, where text is expected; write the text alone, or the object as one text (json.dumps)',
        ),
        (
            {"target": [["a"], "b"]},
            {},
            "'target' holds a list, [\"a\"], where text is expected; join its items into one text",
        ),
        ({"h": [["a"]]}, {"history": "h"}, "'h': turn 1 is not a pair of texts [user, assistant]"),
        ({"h": {"a": 1}}, {"history": "h"}, "'h' holds an object where a list is expected"),
        ({"i": ""}, {"id": "i"}, "'i' is empty"),
        ({"one": "", "two": None, "target": "x"}, {"target": ["one", "two"]}, "'one' and 'two' are empty: no target"),
    ],
)
def test_bad_cells(write, read, row, parameters, message):
    path = jsonl(write, {"input": "q", "target": "a", **row})
    with pytest.raises(DataError) as error:
        read("jsonl", path=path, **parameters)
    assert str(error.value).startswith(f"{path}:1: {message}")


def test_history_system_id_and_the_other_columns(write, read):
    row = {"input": "q", "target": "a", "h": [["u", "v"]], "s": "Be brief.", "n": 12, "ward": "3", "age": 61}
    sample = read("jsonl", path=jsonl(write, row), history="h", system="s", id="n").test[0]
    assert sample.id == "12"
    assert sample.history == (("u", "v"),)
    assert dict(sample.meta) == {"ward": "3", "age": 61, "system": "Be brief."}
    assert "a" not in sample.meta.values()  # the target is never visible to a prompt


def test_two_samples_with_one_id(write, read):
    rows = [{"input": "q", "target": "a", "id": "k1"}, {"input": "r", "target": "a", "id": "k1"}]
    path = write("x.json", json.dumps(rows))  # both on line 1
    with pytest.raises(DataError, match=r"x\.json:1: id 'k1' is also at .*x\.json:1"):
        read("json", path=path, id="id")
    test, train = (
        jsonl(write, rows[0]),
        jsonl(write, {"input": "-", "target": "a", "id": "k0"}, rows[1], name="t.jsonl"),
    )
    with pytest.raises(DataError) as error:
        read("jsonl", path=test, train=train, id="id")
    assert str(error.value) == f"{train}:2: id 'k1' is also at {test}:1; all splits need different ids"


def test_ids_are_numbered_by_record_and_unique_over_files(write, read):
    bad = {"input": "", "target": "a"}
    good = {"input": "q", "target": "a"}
    test, train = jsonl(write, bad, good, name="a/data.jsonl"), jsonl(write, good, name="b/data.jsonl")
    data = read("jsonl", path=test, train=train, on_bad_row="skip")
    assert [s.id for s in data.test] == ["data:2"]  # the bad first row keeps its number
    assert [s.id for s in data.train] == ["train/data:1"]


def numbered(write, count):
    return jsonl(write, *({"input": f"q{i}", "target": "a"} for i in range(count)))


def test_fractions_divide_by_seed_without_overlap(write):
    path = numbered(write, 200)
    reader = find("reader", "jsonl").model_validate({"path": path, "split": "85/10/5", "shuffle": True})
    data, again, other = reader.read("t", 42), reader.read("t", 42), reader.read("t", 43)
    # 200 rows: 170 / 20 / 10
    assert (len(data.train), len(data.test), len(data.validation)) == (170, 20, 10)
    assert data == again
    assert data.test != other.test
    everything = [s.id for part in (data.train, data.validation, data.test) for s in part]
    assert len(set(everything)) == 200
    places = [int(s.id.split(":")[1]) for s in data.test]
    assert places == sorted(places)  # file order within a split
    assert places != list(range(171, 191))  # but drawn from the whole file


@pytest.mark.parametrize(
    ("rows", "split", "sizes"),
    [
        (7, "50/50/0", (3, 4, 0)),  # 3.5 is rounded down, the last share takes the rest
        (10, "0/100/0", (0, 10, 0)),
        (999, "85/10/5", (849, 99, 51)),  # int(849.15), int(99.9), the rest
        (1100, "85/10/5", (935, 110, 55)),
        (1100, {"train": 85, "test": 10, "validation": 5}, (935, 110, 55)),
        (1100, {"validation": 0.05, "test": 0.1, "train": 0.85}, (935, 110, 55)),
        (1000, {"test": "33.3%", "train": "66.7"}, (667, 333, 0)),
        (5, {"validation": 40, "test": 60}, (0, 3, 2)),
    ],
)
def test_shares_go_by_file_order_train_test_validation(write, read, rows, split, sizes):
    data = read("jsonl", path=numbered(write, rows), split=split)
    parts = (data.train, data.test, data.validation)
    assert tuple(map(len, parts)) == sizes
    assert [sample.input for part in parts for sample in part] == [f"q{i}" for i in range(rows)]


@pytest.mark.parametrize(
    ("split", "shuffle", "words"),
    [
        ("80/10/10", False, "split 80/10/10 is train/test/validation, in file order: of 1,200 rows train 1-960, test 961-1,080, validation 1,081-1,200"),
        ({"test": 1}, False, "split {test: 1}, in file order: of 1,200 rows test 1-1,200"),
        ("80/10/10", True, "split 80/10/10 is train/test/validation, drawn at random with seed 42: of 1,200 rows train 960, test 120, validation 120"),
        ({"train": ":9", "test": "9:"}, False, "split into ranges, in file order: train 0:9, test 9:"),
        (None, False, ""),
    ],
)  # fmt: skip
def test_how_rows_were_divided_is_said(write, read, split, shuffle, words):
    assert read("jsonl", path=numbered(write, 1200), split=split, shuffle=shuffle).division == words


def test_ranges_of_shuffled_rows(write, read):
    path = numbered(write, 40)
    data = read("jsonl", path=path, split={"train": "0:30", "test": "30:"}, shuffle=True)
    assert (len(data.train), len(data.test)) == (30, 10)
    assert {sample.input for sample in (*data.train, *data.test)} == {f"q{i}" for i in range(40)}
    assert [sample.input for sample in data.test] != [f"q{i}" for i in range(30, 40)]
    assert data.test == read("jsonl", path=path, split={"test": "30:"}, shuffle=True).test


def test_a_split_beside_a_train_file_divides_the_other(write, read):
    test, train = numbered(write, 10), jsonl(write, {"input": "t", "target": "a"}, name="t.jsonl")
    for split in ({"validation": "0:3", "test": "3:10"}, "0/70/30"):
        data = read("jsonl", path=test, train=train, split=split)
        assert [len(data.test), [s.input for s in data.train], len(data.validation)] == [7, ["t"], 3]


def test_ranges_go_by_record_number(write, read):
    rows = [{"input": "" if i == 1 else f"q{i}", "target": "a"} for i in range(10)]
    data = read(
        "jsonl", path=jsonl(write, *rows), split={"train": ":3", "validation": "5:6", "test": "8:"}, on_bad_row="skip"
    )
    assert [s.input for s in data.train] == ["q0", "q2"]  # record 1 is bad; nothing moves up
    assert [s.input for s in data.validation] == ["q5"]
    assert [s.input for s in data.test] == ["q8", "q9"]


def test_limit_takes_the_first_of_test_only(write, read):
    data = read("jsonl", path=numbered(write, 10), split={"train": "0:5", "test": "5:10"}, limit=2)
    assert [s.input for s in data.test] == ["q5", "q6"]
    assert len(data.train) == 5


def test_without_split_everything_is_test_and_files_are_splits(write, read):
    test, train = numbered(write, 3), jsonl(write, {"input": "t", "target": "a"}, name="t.jsonl")
    validation = jsonl(write, {"input": "v", "target": "a"}, name="v.jsonl")
    data = read("jsonl", path=test, train=train, validation=validation)
    assert [len(data.test), len(data.train), len(data.validation)] == [3, 1, 1]
    assert [data.train[0].id, data.validation[0].id] == ["t:1", "v:1"]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("85/10/5", r"the split leaves no row for test \(7 rows"),  # 7 * 10 % = 0.7 is rounded down
        ({"test": "5:9"}, r"split: test: 5:9 goes beyond the 7 rows"),
        ({"test": "7:"}, r"split: test: 7: goes beyond the 7 rows"),
    ],
)
def test_splits_that_do_not_fit_the_file(write, read, split, message):
    with pytest.raises(DataError, match=message):
        read("jsonl", path=numbered(write, 7), split=split)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"split": "85/10"}, r"'85/10' is not three shares train/test/validation such as 85/10/5; by name: "),
        ({"split": "80/10/5"}, r"the shares 80/10/5 add up to 95, not to 100 or 1\.0"),
        ({"split": "90/0/10"}, "leaves nothing for test"),
        ({"split": {"train": "0:5"}}, "a range for test is needed"),
        ({"split": {"train": "0:5", "test": "4:9"}}, "ranges of train and test overlap"),
        ({"split": {"train": "0:", "test": "4:9"}}, "ranges of train and test overlap"),
        ({"split": {"test": "9:4"}}, "is empty"),
        ({"split": {"test": "some"}}, "'some' is neither a share such as 85 or 0.85 nor a range such as"),
        ({"split": {"test": "a:b"}}, "is not a range of rows"),
        ({"split": {"test": True}}, "'True' is neither a share"),
        ({"split": {"train": 110, "test": -10}}, "test: '-10' is neither a share"),
        ({"split": {"train": 90, "validation": 10}}, r"\{train: 90, validation: 10\} leaves nothing for test"),
        ({"split": {"train": 900, "test": 100}}, r"add up to 1000, not to 100 or 1\.0"),
        ({"split": {"train": 90, "tset": 10}}, r"'tset' is not train, test or validation \(did you mean test\?\)"),
        ({"split": {"train": "0:90", "test": 10}}, "some parts are shares and others ranges of rows"),
        ({"split": {"train": [90], "test": 10}}, r"train: '\[90\]' is neither a share"),
        ({"split": {}}, r"the shares {} add up to 0"),
        ({"shuffle": True}, "shuffle: there is no split"),
        ({"split": "85/10/5", "train": "t.jsonl"}, "give either split or train, not both"),
        ({"split": {"validation": "0:2", "test": "2:9"}, "validation": "v.jsonl"}, "give either split or validation, "),
        ({"train": "x.jsonl"}, "must be different files"),
        ({"target": "input"}, "column 'input' is given two meanings"),
        ({"target": []}, "at least one column is needed"),
        ({"limit": 0}, "greater than or equal to 1"),
        ({"separator": ";"}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_refused_before_anything_is_read(parameters, message):
    with pytest.raises(ValidationError, match=message):
        find("reader", "jsonl").model_validate({"path": "x.jsonl", **parameters})
