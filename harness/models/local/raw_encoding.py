"""Token ids of raw texts, divided into context and continuation as lm-evaluation-harness divides them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.records.outputs import Completion

ScoredRow = tuple[list[int], int]  # token ids, and the position of the first one that is scored


@dataclass(frozen=True)
class RawEncoding:
    """Encodes texts that no template has written, by rules that are lm-eval's own (TemplateLM, HFLM of 0.4.13)."""

    tokenizer: Any
    appended: int  # tokens that it puts behind a text

    @property
    def start(self) -> int:
        """The token that stands before a text by itself: that of the beginning, else that of the end."""
        begin: int | None = self.tokenizer.bos_token_id
        return int(self.tokenizer.eos_token_id if begin is None else begin)

    def ids(self, text: str) -> list[int]:
        """Token ids with what the tokenizer puts before a text, unless that stands there already."""
        special = not text.startswith(self.tokenizer.decode(self.start))
        ids: list[int] = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids[: len(ids) - self.appended] if special else ids

    def pair(self, context: str, continuation: str) -> ScoredRow:
        """Both as one row. White space at the end of the context belongs to the continuation, as tokenizers have it.

        Both are tokenised as one text, of which the continuation is what follows as many tokens as the context has.
        """
        head = context.rstrip()
        whole = self.ids(context + continuation)
        before = self.ids(head) if head else []
        if before:
            return before + whole[len(before) :], len(before)
        ids: list[int] = self.tokenizer(context + continuation, add_special_tokens=False)["input_ids"]
        return (ids, 1) if ids[:1] == [self.start] else ([self.start, *ids], 1)

    def windows(self, text: str, longest: int | None) -> list[ScoredRow]:
        """A text without a context, each token of which is scored once; windows of at most `longest` tokens."""
        ids = self.ids(text)
        size = longest or max(1, len(ids))
        rows, done = [([self.start, *ids[:size]], 1)], min(size, len(ids))
        while done < len(ids):
            count = min(len(ids) - done, size)
            end = done + count
            rows.append((ids[end - size - 1 : end], size + 1 - count))
            done = end
        return rows


def scored_completion(rows: Sequence[ScoredRow], scores: Sequence[tuple[float, bool]]) -> Completion:
    """The completion of a text that was scored in one row or several."""
    total, greedy = sum(score for score, _ in scores), all(is_greedy for _, is_greedy in scores)
    scored = sum(len(ids) - first for ids, first in rows)
    return Completion(text="", tokens_in=rows[0][1], tokens_out=scored, logprobs=(total,), greedy=(greedy,))
