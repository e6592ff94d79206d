"""What embedding models behind a server share: prefixes, batches, and a text that is too long is refused by name."""

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PrivateAttr

from harness.components.model import Use
from harness.errors import ModelError, NotFiniteError
from harness.models.remote.call_error import CallError
from harness.models.remote.embedding_reply import EmbeddingReply, excerpt_of, vectors_of
from harness.models.remote.hosted_model import HostedModel
from harness.records.inputs import JSON

if TYPE_CHECKING:
    from harness.components.model import Vector

TOO_LONG = re.compile(  # how servers say that a text, or a batch, is more than they take at once
    r"context (length|size|window)|too (long|large|many)|batch size|max\w* .*(length|tokens)"
    r"|(exceed\w*|more than|less than) .*(context|length|tokens|size)",
    re.IGNORECASE,
)
REFUSALS = frozenset((400, 413, 422, 500))  # the statuses under which they say it
PROBE = "a"
Ask = Callable[[Callable[[], EmbeddingReply]], EmbeddingReply]  # a request → its reply

NOT_A_NUMBER = re.compile(r"\b(nan|inf(inity)?)\b", re.IGNORECASE)


class EmbeddingModel(HostedModel):
    """Base of embedding models behind a server. Its vectors have length 1, whatever the server's have."""

    generates: ClassVar[bool] = False
    embeds: ClassVar[bool] = True

    model: str
    """The model's name on the server."""
    query_prefix: str = ""
    """What the model wants before a query; a server knows of none."""
    passage_prefix: str = ""
    """What the model wants before a passage; a server knows of none."""
    dimensions: int | None = Field(None, ge=1)
    """Length of shortened vectors, for models that allow it; null: their own length."""
    batch_size: int = Field(32, ge=1)
    """Texts in one request."""
    _dimension: int | None = PrivateAttr(None)  # of the vectors so far

    @abstractmethod
    def request(self, texts: Sequence[str]) -> EmbeddingReply:
        """One request. Raises CallError; ModelError for a reply of another shape."""

    @abstractmethod
    def advice(self, failure: CallError) -> str:
        """What to do about a failure that is no text's own; may be empty."""

    def output_identity(self) -> dict[str, JSON]:
        """What determines the vectors beside the server and the model in it."""
        prefixes = {"query": self.query_prefix, "passage": self.passage_prefix}
        return {"prefixes": prefixes, "dimensions": self.dimensions, "length": 1}

    def embed(self, texts: Sequence[str], use: Use) -> "Vector":
        import numpy as np

        prefix = self.query_prefix if use == "query" else self.passage_prefix
        prefixed = [prefix + text for text in texts]
        try:
            batches = [self._batch(prefixed[i : i + self.batch_size]) for i in range(0, len(prefixed), self.batch_size)]
        except ModelError:
            self.still_the_same()  # what changed is the cause of many a failure
            raise
        self.still_the_same()
        vectors = np.concatenate(batches) if batches else np.zeros((0, 0), dtype=np.float32)
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        unit: Vector = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
        return unit  # a zero vector stays one: the caller says which text it is

    def probe(self, seconds: float) -> None:
        """Embed one letter, once. Raises ModelError where the model cannot embed."""
        from harness.models.remote.transport import exchange

        def ask(request: Callable[[], EmbeddingReply]) -> EmbeddingReply:
            with exchange(seconds, self.prefix):
                return request()

        self._batch([PROBE], ask)

    def _batch(self, texts: Sequence[str], ask: Ask | None = None) -> "Vector":
        """The vectors of one request. What is refused for one of its texts is asked in halves until that text shows."""
        import numpy as np

        try:
            reply = (ask or self.ask)(lambda: self.request(texts))
            vectors = vectors_of(reply, texts, self._dimension)
        except CallError as failure:
            is_too_long = _is_too_long(failure)
            if not (is_too_long or _is_no_number(failure)):
                raise ModelError(self._fault(failure)) from failure
            if len(texts) == 1:
                raise self._text_fault(texts[0], failure, is_too_long) from failure
            half = len(texts) // 2
            return np.concatenate([self._batch(texts[:half], ask), self._batch(texts[half:], ask)])
        except ModelError as error:
            raise type(error)(*(f"model {self.model}: {line}" for line in error.lines)) from error
        self._refuse_changed_dimensions(vectors.shape[1])
        self._dimension = vectors.shape[1]
        return vectors

    def _text_fault(self, text: str, failure: CallError, is_too_long: bool) -> ModelError:
        """The refusal of a single text."""
        reason = self.failure_text(failure)
        if not is_too_long:
            return NotFiniteError(f"model {self.model} returned NaN or infinity for {excerpt_of(text)}: {reason}")
        return ModelError(
            f"model {self.model}: a text of {len(text):,} characters is longer than it reads, and is not cut: "
            f"{excerpt_of(text)} ({reason}); shorten passages by split in knowledge, queries by query in the variant"
            + self._long_text_advice
        )

    @property
    def _long_text_advice(self) -> str:
        return ", or name a model with a longer context"

    def _refuse_changed_dimensions(self, dimension: int) -> None:
        if self.dimensions is not None and dimension != self.dimensions:
            raise ModelError(
                f"model {self.model}: {self.dimensions} dimensions were asked for, the server gave {dimension}: "
                "it cannot shorten these vectors; leave out dimensions"
            )

    def _fault(self, failure: CallError) -> str:
        problem = f"model {self.model} cannot embed: {self.failure_text(failure)}"
        return "; ".join(filter(None, [problem, self.advice(failure)]))


def _is_too_long(failure: CallError) -> bool:
    return failure.status in REFUSALS and TOO_LONG.search(str(failure)) is not None


def _is_no_number(failure: CallError) -> bool:
    return failure.status in REFUSALS and NOT_A_NUMBER.search(str(failure)) is not None


def refuse_at_once(failure: CallError) -> CallError:
    """The failure, marked as lasting where another attempt would be answered alike, whatever its status says."""
    is_final = failure.status == 501 or _is_too_long(failure) or _is_no_number(failure)
    if not is_final:
        return failure
    return CallError(str(failure), lasting=True, status=failure.status, blame="prompt")
