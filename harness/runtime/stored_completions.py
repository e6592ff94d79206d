"""What of a completion can be kept: finite numbers, and text that can be encoded; and how it is used again."""

import math
from collections.abc import Mapping
from dataclasses import replace

from harness.components.model import Model
from harness.records.outputs import Completion, Serving


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


def recalled(completions: Mapping[str, Completion], model: Model) -> dict[str, Completion]:
    """Stored completions as they are used: of a server's from before its calls were timed, not how many waited."""
    return {
        key: replace(completion, serving=Serving(at_once=None))
        if model.served and completion.serving is None
        else completion
        for key, completion in completions.items()
    }


def _encodable(text: str) -> str:
    """The text with a question mark for each half of a character (a lone surrogate), which cannot be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")
