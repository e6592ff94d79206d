"""Each form of knowledge on small files: the passages, their names, and the one line told for what cannot be read."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook
from pydantic import ValidationError

from baselines.knowledge.files import Files
from baselines.knowledge.jsonl import Jsonl
from baselines.knowledge.parsing.collection import Entry, KnowledgeBase
from baselines.knowledge.texts import Texts
from harness.components.fields import written
from harness.components.registry import find, names
from harness.errors import DataError
from harness.suite.parser import load_suite
from harness.suite.schema import suite_schema
from tests.shared.paths import ROOT


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, "str | bytes"], str]:
    """Write a file into the test's folder; returns its path."""

    def write(name: str, content: str | bytes) -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(file)

    return write


def told(knowledge: KnowledgeBase) -> str:
    with pytest.raises(DataError) as error:
        knowledge.read()
    return str(error.value)


def test_all_are_listed_and_the_base_is_not():
    assert {"texts", "files", "jsonl", "documents", "squad"} <= set(names("knowledge"))
    assert not {"collection", "splitting", "gold", "versions"} & set(names("knowledge"))


def test_a_suite_writes_them_in_short_and_in_full(write_suite):
    import jsonschema

    suite = """
        models: {m: {scripted: {default: a}}}
        knowledge:
          k: {texts: {path: k.txt, split: sentence, gold: {by: field, field: doc}}}
          l: {texts: {path: k.txt, split: {by: tokens, size: 9}, gold: contains}}
        tasks: {t: {data: {tsv: {path: d.tsv}}, metrics: {e: exact_match}}}
        variants: {v: {prompting: {model: m}}}
        """
    path = write_suite(suite, k__txt="a\n", d__tsv="input\ttarget\na\tb\n")
    loaded = load_suite(path)
    k, other = loaded.knowledge["k"], loaded.knowledge["l"]
    assert isinstance(k, Texts)
    assert isinstance(other, Texts)
    assert (k.split.by, k.gold.field, other.split.size, other.gold.by) == ("sentence", "doc", 9, "contains")
    assert written(k)["texts"]["gold"]["by"] == "field"
    assert Texts.model_validate(written(k)["texts"]) == k  # what is recorded can be read again
    for name, extra in (("split", "sentence"), ("gold", "contains"), ("gold", {"by": "text", "separator": "##"})):
        document = {"tasks": {"t": {"data": "tsv", "metrics": {"e": "exact_match"}}}, "variants": {"v": "x.Y"}}
        document["knowledge"] = {"k": {"texts": {"path": "k.txt", name: extra}}}
        jsonschema.validate(document, suite_schema())
    with pytest.raises(Exception, match=r"buy is not one of its options \(did you mean by\?\)"):
        load_suite(
            write_suite(suite.replace("{by: tokens", "{buy: tokens"), k__txt="a\n", d__tsv="input\ttarget\na\tb\n")
        )


def test_lines_are_merged_counted_and_numbered(put):
    corpus = Texts(path=put("k.txt", "甲\n\n 乙 \n甲\r\n丙")).read()
    assert [(p.id, p.text, p.source, p.position, p.copies, dict(p.meta)) for p in corpus.passages] == [
        ("k.txt:1", "甲", "k.txt", 1, 2, {}),
        ("k.txt:2", "乙", "k.txt", 2, 1, {}),
        ("k.txt:4", "丙", "k.txt", 4, 1, {}),  # the second 甲 is number 3
    ]
    assert (corpus.merged, corpus.skipped) == (1, ())


def test_an_entry_added_at_the_end_renames_nobody(put):
    text = "一。二。\n三。\n一。二。\n四。五。\n"
    for parameters in ({}, {"split": "sentence"}, {"column": 0}):
        before = Texts(path=put("k.txt", text), **parameters).read().passages
        after = Texts(path=put("k.txt", text + "三。\n六。七。\n"), **parameters).read().passages
        assert [(p.id, p.text) for p in after[: len(before)]] == [(p.id, p.text) for p in before]
        assert len({p.id for p in after}) == len(after)


