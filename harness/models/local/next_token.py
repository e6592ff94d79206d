"""How likely options are as the first token of a reply, from the whole distribution of the next token."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.models.local.likelihood import ScoringNetwork, next_token_logprobs
from harness.records.outputs import Completion
from harness.statistics.option_shares import option_shares
from harness.text.option_forms import written_option
from harness.text.templates import LETTERS


def tokens_of_letters(tokenizer: Any, size: int, hidden: Collection[int]) -> dict[str, list[int]]:
    """The tokens of a vocabulary that are a form of a letter, by letter; `hidden` ones stand for no text."""
    tokens: dict[str, list[int]] = {}
    for token, text in enumerate(tokenizer.batch_decode([[token] for token in range(min(size, len(tokenizer)))])):
        letter = written_option(text, tuple(LETTERS)) if token not in hidden else None
        if letter is not None:
            tokens.setdefault(letter, []).append(token)
    return tokens


def first_token_shares(
    network: ScoringNetwork,
    rows: Sequence[list[int]],
    options: Sequence[tuple[str, ...]],
    tokens: Mapping[str, list[int]],
) -> list[Completion]:
    """The likeliest option as the next token of each row of token ids, summed over all its forms."""
    completions = []
    for row, texts, logprobs in zip(rows, options, next_token_logprobs(network, rows), strict=True):
        shares = option_shares([float(logprobs[tokens[text]].double().logsumexp(0)) for text in texts])
        completions.append(
            Completion(
                text=texts[shares.best],
                tokens_in=len(row),
                logprobs=shares.logprobs,
                logprob=shares.logprob if math.isfinite(shares.logprob) else None,
                elsewhere=shares.elsewhere,
            )
        )
    return completions
