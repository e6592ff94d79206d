"""Greedy matching of BERTScore: how much of each text is found in the other, for many pairs at once.

bert-score's own `greedy_cos_idf` and `bert_cos_score_idf` are not used: the first lets padding take part with a
similarity of 0, so that a token which resembles nothing (all cosines below 0) counts 0 or less than 0 depending on the
other texts of its batch; here it always counts 0. The second does not sort Chinese texts by length, and keeps the
vectors of all texts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.metrics.support.bertscore_network import Network

NUMBERS_A_CHUNK = 1 << 27  # of token vectors held for matching at a time: 512 MB in float32
ROWS = 1024  # tokens of an answer matched at once, so that a pair of very long texts fits into memory
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found: precision and recall by (answer, reference), and how each text was read."""

    values: dict[Pair, tuple[float, float]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)  # special tokens included
    windows: dict[str, int] = field(default_factory=dict)
    wordless: set[str] = field(default_factory=set)  # texts of which the tokenizer leaves nothing


def matched(pairs: Sequence[Pair], network: "Network") -> Matches:
    """Precision and recall of each (answer, reference). Every text is read once and forgotten after its last pair."""
    import torch

    found = Matches()
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    ids = dict(zip(texts, network.token_ids(texts), strict=True))
    parts = {text: network.split(some) for text, some in ids.items()}
    found.tokens.update({text: len(some) for text, some in ids.items()})
    found.windows.update({text: len(some) for text, some in parts.items()})
    weights = {text: network.weights(some) for text, some in ids.items()}
    found.wordless.update(text for text, some in weights.items() if not any(some))
    alike = [pair for pair in pairs if pair[0] == pair[1]]
    found.values.update(dict.fromkeys(alike, (1.0, 1.0)))  # every token finds itself: no rounding below 1
    rest = [pair for pair in pairs if pair[0] != pair[1] and not found.wordless.intersection(pair)]
    chunks = _chunks(rest, found.tokens, NUMBERS_A_CHUNK // network.width)
    last = {text: number for number, chunk in enumerate(chunks) for pair in chunk for text in pair}
    held: dict[str, Any] = {}
    with torch.inference_mode():
        for number, chunk in enumerate(chunks):
            new = [text for text in dict.fromkeys(text for pair in chunk for text in pair) if text not in held]
            held.update(zip(new, network.vectors([parts[text] for text in new]), strict=True))
            shares = {text: _shares(weights[text], held[text]) for pair in chunk for text in pair}
            values = torch.stack([_match(held[a], shares[a], held[b], shares[b]) for a, b in chunk])
            found.values.update(
                (pair, (p, r)) for pair, (p, r) in zip(chunk, values.clamp(max=1).tolist(), strict=True)
            )
            held = {text: vectors for text, vectors in held.items() if last[text] > number}
    return found


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
