"""What of a completion can be kept: finite numbers, and text that can be encoded."""

import math
from dataclasses import replace

from harness.records.outputs import Completion


def storable(completion: Completion, share: float) -> Completion:
    """A completion that can be stored: timed, with encodable text, and with finite log-probabilities.

    A model may time each call itself; otherwise an item gets its equal share of the batch.
    """
    seconds = completion.seconds or share
    if completion.logprobs is not None and not all(map(math.isfinite, completion.logprobs)):
        return Completion(
            text="",
            finish="error",
            tokens_in=completion.tokens_in,
            tokens_out=0,
            seconds=seconds,
            error="the model returned NaN or infinity",
        )
    error = None if completion.error is None else _encodable(completion.error)
    logprob = completion.logprob if completion.logprob is None or math.isfinite(completion.logprob) else None
    return replace(completion, seconds=seconds, text=_encodable(completion.text), error=error, logprob=logprob)


def _encodable(text: str) -> str:
    """The text with a question mark for each half of a character (a lone surrogate), which cannot be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")
