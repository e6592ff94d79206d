"""One row of a batch while its reply is written."""

import random
from dataclasses import dataclass, field

from harness.models.local.answer_limits import BoundedReply


@dataclass(kw_only=True)
class WrittenRow:
    """A prompt and the reply behind it so far."""

    place: int  # in the batch as it was asked
    prompt: list[int]
    reply: BoundedReply
    draws: random.Random  # its own: what is drawn for it depends on no other row
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)  # natural, of the model's own distribution
    seconds: float = 0.0  # its shares of the steps in which it was written
    is_open: bool = True

    def add(self, token: int, logprob: float, is_end: bool) -> None:
        """Take the next token; the row is closed by a token that ends replies, and where its limits end it."""
        self.tokens.append(token)
        self.logprobs.append(logprob)
        self.is_open = not (is_end or self.reply.grow(self.tokens))
