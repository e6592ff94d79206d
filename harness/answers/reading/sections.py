"""Reading the sections of a report: the content behind each field's heading, however the heading is set off."""

import re
from collections.abc import Iterator
from functools import lru_cache

from harness.records.outputs import Reading

_SPACE = r"[ \t\u3000\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"  # also what is not seen
_ORDINAL = r"(?:[一二三四五六七八九十]{1,3}|[IVXivx]{1,4}|[Ⅰ-Ⅻ]|[A-Za-z]|\d{1,2}(?:\.\d{1,2})*)"
_LEADER = (  # a bullet, or a number: 1. 一、 (1) ① 第一，
    rf"(?>(?:{_SPACE}(?:#+|>|[-+–•·●○■▪◆]|\*(?!\*)(?=[ \t])|[(（\[【]{_SPACE}{_ORDINAL}{_SPACE}[)）\]】]"
    rf"|{_ORDINAL}[.．、)）]|第{_ORDINAL}[,，、.]?|\d{{1,2}}(?:\.\d{{1,2}})*|[①-⑳㈠-㈩]|[.．、]))*)"
)
_EMPHASIS = r"\*{1,3}|__|~~|`"
_OPENING, _CLOSING = "【[〖〔「『《<", "】]〗〕」』》>"


def read_sections(text: str, fields: tuple[str, ...]) -> Reading:
    """The content of each field, up to the next heading. Only named fields are headings; the first of each counts."""
    headings = list(_headings(text, fields))
    if not headings:
        return Reading(reason=f"no line begins with one of: {'：, '.join(fields)}：")
    ends = [*(match.start() for _, match in headings[1:]), len(text)]
    answer: dict[str, str] = {}
    for (field, match), end in zip(headings, ends, strict=True):
        answer.setdefault(field, _content(match, text[match.end() : end]))
    return Reading(answer=answer)


def _headings(text: str, fields: tuple[str, ...]) -> Iterator[tuple[str, re.Match[str]]]:
    """The headings with their fields. One without a colon stands alone on its line, or in 【】."""
    by_letters = {_letters(field): field for field in fields}
    for match in _heading_of(fields).finditer(text):
        rest = text[match.end() :].partition("\n")[0]
        if match["colon"] or match["opening"] == "【" or not rest.strip():
            yield by_letters[_letters(match["name"])], match


def _letters(name: str) -> str:
    return re.sub(r"\s", "", name)


@lru_cache(maxsize=64)
def _heading_of(fields: tuple[str, ...]) -> re.Pattern[str]:
    """A line's beginning that names a field; the ideographs of a name may stand apart (主　诉)."""
    names = "|".join(map(_spaced, sorted(fields, key=len, reverse=True)))
    return re.compile(
        rf"^{_SPACE}(?:{_LEADER}|){_SPACE}(?P<mark>{_EMPHASIS})?(?P<opening>[{re.escape(_OPENING)}])?{_SPACE}(?:{_LEADER}|){_SPACE}"
        rf"(?P<name>{names}){_SPACE}(?(opening)[{re.escape(_CLOSING)}]){_SPACE}(?(mark)(?P<end>(?P=mark))?)"
        rf"{_SPACE}(?P<colon>[:：])?{_SPACE}",
        re.MULTILINE,
    )


def _spaced(name: str) -> str:
    letters = list(_letters(name) if not name.isascii() else name)
    return (_SPACE if not name.isascii() else "").join(map(re.escape, letters))


def _content(heading: re.Match[str], content: str) -> str:
    """The content without the emphasis that the heading opened, or that encloses all of it."""
    content = content.strip()
    mark = heading["mark"]
    if mark and not heading["end"]:  # **诊断：感冒** or **诊断：** 感冒
        return content.replace(mark, "", 1).strip()
    enclosed = re.fullmatch(rf"({_EMPHASIS})([^*_`~]*)\1", content)
    return enclosed[2].strip() if enclosed else content
