"""Replies while an engine writes them in rounds: reasoning and answer each have their own limit and stop strings.

An engine knows one limit and one list of stop strings for a whole reply. So a reply is continued: up to the end of its
reasoning, then up to the end of its answer. Where it ends is decided by the same rules as in transformers' generation
(`BoundedReply`), which read the tokens again. An engine that keeps the keys and values of what it has read makes a
further round cheap.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from harness.models.local.answer_limits import AnswerLimits, BoundedReply
from harness.models.offline.vllm_requests import Continuation, TextRequest
from harness.records.inputs import JSON
from harness.text.reasoning import REASONING_TAGS

Continue = Callable[[Sequence[TextRequest]], Sequence[Continuation]]


@dataclass(kw_only=True)
class Draft:
    """One reply so far."""

    prompt: Sequence[int]
    begin: Callable[[], BoundedReply]
    seed: int
    schema: Mapping[str, JSON] | None = None
    may_reason_first: bool = False  # although its prompt opens no block: then a schema waits for the answer
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None
    is_finished: bool = False
    reply: BoundedReply = field(init=False)

    def __post_init__(self) -> None:
        self.reply = self.begin()

    def request(self) -> TextRequest:
        """What is to be written next."""
        limits, length = self.reply.limits, len(self.tokens)
        is_reasoning = self.reply.start is None or self._looks_for_block
        end = limits.reasoning_tokens if is_reasoning else (self.reply.start or 0) + limits.generation.max_tokens
        return TextRequest(
            prompt=[*self.prompt, *self.tokens],
            max_tokens=max(1, min(end, self.reply.room) - length),
            stop=closings(limits) if is_reasoning else limits.generation.stop,
            seed=self.seed,
            schema=None if is_reasoning else self.schema,
        )

    def extend(self, continuation: Continuation, ends: Collection[int]) -> None:
        """Take what was written, as far as it belongs to the reply."""
        looked = self._looks_for_block
        if continuation.finish not in ("stop", "length"):
            self.failure, self.is_finished = continuation.finish, True
            return
        self.is_finished = not continuation.tokens
        for token, logprob in zip(continuation.tokens, continuation.logprobs, strict=True):
            self.tokens.append(token)
            self.logprobs.append(logprob)
            if token in ends or self.reply.grow(self.tokens):
                self.is_finished = True
                break
        if looked and not self.reply.reasons:  # an answer after all, and held to nothing
            self.tokens, self.logprobs, self.reply = [], [], self.begin()
            self.may_reason_first = self.is_finished = False

    @property
    def _looks_for_block(self) -> bool:
        return self.may_reason_first and self.schema is not None and not self.tokens


def closings(limits: AnswerLimits) -> list[str]:
    """What ends reasoning: the tags that close it, and the task's marker."""
    marker = limits.generation.marker
    return [*dict.fromkeys(tags[1] for tags in (*REASONING_TAGS, *limits.tags)), *([marker] if marker else [])]


def write_in_rounds(drafts: Sequence[Draft], continue_texts: Continue, ends: Collection[int]) -> None:
    """Have all drafts written to their ends."""
    while unfinished := [draft for draft in drafts if not draft.is_finished]:
        continuations = continue_texts([draft.request() for draft in unfinished])
        for draft, continuation in zip(unfinished, continuations, strict=True):
            draft.extend(continuation, ends)
