"""Reading the sections of a report: the content behind each field's heading, however the heading is set off."""

import re
from collections.abc import Iterator
from functools import lru_cache

from harness.records.outputs import Reading

_UNSEEN = r"[ \t\xa0\u3000\u200b-\u200f\u202a-\u202e\u2060-\u2069\u20e3\ufe0f\ufeff]"
_SPACE = rf"{_UNSEEN}*"
_ORDINAL = (
    r"(?:[一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾]{1,3}"
    r"|[IVXivx]{1,4}|[Ⅰ-ⅿ]|[A-Za-zＡ-Ｚａ-ｚ]|\d{1,2}(?:[.．]\d{1,2})*)"
)
_LEADER = (  # a bullet, or a number: 1. 一、 (1) ① 第一， Step 2:
    rf"(?>(?:{_SPACE}(?:\*(?!\*)(?=[ \t])|[(（\[【]{_SPACE}{_ORDINAL}{_SPACE}[)）\]】]|{_ORDINAL}[.．、:：》)）]"
    rf"|第{_ORDINAL}(?:部分|[章节点条项步])?[,，、.:：]?|其[一二三四五][,，、:：]?|[一二三四五六七八九十]{{1,3}}(?={_UNSEEN})"
    rf"|(?i:step|section|part|item|no\.){_SPACE}{_ORDINAL}[.:)-]?(?={_UNSEEN})|\d{{1,2}}(?:\.\d{{1,2}})*"
    r"|[①-⓿❶-➓㈠-㈩㊀-㊉]|[^\w\s*`~(（\[【〖〔「『《<［{\"'“‘]))*)"
)
_EMPHASIS = r"\*{1,3}|__|_|~~|`"
_OPENING, _CLOSING = "【[〖〔「『《<［{(（\"“'‘", "】]〗〕」』》>］})）\"”'’"
_BOLD_TAGS = re.compile(r"</?(?:b|strong|i|em|u)>", re.IGNORECASE)
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_FENCES = re.compile(r"^```\w*\s*$", re.MULTILINE)
_BLOCK_TAGS = re.compile(r"</?(?:h[1-6]|p|li|ul|ol|div|br)\s*/?>", re.IGNORECASE)


def read_sections(text: str, fields: tuple[str, ...]) -> Reading:
    """The content of each field, up to the next heading. Only named fields are headings; the first of each counts."""
    text = _FENCES.sub("", _LINE_ENDS.sub("\n", text))
    text = _BLOCK_TAGS.sub("\n", _BOLD_TAGS.sub("**", text))
    headings = list(_headings(text, fields))
    if not headings:
        return Reading(reason=f"no line begins with one of: {'：, '.join(fields)}：")
    ends = [*(match.start() for _, match in headings[1:]), len(text)]
    answer: dict[str, str] = {}
    for (field, match), end in zip(headings, ends, strict=True):
        answer.setdefault(field, _content(match, text[match.end() : end]))
    return Reading(answer=answer)


def _headings(text: str, fields: tuple[str, ...]) -> Iterator[tuple[str, re.Match[str]]]:
    """The headings with their fields. One without a colon stands alone on its line, in 【】 or <>, or in bold."""
    by_letters = {_letters(field): field for field in fields}
    for match in _heading_of(fields).finditer(text):
        rest = text[match.end() :].partition("\n")[0]
        is_set_off = match["opening"] in ("【", "<") or (match["end"] and match[0][-1:].isspace())
        if match["colon"] or is_set_off or not rest.strip():
            yield by_letters[_letters(match["name"])], match


def _letters(name: str) -> str:
    return re.sub(rf"\s|{_UNSEEN}", "", name).casefold()


@lru_cache(maxsize=64)
def _heading_of(fields: tuple[str, ...]) -> re.Pattern[str]:
    """A line's beginning that names a field; the ideographs of a name may stand apart (主　诉)."""
    names = "|".join(map(_spaced, sorted(fields, key=len, reverse=True)))
    return re.compile(
        rf"^{_SPACE}(?:{_LEADER}|){_SPACE}(?P<mark>{_EMPHASIS})?(?P<opening>[{re.escape(_OPENING)}])?{_SPACE}(?:{_LEADER}|){_SPACE}"
        rf"(?P<name>{names}){_SPACE}(?(opening)(?:(?P<closed>[{re.escape(_CLOSING)}])|(?=[:：]))){_SPACE}(?(mark)(?P<end>(?P=mark))?)"
        rf"{_SPACE}(?P<colon>[:：﹕︰∶=→]|[—–]{{1,2}}|(?<=[\s*_】])-(?=\s))?{_SPACE}",
        re.MULTILINE | re.IGNORECASE,
    )


def _spaced(name: str) -> str:
    letters = list(_letters(name) if not name.isascii() else name)
    return (_SPACE if not name.isascii() else "").join(map(re.escape, letters))


def _content(heading: re.Match[str], content: str) -> str:
    """The content without the emphasis that the heading opened, or that encloses all of it."""
    content = content.strip()
    if heading["opening"] == "<":
        content = re.sub(rf"\s*</{re.escape(heading['name'])}>\s*$", "", content)
    elif heading["opening"] and not heading["closed"]:  # 【诊断：感冒】
        content = content.replace(_CLOSING[_OPENING.index(heading["opening"])], "", 1).strip()
    mark = heading["mark"]
    if mark and not heading["end"]:  # **诊断：感冒** or **诊断：** 感冒
        return content.replace(mark, "", 1).strip()
    enclosed = re.fullmatch(rf"({_EMPHASIS})([^*_`~]*)\1", content)
    return enclosed[2].strip() if enclosed else content
