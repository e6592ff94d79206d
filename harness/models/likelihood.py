"""Log-likelihood of options as continuations of a prompt, with the fewest forward passes that a plain model allows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def option_logprobs(model: Any, items: Sequence[Sequence[list[int]]], pad: int) -> list[tuple[float, ...]]:
    """Sum of the natural log-probabilities of each option's own tokens.

    `items[i][j]` is the token ids of prompt i followed by option j, tokenised as one text because a tokenizer may merge
    across the boundary. What all options of an item share is context; where one token decides, one row serves all.
    Log-softmax in float32. Returns one tuple of len(items[i]) values for each item.
    """
    shared = [common_prefix(rows) for rows in items]
    wanted: list[tuple[list[int], int]] = []  # (row, position of the first scored token)
    where: list[list[int]] = []  # item → option → row
    for rows, prefix in zip(items, shared, strict=True):
        if all(len(row) == prefix + 1 for row in rows):
            where.append([len(wanted)] * len(rows))
            wanted.append((rows[0][:prefix], prefix))
        else:
            where.append(list(range(len(wanted), len(wanted) + len(rows))))
            wanted.extend((row[:-1], prefix) for row in rows)
    logprobs, width = _forward(model, wanted, pad)
    return [
        tuple(
            _sum(logprobs[place[j]], row[prefix:], len(wanted[place[j]][0]), prefix, width)
            for j, row in enumerate(rows)
        )
        for rows, prefix, place in zip(items, shared, where, strict=True)
    ]


def common_prefix(rows: Sequence[list[int]]) -> int:
    """Length of the common token prefix, leaving every row at least one token of its own."""
    shortest = min(len(row) for row in rows) - 1
    return next((i for i in range(shortest) if len({row[i] for row in rows}) > 1), shortest)


def _forward(model: Any, wanted: Sequence[tuple[list[int], int]], pad: int) -> tuple["torch.Tensor", int]:
    """Left-padded forward; logits of the positions that predict scored tokens. Shape [rows, width, vocabulary]."""
    import torch

    longest = max(len(row) for row, _ in wanted)
    width = max(len(row) - first + 1 for row, first in wanted)
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row, _ in wanted], device=model.device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row, _ in wanted], device=model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.inference_mode():
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=width
        ).logits[:, -width:]
    return torch.log_softmax(logits.float(), dim=-1), width


def _sum(logprobs: "torch.Tensor", tokens: list[int], row_length: int, prefix: int, width: int) -> float:
    """The logits kept are those of the row's last `width` positions; position p predicts token p + 1."""
    offset = width - row_length + prefix - 1
    total = float(sum(logprobs[offset + i, token].item() for i, token in enumerate(tokens)))
    return max(total, -1e9)  # a token masked out by the model has −∞, which JSON cannot hold
