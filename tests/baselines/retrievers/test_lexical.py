"""The lexical retrievers: scores by hand, order, filters, and what finds nothing."""

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from baselines.retrievers.hybrid import Hybrid, fuse
from baselines.retrievers.index.character_features import string_features
from baselines.retrievers.index.tokenising import tokenise
from baselines.retrievers.lexical import Lexical
from baselines.retrievers.tfidf import Tfidf
from harness.components.retriever import Index, Retriever
from harness.records.inputs import Passage
from harness.runtime.context import Context
from harness.text.segmentation import comparable_lines

NO_CONTEXT = cast(Context, None)  # these retrievers ask no model
TERMS = ["胃部分切除术", "肝部分切除术", "阑尾切除术", "CT引导下肺穿刺活检", "C5-6椎间盘切除术", "胃镜检查"]
ALL = [Lexical(), Lexical(tokens="words"), Lexical(tokens="bigrams"), Tfidf(), Tfidf(ngrams=(1, 2), pairs=0), Hybrid()]
every = pytest.mark.parametrize("retriever", ALL, ids=lambda r: f"{type(r).__name__} {r.model_dump(mode='json')}"[:60])


def made(retriever: Retriever, texts: Sequence[str], **meta: Any) -> Index:
    passages = [Passage(id=str(i), text=text, meta=meta.get(f"at{i}", {})) for i, text in enumerate(texts)]
    return retriever.index(passages, NO_CONTEXT)


def places(hits: Sequence[tuple[int, float]]) -> list[int]:
    return [place for place, _ in hits]


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("胃切除", "characters", ["胃", "切", "除"]),
        ("胃切除", "bigrams", ["胃", "切", "除", "胃切", "切除"]),
        ("ＣＴ引导", "characters", ["ct", "引", "导"]),
        ("CA19-9 3.5mg/L", "words", ["ca19", "9", "3.5", "mg", "l"]),
        ("naïve café", "bigrams", ["naïve", "café"]),
        ("心脏起搏器", "words", ["心脏", "起搏", "起搏器", "心脏起搏器"]),
        ("，。！", "characters", []),
        ("", "words", []),
        # words, pairs and n-grams end where a line ends: 血常规 stands in none of these
        ("复查血\n常规检查", "words", ["复查", "血", "常规", "检查"]),
        ("复查血\n常规检查", "bigrams", [*"复查血常规检查", "复查", "查血", "常规", "规检", "检查"]),
        ("复查血\r\n常规检查", "words", ["复查", "血", "常规", "检查"]),
        ("主诉：咳\u2028嗽药", "bigrams", ["主", "诉", "咳", "嗽", "药", "主诉", "嗽药"]),
        ("维生\n\n 素", "words", ["维生", "素"]),
        ("心脏\x0b起搏器", "words", ["心脏", "起搏", "起搏器"]),
        # English words by their stems, abbreviations and codes as they are
        ("Invoices", "words", ["invoic"]),
        ("invoice", "words", ["invoic"]),
        ("the studies of infected wounds", "words", ["the", "studi", "of", "infect", "wound"]),
        ("study", "words", ["studi"]),
        ("ACS, CTs, J45s", "words", ["acs", "cts", "j45s"]),
        ("naïves 发票invoices", "words", ["naïves", "发票", "invoic"]),
        ("invoices", "characters", ["invoices"]),
    ],
)
def test_text_is_cut_into_tokens(text: str, tokens: Any, expected: list[str]) -> None:
    assert sorted(tokenise(text, tokens)) == sorted(expected)


def test_bm25_by_hand() -> None:
    """N = 3, lengths 2, 1, 3, mean 2; k1 = 1.5, b = 0.75.

    胃 stands in 2 of 3: idf = ln(1 + (3 − 2 + 0.5) / (2 + 0.5)) = ln 1.6.
    "胃 痛" (length 2, tf 1): 1 / (1 + 1.5 (0.25 + 0.75 · 2/2)) = 1 / 2.5.
    "胃 胃 炎" (length 3, tf 2): 2 / (2 + 1.5 (0.25 + 0.75 · 3/2)) = 2 / 4.0625.
    bm25s, as Lucene since version 8, leaves out the constant factor k1 + 1.
    """
    index = made(Lexical(), ["胃痛", "肝", "胃胃炎"])
    idf = math.log(1.6)
    expected = [(2, idf * 2 / 4.0625), (0, idf / 2.5)]
    [found] = index.search(["胃"], 5)
    assert places(found) == [2, 0]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], rel=1e-5)
    [twice] = index.search(["胃胃"], 5)  # a token that the query repeats counts twice
    assert twice[0][1] == pytest.approx(2 * expected[0][1], rel=1e-5)