def test_own_ids_and_pieces(put):
    path = put("k.tsv", "code\tname\tward\ta\nx1\t甲。乙。\t3\tA\nx2\t丙。\t5\tA\nx3\t乙。\t7\tA\n")
    corpus = Texts(path=path, column="name", id_column="code", title_column="a", split="sentence").read()
    assert [(p.id, p.text, p.title, dict(p.meta)) for p in corpus.passages] == [
        ("x1#1", "甲。", "A", {"ward": "3", "entry_id": "x1"}),
        ("x1#2", "乙。", "A", {"ward": "3", "entry_id": "x1"}),
        ("x2", "丙。", "A", {"ward": "5"}),
        ("x3", "乙。", "A", {"ward": "7"}),  # its ward can be filtered by
    ]


def test_equal_texts_under_two_titles_are_two_passages(put):
    path = put("k.jsonl", '{"text": "甲", "title": "A"}\n{"text": " 甲", "title": "B"}\n{"text": "甲", "title": "A "}')
    assert [(p.title, p.copies) for p in Jsonl(path=path).read().passages] == [("A", 2), ("B", 1)]


def test_sources_of_merged_passages_are_kept(put, tmp_path):
    for name in ("b.txt", "a/x.txt", "c.txt"):
        put(f"folder/{name}", "甲")
    (passage,) = Files(path=str(tmp_path / "folder")).read().passages
    assert (passage.id, passage.source, passage.copies) == ("a/x.txt", "a/x.txt", 3)
    assert passage.meta == {"also_ids": ["b.txt", "c.txt"], "also_in": ["b.txt", "c.txt"]}


def test_ids_with_two_meanings_are_refused(put):
    path = put("k.tsv", "1\t甲\n1\t甲\n1\t乙\n")
    assert told(Texts(path=path, column=1, id_column=0)) == (
        f"{path}:3: id '1' also stands at {path}:1, with another text or title; every entry needs its own id "
        "(without ids, passages are numbered)"
    )
    path = put("k2.tsv", "1\t甲。乙。\n1#2\t丙。\n")
    assert f"{path}:2: two passages would have the id '1#2'" in told(
        Texts(path=path, column=1, id_column=0, split="sentence")
    )
    path = put("k.jsonl", '{"text": "a", "also_in": 1}')
    assert told(Jsonl(path=path)).startswith(f"{path}:1: rename the column 'also_in'")


@pytest.mark.parametrize(
    ("name", "content", "parameters", "expected"),
    [
        ("k.txt", "a\tb\nc\td\n", {}, ["a\tb", "c\td"]),  # no column: whole lines
        ("k.txt", "a\tb\nc\td\n", {"column": 1}, ["b", "d"]),
        ("k.txt", 'a\t"b\nc\td\n', {"column": 1}, ['"b', "d"]),  # between tabs quotes are ordinary
        ("k.txt", "n\tm\nc\td\n", {"column": "m"}, ["d"]),
        ("k.txt", "n\tm\nc\td\n", {"column": 0, "header": True}, ["c"]),
        ("k.txt", "a;b\n", {"column": 1, "delimiter": ";"}, ["b"]),
        ("k.csv", 'a,"b, c\nd"\n', {"column": 1}, ["b, c\nd"]),
        ("k.csv", "term,note\n胃切除术,x\n".encode("gb18030"), {"column": "term"}, ["胃切除术"]),
        ("k.csv", "甲\n乙\n", {}, ["甲", "乙"]),
        ("k.txt", "甲\n乙\n".encode("utf-16"), {}, ["甲", "乙"]),
        ("k.txt", "甲\n乙\n".encode("gb18030"), {}, ["甲", "乙"]),
        ("k.txt", "甲\n乙\n".encode("big5"), {"encoding": "big5"}, ["甲", "乙"]),
        ("k.txt", "a\x00b\x1fc\n\x00\n", {}, ["a b c"]),  # control characters mean nothing
    ],
)  # fmt: skip
def test_texts(put, name, content, parameters, expected):
    assert [p.text for p in Texts(path=put(name, content), **parameters).read().passages] == expected


def test_texts_in_a_workbook(tmp_path):
    book = Workbook()
    book.active.append(["code", "name", "ward"])
    book.active.append([1, "胃切除术", "3"])
    book.save(tmp_path / "k.xlsx")
    book.close()
    knowledge = Texts(path=str(tmp_path / "k.xlsx"), column="name", id_column="code")
    assert [(p.id, p.text, dict(p.meta)) for p in knowledge.read().passages] == [("1", "胃切除术", {"ward": "3"})]


