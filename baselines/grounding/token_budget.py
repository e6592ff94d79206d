"""How much fits: passages are left out and cut before the model is asked, so that they never make a prompt too long."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from harness.components.calls import Calls
from harness.records.inputs import JSON, Prompt

TURN_TOKENS = 16  # that a chat template adds to each turn, at most
PASSAGE_TOKENS = 12  # that number, source and line breaks add to each passage
OPTION_TOKENS = 16  # of an option's letter or words
ELLIPSIS = "…"


class TokenBudget:
    """The tokens that passages may take beside a prompt and its answer."""

    def __init__(self, calls: Calls, model: str, answer: int, limit: int | None) -> None:
        self.limit = limit
        self.window = calls.context_length(model)
        self.answer = answer
        # Without a tokenizer a character counts as a token: about right for CJK, too careful for other scripts.
        self.count = lru_cache(65536)(calls.token_counter(model) or len)

    @property
    def is_bounded(self) -> bool:
        """Whether there is a limit at all."""
        return self.limit is not None or self.window is not None

    def fit(self, passages: Sequence[Mapping[str, JSON]], bare: Prompt) -> tuple[list[Mapping[str, JSON]], int]:
        """The first passages that fit, and how many of them had to be cut (the last one, or none)."""
        left = self._left(bare)
        fitting: list[Mapping[str, JSON]] = []
        for passage in passages:
            tokens = self._tokens(passage)
            if tokens > left:
                beginning = "" if fitting else self._beginning(passage, left)
                return ([{**passage, "text": beginning, "cut": True}], 1) if beginning else (fitting, 0)
            fitting.append(passage)
            left -= tokens
        return fitting, 0

    def _left(self, bare: Prompt) -> int:
        limits = [] if self.limit is None else [self.limit]
        if self.window is not None:
            used = sum(self.count(message.content) + TURN_TOKENS for message in bare)
            limits.append(self.window - self.answer - used - TURN_TOKENS)
        return max(0, min(limits))

    def _tokens(self, passage: Mapping[str, JSON]) -> int:
        text = f"{passage.get('title', '')}{passage['text']}{passage.get('source', '')}"
        return int(self.count(text)) + PASSAGE_TOKENS

    def _beginning(self, passage: Mapping[str, JSON], left: int) -> str:
        """The longest beginning of the passage that fits; empty when hardly any would."""
        text = str(passage["text"])
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._tokens({**passage, "text": text[:middle] + ELLIPSIS}) <= left:
                low = middle
            else:
                high = middle - 1
        return text[:low] + ELLIPSIS if low else ""