def test_tfidf_cosine_by_hand() -> None:
    """Three documents, characters only. idf = ln((1 + 3) / (1 + df)) + 1; tf is 1 + ln count.

    a: df 2 → ln(4/3) + 1; b: df 1 → ln 2 + 1; c: df 2, as a. Document "ab": a, b; "ac": a, c; "c": c.
    Query "a" has the vector (1): its cosine with "ab" is a / √(a² + b²), with "ac" a / √(2 a²) = 1 / √2.
    """
    a, b = math.log(4 / 3) + 1, math.log(2) + 1
    index = made(Tfidf(ngrams=(1, 1), pairs=0), ["ab", "ac", "c"])
    [found] = index.search(["a"], 5)
    assert places(found) == [1, 0]
    assert [score for _, score in found] == pytest.approx([1 / math.sqrt(2), a / math.hypot(a, b)], rel=1e-5)


def test_pairs_meet_over_what_was_left_out_or_moved() -> None:
    features = string_features(["abcd"], (1, 1), pairs=2)
    assert sorted(features) == sorted(["a", "b", "c", "d", "a\0b", "b\0c", "c\0d", "a\0c", "b\0d"])
    assert sorted(string_features(["ba"], (2, 2), pairs=1)) == ["a\0b", "ba"]  # either order is one pair
    apart = made(Tfidf(ngrams=(2, 2), pairs=3), ["左叶全切", "肝右叶"])
    assert places(apart.search(["切左"], 2)[0]) == [0]
    assert made(Tfidf(ngrams=(2, 2), pairs=0), ["左叶全切", "肝右叶"]).search(["切左"], 2) == [[]]


@pytest.mark.parametrize(
    ("text", "ngrams", "expected"),
    [
        ("甲乙\n丙", (1, 2), ["甲", "乙", "丙", "甲乙", "乙\0甲"]),
        ("ab\ncd", (2, 2), ["ab", "cd", "a\0b", "c\0d"]),
        ("甲\n\n乙\n丙", (1, 3), ["甲", "乙", "丙"]),
    ],
)
def test_no_ngram_or_pair_reaches_over_a_line_break(text: str, ngrams: tuple[int, int], expected: list[str]) -> None:
    assert sorted(string_features(comparable_lines(text), ngrams, pairs=5)) == sorted(expected)


@pytest.mark.parametrize(
    "retriever", [Lexical(tokens="words"), Lexical(tokens="bigrams"), Tfidf(ngrams=(3, 3), pairs=0)]
)
@pytest.mark.parametrize("text", ["复查血\n常规检查", "复查血\r常规检查", "复查血\u2029常规检查"])
def test_what_two_lines_have_together_is_in_neither(retriever: Retriever, text: str) -> None:
    index = made(retriever, [text, "验血常规项目"])
    assert places(index.search(["血常规"], 1)[0]) == [1]


@pytest.mark.parametrize(
    ("query", "text"),
    [("invoice", "unpaid invoices"), ("refunding orders", "Order refunded"), ("Warranties", "the warranty card")],
)
def test_english_words_are_found_by_their_stems(query: str, text: str) -> None:
    assert places(made(Lexical(tokens="words"), ["something else", text]).search([query], 2)[0]) == [1]


@pytest.mark.parametrize(
    ("rankings", "weights", "expected"),
    [  # k = 60: ranks 1, 2, 3 are worth 1/61, 1/62, 1/63
        ([[(7, 9.0), (8, 1.0)], [(8, 0.5), (7, 0.1)]], [1, 1], [(7, 1 / 61 + 1 / 62), (8, 1 / 62 + 1 / 61)]),
        ([[(7, 9.0)], [(8, 0.5)]], [1, 1], [(7, 1 / 61), (8, 1 / 61)]),
        ([[(1, 3.0), (2, 2.0), (3, 1.0)], [(3, 1.0)]], [1, 1], [(3, 1 / 63 + 1 / 61), (1, 1 / 61), (2, 1 / 62)]),
        ([[(1, 3.0)], [(2, 1.0)]], [1, 2], [(2, 2 / 61), (1, 1 / 61)]),
        ([[], [(2, 1.0)]], [1, 1], [(2, 1 / 61)]),
    ],
)
def test_reciprocal_ranks_by_hand(rankings: Any, weights: Any, expected: Any) -> None:
    found = fuse(rankings, weights, 60, 9)
    assert fuse(rankings, weights, 60, 1) == found[:1]
    assert places(found) == places(expected)
    assert [score for _, score in found] == pytest.approx([score for _, score in expected])


