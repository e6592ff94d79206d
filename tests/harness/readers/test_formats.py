"""Each format on a small file: what arrives in the samples, and the one line told for what does not."""

import contextlib
import datetime
import json
import time
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from harness.components.reader import Reader
from harness.components.registry import find, names
from harness.errors import DataError

ROWS = [{"ask": "咳嗽", "answer": "止咳", "ward": "3"}, {"ask": "发热", "answer": "退热", "ward": "5"}]
CSV = "ask,answer,ward\n咳嗽,止咳,3\n发热,退热,5\n"
MAPPED = {"input": "ask", "target": "answer"}


def workbook(path: Path, rows: list[list[object]], sheet: str = "Sheet") -> str:
    book = Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    book.save(path)
    book.close()
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("json", json.dumps(ROWS, ensure_ascii=False), 1),
        ("json", "\ufeff" + json.dumps(ROWS, ensure_ascii=False, indent=1), 2),
        ("jsonl", "\n".join(json.dumps(row) for row in ROWS), 1),
        ("jsonl", "\n\r\n".join(json.dumps(row) for row in ROWS) + "\n\n", 1),
        ("csv", CSV, 2),
        ("csv", CSV.encode("gb18030"), 2),
        ("csv", CSV.replace(",", ";").encode("utf-8-sig"), 2),  # as Excel writes it where numbers have a comma
        ("csv", CSV.encode("utf-8-sig"), 2),
        ("csv", CSV.encode("utf-16"), 2),
        ("csv", CSV.replace("\n", "\r\n"), 2),
        ("tsv", CSV.replace(",", "\t"), 2),
        ("tsv", CSV.replace(",", "\t").replace("\n", "\r\n").encode("gb18030"), 2),
    ],
)
def test_every_text_format_gives_the_same_samples(write, read, name, content, line):
    path = write(f"small.{name}", content)
    samples = read(name, path=path, **MAPPED).test
    assert [(s.id, s.task, s.input, s.targets, dict(s.meta)) for s in samples] == [
        ("small:1", "task", "咳嗽", ("止咳",), {"ward": "3"}),
        ("small:2", "task", "发热", ("退热",), {"ward": "5"}),
    ]
    with pytest.raises(DataError) as error:  # the first row's line is known: its ward is no text to answer with
        read(name, path=path, input="ask", target="ward", id="answer", options=["nope"])
    assert "no column 'nope'" in str(error.value)
    first = next(iter(find("reader", name).model_validate({"path": path, **MAPPED}).rows(path)))
    assert first.line == line


def test_xlsx_cells_become_text(tmp_path, read):
    path = workbook(
        tmp_path / "book.xlsx",
        [
            ["ask", "answer", "day", "share", "sure", None],
            ["咳嗽", 1.0, datetime.datetime(2024, 5, 1), 0.5, True],
            [None, None],
            [7, "退热", datetime.datetime(2024, 5, 1, 8, 30), None, "#N/A"],
        ],
    )
    samples = read("xlsx", path=path, **MAPPED).test
    assert [(s.id, s.input, s.targets, dict(s.meta)) for s in samples] == [
        ("book:1", "咳嗽", ("1",), {"day": "2024-05-01", "share": "0.5", "sure": "TRUE"}),
        ("book:2", "7", ("退热",), {"day": "2024-05-01T08:30:00", "share": "", "sure": ""}),
    ]


def test_xlsx_bad_row_is_told_by_its_sheet_row(tmp_path, read):
    path = workbook(tmp_path / "book.xlsx", [["ask", "answer"], [], ["咳嗽", "止咳"], ["发热", None]], "标注")
    with pytest.raises(DataError) as error:
        read("xlsx", path=path, sheet="标注", **MAPPED)
    assert str(error.value) == f"{path}:4: 'answer' is empty: no target"
    with pytest.raises(DataError, match=r"no sheet '标住' \(known: 标注\)|no sheet '标住' \(did you mean 标注\?\)"):
        read("xlsx", path=path, sheet="标住", **MAPPED)


