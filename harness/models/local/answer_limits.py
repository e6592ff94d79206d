"""Where each reply of a batch ends: stop strings and the token limit count for the answer, not for its reasoning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records.inputs import Generation
from harness.text.reasoning import REASONING_TAGS, REASONING_TOKENS, TagPair, answer_start, begins_block, ends_reasoning

Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True, kw_only=True)
class AnswerLimits:
    """What bounds the replies of a batch."""

    generation: Generation
    leading: str = ""  # white space that the model writes before the answer in plain format
    tags: tuple[TagPair, ...] = ()  # the model's own, beside the usual ones

    @property
    def reasoning_tokens(self) -> int:
        """The most tokens before the answer."""
        tokens = self.generation.reasoning_tokens
        return REASONING_TOKENS if tokens is None else tokens

    @property
    def longest(self) -> int:
        """The most tokens of a reply: reasoning and answer."""
        return self.reasoning_tokens + self.generation.max_tokens

    def answer_start(self, opened: str, text: str) -> int | None:
        """Where the answer begins in a text whose prompt has opened a block; None while the model reasons."""
        start = answer_start(opened + text, self.generation.marker, self.tags)
        return None if start is None else max(0, start - len(opened))

    def stop_at(self, opened: str, text: str) -> int | None:
        """Where the first stop string in the answer stands; None without one."""
        start = self.answer_start(opened, text)
        if start is None:
            return None
        if start:  # white space behind a tag or a marker is no answer yet
            start += len(text[start:]) - len(text[start:].lstrip())
        elif text.startswith(self.leading):
            start = len(self.leading)
        places = [place for stop in self.generation.stop if (place := text.find(stop, start)) >= 0]
        return min(places, default=None)

    @property
    def sight(self) -> int:
        """Tokens from the end of a reply that surely hold a tag or marker just written."""
        texts = [tag for pair in (*REASONING_TAGS, *self.tags) for tag in pair] + [self.generation.marker or ""]
        return 8 + 3 * max(map(len, texts))  # up to three tokens a character


class BoundedReply:
    """One reply while it is written: whether it is at its answer yet, and where it ends."""

    def __init__(self, limits: AnswerLimits, decode: Decode, opened: str, room: int) -> None:
        self.limits, self.decode, self.opened = limits, decode, opened
        self.room = room  # tokens that the model's window has for it
        self.reasons = bool(opened) or limits.generation.marker is not None
        self.start: int | None = None if self.reasons else 0  # the answer's first token; None while the model reasons
        self.is_begun = self.reasons  # it can no longer begin with a tag of its own
        self.is_tag = False  # it is the beginning of a tag so far
        self.length: int | None = None  # once it is known
        self.finish: Literal["stop", "length"] = "length"

    def grow(self, tokens: Sequence[int]) -> bool:
        """Take note of the tokens so far; whether the reply is finished."""
        if self.length is not None:
            return True
        self._look_for_answer(tokens)
        most = self.limits.generation.max_tokens
        if self.start is not None and self._is_stopped(tokens):
            self.length, self.finish = len(tokens), "stop"
        elif len(tokens) >= self.room:
            self.length = self.room
        elif self.start is None and len(tokens) >= self.limits.reasoning_tokens:
            self.length = len(tokens)
        elif self.start is not None and len(tokens) - self.start >= most and not self.is_tag:
            self.length = self.start + most
        return self.length is not None

    def _look_for_answer(self, tokens: Sequence[int]) -> None:
        if not self.is_begun:
            self._look_for_block(tokens)
        if self.start is None:
            tail = self.decode(tokens[-self.limits.sight :])
            if (
                ends_reasoning(tail, self.limits.generation.marker, self.limits.tags)
                and self.limits.answer_start(self.opened, self.decode(tokens)) is not None
            ):
                self.start = len(tokens)

    def _look_for_block(self, tokens: Sequence[int]) -> None:
        text = self.decode(tokens)
        begins = begins_block(text, self.limits.tags)
        if begins:
            self.reasons, self.start = True, None
        self.is_tag = begins is None
        self.is_begun = begins or (begins is False and bool(text.strip())) or len(tokens) > self.limits.sight

    def _is_stopped(self, tokens: Sequence[int]) -> bool:
        if not self.limits.generation.stop:
            return False
        return self.limits.stop_at(self.opened, self.decode(tokens)) is not None