@every
def test_a_passage_finds_itself_and_hits_come_best_first(retriever: Retriever) -> None:
    found = made(retriever, TERMS).search(TERMS, 3)
    assert [hits[0][0] for hits in found] == list(range(len(TERMS)))
    for hits in found:
        scores = [score for _, score in hits]
        assert scores == sorted(scores, reverse=True)
        assert min(scores) > 0
        assert len(hits) <= 3


@every
def test_what_finds_nothing(retriever: Retriever) -> None:
    index = made(retriever, TERMS)
    assert index.search(["", "  ", "\u3000", "？！", "zzz", "龘"], 5) == [[]] * 6
    assert index.search([], 5) == []
    assert index.search(["胃"], 0) == [[]]
    assert made(retriever, []).search(["胃"], 5) == [[]]
    assert made(retriever, ["，", "。"]).search(["胃"], 5) == [[]]


@every
def test_more_hits_than_passages_returns_all_that_match(retriever: Retriever) -> None:
    index = made(retriever, TERMS)
    assert sorted(places(index.search(["切除术"], 1000)[0])) == [0, 1, 2, 4]


@every
def test_equal_passages_come_in_their_order(retriever: Retriever) -> None:
    texts = ["阑尾切除术", "胃切除术"] * 30
    index = made(retriever, texts)
    for k in (1, 7, 30):
        assert places(index.search(["胃切除术"], k)[0]) == list(range(1, 60, 2))[:k]


@every
def test_a_query_finds_the_same_alone_and_among_others(retriever: Retriever) -> None:
    index = made(retriever, TERMS)
    queries = [*TERMS, "切除", "胃", "切除"]
    together = index.search(queries, 4)
    assert together == [index.search([query], 4)[0] for query in queries]
    together[-1].clear()  # equal queries share no list
    assert together[-3]


@every
def test_a_filter_leaves_out_and_changes_nothing_else(retriever: Retriever) -> None:
    index = made(retriever, TERMS)
    allowed = np.array([False, True, True, False, False, False])
    [found] = index.search(["胃切除术"], 5, allowed)
    assert sorted(places(found)) == [1, 2]
    assert index.search(["胃切除术"], 5, np.zeros(6, dtype=bool)) == [[]]
    assert index.search(["胃切除术"], 5, np.ones(6, dtype=bool)) == index.search(["胃切除术"], 5)
    with pytest.raises(ValueError, match="2 truth values for 6 passages"):
        index.search(["胃"], 5, np.ones(2, dtype=bool))


@every
def test_an_alias_finds_its_passage(retriever: Retriever) -> None:
    index = made(retriever, TERMS, at2={"aliases": ["盲肠垂摘除", "胃切除术"]})
    assert index.search(["盲肠垂摘除"], 3)[0][0][0] == 2
    found = places(index.search(["胃切除术"], 6)[0])
    assert len(found) == len(set(found))
    assert places(index.search(["盲肠垂"], 6, np.arange(6) == 0)[0]) == []


@every
def test_the_title_is_searched(retriever: Retriever) -> None:
    index = retriever.index([Passage(id="a", text="切除"), Passage(id="b", text="切除", title="阑尾")], NO_CONTEXT)
    assert places(index.search(["阑尾"], 2)[0]) == [1]


def test_robertson_gives_no_hit_below_zero() -> None:
    """A token in most passages has a negative weight there: ln((3 − 3 + 0.5) / (3 + 0.5)) < 0."""
    index = made(Lexical(method="robertson"), ["胃", "胃痛", "胃炎"])
    assert all(score > 0 for hits in index.search(["胃", "胃炎"], 5) for _, score in hits)


@pytest.mark.parametrize(
    ("component", "parameters", "said"),
    [
        (Hybrid, {"of": [Lexical()]}, "two or more"),
        (Hybrid, {"weights": [1.0]}, "1 weights for 2 retrievers"),
        (Hybrid, {"weights": [1.0, 0.0]}, "greater than 0"),
        (Tfidf, {"ngrams": (2, 1)}, "shortest and the longest"),
        (Lexical, {"b": 1.5}, "less than or equal to 1"),
        (Lexical, {"tokens": "letters"}, "'words', 'bigrams' or 'characters'"),
    ],
)
def test_mistakes_are_named(component: type[Retriever], parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        component(**parameters)
