"""A reply while it arrives in parts: where its answer begins, and where answer or reasoning reach their limit.

Servers write a token a part, so that parts are counted where a server has a single limit for reasoning and answer.
"""

from harness.records.inputs import Generation
from harness.records.outputs import Finish
from harness.text.reasoning import REASONING_TAGS, TagPair, answer_start, begins_block, ends_reasoning

MERGED = 1.5  # tokens a part from which on a server is taken not to write a token a part


class BoundedAnswer:
    """The text and the reasoning of one reply, as far as they came.

    `reasoning_tokens` is the most that may come before the answer; None leaves the limits, and `stop`, to the server.
    """

    def __init__(self, generation: Generation, reasoning_tokens: int | None, tags: tuple[TagPair, ...] = ()) -> None:
        self.text = ""
        self.reasoning = ""
        self.finish: Finish | None = None  # once it is ended here
        self._generation = generation
        self._limit = reasoning_tokens
        self._tags = tags
        self._before = 0  # parts before the answer
        self._answer = 0  # parts of the answer
        self._start: int | None = None  # where the answer begins in the text; None until that is known
        self._reasons_in_text = generation.marker is not None
        longest = max(len(tag) for pair in (*REASONING_TAGS, *tags) for tag in pair)
        self._sight = max(longest, len(generation.marker or "")) + 8

    @property
    def parts(self) -> int:
        """Parts of reasoning and answer."""
        return self._before + self._answer

    def grow(self, text: str, reasoning: str) -> bool:
        """Take in a part; whether the reply is ended by it. A part beyond a limit is left out."""
        if not (text or reasoning):
            return False
        if self._limit is not None and self._is_full(self._limit, text):
            self.finish = "length"
            return True
        self.text += text
        self.reasoning += reasoning
        if self._limit is None or self._start is not None:
            self._answer += bool(text)
            self._before += not text
        else:
            self._look_for_answer(len(text))
        self._stop()
        return self.finish is not None

    def settle(self, tokens: int | None) -> bool:
        """Cut an answer that a server wrote in parts of several tokens, when it is whole; whether that was needed."""
        if self._limit is None or not tokens or not self.parts or tokens < MERGED * self.parts:
            return False
        answer = self.text[self._start or 0 :]
        whole = len(self.text) + len(self.reasoning)
        most = self._generation.max_tokens * whole // tokens  # characters
        if self._start is None or len(answer) <= most:
            return False
        self.text = self.text[: self._start + most]
        self.finish = "length"
        return True

    def _is_full(self, limit: int, text: str) -> bool:
        """Whether the reply has no room for a further part."""
        if self._start is not None:
            return bool(text) and self._answer >= self._generation.max_tokens
        return self._before >= limit and (self._reasons_in_text or not text)

    def _look_for_answer(self, length: int) -> None:
        """Count a part that came before the answer, or with which the answer begins."""
        if not self._reasons_in_text and self.text.strip():
            begins = begins_block(self.text, self._tags)
            if begins is False:
                self._start, self._answer = 0, 1
                return
            self._reasons_in_text = bool(begins)  # None: perhaps the beginning of a tag
        self._before += 1
        tail = self.text[-(self._sight + length) :]
        if self._reasons_in_text and ends_reasoning(tail, self._generation.marker, self._tags):
            self._start = answer_start(self.text, self._generation.marker, self._tags)

    def _stop(self) -> None:
        if self._start is None or not self._generation.stop:
            return
        start = self._start + len(self.text[self._start :]) - len(self.text[self._start :].lstrip())
        places = [place for stop in self._generation.stop if (place := self.text.find(stop, start)) >= 0]
        if places:
            self.text = self.text[: min(places)]
            self.finish = "stop"
