"""The next token of each row of a batch, and how likely it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.models.local.repetition import RepetitionPenalty
from harness.models.local.schema_masks import SchemaMasks
from harness.models.local.written_row import WrittenRow

if TYPE_CHECKING:
    import torch

DRAWS = "one stream of random numbers a row"  # how tokens are sampled; part of the cache key of sampled replies
Warp = Callable[[Any, Any], Any]  # transformers' temperature, top_k and top_p: token ids, logits → logits


@dataclass(frozen=True)
class TokenChoice:
    """Chooses tokens greedily, or by each row's own random numbers, within what the options of the task allow."""

    is_sampled: bool
    penalty: RepetitionPenalty | None
    masks: SchemaMasks | None

    def choose(self, ids: "torch.Tensor", logits: "torch.Tensor", rows: Sequence[WrittenRow], warp: Warp) -> list[int]:
        """One token a row. `ids` are all tokens so far, [rows, length], `logits` [rows, vocabulary] in float32."""
        if self.penalty is not None:
            logits = self.penalty(ids, logits, [len(row.prompt) + len(row.tokens) for row in rows])
        if self.masks is not None:
            logits = self.masks(rows, logits)
        logits = warp(ids, logits)
        chosen = sample(logits, [row.draws.random() for row in rows]) if self.is_sampled else logits.argmax(-1)
        tokens: list[int] = chosen.tolist()
        return tokens


def sample(logits: "torch.Tensor", draws: Sequence[float]) -> "torch.Tensor":
    """One token a row [rows, vocabulary] by its distribution: where the sum of the probabilities passes the draw.

    Inverse transform sampling (Devroye 1986, section III.2): one number in [0, 1) a row, so that a row's token is the
    same in any batch and on any device, but for rounding.
    """
    import torch

    sums = logits.double().softmax(-1).cumsum(-1)
    places = sums[:, -1:] * torch.tensor(draws, device=logits.device, dtype=torch.float64)[:, None]
    return (sums <= places).sum(-1)


def logprobs_of(logits: "torch.Tensor", tokens: Sequence[int]) -> list[float]:
    """The natural log-probabilities of one token a row by the model's own logits [rows, vocabulary], float32.

    Before temperature, penalties and masks. Generation with `output_scores` would keep steps × rows × vocabulary
    numbers; this keeps none.
    """
    import torch

    chosen = logits.gather(-1, torch.tensor(tokens, device=logits.device)[:, None])[:, 0]
    values: list[float] = (chosen - logits.logsumexp(-1)).tolist()
    return values
