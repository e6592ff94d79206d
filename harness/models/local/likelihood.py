"""Log-likelihood of continuations of a prompt: of options with the fewest forward passes, and of a whole answer."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LOGITS_AT_ONCE = 1 << 27  # numbers of a forward's output: 0.5 GB in float32. Bounds memory, not results


def option_logprobs(model: Any, items: Sequence[Sequence[list[int]]], pad: int) -> list[tuple[float, ...]]:
    """Sum of the natural log-probabilities of each option's own tokens.

    `items[i][j]` is the token ids of prompt i followed by option j, tokenised as one text because a tokenizer may merge
    across the boundary. What all options of an item share is context; where one token decides, one row serves all.
    Log-softmax in float32. Returns one tuple of len(items[i]) values for each item.
    """
    shared = [common_prefix(rows) for rows in items]
    contexts: list[tuple[list[int], int]] = []  # (row, position of the first scored token)
    places: list[list[int]] = []  # item → option → index into contexts
    for rows, prefix in zip(items, shared, strict=True):
        if all(len(row) == prefix + 1 for row in rows):
            places.append([len(contexts)] * len(rows))
            contexts.append((rows[0][:prefix], prefix))
        else:
            places.append(list(range(len(contexts), len(contexts) + len(rows))))
            contexts.extend((row[:-1], prefix) for row in rows)
    logits, width = _logits(model, contexts, pad)
    logprobs = logits.float().log_softmax(-1)
    return [
        tuple(
            _sum(logprobs[place[j]], row[prefix:], len(contexts[place[j]][0]), prefix, width)
            for j, row in enumerate(rows)
        )
        for rows, prefix, place in zip(items, shared, places, strict=True)
    ]


def continuation_logprobs(model: Any, rows: Sequence[tuple[list[int], int]], pad: int) -> list[tuple[float, bool]]:
    """Sum of the natural log-probabilities of each row's tokens from a position on, and whether each is the likeliest.

    Log-softmax in float32. `rows[i]` is the token ids of prompt i and its continuation, and the position of the
    continuation's first token, which is at least 1: nothing predicts a row's first token. Long continuations go through
    the model a few at a time, and those that differ in their last token only go through it once.
    """
    scores: list[tuple[float, bool]] = []
    while len(scores) < len(rows):
        batch = list(_first_batch(rows[len(scores) :], model.config.get_text_config().vocab_size))
        contexts = {(tuple(ids[:-1]), first): None for ids, first in batch}
        places = {context: place for place, context in enumerate(contexts)}
        logits, width = _logits(model, [(list(ids), first) for ids, first in contexts], pad)
        for ids, first in batch:
            own = logits[places[tuple(ids[:-1]), first]]
            scores.append(_log_likelihood(own[width - len(ids) + first :], ids[first:]))
    return scores


def next_token_logprobs(model: Any, rows: Sequence[list[int]], pad: int) -> "torch.Tensor":
    """The natural log-probabilities of the token behind each row, float32, shape [rows, vocabulary]."""
    logits, _ = _logits(model, [(row, len(row)) for row in rows], pad)
    return logits[:, -1].float().log_softmax(-1)


def _first_batch(rows: Sequence[tuple[list[int], int]], vocabulary: int) -> Iterator[tuple[list[int], int]]:
    """The first of the rows, and as many more as keep the output small."""
    width = 0
    for count, (ids, first) in enumerate(rows, 1):
        width = max(width, len(ids) - first)
        if count > 1 and count * width * vocabulary > LOGITS_AT_ONCE:
            return
        yield ids, first


def _log_likelihood(logits: "torch.Tensor", tokens: Sequence[int]) -> tuple[float, bool]:
    """Σ log p of `tokens` by the logits [tokens, vocabulary] that predict them, and whether all are the likeliest.

    In chunks, to save memory.
    """
    import torch

    total, is_greedy = 0.0, True
    for start in range(0, len(tokens), 64):
        chunk = logits[start : start + 64].float()
        ids = torch.tensor(tokens[start : start + 64], device=logits.device)[:, None]
        total += float((chunk.gather(1, ids)[:, 0] - chunk.logsumexp(-1)).double().sum())
        is_greedy = is_greedy and bool((chunk.argmax(-1, keepdim=True) == ids).all())
    return max(total, -1e9), is_greedy


def common_prefix(rows: Sequence[list[int]]) -> int:
    """Length of the common token prefix, leaving every row at least one token of its own."""
    shortest = min(len(row) for row in rows) - 1
    return next((i for i in range(shortest) if len({row[i] for row in rows}) > 1), shortest)


def _logits(model: Any, contexts: Sequence[tuple[list[int], int]], pad: int) -> tuple["torch.Tensor", int]:
    """Left-padded forward of rows with the first scored position of each. Shape [rows, width, vocabulary]."""
    import torch

    longest = max(len(row) for row, _ in contexts)
    width = max(len(row) - first + 1 for row, first in contexts)
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row, _ in contexts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row, _ in contexts], device=model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.inference_mode():
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=width
        ).logits[:, -width:]
    return logits, width


def _sum(logprobs: "torch.Tensor", tokens: list[int], row_length: int, prefix: int, width: int) -> float:
    """The logits kept are those of the row's last `width` positions; position p predicts token p + 1."""
    offset = width - row_length + prefix - 1
    total = float(sum(logprobs[offset + i, token].item() for i, token in enumerate(tokens)))
    return max(total, -1e9)  # a token masked out by the model has −∞, which JSON cannot hold
