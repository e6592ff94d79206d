"""The answers of a cell in the form in which they are compared with those of another: a few bytes each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.records.inputs import JSON
from harness.records.outputs import Prediction
from harness.text.canonical import canonical

Rows = NDArray[np.bool_]
Hashes = NDArray[np.int64]  # of texts: equal where these are equal, and in one process only


@dataclass(frozen=True, kw_only=True)
class AnswerMarks:
    """Of each of n items what was sent and what came back."""

    ids: Sequence[str]
    answers: Sequence[JSON]  # as they were read
    is_answered: Rows  # [n]
    has_text: Rows  # [n]
    replies: Hashes  # [n] of the text, and what was read in it
    prompts: Hashes  # [n] of the messages
    is_rendered: Rows  # [n] whether it is known how the model read them
    renderings: Hashes  # [n] of that
    tokens_in: NDArray[np.int64]  # [n]
    logprobs: Mapping[int, Sequence[float]]  # by place: of the options that were scored

    @classmethod
    def of(cls, cell: Sequence[Prediction]) -> "AnswerMarks":
        """The marks of a cell's predictions."""
        return cls(
            ids=[own.sample_id for own in cell],
            answers=[own.reading.answer for own in cell],
            is_answered=np.array([own.error is None for own in cell]),
            has_text=np.array([bool(own.text.strip()) for own in cell]),
            replies=np.array([hash((own.text, _comparable(own.reading.answer))) for own in cell]),
            prompts=np.array([hash(own.messages) for own in cell]),
            is_rendered=np.array([own.rendered is not None for own in cell]),
            renderings=np.array([hash(own.rendered) for own in cell]),
            tokens_in=np.array([own.tokens_in for own in cell]),
            logprobs={i: own.logprobs for i, own in enumerate(cell) if own.logprobs is not None},
        )

    def shared_with(self, other: "AnswerMarks") -> Rows:
        """The items [n] that both answered. Raises ValueError for cells of other sizes."""
        return self.is_answered & other.is_answered


def _comparable(answer: JSON) -> str | None:
    return answer if answer is None or isinstance(answer, str) else canonical(answer)
