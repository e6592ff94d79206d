"""What stands behind the protocol of a stand-in server: a script, or a real small model (tests/shared/llama_cpp.py)."""

import hashlib
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Body = dict[str, Any]
Answer = Callable[[Body], str]  # the text that replies to a request in the form of /api/chat
Probabilities = Callable[[Body], Mapping[str, float]]  # of the tokens that may come first
THOUGHT_END = "</think>"


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What is asked of an engine."""

    body: Body  # the request in the form of /api/chat
    tokens: list[Any]
    room: int  # tokens of the reply at most
    stop: Sequence[str] = ()
    thinking: bool = False  # the prompt ends inside a thought
    top: int | None = None  # how many alternatives of each token are wanted; None for no log-probabilities


@dataclass(frozen=True)
class Piece:
    """A part of a reply, with its tokens' log-probabilities where they were asked for."""

    text: str
    logprobs: Sequence[Body] = ()


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a reply ended, and how long the engine worked on it."""

    reason: str  # stop or length
    tokens_out: int
    cached: int = 0  # tokens of the prompt that were still there from the request before
    prompt_seconds: float = 0.001
    seconds: float = 0.001


class Engine(Protocol):
    """A model without a server."""

    trained: int  # the context length that the model was trained with, in tokens
    digest: str
    width: int  # of its embeddings

    def tokens(self, text: str) -> list[Any]:
        """The tokens of a rendered prompt."""

    def generate(self, ask: Ask) -> Iterator[Piece | Ending]:
        """The reply, piece by piece; an Ending is the last."""

    def embed(self, tokens: list[Any]) -> list[float]:
        """The vector of a text, of length 1."""


@dataclass
class Script:
    """Replies by a function of the request; one character counts as one token.

    A reply takes `seconds`, and its prompt `prompt_seconds`, less the share that begins like the prompt before.
    `first` gives the probabilities of the first token: without it the reply's own characters are certain.
    """

    answer: Answer
    trained: int = 32768
    seconds: float = 0.0
    prompt_seconds: float = 0.0
    thought: str = "Let me see."
    first: Probabilities | None = None
    digest: str = "5c71e7"
    width: int = 16
    _last: list[Any] = field(default_factory=list)

    def tokens(self, text: str) -> list[Any]:
        return list(text)

    def generate(self, ask: Ask) -> Iterator[Piece | Ending]:
        cached = min(_shared(self._last, ask.tokens), max(0, len(ask.tokens) - 1))
        self._last = ask.tokens
        prompt_seconds = self.prompt_seconds * (1 - cached / max(1, len(ask.tokens)))
        time.sleep(prompt_seconds)
        whole = self.answer(ask.body)
        if ask.thinking and THOUGHT_END not in whole:
            whole = f"{self.thought}{THOUGHT_END}{whole}"
        for stop in ask.stop:
            whole = whole.partition(stop)[0]
        text = whole[: ask.room]
        pieces = re.findall(r"\s*\S+\s*$|\s*\S+", text) or [text]
        began = time.monotonic()
        for number, piece in enumerate(pieces):
            time.sleep(self.seconds / len(pieces))
            yield Piece(piece, self._logprobs(ask, piece, is_first=number == 0))
        yield Ending(
            reason="length" if len(text) < len(whole) else "stop", tokens_out=len(text), cached=cached,
            prompt_seconds=max(prompt_seconds, 1e-6), seconds=max(time.monotonic() - began, 1e-6),
        )  # fmt: skip

    def embed(self, tokens: list[Any]) -> list[float]:
        raw = [0.0] * self.width
        for token in tokens:
            raw[hashlib.sha256(str(token).encode()).digest()[0] % self.width] += 1.0
        size = math.hypot(*raw) or 1.0
        return [value / size for value in raw]

    def _logprobs(self, ask: Ask, piece: str, *, is_first: bool) -> list[Body]:
        if ask.top is None:
            return []
        entries = []
        for number, character in enumerate(piece):
            likely = {character: 1.0}
            if is_first and number == 0 and self.first is not None:
                likely = dict(self.first(ask.body))
            ranked = sorted(likely.items(), key=lambda pair: -pair[1])[: ask.top]
            chance = likely.get(character, min(likely.values()))
            entries.append(entry(character, chance) | {"top_logprobs": [entry(*pair) for pair in ranked]})
        return entries


def entry(token: str, probability: float) -> Body:
    """A token with its log-probability, as servers write it."""
    return {
        "id": sum(map(ord, token)),
        "token": token,
        "logprob": math.log(max(probability, 1e-30)),
        "bytes": list(token.encode()),
    }


def _shared(left: Sequence[Any], right: Sequence[Any]) -> int:
    """How many tokens two prompts have in common at their front."""
    return next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
