"""How much fits: passages are left out and cut before the model is asked, so that no prompt is too long by them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from harness.records.inputs import JSON, Prompt
from harness.runtime.context import Context

A_TURN = 16  # tokens that a chat template adds to each turn, at most
A_PASSAGE = 12  # tokens that number, source and line breaks add to each passage
AN_OPTION = 16  # tokens of an option's letter or words
CUT = "…"


class Room:
    """The tokens that passages may take beside a prompt and its answer."""

    def __init__(self, context: Context, model: str, answer: int, budget: int | None) -> None:
        self.budget = budget
        self.window = context.context_length(model)
        self.answer = answer
        counter = context.token_counter(model)
        # Without a tokenizer at hand a character counts as a token: for CJK close to the truth, for others too careful.
        self.count = lru_cache(65536)(counter or len)

    @property
    def bounded(self) -> bool:
        """Whether there is any bound."""
        return self.budget is not None or self.window is not None

    def fit(self, passages: Sequence[Mapping[str, JSON]], bare: Prompt) -> tuple[list[Mapping[str, JSON]], int]:
        """The first passages that fit, and how many of them had to be cut (the last one, or none)."""
        left = self._left(bare)
        kept: list[Mapping[str, JSON]] = []
        for passage in passages:
            need = self._need(passage)
            if need <= left:
                kept.append(passage)
                left -= need
                continue
            if not kept and (short := self._shortened(passage, left)):
                return [{**passage, "text": short, "cut": True}], 1
            break
        return kept, 0

    def _left(self, bare: Prompt) -> int:
        rooms = [] if self.budget is None else [self.budget]
        if self.window is not None:
            taken = sum(self.count(message.content) + A_TURN for message in bare)
            rooms.append(self.window - self.answer - taken - A_TURN)
        return max(0, min(rooms))

    def _need(self, passage: Mapping[str, JSON]) -> int:
        text = f"{passage.get('title', '')}{passage['text']}{passage.get('source', '')}"
        return int(self.count(text)) + A_PASSAGE

    def _shortened(self, passage: Mapping[str, JSON], left: int) -> str:
        """The longest beginning of the passage that fits; empty when hardly any would."""
        text = str(passage["text"])
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._need({**passage, "text": text[:middle] + CUT}) <= left:
                low = middle
            else:
                high = middle - 1
        return text[:low] + CUT if low else ""
