"""Log-likelihood of continuations of a prompt: of options with the fewest forward passes, and of a whole answer."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.models.local.shared_prefixes import Context, SharedPrefixes

if TYPE_CHECKING:
    import torch

LOGITS_AT_ONCE = 1 << 27  # numbers of a forward's output: 0.5 GB in float32. Bounds memory, not results
LOWEST = -1e9  # a token masked out by the model has −∞, which JSON cannot hold


class ScoringNetwork(NamedTuple):
    """A network that scores rows of tokens, what pads them, and the prefixes that they share; None: no cache."""

    network: Any
    pad: int
    prefixes: SharedPrefixes | None = None

    def logits(self, contexts: Sequence[Context]) -> "list[torch.Tensor]":
        """Of each row (tokens, first) the logits that predict its token `first`, those behind it, and what follows.

        Shape (len(tokens) - first + 1, vocabulary) each.
        """
        if self.prefixes is None:
            return _whole_rows(self.network, contexts, self.pad)
        return self.prefixes.logits(self.network, contexts, self.pad)


def option_logprobs(network: ScoringNetwork, items: Sequence[Sequence[list[int]]]) -> list[tuple[float, ...]]:
    """Sum of the natural log-probabilities of each option's own tokens.

    `items[i][j]` is the token ids of prompt i followed by option j, tokenised as one text because a tokenizer may merge
    across the boundary. What all options of an item share is context; where one token decides, one row serves all.
    Log-softmax in float32. Returns one tuple of len(items[i]) values for each item.
    """
    rows = [(row, first) for own in items for first in [common_prefix(own)] for row in own]
    scores = iter(continuation_logprobs(network, rows))
    return [tuple(next(scores)[0] for _ in own) for own in items]


def continuation_logprobs(network: ScoringNetwork, rows: Sequence[Context]) -> list[tuple[float, bool]]:
    """Sum of the natural log-probabilities of each row's tokens from a position on, and whether each is the likeliest.

    Log-softmax in float32. `rows[i]` is the token ids of prompt i and its continuation, and the position of the
    continuation's first token, which is at least 1: nothing predicts a row's first token. Long continuations go through
    the model a few at a time, and those that differ in their last token only go through it once.
    """
    scores: list[tuple[float, bool]] = []
    while len(scores) < len(rows):
        batch = list(_first_batch(rows[len(scores) :], network.network.config.get_text_config().vocab_size))
        contexts = {(tuple(ids[:-1]), first): None for ids, first in batch}
        places = {context: place for place, context in enumerate(contexts)}
        logits = network.logits([(list(ids), first) for ids, first in contexts])
        tokens: list[list[list[int]]] = [[] for _ in contexts]
        order = []
        for ids, first in batch:
            own = tokens[places[tuple(ids[:-1]), first]]
            order.append((places[tuple(ids[:-1]), first], len(own)))
            own.append(ids[first:])
        sums = [_log_likelihoods(own, texts) for own, texts in zip(logits, tokens, strict=True)]
        scores += [sums[place][number] for place, number in order]
    return scores


def next_token_logprobs(network: ScoringNetwork, rows: Sequence[list[int]]) -> "torch.Tensor":
    """The natural log-probabilities of the token behind each row, float32, shape [rows, vocabulary]."""
    import torch

    return (
        torch.stack([logits[-1] for logits in network.logits([(row, len(row)) for row in rows])])
        .float()
        .log_softmax(-1)
    )


def _first_batch(rows: Sequence[Context], vocabulary: int) -> Iterator[Context]:
    """The first of the rows, and as many more as keep the output small."""
    width = 0
    for count, (ids, first) in enumerate(rows, 1):
        width = max(width, len(ids) - first)
        if count > 1 and count * width * vocabulary > LOGITS_AT_ONCE:
            return
        yield ids, first


def _log_likelihoods(logits: "torch.Tensor", texts: Sequence[list[int]]) -> list[tuple[float, bool]]:
    """Σ log p of texts of equal length by the logits [tokens, vocabulary] that predict them, and which are greedy.

    In chunks, to save memory.
    """
    import torch

    totals = torch.zeros(len(texts), dtype=torch.float64)
    greedy = torch.ones(len(texts), dtype=torch.bool)
    for start in range(0, len(texts[0]), 64):
        chunk = logits[start : start + 64].float()
        ids = torch.tensor([text[start : start + 64] for text in texts], device=logits.device)  # [texts, tokens]
        places = torch.arange(ids.shape[1], device=logits.device)
        totals += (chunk[places, ids] - chunk.logsumexp(-1)).double().sum(1).cpu()
        greedy &= (chunk.argmax(-1) == ids).all(1).cpu()
    return [(max(total, LOWEST), bool(own)) for total, own in zip(totals.tolist(), greedy.tolist(), strict=True)]


def common_prefix(rows: Sequence[list[int]]) -> int:
    """Length of the common token prefix, leaving every row at least one token of its own."""
    shortest = min(len(row) for row in rows) - 1
    return next((i for i in range(shortest) if len({row[i] for row in rows}) > 1), shortest)


def _whole_rows(model: Any, contexts: Sequence[Context], pad: int) -> "list[torch.Tensor]":
    """One left-padded forward of whole rows."""
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
    return [logits[place, width - (len(row) - first + 1) :] for place, (row, first) in enumerate(contexts)]