HEADLESS = [["感冒"], ["胃炎"], ["肺炎"]]
CODED = [[1, "感冒"], [2, "胃炎"]]
NAMED = [["code", "term"], *CODED]


@pytest.mark.parametrize(
    ("rows", "parameters", "passages"),
    [
        (HEADLESS, {}, [("k.xlsx:1", "感冒"), ("k.xlsx:2", "胃炎"), ("k.xlsx:3", "肺炎")]),
        (HEADLESS, {"column": 0}, [("k.xlsx:1", "感冒"), ("k.xlsx:2", "胃炎"), ("k.xlsx:3", "肺炎")]),
        (CODED, {"column": 1, "id_column": 0}, [("1", "感冒"), ("2", "胃炎")]),
        (CODED, {"column": 1, "header": False}, [("k.xlsx:1", "感冒"), ("k.xlsx:2", "胃炎")]),
        (NAMED, {"column": "term", "id_column": "code"}, [("1", "感冒"), ("2", "胃炎")]),
        (NAMED, {"column": 1, "id_column": 0, "header": True}, [("1", "感冒"), ("2", "胃炎")]),
    ],
)
def test_a_workbook_without_a_header_keeps_its_first_entry(tmp_path, rows, parameters, passages):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "k.xlsx")
    book.close()
    knowledge = Texts(path=str(tmp_path / "k.xlsx"), **parameters)
    assert [(passage.id, passage.text) for passage in knowledge.read().passages] == passages


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('{"data": [{"text": "甲"}, {"text": "乙"}]}', ["甲", "乙"]),
        ('{"version": 2, "passages": [{"text": "甲"}]}', ["甲"]),
        ('{"kb": {"of": "x", "entries": [{"text": "甲"}]}}', ["甲"]),
    ],
)
def test_a_list_inside_an_object_is_a_knowledge_base(put, content, texts):
    assert [passage.text for passage in Jsonl(path=put("k.json", content)).read().passages] == texts


@pytest.mark.parametrize(
    ("name", "content", "parameters", "message"),
    [
        ("k.txt", "", {}, ": is empty"),
        ("k.txt", " \n\n", {}, ": is empty"),
        ("k.txt", "\x00\n\x01\n", {}, ": holds no passage, only blank entries"),
        ("k.tsv", "a\tb\n", {}, ": column: which holds the text? There are 0, 1"),
        ("k.txt", "a b\n", {"column": 1}, ": no column 1: the first row has 1, counted from 0; is the delimiter right?"),
        ("k.tsv", "code\tname\n1\ta\n", {"column": "nam"}, ": no column 'nam' (did you mean name?)"),
        ("k.tsv", "a\tb\nc\n", {"column": 1}, ":2: the row ends before column 1 (on_bad_document: skip leaves"),
        ("k.tsv", "a\tb\n\tc\n", {"column": 1, "id_column": 0}, ":2: '0' is empty (on_bad_document: skip leaves"),
        ("k.csv", 'a,"b\n', {"column": 1}, ": holds no rows: "),
        ("k.txt", "中文行\n".encode() * 3 + b"\xff\xfe\xfa\n", {}, ":4: byte 0xff breaks a text that is UTF-8 elsewhere"),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_read(put, name, content, parameters, message):
    path = put(name, content)
    assert told(Texts(path=path, **parameters)).startswith(path + message)


def test_rows_left_out_by_choice_are_listed(put):
    path = put("k.tsv", "a\tb\nc\nd\te\n")
    corpus = Texts(path=path, column=1, on_bad_document="skip").read()
    assert ([p.text for p in corpus.passages], corpus.skipped) == (
        ["b", "e"],
        (f"{path}:2: the row ends before column 1",),
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"id_column": 0}, "give the column of the text too"),
        ({"column": -1}, "counted from 0"),
        ({"column": "a", "header": False}, "columns are numbers"),
        ({"column": 0, "delimiter": ", "}, "must be one character"),
    ],
)
def test_texts_parameters_that_do_not_fit(given, reason):
    with pytest.raises(ValidationError, match=reason):
        Texts(path="k.txt", **given)


