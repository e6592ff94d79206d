"""Overlap that rewards order without demanding it: METEOR by equal words and equal stems, without a thesaurus."""

import heapq
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from harness.components.metric import Mark
from harness.metrics.support.token_overlap import NAMES, TokenOverlap, Tokens, cut
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.text.stemming import stem

_MOST_RUNS = 100_000  # of two texts of 10,000 Chinese characters there are fewer


class Meteor(TokenOverlap):
    """METEOR in its exact and stem form, in [0, 1); higher is better. No synonyms: WordNet has no Chinese.

    F = PR / (alpha P + (1 - alpha) R) over aligned tokens, less a penalty of gamma (chunks / aligned tokens) ^ beta,
    where a chunk is a run of tokens aligned in the same order on both sides. So two equal texts of n tokens score
    1 - gamma / n ^ beta, and a single right token 0.5. As many tokens are aligned as can be, in few chunks: the longest
    run that both sides still have is aligned first, the earliest of equal ones. English words are equal if their stems
    (Porter 1980) are. Of several references the best counts. Source: Banerjee & Lavie 2005; alpha, beta, gamma of
    Lavie & Agarwal 2007, table 1, as in NLTK, whose alignment of repeated words is another one.
    """

    alpha: float = Field(0.9, ge=0, le=1)
    """Of the mean P·R / (alpha·P + (1 − alpha)·R) of precision and recall: near 1 recall decides."""
    beta: float = Field(3.0, ge=0)
    """How steeply the penalty rises with the number of pieces."""
    gamma: float = Field(0.5, ge=0, le=1)
    """The highest penalty, of tokens that are aligned one by one."""

    def mark(self, prediction: Prediction, sample: Sample, tokens: Tokens) -> Mark:
        """The value with what was aligned; 0 with the reason where there is no answer or no token in it."""
        answer = prediction.reading.answer
        if answer is None:
            return Mark(0.0, prediction.reading.reason)
        answer_tokens = _stems(answer, tokens)
        if not answer_tokens:
            return Mark(0.0, "no word or number is in the answer")
        compared = [self._compare(answer_tokens, _stems(target, tokens), NAMES[tokens]) for target in sample.targets]
        return max(compared, key=lambda mark: mark.value or 0.0)

    def _compare(self, answer_tokens: Sequence[str], target_tokens: Sequence[str], name: str) -> Mark:
        pairs = aligned(answer_tokens, target_tokens)
        chunks = sum((i - 1, j - 1) not in pairs for i, j in pairs)
        sizes = f"the answer has {len(answer_tokens)}, the reference {len(target_tokens)}"
        reason = f"{len(pairs)} {name} aligned in {chunks} chunks; {sizes}"
        if not pairs:
            return Mark(0.0, reason)
        precision, recall = len(pairs) / len(answer_tokens), len(pairs) / len(target_tokens)
        mean = precision * recall / (self.alpha * precision + (1 - self.alpha) * recall)
        return Mark(mean * (1 - self.gamma * (chunks / len(pairs)) ** self.beta), reason)


def _stems(text: str, tokens: Tokens) -> list[str]:
    words = cut(text, tokens)
    return [stem(word) for word in words] if tokens == "words" else list(words)


def aligned(answer: Sequence[str], target: Sequence[str]) -> set[tuple[int, int]]:
    """Pairs of places (answer, reference) of equal tokens, each place once: as many as there can be.

    Longest run first (greedy string tiling, Wise 1993): the fewest chunks in most cases, in bounded time; an exhaustive
    search takes exponential time where tokens repeat, and Chinese characters do.
    """
    left = (Counter(answer) & Counter(target)).total()
    free, free_target = bytearray(b"\1" * len(answer)), bytearray(b"\1" * len(target))
    pairs: set[tuple[int, int]] = set()
    heap = [(-length, i, j) for length, i, j in _runs(answer, target)]
    heapq.heapify(heap)
    while heap and left > 1:  # a single token is no run
        length, i, j = heapq.heappop(heap)
        pieces = _pieces(free[i : i - length], free_target[j : j - length])
        if pieces == [(0, -length)]:
            pairs.update((i + k, j + k) for k in range(-length))
            free[i : i - length] = free_target[j : j - length] = bytes(-length)
            left += length
        else:
            for start, size in pieces:
                heapq.heappush(heap, (-size, i + start, j + start))
    return pairs | _singles(answer, target, free, free_target)


def _runs(answer: Sequence[str], target: Sequence[str]) -> list[tuple[int, int, int]]:
    """(length, beginning in the answer, in the reference) of runs of equal tokens that can be extended at neither end.

    Of two tokens or more; of very many the longest.
    """
    import numpy as np

    nowhere = np.zeros(0, dtype=np.int64)
    places: dict[str | None, np.ndarray[tuple[int], np.dtype[np.int64]]] = {
        token: np.array(group) for token, group in _places(target).items()
    }
    length = np.zeros(len(target) + 1, dtype=np.int64)  # at j: of the run that ends before the place and before j
    after, pieces = nowhere, [np.zeros((0, 3), dtype=np.int64)]
    for i, token in enumerate([*answer, None]):
        current = places.get(token, nowhere)
        grown = length[current] + 1
        length[current] = 0
        over = after[length[after] > 1]  # these did not go on
        if over.size:
            size = length[over]
            pieces.append(np.stack([size, i - size, over - size], axis=1))
        length[after] = 0
        after = current + 1
        length[after] = grown
    runs = np.concatenate(pieces)
    longest = np.argsort(-runs[:, 0], kind="stable")[:_MOST_RUNS]
    return [(size, i, j) for size, i, j in runs[longest].tolist()]


def _pieces(free: bytearray, free_target: bytearray) -> list[tuple[int, int]]:
    """Start and length of the parts of a run, two tokens or more, that are free on both sides."""
    both = int.from_bytes(free, "big") & int.from_bytes(free_target, "big")
    if not both:
        return []
    spans, start = [], 0
    for piece in both.to_bytes(len(free), "big").split(b"\0"):
        if len(piece) > 1:
            spans.append((start, len(piece)))
        start += len(piece) + 1
    return spans


def _singles(
    answer: Sequence[str], target: Sequence[str], free: bytearray, free_target: bytearray
) -> set[tuple[int, int]]:
    """What is left, each token with the first equal one."""
    left = {token: [j for j in group if free_target[j]][::-1] for token, group in _places(target).items()}
    return {(i, left[token].pop()) for i, token in enumerate(answer) if free[i] and left.get(token)}


def _places(tokens: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, token in enumerate(tokens):
        places.setdefault(token, []).append(place)
    return places
