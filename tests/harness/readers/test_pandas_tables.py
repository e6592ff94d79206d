"""Tables as pandas writes them: an index column without a name, bold headers, NaN, floats, dates."""

import math
from pathlib import Path

import pytest

from harness.errors import DataError

pandas = pytest.importorskip("pandas")
openpyxl = pytest.importorskip("openpyxl")

COLUMNS = {
    "q": ["咳嗽", "发热", "头痛"],
    "a": ["止咳", 38.0, 1.5],
    "note": ["x", math.nan, None],
    "day": ["2024-01-01 00:00", "2024-01-02 10:30", "2024-03-01 00:00"],
}
MAPPED = {"input": "q", "target": "a"}
SHEET = [
    ("咳嗽", "止咳", {"column_1": "0", "note": "x", "day": "2024-01-01"}),
    ("发热", "38", {"column_1": "1", "note": "", "day": "2024-01-02T10:30:00"}),
    ("头痛", "1.5", {"column_1": "2", "note": "", "day": "2024-03-01"}),
]
TEXT = [
    ("咳嗽", "止咳", {"column_1": "0", "note": "x", "day": "2024-01-01 00:00:00"}),
    ("发热", "38.0", {"column_1": "1", "note": "", "day": "2024-01-02 10:30:00"}),  # a text is taken verbatim
    ("头痛", "1.5", {"column_1": "2", "note": "", "day": "2024-03-01 00:00:00"}),
]


def frame():
    table = pandas.DataFrame(COLUMNS)
    return table.assign(day=pandas.to_datetime(table["day"]))


@pytest.mark.parametrize(
    ("form", "save", "expected"),
    [
        ("xlsx", lambda path: frame().to_excel(path), SHEET),
        ("csv", lambda path: frame().to_csv(path), TEXT),
        ("csv", lambda path: frame().to_csv(path, encoding="utf-8-sig", lineterminator="\r\n"), TEXT),
        ("tsv", lambda path: frame().to_csv(path, sep="\t", encoding="gb18030"), TEXT),
    ],
)
def test_tables_with_a_blank_index(read, tmp_path, form, save, expected):
    path = tmp_path / f"t.{form}"
    save(path)
    data = read(form, path=str(path), **MAPPED)
    assert [(sample.input, sample.targets[0], dict(sample.meta)) for sample in data.test] == expected
    by_index = read(form, path=str(path), id="column_1", split="34/66/0", **MAPPED)  # the index has a name
    assert ([s.id for s in by_index.train], [s.id for s in by_index.test]) == (["0"], ["1", "2"])


def test_an_index_of_several_levels(read, tmp_path):
    path = str(tmp_path / "t.xlsx")  # pandas merges the cells of equal labels
    pandas.DataFrame({"g": ["x", "x", "y"], "q": list("abc"), "a": list("123")}).set_index(["g", "q"]).to_excel(path)
    data = read("xlsx", path=path, group="g", **MAPPED)
    assert [(sample.input, sample.group) for sample in data.test] == [("a", "x"), ("b", "x"), ("c", "y")]


def _damage(path: Path, kind: str) -> None:
    table = frame()
    if kind == "two headers":
        table = pandas.DataFrame({("x", "q"): ["a"], ("x", "a"): ["b"]})
    elif kind == "no target":
        table.loc[1, "a"] = None
    elif kind == "cut":
        frame().to_excel(path)
        path.write_bytes(path.read_bytes()[:-200])
        return
    table.to_excel(path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("two headers", "t.xlsx:1: the cells B1:C1 are merged in the header; unmerge them"),
        ("no target", "t.xlsx:3: 'a' is empty: no target"),
        ("cut", "t.xlsx: not an xlsx workbook"),
    ],
)
def test_damaged_workbooks(read, tmp_path, kind, message):
    _damage(tmp_path / "t.xlsx", kind)
    with pytest.raises(DataError) as error:
        read("xlsx", path=str(tmp_path / "t.xlsx"), **MAPPED)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_in_whatever_form_it_comes(read, tmp_path):
    """The two columns of a published workbook, made by pandas and by hand, as text, and as JSON."""
    table = pandas.DataFrame({"原始词": ["阑尾切除", "左右眼手术"], "标准词": ["阑尾切除术", "左眼手术##右眼手术"]})
    book = openpyxl.Workbook()
    for row in [("原始词", "标准词"), *table.itertuples(index=False)]:
        book.active.append(tuple(row))
    book.save(tmp_path / "hand.xlsx")
    table.to_excel(tmp_path / "pandas.xlsx", index=False)
    table.to_csv(tmp_path / "text.gb18030.csv", index=False, encoding="gb18030")
    table.to_csv(tmp_path / "tabs.tsv", index=False, sep="\t")
    table.to_json(tmp_path / "objects.json", orient="records", force_ascii=False)
    for name in ("hand", "pandas", "text.gb18030", "tabs", "objects"):
        data = read("table", path=str(tmp_path / name), input="原始词", target="标准词")
        assert [(s.input, s.targets) for s in data.test] == [
            (row[0], (row[1],)) for row in table.itertuples(index=False)
        ]
    table.to_csv(tmp_path / "hand.csv", index=False)
    with pytest.raises(DataError, match=r"hand: is there as \.csv and \.xlsx; name one of them"):
        read("table", path=str(tmp_path / "hand"), input="原始词", target="标准词")
    with pytest.raises(DataError, match=r"hands: no such file \(did you mean hand\.csv\?\)"):
        read("table", path=str(tmp_path / "hands"), input="原始词", target="标准词")
