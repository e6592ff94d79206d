"""Text in a comparable form: two writings of one answer become equal, each kind of difference by its own switch."""

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from harness.records.inputs import JSON, Sample

Punctuation = Literal["keep", "unify", "drop"]

# CJK and typographic marks beside the ASCII mark that means the same
_ASCII_OF = {
    **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if not chr(code).isalnum()},  # full-width forms
    **dict.fromkeys("、､﹑", ","),
    **dict.fromkeys("。｡", "."),
    **dict.fromkeys("“”„«»「」『』《》〈〉｢｣", '"'),
    **dict.fromkeys("‘’‚`´", "'"),
    **dict.fromkeys("【〔〖［", "["),
    **dict.fromkeys("】〕〗］", "]"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("〜∼", "~"),
    **dict.fromkeys("•・∙⋅", "·"),
    "…": "...",
    "⁄": "/",  # ½ is 1⁄2 after NFKC
}
_UNIFY = str.maketrans(_ASCII_OF)
# Marks that carry no meaning of their own, in runs. Not among them: - + < > / % #.
_MARKS = re.compile(r"""[,.;:!?"'()\[\]{}·]+""")
# A decimal point without a digit before it (.5), or comma (,5) where it separates no words (胃炎,3天). Not of "...5".
_POINT = re.compile(r"""(?<![.,])\.|(?<![\w.,)\]}"']),""")
_FULL_STOP = re.compile(r"(?<!\d)[。｡]|[。｡](?!\d)")
# Clearly thousands: a list of numbers has no number that begins with 0. 1,000 but not 100,200.
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?=[\d,]*,0)(?:,\d{3})+(?!,?\d)")
# What NFKC would merge with the digits before it
_RAISED = re.compile(r"(?<=\d)(?=[⁺⁻]?[⁰¹²³⁴-⁹])")
_LOWERED = re.compile(r"(?<=\d)(?=[₊₋]?[₀-₉])")
_ATTACHED = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞①-⒛⓪])")
# What Unicode calls default-ignorable (joiners, direction marks, variation selectors, tags, fillers), annotation marks,
# and control characters that are no white space
_INVISIBLE_RANGES = (
    (0x00, 0x08), (0x0E, 0x1B), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_INVISIBLE = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _INVISIBLE_RANGES) + "]+")
_CJK = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_NO_IDEOGRAPHS = re.compile(r"[^\u4e00-\u9fff]+")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
_SPACE_BESIDE_CJK = re.compile(rf"(?!(?<=\d)\s+\d)(?:(?<={_CJK})\s+|\s+(?={_CJK}))")


@lru_cache(maxsize=16384)  # a target is compared with every variant's answer
def normalise(
    text: str, *, nfkc: bool = True, punctuation: Punctuation = "unify", case: bool = True, whitespace: bool = True
) -> str:
    """`text` without the differences that are switched off.

    nfkc: compatibility forms become plain ones (`compatible`). punctuation: "unify" writes CJK and typographic marks in
    ASCII, "drop" removes marks that do not belong to a number. case: Unicode case folding. whitespace: runs become one
    space, none at the ends or beside a CJK character, and invisible characters go (`visible`). None of them changes a
    number.
    """
    if whitespace:
        text = visible(text)
    if nfkc:
        text = compatible(text)
    if punctuation == "drop":
        text = _FULL_STOP.sub("", text)
    if punctuation != "keep":
        text = text.translate(_UNIFY)
    if punctuation == "drop":
        text = _MARKS.sub(_of_number, _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text))
    if case:
        text = text.casefold()
    if whitespace:
        text = _SPACE_BESIDE_CJK.sub("", " ".join(text.split()))
    return text


def fast_normalise(text: str) -> str:
    """`normalise(text)`, several times as fast for passages: ideographs stay as they are and marks between them repeat.

    What stands between ideographs has no white space at its ends afterwards, as `normalise` leaves none beside CJK.
    """
    return _NO_IDEOGRAPHS.sub(_normalised_part, text)


def _normalised_part(part: re.Match[str]) -> str:
    text = part[0]
    # of all that is made comparable, ASCII has case, white space and one kind of quotation mark
    if text.isascii() and not _CONTROL.search(text):
        return " ".join(text.replace("`", "'").casefold().split())
    return normalise(text) if len(text) < 32 else normalise.__wrapped__(text)  # long ones would fill its cache


def visible(text: str) -> str:
    """`text` without what is not seen: joiners, direction marks, variation selectors, control characters."""
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub("", text)


def compatible(text: str) -> str:
    """NFKC (Ａ → A, ① → 1, ㎝ → cm, m² → m2) that keeps a number's value: 10⁵ is 10^5, not 105; 1½ is 1 1⁄2."""
    if unicodedata.is_normalized("NFKC", text):  # most texts: then it holds none of the marks below
        return text
    for pattern, mark in ((_RAISED, "^"), (_LOWERED, "_"), (_ATTACHED, " ")):
        text = pattern.sub(mark, text)
    return unicodedata.normalize("NFKC", text)


def _of_number(marks: re.Match[str]) -> str:
    """What stays of a run of marks: all between two digits, a decimal point or comma before the first digit."""
    text, start, end = marks.string, marks.start(), marks.end()
    if not text[end : end + 1].isdecimal():
        return ""
    if start and text[start - 1].isdecimal():
        return marks[0]
    return text[end - 1] if _POINT.match(text, end - 1) else ""


def is_missing(value: object) -> bool:
    """Whether a value is null, or the NaN that data frames write for it."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def as_text(value: JSON) -> str:
    """A JSON value as text: strings as they are, null empty, everything else as JSON with sorted keys.

    Half a surrogate pair, which JSON can spell and UTF-8 cannot, becomes "?".
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text.encode("utf-8", "replace").decode("utf-8")


def column_value(columns: Mapping[str, JSON], name: str) -> str:
    """What stands in a column, as the text by which rows are put together; "" where there is nothing."""
    return as_text(columns.get(name)).strip()


def option_letters(text: str) -> str:
    """The letters of a choice in their normal form: "c、Ａ" is "AC"."""
    return "".join(sorted(set(re.findall("[A-Z]", unicodedata.normalize("NFKC", text).upper()))))


def whole_question(sample: Sample) -> str:
    """Everything that a sample asks: earlier turns, the input, the options. Answers are no part of it."""
    turns = [text for user, assistant in sample.history for text in (user, assistant)]
    return "\n".join([*turns, sample.input, *sample.options])
