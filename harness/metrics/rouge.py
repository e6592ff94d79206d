"""How much of the reference an answer repeats: the field's measure of reports and summaries, here right for Chinese."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.components.metric import Mark
from harness.metrics.support.token_overlap import NAMES, TokenOverlap, Tokens, cut
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.text.stemming import stem

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

_SENTENCE_END = re.compile(r"[\n。！？｡]+")
_PARTS = ("rouge1", "rouge2", "rougeLsum")


class Rouge(TokenOverlap):
    """ROUGE F1, in [0, 1]; higher is better. Its own value is ROUGE-L, the longest common subsequence.

    Parts: rouge1 and rouge2 (tokens, pairs of neighbours), rougeLsum (ROUGE-L by sentences, which end at a line's end
    and at 。！？). Of several references the best counts, for each part by itself. English words are stemmed where they
    are longer than three letters. Source: Lin 2004, as the library rouge_score counts it; two texts of the same tokens
    score 1 in every part, also where they are too short for a pair of neighbours.
    """

    def parts(self) -> tuple[str, ...]:
        return _PARTS

    def mark(self, prediction: Prediction, sample: Sample, tokens: Tokens) -> dict[str, Mark]:
        """The four marks; all 0 with the reason where there is no answer or no token in it."""
        answer = prediction.reading.answer
        if answer is None:
            return _none(prediction.reading.reason)
        if not cut(answer, tokens):
            return _none("no word or number is in the answer")
        compared = [_compare(answer, target, tokens) for target in sample.targets]
        return {
            part: max((marks[part] for marks in compared), key=lambda mark: mark.value or 0.0) for part in ("", *_PARTS)
        }


@dataclass(frozen=True)
class _Cutter:
    """The tokenizer that rouge_score asks for."""

    tokens: Tokens

    def tokenize(self, text: str) -> list[str]:
        tokens = cut(text, self.tokens)
        if self.tokens != "words":
            return list(tokens)
        return [stem(word) if len(word) > 3 else word for word in tokens]


@lru_cache(maxsize=3)
def _scorer(tokens: Tokens) -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rouge2"], tokenizer=_Cutter(tokens))


def _none(reason: str | None) -> dict[str, Mark]:
    return {part: Mark(0.0, reason) for part in ("", *_PARTS)}


def _compare(answer: str, target: str, tokens: Tokens) -> dict[str, Mark]:
    """ROUGE-1 and -2 by the library; -L and -Lsum here, since the library's table of every pair takes minutes."""
    cutter = _Cutter(tokens)
    answer_tokens, target_tokens = cutter.tokenize(answer), cutter.tokenize(target)
    common = len(answer_tokens) if answer_tokens == target_tokens else common_length(target_tokens, answer_tokens)
    matched = f"{common} of the reference's {len(target_tokens)} {NAMES[tokens]} in their order"
    reason = f"{matched}; the answer has {len(answer_tokens)}"
    if answer_tokens == target_tokens:
        return {"": Mark(1.0, reason), **{part: Mark(1.0) for part in _PARTS}}
    overlap = _scorer(tokens).score(target, answer)
    return {
        "": Mark(_f1(common, len(answer_tokens), len(target_tokens)), reason),
        "rouge1": Mark(overlap["rouge1"].fmeasure),
        "rouge2": Mark(overlap["rouge2"].fmeasure, _too_short(len(answer_tokens), len(target_tokens))),
        "rougeLsum": Mark(_by_sentences(_sentences(target, cutter), _sentences(answer, cutter))),
    }


def _too_short(answer_size: int, target_size: int) -> str | None:
    return "a single token has no neighbour" if min(answer_size, target_size) == 1 else None


def _f1(common: int, answer_size: int, target_size: int) -> float:
    """2PR / (P + R) with P = common / answer_size, R = common / target_size."""
    return 2 * common / (answer_size + target_size) if common else 0.0


def _sentences(text: str, cutter: _Cutter) -> list[list[str]]:
    return [tokens for sentence in _SENTENCE_END.split(text) if (tokens := cutter.tokenize(sentence))]


def _by_sentences(target: Sequence[Sequence[str]], answer: Sequence[Sequence[str]]) -> float:
    """F1 of the union of each reference sentence's common subsequences with all answer sentences, no token twice.

    Lin 2004, section 3.2, with the counts clipped as in ROUGE-1.5.5 and in rouge_score.
    """
    left = Counter(token for sentence in target for token in sentence)
    left_in_answer = Counter(token for sentence in answer for token in sentence)
    hits = 0
    for sentence in target:
        for token in _united(sentence, answer):
            if left[token] > 0 and left_in_answer[token] > 0:
                hits += 1
                left[token] -= 1
                left_in_answer[token] -= 1
    return _f1(hits, sum(map(len, answer)), sum(map(len, target)))


def _united(sentence: Sequence[str], answer: Sequence[Sequence[str]]) -> list[str]:
    """The tokens of a reference sentence that stand in its common subsequence with any sentence of the answer."""
    positions: set[int] = set()
    rest = set(sentence)
    for answer_sentence in answer:
        if not rest.isdisjoint(answer_sentence):  # else it adds nothing
            positions.update(common_positions(sentence, answer_sentence))
            rest = {token for i, token in enumerate(sentence) if i not in positions}
    return [sentence[i] for i in sorted(positions)]


def common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    *_, last = _rows(first, second)
    return len(second) - last.bit_count()


def common_positions(first: Sequence[str], second: Sequence[str]) -> list[int]:
    """Where in `first` the tokens of a longest common subsequence stand; the one that rouge_score finds, reversed."""
    rows = list(_rows(first, second))
    i, j, positions = len(first), len(second), []
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            positions.append(i)
        elif _zeros(rows[i], j) > _zeros(rows[i - 1], j):
            j -= 1
        else:
            i -= 1
    return positions


def _rows(first: Sequence[str], second: Sequence[str]) -> Iterator[int]:
    """The table of common lengths, a row a number: bit j is 0 where one more token of `second` makes the length grow.

    Bit-parallel (Hyyrö 2004): a row costs a few operations on a long integer, not one operation a cell.
    """
    places: dict[str, int] = {}
    for j, token in enumerate(second):
        places[token] = places.get(token, 0) | 1 << j
    full = (1 << len(second)) - 1
    row = full
    yield row
    for token in first:
        matches = row & places.get(token, 0)
        row = ((row + matches) | (row - matches)) & full
        yield row


def _zeros(row: int, end: int) -> int:
    return end - (row & ((1 << end) - 1)).bit_count()
