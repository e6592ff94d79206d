"""Which characters make up words: ideographs without spaces between them, and signs that stand on letters."""

import unicodedata

# Inside a character class of a pattern
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han and kana


def _marks() -> str:
    """All combining marks (vowels and tones of Indic scripts and Thai, Arabic and Hebrew points), as ranges."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0x1F000):  # behind it there are variation selectors only, which are not seen
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


MARKS = _marks()
