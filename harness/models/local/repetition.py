"""Tokens that stand in a prompt or its reply made less likely, row by row: what pads a row is no part of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RepetitionPenalty:
    """Keskar et al. 2019, section 4.1, with the sign told apart as transformers does.

    transformers' own looks at the padding too, whose token may be the one that ends replies: a reply would depend on
    the rows beside it.
    """

    penalty: float

    def __call__(self, ids: Any, scores: Any, lengths: Sequence[int]) -> Any:
        """The logits of the next token, shape (rows, vocabulary), by all tokens so far, shape (rows, length).

        `lengths` are those of the rows' own tokens, which stand at the end.
        """
        import torch

        first = ids.shape[1] - torch.tensor(lengths, device=ids.device)[:, None]
        places = torch.arange(ids.shape[1], device=ids.device)[None]
        seen = ids.where(places >= first, ids.gather(1, first))  # padding: a token that is there anyway
        logits = scores.gather(1, seen)
        return scores.scatter(1, seen, torch.where(logits < 0, logits * self.penalty, logits / self.penalty))
