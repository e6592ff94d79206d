"""How the probability of a first token is shared out among options: renormalised over them, the rest elsewhere."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OptionShares:
    """What a distribution over first tokens says of some options."""

    best: int  # index of the likeliest; of equals, the first
    logprobs: tuple[float, ...]  # natural, renormalised over the options
    logprob: float  # of the likeliest, as it was before that
    elsewhere: float  # probability of no option


def option_shares(logprobs: Sequence[float]) -> OptionShares:
    """The shares of options by their natural log-probabilities, finite and of one or more options."""
    whole = log_sum(logprobs)
    best = max(range(len(logprobs)), key=logprobs.__getitem__)
    elsewhere = min(max(-math.expm1(min(whole, 0.0)), 0.0), 1.0)
    return OptionShares(best, tuple(value - whole for value in logprobs), logprobs[best], elsewhere)


def log_sum(logprobs: Sequence[float]) -> float:
    """log Σ exp, without underflow; −∞ of nothing."""
    highest = max(logprobs, default=-math.inf)
    if highest == -math.inf:
        return -math.inf
    return highest + math.log(math.fsum(math.exp(value - highest) for value in logprobs))
