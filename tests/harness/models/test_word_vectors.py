"""Averaged word vectors from a text file, through sentence-transformers: means by hand, files of each form, a suite."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra `local`")

from harness.components.display import Display
from harness.errors import HarnessError, ModelError
from harness.models.local.vocabulary_tokenizer import VocabularyTokenizer
from harness.models.local.word_vector_file import read_word_vectors
from harness.models.word_vectors import WordVectors
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context
from harness.suite.parser import load_suite

GLOVE = "fever 1 0\ncough 0 2\n糖尿病 4 4\n血 1 3\n压 3 1\nchest pain 9 9\ncovid-19 5 5\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text(GLOVE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "vector"),
    [
        ("fever", (1, 0)),
        ("Fever, COUGH!", (0.5, 1)),  # in small letters, without punctuation
        ("fever fever cough", (2 / 3, 2 / 3)),
        ("糖尿病，fever", (2.5, 2)),  # one word, as jieba cuts it
        ("血压", (2, 2)),  # the word is not there, its characters are
        ("covid-19 xyz", (5, 5)),  # an unknown word counts for nothing
        ("xyz", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_means_by_hand(text: str, vector: tuple[float, float], file: Path) -> None:
    assert WordVectors(path=str(file)).embed([text], "query")[0] == pytest.approx(vector)


def test_a_text_is_the_same_among_others(file: Path) -> None:
    model, texts = WordVectors(path=str(file)), ["fever", "xyz", "fever cough 糖尿病", "血压 fever"]
    together = model.embed(texts, "passage")
    assert np.allclose(together, np.concatenate([model.embed([text], "query") for text in texts]))
    model.close()


@pytest.mark.parametrize(
    ("content", "words", "limit"),
    [
        ("a 1 2\nb 3 4\n", ["a", "b"], None),
        ("2 2\na 1 2\nb 3 4\n", ["a", "b"], None),  # word2vec's first line
        ("3 2\na 1 2\nb 3 4\nc 5 6\n", ["a"], 1),
        (". . 1 2\n", [". ."], None),  # a word with a space, as in GloVe 840B; told by what the first line counts
        ("a 1 2 \na 9 9\r\nb 3 4", ["a", "b"], None),  # the first of equal words
    ],
)  # fmt: skip
def test_forms_of_files(content: str, words: list[str], limit: int | None, tmp_path: Path) -> None:
    if content.startswith("."):
        content = "a 0 0\n" + content
        words = ["a", *words]
    (tmp_path / "plain.txt").write_bytes(content.encode())
    with gzip.open(tmp_path / "packed.vec.gz", "wb") as packed:
        packed.write(content.encode())
    for name in ("plain.txt", "packed.vec.gz"):
        table = read_word_vectors(tmp_path / name, limit)
        assert (table.words, table.vectors.shape) == (words, (len(words), 2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it holds no word"),
        (b"2 2\n", "it holds no word"),
        (b"a 1 2\nb 3\n", "line 2 is not a word and 2 numbers"),
        (b"2 3\na 1 2\n", "line 2 is not a word and 3 numbers"),
        (b"a\n", "line 1 is not a word and 1 numbers"),
        (b"a 1 2\nb 3 x\n", "line 2 holds something that is no number"),
        (b"a 1 nan\n", "line 1 holds a number that is not finite"),
        (b"3 2\na 1 2\nb 3 4\n", "it holds 2 words, and its first line says 3; get the whole file"),
        (b"\xff\xfe\x00\x01", "is no text in UTF-8 (a binary file of word2vec is not read)"),
        (b'{"a": [1, 2]}\n', "line 1 holds something that is no number"),
    ],
)
def test_a_file_that_is_none_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_word_vectors(tmp_path / "x.txt")
    assert str(caught.value).startswith(str(tmp_path / "x.txt"))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_its_identity_is_the_content_of_the_file(file: Path, tmp_path: Path) -> None:
    before = WordVectors(path=str(file)).identity()
    copy = tmp_path / "copy.txt"
    copy.write_bytes(file.read_bytes())
    assert WordVectors(path=str(copy)).identity() == before
    copy.write_text(GLOVE.replace("fever 1", "fever 2"), encoding="utf-8")
    assert WordVectors(path=str(copy)).identity() != before
    assert WordVectors(path=str(file), limit=2).identity() != before
    with pytest.raises(HarnessError, match="there is no such file"):
        WordVectors(path=str(tmp_path / "away.txt")).check()


SUITE = """
models: {words: {word_vectors: {path: vectors.txt}}, m: {scripted: {}}}
knowledge: {kb: {jsonl: {path: kb.jsonl, text: text}}}
tasks: {t: {data: {jsonl: {path: rows.jsonl, input: q, target: a}}, metrics: {em: exact_match}}}
variants: {v: {rag: {model: m, knowledge: kb, retriever: {dense: {model: words, metric: euclidean}}}}}
"""


def test_dense_finds_by_it(file: Path, write_suite: Callable[..., Path]) -> None:
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in ("血压", "fever", "xyz", "cough"))
    path = write_suite(SUITE, vectors__txt=GLOVE, kb__jsonl=lines, rows__jsonl='{"q": "fever", "a": "x"}\n')
    suite = load_suite(path)
    retriever = suite.variants["v"].retriever  # type: ignore[attr-defined]
    cache = Cache(cache_root() / "calls.sqlite")
    context = Context(suite.models, cache, Display(), 42)
    index = retriever.index(suite.knowledge["kb"].passage_set().passages, context)
    [hits, nothing] = index.search(["Fever!", "zzz"], 9)
    assert [place for place, _ in hits] == [1, 0, 3]  # (1, 0): 0, to (2, 2) √5 as to (0, 2): the first in order
    assert [score for _, score in hits] == pytest.approx([0, -(5**0.5), -(5**0.5)], abs=1e-6)
    assert nothing == []
    context.close()
    cache.close()


def test_a_tokenizer_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    before = VocabularyTokenizer(["knee", "膝", "关节"])
    before.save(str(tmp_path))
    after = VocabularyTokenizer.load(str(tmp_path))
    assert after.tokenize("Knee 膝关节") == before.tokenize("Knee 膝关节") != []
