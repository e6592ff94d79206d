"""The words of a text that have a vector: by jieba for Chinese, else between spaces and punctuation."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from sentence_transformers.sentence_transformer.modules.tokenizer import WordTokenizer

from harness.text.segmentation import segmenter

CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
WORDS = "words.json"
WORD = re.compile(r"\w+(?:[-'’.]\w+)*")


class VocabularyTokenizer(WordTokenizer):  # type: ignore[misc, unused-ignore]
    """A tokenizer of sentence-transformers. Number 0 pads; a word of which nothing is known has none.

    A word is looked up as it is written, then in small letters; a Chinese one that is not there by its characters.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.set_vocab(words)

    def set_vocab(self, vocab: Iterable[str]) -> None:
        self.numbers = {word: number for number, word in enumerate(vocab, start=1)}

    def get_vocab(self) -> list[str]:
        return list(self.numbers)

    def tokenize(self, text: str, **kwargs: object) -> list[int]:
        return [number for word in split_words(text) for number in self._numbers_of(word)]

    def _numbers_of(self, word: str) -> list[int]:
        for form in (word, word.lower()):
            if form in self.numbers:
                return [self.numbers[form]]
        return [self.numbers[sign] for sign in word if CHINESE.match(sign) and sign in self.numbers]

    def save(self, output_path: str) -> None:
        """Write the words, in their order, into a folder."""
        text = json.dumps(self.get_vocab(), ensure_ascii=False)
        (Path(output_path) / WORDS).write_text(text, encoding="utf-8")

    @staticmethod
    def load(input_path: str) -> "VocabularyTokenizer":
        """The tokenizer that `save` wrote."""
        return VocabularyTokenizer(json.loads((Path(input_path) / WORDS).read_text(encoding="utf-8")))


def split_words(text: str) -> list[str]:
    """The words of a text in their order."""
    if CHINESE.search(text):
        return [word for word in segmenter().cut(text) if word.strip()]
    return WORD.findall(text)
