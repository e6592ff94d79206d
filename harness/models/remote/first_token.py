"""Reads options out of the likeliest first tokens that a server lists, and says where such a list cannot decide."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.models.remote.call_error import CallError
from harness.records.inputs import Generation
from harness.records.outputs import Completion
from harness.statistics.option_shares import log_sum, option_shares
from harness.text.inert import inert_line
from harness.text.option_forms import COUNTED_FORMS, written_option
from harness.text.reasoning import REASONING_TAGS
from harness.text.replies import OPEN_OPTION

LISTED = 20  # tokens asked for: the most that Ollama, OpenAI and vLLM list
FIRST_TOKEN = Generation(max_tokens=1)
ROUNDING = 1e-3  # by which probabilities may exceed 1, listed in float32
LEAST = 1e-9  # probability that is left for tokens that are not listed: what rounding hides

Listed = Sequence[tuple[str, float]]  # (token, natural log-probability)
_OPENINGS = frozenset(opening.lower() for opening, _ in REASONING_TAGS)


@dataclass(frozen=True, slots=True)
class Extent:
    """What a list says of one option: the log-probability of its listed forms, and the most that all may have."""

    listed: float  # −∞ where no form is
    most: float


def listed_tokens(positions: Any) -> list[tuple[str, float]]:
    """The tokens listed for the first position of a reply, as Ollama and OpenAI's protocol write them.

    Raises CallError for a list that is missing or cannot be right.
    """
    first = positions[0] if isinstance(positions, list) and positions else None
    entries = first.get("top_logprobs") if isinstance(first, dict) else None
    if not isinstance(entries, list) or not entries:
        raise _failure(
            "the server lists no log-probabilities of the first token (top_logprobs); use choice: {by: generation}"
        )
    tokens = [_token_in(entry) for entry in entries]
    if log_sum([logprob for _, logprob in tokens]) > ROUNDING:
        raise _failure("the probabilities of the first tokens that the server lists are more than 1 together")
    return tokens


def _token_in(entry: Any) -> tuple[str, float]:
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    token, logprob = fields.get("token"), fields.get("logprob", math.nan)
    if not isinstance(token, str) or not _is_logprob(logprob):
        raise _failure(f"the server lists {str(entry)[:80]} as a first token, which is no log-probability")
    return token, min(float(logprob), 0.0)


def read_first_token(completion: Completion, listed: Listed, options: Sequence[str]) -> Completion:
    """The completion of a reply as the likeliest of the options, by the tokens listed for its beginning.

    An option that is not listed counts with the probability of the least likely token that is. Where what is not listed
    could change which option is the likeliest, it comes back with an error. Raises CallError where the model reasons
    first.
    """
    likeliest = max(listed, key=lambda pair: pair[1])[0]
    if completion.reasoning.strip() or likeliest.strip().lower() in _OPENINGS:
        raise _failure(
            "the model reasons before it answers, so its first token is no answer; use choice: {by: generation}"
        )
    least, rest = _unlisted(listed)
    extents = [_extent(listed, option, least, rest) for option in options]
    shares = option_shares([extent.listed if extent.listed > -math.inf else min(least, rest) for extent in extents])
    best = extents[shares.best]
    for option, extent in zip(options, extents, strict=True):
        if extent is not best and extent.most > extent.listed and extent.most >= best.listed:
            doubt = _doubt(len(listed), likeliest, (options[shares.best], best), (option, extent))
            return replace(completion, text="", finish="error", error=doubt)
    return replace(
        completion, text=options[shares.best], finish="stop", logprobs=shares.logprobs, logprob=shares.logprob,
        elsewhere=-math.expm1(min(log_sum([extent.listed for extent in extents]), 0.0)),
    )  # fmt: skip


def _unlisted(listed: Listed) -> tuple[float, float]:
    """Log-probabilities: the most that a token has which is not listed, and what all such tokens have together."""
    rest = max(-math.expm1(min(log_sum([logprob for _, logprob in listed]), 0.0)), LEAST)
    return max(min(logprob for _, logprob in listed), math.log(LEAST) * 2), math.log(rest)


def _extent(listed: Listed, option: str, least: float, rest: float) -> Extent:
    forms = {token: logprob for token, logprob in listed if written_option(token, (option,))}
    sure = log_sum([logprob for token, logprob in listed if token in forms])
    unseen = max(0, COUNTED_FORMS - len(forms))
    return Extent(sure, log_sum([sure, min(math.log(unseen) + least, rest)]) if unseen else sure)


def _doubt(count: int, likeliest: str, best: tuple[str, Extent], rival: tuple[str, Extent]) -> str:
    """Why a list is too short to tell the likeliest option."""
    (first, sure), (second, possible) = best, rival
    lead = f"{first} has {_share(sure.listed)}" if sure.listed > -math.inf else "no option is among them"
    return (
        f"{OPEN_OPTION} by the {count} likeliest first tokens, all that the server lists: {lead}, {second} may "
        f"have up to {_share(possible.most)} with spellings that are not listed (the likeliest token is "
        f"“{inert_line(likeliest)[:40]}”)"
    )


def _share(logprob: float) -> str:
    return f"{100 * math.exp(logprob):.3g} %"


def _is_logprob(value: Any) -> bool:
    """Whether a value can be a log-probability: a number up to 0, or minus infinity for what cannot be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value <= ROUNDING


def _failure(reason: str) -> CallError:
    return CallError(reason, lasting=True)
