"""Text in a comparable form: two writings of one answer become equal, each kind of difference by its own switch."""

import json
import re
import unicodedata
from typing import Literal

from harness.types import JSON

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
}
_UNIFY = str.maketrans(_ASCII_OF)
# Marks that carry no meaning of their own. Not among them: - + < > / % #. Between digits all stay: 1.5 is not 15.
_MARKS = r"""[,.;:!?"'()\[\]{}·]"""
_DROPPED = re.compile(rf"(?<!\d){_MARKS}|{_MARKS}(?!\d)")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_CJK = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_SPACE_BESIDE_CJK = re.compile(rf"(?<={_CJK})\s+|\s+(?={_CJK})")


def normalise(
    text: str, *, nfkc: bool = True, punctuation: Punctuation = "unify", case: bool = True, whitespace: bool = True
) -> str:
    """`text` without the differences that are switched off.

    nfkc: compatibility forms become plain ones (Ａ → A, ① → 1, ㎝ → cm; also m² → m2). punctuation: "unify" writes CJK
    and typographic marks in ASCII, "drop" removes marks that are not between two digits. case: Unicode case folding.
    whitespace: runs become one space, none at the ends or beside a CJK character, and invisible characters go.
    """
    if nfkc:
        text = unicodedata.normalize("NFKC", text)
    if punctuation != "keep":
        text = text.translate(_UNIFY)
    if punctuation == "drop":
        text = _DROPPED.sub("", text)
    if case:
        text = text.casefold()
    if whitespace:
        text = _SPACE_BESIDE_CJK.sub("", " ".join(text.translate(_INVISIBLE).split()))
    return text


def as_text(value: JSON) -> str:
    """A JSON value as text: strings as they are, null empty, everything else as JSON with sorted keys.

    Half a surrogate pair, which JSON can spell and UTF-8 cannot, becomes "?".
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text.encode("utf-8", "replace").decode("utf-8")


def option_letters(text: str) -> str:
    """The letters of a choice in their normal form: "c、Ａ" is "AC"."""
    return "".join(sorted(set(re.findall("[A-Z]", unicodedata.normalize("NFKC", text).upper()))))