def merged(path: Path, rows: list[list[object]], *ranges: str) -> str:
    """A workbook whose ranges are merged as Excel does it: the first cell keeps its value, the others lose theirs."""
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for name in ranges:
        book.active.merge_cells(name)
    book.save(path)
    book.close()
    return str(path)


TABLE = [
    ["ask", "answer", "ward"],
    ["咳嗽", "感冒", "3"],
    ["发热", "感冒", "3"],
    ["流涕", "感冒", "5"],
    ["胃痛", "胃炎", "5"],
]


@pytest.mark.parametrize(
    ("ranges", "samples"),
    [
        (["B2:B4"], [("咳嗽", "感冒", "3"), ("发热", "感冒", "3"), ("流涕", "感冒", "5"), ("胃痛", "胃炎", "5")]),
        (["B2:B4", "C2:C3", "C4:C5"], [("咳嗽", "感冒", "3"), ("发热", "感冒", "3"), ("流涕", "感冒", "5"), ("胃痛", "胃炎", "5")]),
        (["B3:B5"], [("咳嗽", "感冒", "3"), ("发热", "感冒", "3"), ("流涕", "感冒", "5"), ("胃痛", "感冒", "5")]),
        (["A2:A3"], [("咳嗽", "感冒", "3"), ("咳嗽", "感冒", "3"), ("流涕", "感冒", "5"), ("胃痛", "胃炎", "5")]),
        (["C5:C90"], [("咳嗽", "感冒", "3"), ("发热", "感冒", "3"), ("流涕", "感冒", "5"), ("胃痛", "胃炎", "5")]),  # blank rows below
    ],
)  # fmt: skip
def test_the_value_of_merged_cells_stands_in_every_row(tmp_path, read, ranges, samples):
    path = merged(tmp_path / "book.xlsx", TABLE, *ranges)
    data = read("xlsx", path=path, **MAPPED)
    assert [(s.input, s.targets[0], s.meta["ward"]) for s in data.test] == samples


