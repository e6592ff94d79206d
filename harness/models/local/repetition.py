"""Tokens that stand in a prompt or its reply made less likely, row by row: what pads a row is no part of it."""

from collections.abc import Sequence
from typing import Any


class RepetitionPenalty:
    """A logits processor. Keskar et al. 2019, section 4.1, with the sign told apart as transformers does.

    transformers' own looks at the padding too, whose token may be the one that ends replies: a reply would depend on
    the rows beside it.
    """

    def __init__(self, penalty: float, lengths: Sequence[int], width: int) -> None:
        """`lengths` are those of the prompts, which stand at the end of the first `width` tokens of each row."""
        self.penalty = penalty
        self._padding = [width - length for length in lengths]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Called before each step with all tokens so far, shape (batch, length), and logits of the next."""
        import torch

        first = torch.tensor(self._padding, device=input_ids.device)[:, None]
        places = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        seen = input_ids.where(places >= first, input_ids.gather(1, first))  # padding: a token that is there anyway
        logits = scores.gather(1, seen)
        return scores.scatter(1, seen, torch.where(logits < 0, logits * self.penalty, logits / self.penalty))
