"""In which language a text is written, as far as prompts need to know: Chinese, or any other."""

import re
import unicodedata
from collections.abc import Iterable

from harness.records.inputs import Language

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9d]")
_WORD = re.compile(r"[^\W\d_]+")
KANA_SHARE = 10  # Japanese has at least one kana for so many Chinese characters


def language_of(texts: Iterable[str]) -> Language | None:
    """Chinese where there are more Chinese characters than words of other scripts; None where there is neither.

    A Chinese word has about two characters, so that foreign terms in a Chinese text do not outweigh it. Japanese is
    another language, though most of its characters may be Chinese ones.
    """
    han = kana = words = 0
    for text in texts:
        text = unicodedata.normalize("NFC", text)
        han += len(_HAN.findall(text))
        kana += len(_KANA.findall(text))
        words += len(_WORD.findall(_HAN.sub(" ", text)))
    if not han and not words:
        return None
    return "zh" if han > words and KANA_SHARE * kana <= han else "en"
