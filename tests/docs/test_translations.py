"""A page in Chinese has the content of the one in English: the same headings, commands, files, tables and links."""

import re
from collections.abc import Sequence

import pytest

from tests.shared.paths import ROOT

PAIRS = [("README.md", "README.zh.md"), ("docs/tutorial.md", "docs/zh/tutorial.md")]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def text_of(place: str) -> str:
    return (ROOT / place).read_text(encoding="utf-8")


def headings(text: str) -> list[tuple[int, str]]:
    """The level of each heading, with the number that it begins with."""
    prose = FENCE.sub("", text)
    return [(len(marks), number) for marks, number in re.findall(r"^(#+) (\d*)", prose, re.MULTILINE)]


def blocks(text: str) -> list[tuple[str, str]]:
    """What stands in code: kind and text; of a tree of folders its paths."""
    return [
        (kind, body if kind else re.sub(r" {2,}\S.*$", "", body, flags=re.MULTILINE))
        for kind, body in FENCE.findall(text)
    ]


def tables(text: str) -> list[int]:
    """The number of columns of each line of a table."""
    return [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]


def commands(text: str) -> list[str]:
    return re.findall(r"^\| (`(?:harness|import) [^`]*`) \|", text, re.MULTILINE)


def pictures(text: str) -> int:
    return len(re.findall(r"!\[[^\]]+\]\(", text))


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
@pytest.mark.parametrize("part", [headings, blocks, tables, commands, pictures])
def test_both_pages_have_the_same(part: object, english: str, chinese: str) -> None:
    assert callable(part)
    ours, theirs = part(text_of(english)), part(text_of(chinese))
    assert ours == theirs, f"{chinese} differs from {english}: {_difference(ours, theirs)}; translate what changed"


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_pages_lead_to_each_other(english: str, chinese: str) -> None:
    names = [place.rpartition("docs/")[2] for place in (english, chinese)]
    assert f"[中文]({names[1]})" in text_of(english).partition("## ")[0]
    assert re.search(rf"\[English\]\((\.\./)?{names[0]}\)", text_of(chinese).partition("## ")[0])


@pytest.mark.parametrize(
    ("text", "expected"), [("# a\n\n## 1. b\n```sh\n# no\n```\n", [(1, ""), (2, "1")]), ("text", [])]
)
def test_headings_stand_outside_of_code(text: str, expected: Sequence[object]) -> None:
    assert headings(text) == expected


def _difference(ours: object, theirs: object) -> str:
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return f"{ours} and {theirs}"
    pairs = [(one, other) for one, other in zip(ours, theirs, strict=False) if one != other]
    return f"first {pairs[0]}" if pairs else f"{len(ours)} and {len(theirs)} of them"