def rezipped(path: str, old: bytes, new: bytes) -> None:
    """The workbook with another text in its parts."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(old, new))


@pytest.mark.parametrize("last", [b"XFD1048576", b"C1048576", b"C65536"])
def test_a_range_over_the_whole_sheet_takes_no_time(tmp_path, read, last):
    path = merged(tmp_path / "book.xlsx", TABLE, "C4:C5")
    rezipped(path, b"C4:C5", b"C4:" + last)
    began = time.perf_counter()
    data = read("xlsx", path=path, on_bad_row="skip", **MAPPED)
    assert time.perf_counter() - began < 5
    assert [s.input for s in data.test] == (
        ["咳嗽", "发热"] if last.startswith(b"X") else ["咳嗽", "发热", "流涕", "胃痛"]
    )


@pytest.mark.parametrize(
    ("range_", "message"),
    [
        ("B3:C3", ":3: the cells B3:C3 are merged across columns; unmerge them"),
        ("A4:C5", ":4: the cells A4:C5 are merged across columns; unmerge them"),  # a heading between the rows
        ("B1:C1", ":1: the cells B1:C1 are merged in the header; unmerge them, and give each column a name of its own in one row"),
        ("A1:A2", ":1: the cells A1:A2 are merged in the header; unmerge them, and give each column a name of its own in one row"),
    ],
)  # fmt: skip
def test_merged_cells_that_belong_to_no_column_are_named(tmp_path, read, range_, message):
    path = merged(tmp_path / "book.xlsx", TABLE, range_)
    with pytest.raises(DataError) as error:
        read("xlsx", path=path, **MAPPED)
    assert str(error.value).splitlines()[0] == path + message


def test_a_heading_over_all_columns_can_be_skipped(tmp_path, read):
    path = merged(tmp_path / "book.xlsx", [TABLE[0], ["第一部分"], *TABLE[1:]], "A2:C2")
    data = read("xlsx", path=path, on_bad_row="skip", **MAPPED)
    assert ([s.input for s in data.test], len(data.skipped)) == (["咳嗽", "发热", "流涕", "胃痛"], 1)


@pytest.mark.parametrize("content", [b"ask,answer\na,b\n", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0old excel"])
def test_an_xlsx_that_is_none(write, read, content):
    path = write("book.xlsx", content)
    with pytest.raises(DataError, match=r"book\.xlsx: not an xlsx workbook"):
        read("xlsx", path=path, **MAPPED)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/worksheets/sheet1.xml", lambda text: None),
        ("xl/worksheets/sheet1.xml", lambda text: b""),
        ("xl/worksheets/sheet1.xml", lambda text: text[: len(text) // 2]),
        ("xl/worksheets/sheet1.xml", lambda text: text.replace(b'r="2"', b'r="99999999999"')),
        ("xl/worksheets/sheet1.xml", lambda text: text.replace(b'r="A2"', b'r="!!"')),
        ("xl/worksheets/sheet1.xml", lambda text: text.replace(b"<sheetData>", b"<!DOCTYPE x [<!ENTITY a 'aa'>]><sheetData>")),
        ("xl/workbook.xml", lambda text: None),
        ("xl/workbook.xml", lambda text: b"<a/>"),
        ("xl/workbook.xml", lambda text: text[: len(text) // 2]),
        ("xl/styles.xml", lambda text: b"<styleSheet><numFmts><numFmt/></numFmts></styleSheet>"),
        ("xl/styles.xml", lambda text: text[:100]),
        ("[Content_Types].xml", lambda text: b"<a/>"),
        ("xl/_rels/workbook.xml.rels", lambda text: None),
    ],
)  # fmt: skip
def test_a_damaged_workbook_is_one_line(tmp_path, read, part, change):
    path = merged(tmp_path / "book.xlsx", TABLE)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            if (new := change(content) if name == part else content) is not None:
                archive.writestr(name, new)
    with pytest.raises(DataError) as error:
        read("xlsx", path=path, **MAPPED)
    assert str(error.value).startswith(path)
    assert "\n" not in str(error.value)


def test_a_workbook_with_flipped_bytes_is_read_or_one_line(tmp_path, read):
    import random

    content = bytearray(Path(merged(tmp_path / "book.xlsx", TABLE)).read_bytes())
    draw = random.Random(1)
    for number in range(60):
        damaged = bytearray(content)
        for _ in range(8):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path = tmp_path / f"{number}.xlsx"
        path.write_bytes(damaged)
        with contextlib.suppress(DataError):
            read("xlsx", path=str(path), **MAPPED)


def test_a_zip_that_is_no_workbook(tmp_path, read):
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as file:
        file.writestr("hello.txt", "not a sheet")
    with pytest.raises(DataError, match="not an xlsx workbook"):
        read("xlsx", path=str(tmp_path / "book.xlsx"), **MAPPED)


def test_csv_line_is_where_a_quoted_record_begins(write, read):
    # header is line 1; record 1 spans lines 2-3; record 2, without a target, begins on line 4
    path = write("x.csv", 'ask,answer\n"two\nlines","a ""quoted"" b"\nquestion,\n')
    with pytest.raises(DataError) as error:
        read("csv", path=path, **MAPPED)
    assert str(error.value) == f"{path}:4: 'answer' is empty: no target"
    kept = read("csv", path=path, on_bad_row="skip", **MAPPED)
    assert [(s.input, s.targets) for s in kept.test] == [("two\nlines", ('a "quoted" b',))]
    assert kept.skipped == (f"{path}:4: 'answer' is empty: no target",)


def test_tsv_keeps_quotes_and_csv_refuses_stray_ones(write, read):
    tsv = write("x.tsv", 'ask\tanswer\n"half\ta "J" tube\n')
    assert read("tsv", path=tsv, **MAPPED).test[0].input == '"half'
    csv = write("x.csv", 'ask,answer\n"half" open,b\nc,d\n')
    with pytest.raises(DataError, match=r"x\.csv:2: not CSV: .* quote left open"):
        read("csv", path=csv, **MAPPED)
    assert [s.input for s in read("csv", path=csv, on_bad_row="skip", **MAPPED).test] == ["c"]


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_a_row_of_another_width(write, read, name):
    sign = {"csv": ",", "tsv": "\t"}[name]
    path = write(f"x.{name}", "ask,answer\na,b\nc,d,e\nf\n".replace(",", sign))
    with pytest.raises(DataError) as error:
        read(name, path=path, **MAPPED)
    assert str(error.value) == (f"{path}:3: 3 fields where the header has 2\n{path}:4: 1 fields where the header has 2")


def test_a_column_named_twice(write, read):
    with pytest.raises(DataError, match=r"x\.csv:1: the header names answer twice"):
        read("csv", path=write("x.csv", "ask,answer,answer\na,b,c\n"), **MAPPED)


ROW = '{"ask": "a", "answer": "b"}'


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (f'{{"data": [{ROW}]}}', 1),
        (f'{{"version": "1.0",\n"data":\n[\n{ROW}]}}', 4),
        (f'{{"meta": {{"rows": 1}}, "result": {{"of": ["x"], "items": [\n{ROW}]}}}}', 2),
        (f'\ufeff\n{{"examples": [{ROW}], "labels": ["b"]}}\n', 2),
    ],
)
@pytest.mark.parametrize("name", ["json", "alpaca"])
def test_the_only_list_inside_an_object_is_read(write, read, name, content, line):
    columns = {"json": MAPPED, "alpaca": {"prompt": "ask", "response": "answer"}}[name]
    path = write("x.json", content)
    assert [(s.input, s.targets) for s in read(name, path=path, **columns).test] == [("a", ("b",))]
    broken = write("y.json", content.replace('"answer": "b"', '"answer": ""'))
    with pytest.raises(DataError, match=rf"y\.json:{line}: 'answer' is empty"):
        read(name, path=broken, **columns)


LIST_812 = "[\n" + ",\n".join('{"ask": "a", "answer": "b"}' for _ in range(810)) + ",\n{'ask': 1}\n]"
LINES_812 = "\n".join('{"ask": "a", "answer": "b"}' for _ in range(811)) + '\n{"ask": "a", "answer":'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("json", LIST_812, ":812: not JSON: Expecting property name enclosed in double quotes"),
        ("json", LIST_812[: LIST_812.index("{'ask'")], ":812: not JSON: Expecting value"),
        ("json", '[\n{"ask": "a", "answer": "b"}\n{"ask": "c"}]', ":3: not JSON: expected ',' or ']', found {"),
        ("json", '[\n{"ask": "a", "answer": "b"}\n', ":3: not JSON: expected ',' or ']', the text ends"),
        ("json", '[{"ask": "a", "answer": "b"}]\n[]', ":2: not JSON: more text after the end"),
        ("json", '{"data": []}', ":1: expected a JSON list of objects, found an object with data"),
        ("json", '{"data": ["a"]}', ":1: expected a JSON list of objects, found an object with data"),
        (
            "json",
            f'{{"train": [{ROW}],\n"test": [{ROW}]}}',
            ":2: holds several lists of objects, train, test; write the right one into its own file",
        ),
        (
            "json",
            '{"data": [{"ask": "a", "answer": "b"}, 3]}',
            ":1: expected an object with named values, found a number",
        ),
        ("json", '{"a":' * 900 + "1" + "}" * 900, ":1: "),
        ("json", '"text"', ":1: expected a JSON list of objects, found a text"),
        ("json", '{"ask": "a"}\n{"ask": "b"}', "if it is one object a line, use jsonl"),
        ("json", '[\n"a"]', ":2: expected an object with named values, found a text"),
        ("json", "[]", ": holds no rows"),
        ("json", "[" * 100_000, ":1: not JSON: it is nested too deeply"),
        ("json", r'[{"ask": "\ud83d", "answer": "b"}]', ":1: holds half of a"),
        ("jsonl", LINES_812, ":812: not JSON: Expecting value"),
        ("jsonl", '{"ask": "a", "answer": "b"}\n[1]', ":2: expected an object with named values, found a list"),
        ("jsonl", "", ": is empty"),
        ("csv", "\n \n", ": is empty"),
        ("csv", "ask,answer\n", ": holds no rows"),
        ("csv", b"ask,answer\n\xff\xff\xff,b\n", "x.csv:2: neither UTF-8 nor (line 2) GB18030; give encoding:"),
        (
            "csv",
            "ask,answer\n咳嗽,止咳\n发热,退热\n".encode() + b"\xe5\x92,x\n",
            ":4: byte 0xe5 breaks a text that is UTF-8 elsewhere; mend the line",
        ),
        ("csv", "ask,answr\na,b\n", ": no column 'answer' (did you mean answr?)"),
        ("csv", "ask,ＡＮＳＷＥＲＳ\na,b\n", ": no column 'answer' (did you mean ＡＮＳＷＥＲＳ?)"),
        (
            "csv",
            "ask,ａｎｓｗｅｒ\na,b\n",
            "('ａｎｓｗｅｒ' there differs only in full-width and half-width characters; write",
        ),
        (
            "csv",
            "ask,Answer\na,b\n",
            "('Answer' there differs only in upper and lower case; write it so in the suite, or ",
        ),
        ("csv", "ask,an\u200bswer\na,b\n", " there differs only in spaces or signs that are not seen; write it so in"),
        (
            "csv",
            "Ask,ANSWER \u3000Ｓ\na,b\n",
            ": no column 'ask' ('Ask' there differs only in upper and lower case; write",
        ),
        (
            "csv",
            "n,ask/answer\n1,b\n",
            "('ask/answer' there seems to be ask and answer in one; split it into a column each)",
        ),
        ("table", "ask,answer\na,b\n", ": '.table' files are not read; convert it to .json, .jsonl, .csv or .xlsx"),
        ("jsonl", '{"ask": "a", "reply": "b"}', ": no column 'answer' (known: ask, reply)"),
        ("jsonl", '{"ask": "a", "answer": "b"}\n{"ask": "c"}', ":2: 'answer' is empty: no target"),
        ("jsonl", '{"ask": "a", "answer": "b"}\n{"answer": "c"}', ":2: there is no 'ask'"),
        ("jsonl", '{"ask": " ", "answer": "b"}', ":1: 'ask' is empty"),
        ("jsonl", '{"ask": "a", "answer": 0.10}', ":1: 'answer' holds a number, 0.1, where text is expected"),
        ("jsonl", '{"ask": "a", "answer": true}', ":1: 'answer' holds true or false, true, where text"),
        ("jsonl", '{"ask": {"b": 1}, "answer": "b"}', ":1: 'ask' holds an object"),
    ],
)
def test_bad_files_are_one_clear_line(write, read, name, content, message):
    path = write(f"x.{name}", content)
    with pytest.raises(DataError) as error:
        read(name, path=path, **MAPPED)
    assert message in str(error.value)
    assert str(error.value).startswith(path)
    assert "\n" not in str(error.value)


def test_missing_files_name_the_nearest(write, read, tmp_path):
    path = write("value.tsv", "ask\tanswer\na\tb\n")
    with pytest.raises(DataError, match=r"values\.tsv: no such file \(did you mean value\.tsv\?\)"):
        read("tsv", path=path.replace("value", "values"), **MAPPED)
    with pytest.raises(DataError, match=r"no such file \(nor a folder"):
        read("tsv", path=str(tmp_path / "none" / "x.tsv"), **MAPPED)
    with pytest.raises(DataError, match=r"none: no such file \(nor|none: no such file"):
        read("tsv", path=str(tmp_path / "none"), **MAPPED)


def test_a_given_encoding_is_held_to(write, read):
    path = write("x.csv", "ask,answer\nok,ok\n咳嗽,止咳\n".encode("gb18030"))
    assert read("csv", path=path, encoding="GB18030", **MAPPED).test[1].input == "咳嗽"
    with pytest.raises(DataError, match=r"x\.csv:3: byte 0xbf is not utf-8; give another encoding:"):
        read("csv", path=path, encoding="utf-8", **MAPPED)
    with pytest.raises(DataError, match="encoding: utf-99 is not a known encoding"):
        read("csv", path=path, encoding="utf-99", **MAPPED)


def test_five_bad_rows_are_told_and_the_rest_counted(write, read):
    path = write("x.jsonl", '{"ask": "a", "answer": "b"}\n' + '{"ask": "a", "answer": ""}\n' * 7)
    with pytest.raises(DataError) as error:
        read("jsonl", path=path, **MAPPED)
    lines = str(error.value).split("\n")
    assert lines[0] == f"{path}:2: 'answer' is empty: no target"
    assert lines[5:] == [f"{path}: and 2 more bad rows"]  # 7 bad rows - 5 told
    kept = read("jsonl", path=path, on_bad_row="skip", **MAPPED)
    assert (len(kept.test), len(kept.skipped)) == (1, 7)


def test_skipping_every_row_is_an_error(write, read):
    path = write("x.jsonl", '{"ask": "a", "answer": ""}\n')
    with pytest.raises(DataError, match=r"none of the 1 rows can be used; the first: .*x\.jsonl:1: 'answer' is empty"):
        read("jsonl", path=path, on_bad_row="skip", **MAPPED)


def test_sources_are_the_files_read(write):
    reader = find("reader", "csv").model_validate({"path": "a.csv", "train": "b.csv", **MAPPED})
    assert isinstance(reader, Reader)
    assert reader.sources() == ("a.csv", "b.csv")


def test_every_reader_is_found_by_its_name():
    assert names("reader") == [
        "alpaca", "ceval", "cmmlu", "csv", "dataset_info", "hub", "imcs_mrg", "json", "jsonl", "lm_eval", "messages", "mmlu",
        "query_response", "sharegpt", "squad", "table", "tsv", "xlsx",
    ]  # fmt: skip


def test_listing_readers_imports_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys; from harness.components.registry import names; names('reader'); "
        "print([m for m in ('torch', 'datasets', 'openpyxl', 'charset_normalizer', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("input|target\nq|t\n", r"is divided by '\|'; save the file with commas, or give csv its delimiter: '\|'"),
        ("input，target\nq，t\n", "is divided by '，'; save the file with commas, or give csv its delimiter: '，'"),
    ],
)
def test_another_separator_is_named(write, read, content, remedy):
    with pytest.raises(DataError, match=remedy):
        read("csv", path=write("x.csv", content))


@pytest.mark.parametrize(
    ("content", "given", "expected"),
    [
        ("input;target\n3,5 mg;t\n", None, [("3,5 mg", "t")]),  # a comma in numbers
        ('input\ttarget\nq\t"a, b"\n', None, [("q", "a, b")]),
        ('"input";"target"\n"q;1";t\n', None, [("q;1", "t")]),
        ('"a;b",input,target\nx,q,t\n', None, [("q", "t")]),  # the semicolon is part of a name
        ("input|target\nq|t\n", "|", [("q", "t")]),
        ("input;x,target;y\nq;1,t;2\n", ";", None),  # what is given holds, though the header has a comma too
    ],
)
def test_what_separates_the_columns(write, read, content, given, expected):
    options = {"delimiter": given} if given else {}
    if expected is None:
        with pytest.raises(DataError, match="no column 'target'"):
            read("csv", path=write("x.csv", content), **options)
        return
    samples = read("csv", path=write("x.csv", content), **options).test
    assert [(sample.input, *sample.targets) for sample in samples] == expected


def test_options_as_an_object_that_names_a_letter_twice_are_refused(write, read):
    path = write("x.csv", 'input,target,options\nq,A,"{""A"": ""x"", ""A"": ""y""}"\n')
    with pytest.raises(DataError, match='the key "A" stands twice'):
        read("csv", path=path, options="options")


def test_every_byte_order_mark_is_known(tmp_path, read):
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        file = tmp_path / f"{encoding}.csv"
        file.write_bytes("input,target\n患者,感冒\n".encode(encoding))
        assert read("csv", path=str(file)).test[0].input == "患者"
