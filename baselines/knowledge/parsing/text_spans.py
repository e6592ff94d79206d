"""Where the parts of a text stand: its paragraphs, sentences, tokens and headings, and those joined up to a size."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise

Span = tuple[int, int]  # begin and end in the text

_CJK = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")
_WORDS = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
_BLANK_LINE = re.compile(r"\n(?:[^\S\n]*\n)+|\n(?=\u3000)")  # an ideographic space indents a new paragraph
_NEWLINE = re.compile(r"\n+")
# What may end a sentence. A title in 《》 is taken whole: no sentence ends inside it.
_MARK = re.compile(r"《[^《》\n]{0,80}》|[。！？；…!?.]+")
_CLOSING = "”’」』）)]】》〉｝}"
_ABBREVIATIONS = frozenset(
    "dr mr mrs ms prof st vs cf al jr sr inc ltd co approx ca dept resp viz eds ed".split()  # noqa: SIM905
)
_BEFORE_NUMBERS = frozenset("no nos fig figs vol p pp sec art ch eq tab ref refs".split())  # noqa: SIM905
_WORD = re.compile(r"[A-Za-z][A-Za-z.]*$")
_UNIT = re.compile(r"\d\s?[A-Za-z]$")
_NEXT = re.compile(r"\s*(\S?)")
_NEARBY = 1000  # characters searched for an open quote: a "sentence" may be a megabyte of noise
_LIST_NUMBER = re.compile(r"\s*[(（]?\d+(?:\.\d+)*$")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def whole_spans(text: str, whole_paragraphs: bool) -> list[Span]:
    """Where its paragraphs stand, or its sentences."""
    parts = paragraphs(text)
    return parts if whole_paragraphs else [span for part in parts for span in sentences(text, part)]


def token_spans(text: str, size: int, overlap: int) -> Iterable[Span]:
    """So many tokens at a time, of which the next ones repeat some."""
    return _windows(_token_starts(text), len(text), size, overlap)


def joined_spans(text: str, whole_paragraphs: bool, size: int, overlap: int) -> Iterable[Span]:
    """Neighbouring paragraphs or sentences, joined while they have at most so many tokens."""
    starts = _token_starts(text)
    return _joined(_units(text, starts, whole_paragraphs, size), starts, size, overlap)


def _token_starts(text: str) -> list[int]:
    return [match.start() for match in _TOKEN.finditer(text)]


def sections(text: str) -> list[tuple[str, str]]:
    """Markdown as (path of headings "A > B", what stands under it), in order; "" before the first heading.

    A heading with neither text nor headings under it is itself the text. Lines in code fences are no headings.
    """
    parts: list[tuple[list[tuple[int, str]], list[str]]] = [([], [])]
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading:
            above = [part for part in parts[-1][0] if part[0] < len(heading[1])]
            parts.append(([*above, (len(heading[1]), heading[2])], []))
        else:
            parts[-1][1].append(line)
    return list(_with_text(parts))


def _with_text(parts: list[tuple[list[tuple[int, str]], list[str]]]) -> Iterator[tuple[str, str]]:
    for number, (path, lines) in enumerate(parts):
        body, titles = "\n".join(lines), [title for _, title in path if title]
        following = parts[number + 1][0] if number + 1 < len(parts) else []
        if body.strip():
            yield " > ".join(titles), body
        elif titles and following[: len(path)] != path:
            yield " > ".join(titles[:-1]), titles[-1]


def paragraphs(text: str) -> list[Span]:
    """Where paragraphs stand: between blank lines, or from one line indented by an ideographic space to the next.

    A text without either, at least half of it CJK, has a paragraph a line, as Chinese prose is usually stored; other
    such text is taken to be one paragraph with wrapped lines.
    """
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    breaks = list(_BLANK_LINE.finditer(text, begin, end))
    if not breaks and _mostly_cjk(text):
        breaks = list(_NEWLINE.finditer(text, begin, end))
    return _between([match.end() for match in breaks], begin, end)


def sentences(text: str, within: Span) -> list[Span]:
    """Where the sentences of a paragraph stand, closing quotes and brackets included.

    They end at 。！？；… and at . ! ? before white space or CJK. In doubt (initials, abbreviations, a small letter
    after the mark) two sentences stay together: a passage too long finds more than one cut in the middle.
    """
    begin, end = within
    ends: list[int] = []
    start = begin
    for mark in _MARK.finditer(text, begin, end):
        if mark[0].startswith("《"):
            continue
        stop = _after_closing(text, start, mark.end(), end)
        if stop < end and _ends_sentence(text, start, mark.start(), mark.end(), stop, end):
            ends.append(stop)
            start = stop
    return _between(ends, begin, end)


def _windows(starts: list[int], end: int, size: int, overlap: int) -> Iterator[Span]:
    """So many tokens at a time; the last window is the one that reaches the end."""
    edges = [*starts, end]
    for first in range(0, max(len(starts) - overlap, min(len(starts), 1)), size - overlap):
        yield edges[first], edges[min(first + size, len(starts))]


def _units(text: str, starts: list[int], whole_paragraphs: bool, limit: int) -> list[Span]:
    """The spans to be joined: paragraphs or sentences; a span above the limit is cut by the next smaller kind."""
    units: list[Span] = []
    for paragraph in paragraphs(text):
        fits = whole_paragraphs and _count(starts, paragraph) <= limit
        for unit in [paragraph] if fits else sentences(text, paragraph):
            if _count(starts, unit) <= limit:
                units.append(unit)
            else:
                inside = starts[bisect_left(starts, unit[0]) : bisect_left(starts, unit[1])]
                units += zip(inside, [*inside[1:], unit[1]], strict=True)
    return units


def _joined(units: list[Span], starts: list[int], size: int, overlap: int) -> Iterator[Span]:
    """Neighbours together while they fit; the last ones of a piece, up to the overlap, begin the next one too."""
    counts = [_count(starts, unit) for unit in units]
    first, total = 0, 0
    for number, count in enumerate(counts):
        if total + count > size:
            yield units[first][0], units[number - 1][1]
            first, total = number, 0
            while first and total + counts[first - 1] <= min(overlap, size - count):
                first -= 1
                total += counts[first]
        total += count
    if units:
        yield units[first][0], units[-1][1]


def _count(starts: list[int], span: Span) -> int:
    return bisect_left(starts, span[1]) - bisect_left(starts, span[0])


def _between(cuts: list[int], begin: int, end: int) -> list[Span]:
    edges = [begin, *cuts, end]
    return [(start, stop) for start, stop in pairwise(edges) if start < stop]


def _mostly_cjk(text: str) -> bool:
    """Whether at least half of the words are CJK characters, by the beginning of the text."""
    words = _WORDS.findall(text, 0, 10_000)
    return sum(not word.isascii() and _IS_CJK.match(word) is not None for word in words) * 2 >= len(words) > 0


def _after_closing(text: str, start: int, position: int, end: int) -> int:
    """The position after the closing quotes and brackets; a straight quote closes if one is open in the sentence."""
    while position < end:
        sign = text[position]
        if sign in "\"'":
            apostrophe = sign == "'" and text[position + 1 : position + 2].isalnum()
            if text.count(sign, max(start, position - _NEARBY), position) % 2 == 0 or apostrophe:
                break
        elif sign not in _CLOSING:
            break
        position += 1
    return position


def _ends_sentence(text: str, start: int, mark: int, after: int, stop: int, end: int) -> bool:
    """Whether the mark in text[mark:after] ends a sentence; `stop` is where its closing quotes and brackets end."""
    signs, next_sign = text[mark:after], text[stop : stop + 1]
    if set(signs) & set("。！？；"):
        return True
    after_space = _NEXT.match(text, stop, min(end, stop + _NEARBY))
    following = after_space[1] if after_space else ""
    if following.islower():
        return False
    if "…" in signs:
        return True
    beside_cjk = _IS_CJK.match(next_sign) is not None or next_sign in "“‘「『《（【\u3000"
    if signs != ".":
        return next_sign.isspace() or beside_cjk
    if not next_sign.isspace():
        return beside_cjk and _IS_CJK.match(text[mark - 1 : mark]) is not None  # not 1.定义, A.选项, Dr.李
    return not _belongs_to_word(text, start, mark, following)


def _belongs_to_word(text: str, start: int, point: int, following: str) -> bool:
    """Whether the point is part of an abbreviation, of initials or of a number at the beginning of a line."""
    nearby = max(start, point - 20)
    line = text.rfind("\n", nearby, point) + 1
    if _LIST_NUMBER.match(text[line or start : point]) and (line or point - start <= 20):
        return True
    word = _WORD.search(text[max(nearby, line) : point])
    if word is None:
        return False
    name = word[0].lower()
    if name in _BEFORE_NUMBERS and following.isdigit():
        return True
    if len(name) == 1:
        return _UNIT.search(text[max(nearby, point - 4) : point]) is None  # 5 g. The → two sentences
    return "." in name or name in _ABBREVIATIONS