def test_jsonl(put):
    path = put("k.jsonl", '{"text": "甲", "id": 7, "ward": [1]}\n\n{"text": "", "id": 8}\n{"text": "乙"}\n')
    passages = Jsonl(path=path).read().passages
    assert [(p.id, p.text, dict(p.meta)) for p in passages] == [("7", "甲", {"ward": [1]}), ("k.jsonl:2", "乙", {})]
    listed = put("k.json", json.dumps([{"body": "甲", "head": "A"}]))
    (passage,) = Jsonl(path=listed, text="body", title="head").read().passages
    assert (passage.text, passage.title, passage.meta) == ("甲", "A", {})


@pytest.mark.parametrize(
    ("content", "parameters", "message"),
    [
        ('{"text": "a"}\n{"text": \n', {}, ":2: not JSON: "),
        ('{"text": "a"}\n{"txt": "b"}', {}, ":2: there is no 'text' (on_bad"),
        ('{"body": "a"}', {"text": "bdy"}, ": no 'bdy' in any object (did you mean body?)"),
        ('{"text": "a"}', {"id": "key"}, ": no 'key' in any object (known: text)"),
        ('{"text": "a", "key": 1}\n{"text": "b"}', {"id": "key"}, ":2: there is no 'key'"),
        ('{"text": ["a"]}', {}, ":1: 'text' holds a list"),
        ("7", {}, ":1: expected an object with named values"),
    ],
)
def test_jsonl_mistakes(put, content, parameters, message):
    path = put("k.jsonl", content)
    assert told(Jsonl(path=path, **parameters)).startswith(path + message)


def test_files_of_a_folder(put, tmp_path):
    put("f/b.md", "# B\n\nb one.\n\n## C\nc.\n")
    put("f/sub/a.txt", "第一段。\r\n第二段。".encode("gb18030"))
    put("f/.hidden/x.md", "no")
    put("f/.x.md", "no")
    put("f/pic.png", b"\x89PNG")
    folder = Files(path=str(tmp_path / "f"), split="paragraph")
    assert [(p.id, p.title, p.text, p.source) for p in folder.read().passages] == [
        ("b.md#1", "B", "b one.", "b.md"),
        ("b.md#2", "B > C", "c.", "b.md"),
        ("sub/a.txt#1", "", "第一段。", "sub/a.txt"),
        ("sub/a.txt#2", "", "第二段。", "sub/a.txt"),
    ]
    assert [Path(file).name for file in folder.sources()] == ["b.md", "a.txt"]
    whole = Files(path=str(tmp_path / "f"), pattern="sub/*.txt").read().passages
    assert [(p.id, p.text) for p in whole] == [("sub/a.txt", "第一段。\n第二段。")]
    (one,) = Files(path=str(tmp_path / "f" / "b.md"), split="none").read().passages
    assert (one.id, one.title, one.text) == ("b.md:1", "", "# B\n\nb one.\n\n## C\nc.")


def test_files_that_are_not_there(put, tmp_path):
    put("f/a.pdf", "x")
    put("f/b.pdf", "x")
    put("f/c.rst", "x")
    folder = str(tmp_path / "f")
    assert told(Files(path=folder)) == (
        f"{folder}: no file ending in .md, .markdown, .txt; it holds 2 × .pdf, 1 × .rst; pattern chooses others, "
        "documents reads PDF, DOCX and HTML"
    )
    assert "no file that matches '*.adoc'" in told(Files(path=folder, pattern="*.adoc"))
    (tmp_path / "empty").mkdir()
    assert "the folder is empty" in told(Files(path=str(tmp_path / "empty")))
    assert "no such file (did you mean c.rst?)" in told(Files(path=folder + "/c.rts"))


