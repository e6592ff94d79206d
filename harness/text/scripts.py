"""Which characters make up words: ideographs without spaces between them, and signs that stand on letters."""

import unicodedata
from functools import cache
from itertools import groupby

# Inside a character class of a pattern
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han and kana


@cache
def marks() -> str:
    """All combining marks (vowels and tones of Indic scripts and Thai, Arabic and Hebrew points), as ranges.

    They are looked up in Python's own table, which takes 40 ms: where a pattern needs them, not on import.
    """
    ranges: list[str] = []
    signs = map(chr, range(0x300, 0x1F000))  # behind it there are variation selectors only, which are not seen
    for is_mark, run in groupby(signs, lambda sign: unicodedata.category(sign)[0] == "M"):
        if is_mark:
            first, *rest = run
            ranges.append(f"{first}-{rest[-1] if rest else first}")
    return "".join(ranges)
