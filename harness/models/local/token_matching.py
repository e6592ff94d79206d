"""Greedy matching of BERTScore: how much of each text stands in the other, for many pairs at once.

bert-score's own `greedy_cos_idf` and `bert_cos_score_idf` are not used: the first lets padding take part with a
similarity of 0, so that a token which resembles nothing (all cosines below 0) counts 0 or less than 0 depending on the
other texts of its batch; here it always counts 0. The second does not sort Chinese texts by length, and keeps the
vectors of all texts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.models.local.token_reader import TokenReader

NUMBERS_A_CHUNK = 1 << 27  # of token vectors in memory for matching at a time: 512 MB in float32
ROWS = 1024  # tokens of an answer matched at once, so that a pair of very long texts fits into memory
Pair = tuple[str, str]


def match_pairs(pairs: Sequence[Pair], reader: TokenReader) -> NDArray[np.float32]:
    """One row a pair as Model.token_matches describes it. A text is read once and forgotten after its last pair."""
    import torch

    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    ids = dict(zip(texts, reader.token_ids(texts), strict=True))
    windows = {text: reader.split(tokens) for text, tokens in ids.items()}
    weights = {text: reader.weights(tokens) for text, tokens in ids.items()}
    empty = {text for text, counted in weights.items() if not any(counted)}
    values = dict.fromkeys(pairs, (1.0, 1.0))  # every token of equal texts matches itself: no rounding below 1
    different = [pair for pair in pairs if pair[0] != pair[1] and not empty.intersection(pair)]
    lengths = {text: len(tokens) for text, tokens in ids.items()}
    chunks = _chunks(different, lengths, NUMBERS_A_CHUNK // reader.width)
    last = {text: number for number, chunk in enumerate(chunks) for pair in chunk for text in pair}
    vectors: dict[str, Any] = {}
    with torch.inference_mode():
        for number, chunk in enumerate(chunks):
            new = [text for text in dict.fromkeys(text for pair in chunk for text in pair) if text not in vectors]
            vectors.update(zip(new, reader.vectors([windows[text] for text in new]), strict=True))
            shares = {text: _shares(weights[text], vectors[text]) for pair in chunk for text in pair}
            matched = torch.stack([_match(vectors[a], shares[a], vectors[b], shares[b]) for a, b in chunk])
            values.update((pair, (p, r)) for pair, (p, r) in zip(chunk, matched.clamp(max=1).tolist(), strict=True))
            vectors = {text: rows for text, rows in vectors.items() if last[text] > number}
    sizes = {text: (lengths[text], 0 if text in empty else len(windows[text])) for text in texts}
    return np.nan_to_num(np.array([_row(values[pair], pair, sizes) for pair in pairs], dtype=np.float32), nan=-1.0)


def _row(values: tuple[float, float], pair: Pair, sizes: Mapping[str, tuple[int, int]]) -> tuple[float, ...]:
    (answer_tokens, answer_windows), (target_tokens, target_windows) = sizes[pair[0]], sizes[pair[1]]
    return (*values, answer_tokens, target_tokens, answer_windows, target_windows)


def _chunks(pairs: Iterable[Pair], tokens: dict[str, int], most: int) -> list[list[Pair]]:
    """The pairs by length, in chunks whose texts together have no more than `most` tokens where that can be."""
    chunks: list[list[Pair]] = []
    seen: set[str] = set()
    used = most + 1
    for pair in sorted(pairs, key=lambda pair: (-max(tokens[text] for text in pair), pair)):
        added = sum(tokens[text] for text in pair if text not in seen)
        if used + added > most:
            chunks.append([])
            seen, used = set(), 0
            added = sum(tokens[text] for text in pair)
        chunks[-1].append(pair)
        seen.update(pair)
        used += added
    return chunks


def _shares(weights: Sequence[float], vectors: Any) -> Any:
    import torch

    counted = torch.tensor(weights, dtype=torch.float32, device=vectors.device)
    return counted / counted.sum()


def _match(answer: Any, answer_shares: Any, target: Any, target_shares: Any) -> Any:
    """Precision and recall [2] by greedy matching: Zhang et al. 2020, section 3, with cosines from 0."""
    import torch

    in_target, in_answer = [], []
    for rows in answer.split(ROWS):
        similarity = rows @ target.T
        in_target.append(similarity.amax(dim=1).clamp(min=0))
        in_answer.append(similarity.amax(dim=0))
    precision = torch.cat(in_target) @ answer_shares
    recall = torch.stack(in_answer).amax(dim=0).clamp(min=0) @ target_shares
    return torch.stack([precision, recall])