def test_a_broken_file_among_good_ones(put, tmp_path):
    put("f/good.txt", "好")
    put("f/bad.txt", "中文行\n".encode() * 3 + b"\xff\xfe\xfa\n")
    put("f/empty.txt", "")
    folder = str(tmp_path / "f")
    message = told(Files(path=folder))
    assert message.split("\n")[0].startswith(f"{folder}/bad.txt:4: byte 0xff breaks a text that is UTF-8 elsewhere")
    assert message.split("\n")[1].startswith(f"{folder}/empty.txt: is empty (on_bad_document: skip")
    corpus = Files(path=folder, on_bad_document="skip").read()
    assert [p.text for p in corpus.passages] == ["好"]
    assert [line.partition(": ")[0] for line in corpus.skipped] == [f"{folder}/bad.txt:4", f"{folder}/empty.txt"]
    (tmp_path / "f" / "good.txt").unlink()
    assert "holds no passage" in told(Files(path=folder, on_bad_document="skip"))


def test_two_versions_of_a_folder(put, tmp_path):
    from harness.records.inputs import Sample

    put("v1/a.md", "# 用法\n每日一次。\n")
    put("v2/a.md", "# 用法\n每日两次。\n")
    knowledge = Files(path=str(tmp_path / "v1"), update=str(tmp_path / "v2"), split="paragraph")
    ((_, after),) = knowledge.affected([Sample(id="1", task="t", input="?", targets=("每日一次。",))])
    assert (after.targets, after.meta["stale"]) == (("每日两次。",), ["每日一次。"])
    assert [Path(file).parent.name for file in knowledge.sources()] == ["v1", "v2"]


def test_a_megabyte_on_one_line(put):
    path = put("k.txt", "这是很长的一行" * 150_000)
    corpus = Texts(path=path, split={"by": "sentence", "size": 200}).read()
    assert max(len(p.text) for p in corpus.passages) == 200
    assert corpus.merged + len(corpus.passages) == 5250  # 1,050,000 characters / 200


def test_real_terms(shared_data):
    path = str(shared_data / "yidu-n7k" / "code.txt")
    corpus = Texts(path=path, column=1).read()
    assert (len(corpus.passages), corpus.merged, sum(p.copies for p in corpus.passages)) == (9468, 399, 9867)
    own = Texts(path=path, column=1, id_column=0, gold={"separator": "##"})
    data = find("reader", "tsv")(
        path=str(shared_data / "yidu-n7k" / "val.tsv"), input="原始词", target="标准词"
    ).read("t", 1)  # fmt: skip
    found = own.gold_places(data.test, own.read())
    assert (all(found), sum(len(places) > 1 for places in found)) == (True, 50)  # every target is in it


def test_an_own_form_in_a_few_lines(tmp_path):
    class Notes(KnowledgeBase):
        def entries(self, path: str) -> list[Entry]:
            return [Entry(text="a", source="notes"), Entry(text="b", source="notes", id="own")]

    assert [p.id for p in Notes(path=str(tmp_path)).read().passages] == ["notes:1", "own"]


def test_nothing_heavy_is_imported_for_listing():
    code = "import sys; from harness.components.registry import names; names('knowledge'); names('reader'); print([m for m in ('numpy', 'markitdown', 'sklearn', 'openpyxl', 'csv') if m in sys.modules and m != 'csv'])"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("name", "text", "split", "expected"),
    [
        ("faq.md", "# FAQ\n## Fever?\nRest.\n\nDrink.\n## Cough?\nTea.\n", None, [("FAQ > Fever?", "Rest.\n\nDrink."), ("FAQ > Cough?", "Tea.")]),
        ("faq.md", "# FAQ\n## Fever?\nRest.\n", "none", [("", "# FAQ\n## Fever?\nRest.")]),
        ("faq.md", "# FAQ\n## Fever?\nRest.\n\nDrink.\n", "paragraph", [("FAQ > Fever?", "Rest."), ("FAQ > Fever?", "Drink.")]),
        ("notes.markdown", "no heading\n\nat all\n", None, [("", "no heading\n\nat all")]),
        ("notes.txt", "# 1\nnot Markdown\n", None, [("", "# 1\nnot Markdown")]),
    ],
)  # fmt: skip
def test_markdown_is_cut_at_its_headings_unless_told_otherwise(put, name, text, split, expected):
    knowledge = Files(path=put(name, text), **({"split": split} if split else {}))
    assert [(passage.title, passage.text) for passage in knowledge.read().passages] == expected


def test_what_is_no_markdown_has_no_headings(put):
    with pytest.raises(ValidationError, match="headings are cut at in Markdown only, which files and documents read"):
        Texts(path=put("k.txt", "a\n"), split="headings")
