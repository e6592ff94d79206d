"""PDF, DOCX and HTML written here byte by byte: their text, and what is told of those that have none."""

import builtins
import warnings
import zipfile
from pathlib import Path

import pytest

from baselines.knowledge.documents import Documents, _converter
from harness.errors import DataError

markitdown = pytest.importorskip("markitdown")

TEXT_PAGE = b"BT /F1 18 Tf 72 720 Td (Aspirin 100 mg daily.) Tj 0 -30 Td (Stop before surgery.) Tj ET"
PICTURE_PAGE = b"q 200 0 0 200 72 500 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q"
ENCRYPTED = b"/Encrypt <</Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s>>> /ID [<%s> <%s>]"


def pdf(page: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of one page with Helvetica."""
    objects = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources <</Font <</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(page), page),
        b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<</Size 6 /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        trailer,
        len(out),
    )


def docx(path: Path) -> None:
    """A DOCX with a heading and two paragraphs: the three parts that must be there."""
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    paragraphs = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>用药</w:t></w:r></w:p>'
        "<w:p><w:r><w:t>阿司匹林每日100毫克。</w:t></w:r></w:p><w:p><w:r><w:t>术前停药。</w:t></w:r></w:p>"
    )
    styles = '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{word}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{word}.styles+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "word/document.xml": f"<w:document {w}><w:body>{paragraphs}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {w}>{styles}</w:styles>",
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)


HTML = "<html><head><title>指南</title><script>x()</script></head><body><p>引言。</p><h1>用药</h1><p>每日一次。</p></body></html>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One good document of each form."""
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "a.pdf").write_bytes(pdf(TEXT_PAGE))
    docx(tmp_path / "d" / "b.docx")
    (tmp_path / "d" / "sub" / "c.HTML").write_bytes(HTML.encode("gb18030"))
    (tmp_path / "d" / "notes.md").write_text("not read here", encoding="utf-8")
    return tmp_path / "d"


def told(knowledge: Documents) -> str:
    with pytest.raises(DataError) as error:
        knowledge.read()
    return str(error.value)


def test_documents_of_a_folder(folder, capfd):
    corpus = Documents(path=str(folder), split="paragraph").read()
    assert [(p.id, p.title, p.text) for p in corpus.passages] == [
        ("a.pdf#1", "", "Aspirin 100 mg daily."),
        ("a.pdf#2", "", "Stop before surgery."),
        ("b.docx#1", "用药", "阿司匹林每日100毫克。"),
        ("b.docx#2", "用药", "术前停药。"),
        ("sub/c.HTML#1", "指南", "引言。"),  # before the first heading: the document's own title
        ("sub/c.HTML#2", "用药", "每日一次。"),
    ]
    assert "".join(capfd.readouterr()) == ""  # quiet
    assert [Path(file).name for file in Documents(path=str(folder)).sources()] == ["a.pdf", "b.docx", "c.HTML"]


def test_one_document_is_one_passage_without_a_split(folder):
    (passage,) = Documents(path=str(folder / "b.docx"), split="none").read().passages
    assert (passage.id, passage.source) == ("b.docx:1", "b.docx")
    assert passage.text == "# 用药\n\n阿司匹林每日100毫克。\n\n术前停药。"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.pdf", pdf(PICTURE_PAGE), "holds no text; are its pages scanned? Run OCR over it"),
        ("x.pdf", pdf(TEXT_PAGE, ENCRYPTED % (b"ab" * 32, b"cd" * 32, b"ef" * 16, b"ef" * 16)), "is encrypted; save it without"),
        ("x.pdf", b"%PDF-1.4\ngarbage", "cannot be read, is it damaged? ("),
        ("x.pdf", b"no pdf at all", "cannot be read, is it damaged? ("),
        ("x.pdf", b"", "is empty"),
        ("x.docx", b"PK\x03\x04 broken", "cannot be read, is it damaged? ("),
        ("x.docx", b"\xd0\xcf\x11\xe0 old", "an old .doc or a file with a password; save it as .docx without one"),
        ("x.docx", pdf(TEXT_PAGE), "cannot be read, is it damaged? ("),
        ("x.html", b"<html><script>only()</script></html>", "holds no text"),
        ("x.html", "<p>中文".encode() + b"\n\xff\xfe\xfa", "neither UTF-8 nor"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_read(folder, name, content, reason):
    path = folder / name
    path.write_bytes(content)
    for given in (folder, path):
        message = told(Documents(path=str(given)))
        assert message.startswith(str(path)), message
        assert reason in message
        assert "\n" not in message
    corpus = Documents(path=str(folder), split="none", on_bad_document="skip").read()
    assert len(corpus.passages) == 3
    assert len(corpus.skipped) == 1
    assert corpus.skipped[0].startswith(str(path))


def test_other_suffixes_are_named(folder):
    assert "'.md' files are not read; the forms read are .pdf, .docx, .html, .htm" in told(
        Documents(path=str(folder / "notes.md"))
    )
    assert "files reads Markdown and text" in told(Documents(path=str(folder / "sub"), pattern="*.docx"))


def test_without_markitdown_the_remedy_is_told(folder, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name.startswith("markitdown"):
            raise ImportError("No module named 'markitdown'")
        return real(name, *rest, **more)

    _converter.cache_clear()
    monkeypatch.setattr(builtins, "__import__", missing)
    assert "pip install 'domain-harness[documents]'" in told(Documents(path=str(folder)))


def test_warnings_of_a_conversion_stay_inside(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Documents(path=str(folder), split="none").read().passages) == 3
