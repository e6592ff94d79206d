"""Numbers that no file of a run can hold: NaN in a row is nothing, infinity is a bad row; the run can be read again."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.checks.data import data_mistakes
from harness.components.dataset import Dataset
from harness.components.registry import find
from harness.components.task import Task
from harness.errors import DataError, HarnessError
from harness.readers.parsing.hub import HubData, hub_rows
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault, Row
from harness.records.inputs import Generation, Sample
from harness.runtime.run_folder import RunFolder
from harness.text.templates import Template
from tests.shared.finished import unpacked

SUITE = """\
name: colours
models: {robot: {scripted: {default: 绿}}}
tasks:
  colour:
    data: {READER: {path: t.json, input: q, target: a}}
    prompt: "{{ input }}"
    metrics: {accuracy: exact_match}
variants:
  a: {prompting: {model: robot}}
"""

# A value as a file writes it, and what the row holds.
KEPT = [
    ("NaN", None),
    ("[1, NaN, {\"deep\": NaN}]", [1, None, {"deep": None}]),
    ('{"a": {"b": [NaN]}}', {"a": {"b": [None]}}),
    ("1e308", 1e308),
    ("-1e-400", 0.0),
    ("12345678901234567890123", 12345678901234567890123),
    ('"NaN"', "NaN"),
    ("5e-324", 5e-324),
]  # fmt: skip
# What cannot be kept, and how it is said.
REFUSED = [
    ("Infinity", "Infinity is not a number; put it in quotes or leave it out"),
    ("-Infinity", "-Infinity is not a number; put it in quotes or leave it out"),
    ("1e400", "1e400 is larger than a number can be; put it in quotes or leave it out"),
    ("-2.5E+9999", "-2.5E+9999 is larger than a number can be"),
    ('{"deep": [1, 1e309]}', "1e309 is larger than a number can be"),
    ("9" * 5000, "a number of 5,000 digits is too long; put it in quotes or leave it out"),
    ("-" + "9" * 4301, "a number of 4,301 digits is too long"),
    (f'{{"deep": [1, {"8" * 6000}]}}', "a number of 6,000 digits is too long"),
]


@pytest.mark.parametrize(("written", "value"), KEPT)
@pytest.mark.parametrize("form", ["list", "lines"])
def test_a_number_that_is_none_is_nothing(tmp_path: Path, form: str, written: str, value: object) -> None:
    row = f'{{"q": "草", "x": {written}}}'
    path = tmp_path / ("t.jsonl" if form == "lines" else "t.json")
    path.write_text(row if form == "lines" else f"[{row}]", encoding="utf-8")
    (only,) = object_rows(str(path))
    assert isinstance(only, Row)
    assert only.values == {"q": "草", "x": value}


@pytest.mark.parametrize(("written", "message"), REFUSED)
@pytest.mark.parametrize("form", ["list", "lines"])
def test_an_endless_number_is_named_with_its_line(tmp_path: Path, form: str, written: str, message: str) -> None:
    rows = ['{"q": "天"}', f'{{"q": "草", "x": {written}}}']
    path = tmp_path / ("t.jsonl" if form == "lines" else "t.json")
    path.write_text("\n".join(rows) if form == "lines" else "[" + ",\n".join(rows) + "]", encoding="utf-8")
    if form == "list":
        with pytest.raises(DataError, match=":2: not JSON: ") as caught:
            list(object_rows(str(path)))
        assert message in str(caught.value)
    else:
        first, second = object_rows(str(path))
        assert isinstance(first, Row)
        assert isinstance(second, Fault)
        assert (second.line, message in second.reason) == (2, True)


@pytest.mark.parametrize("written", ["NaN", "1e308", "[NaN, 1]", "123456789012345678901234567890"])
@pytest.mark.parametrize("reader", ["jsonl", "json"])
def test_a_run_over_such_rows_can_be_scored_again_and_its_page_read(
    write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder], reader: str, written: str
) -> None:
    rows = ['{"q": "草", "a": "绿", "x": 1}', f'{{"q": "天", "a": "蓝", "x": {written}}}']
    text = "\n".join(rows) if reader == "jsonl" else f"[{','.join(rows)}]"
    path = write_suite(SUITE.replace("READER", reader), t__json=text)
    run_suite(path)
    folder = run_suite(path, start="score")
    assert [score.value for score in folder.scores()] == [1.0, 0.0]
    items = unpacked((folder.path / "report.html").read_text(encoding="utf-8"))["items"]
    expected = json.loads(written.replace("NaN", '""'))
    assert items[1]["meta"]["x"] == (str(expected) if isinstance(expected, int) else expected)


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        ("{alpaca: {path: t.json}}", '[{"instruction": "草", "output": "绿", "score": 1e999}]'),
        ("{squad: {path: t.json}}", '{"data": [{"title": "t", "version": Infinity, "paragraphs": []}]}'),
        ("{sharegpt: {path: t.json}}", '[{"conversations": [{"from": "human", "value": "草"}], "weight": -1e400}]'),
    ],
)
def test_every_reader_of_json_refuses_them(
    write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder], reader: str, content: str
) -> None:
    suite = SUITE.replace("{READER: {path: t.json, input: q, target: a}}", reader)
    with pytest.raises(HarnessError, match=r"t\.json.*not JSON: .*(is larger than a number can be|is not a number)"):
        run_suite(write_suite(suite, t__json=content))


def test_the_rows_of_a_hub_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [{"x": math.nan}, {"x": math.inf}, {"x": [1.0, -math.inf]}, {"x": 2.0}]
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: rows)
    nothing, *faults, fine = hub_rows(HubData(id="owner/name", split="test"), "")
    assert nothing == Row(1, {"x": None})
    assert [type(fault) for fault in faults] == [Fault, Fault]
    assert fine == Row(4, {"x": 2.0})


# What a reader of the user's own may give.
STRANGE = [({"x": math.nan}, "x"), ({"a": 1, "b": {"c": [math.inf]}}, "b"), ({"a": (1, -math.inf)}, "a")]


@pytest.mark.parametrize(("meta", "column"), STRANGE)
def test_samples_of_a_readers_own_are_looked_at(meta: Mapping[str, Any], column: str) -> None:
    sample = Sample(id="1", task="t", input="草", targets=("绿",), meta=meta)
    text = find("answer", "text")()
    task = Task(
        name="t", data=Dataset((sample,)), template=Template("{{ input }}", "p"), system=None, answer=text,
        generation=Generation(),
    )  # fmt: skip
    (mistake,) = data_mistakes(task)
    assert mistake.startswith(f"tasks.t: sample 1: column '{column}' holds NaN or infinity")
