"""The answers of one cell as they are held while figures are made of them: without the prompts, which are the most."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.records.inputs import Message, Prompt, Sample
from harness.records.outputs import Prediction

Answered = tuple[Sample, Prediction]


@dataclass(frozen=True, kw_only=True)
class AnsweredCell:
    """All answers of a cell with their items, in their order; what was sent is a digest, equal where that was equal."""

    items: Sequence[Answered]
    prompts: str  # sha256 over all messages as sent

    @classmethod
    def of(cls, answered: Iterable[Answered]) -> "AnsweredCell":
        """The cell of these answers, of which only one at a time is held with its prompt."""
        total, items = hashlib.sha256(), []
        for sample, prediction in answered:
            total.update(_as_sent(prediction.messages))
            items.append((sample, _without_prompt(sample, prediction)))
        return cls(items=items, prompts=total.hexdigest())

    @property
    def predictions(self) -> list[Prediction]:
        """The answers alone."""
        return [prediction for _, prediction in self.items]


def prompts_digest(predictions: Iterable[Prediction]) -> str:
    """sha256 over all messages as sent: equal for two cells that sent the same."""
    total = hashlib.sha256()
    for prediction in predictions:
        total.update(_as_sent(prediction.messages))
    return total.hexdigest()


def _as_sent(prompt: Prompt) -> bytes:
    turns = "".join([f"{message.role}\0{message.content}\0" for message in prompt])
    return f"{turns}\0".encode("utf-8", "surrogatepass")


def _without_prompt(sample: Sample, prediction: Prediction) -> Prediction:
    """An answer with digests for its prompt; one of a server keeps it, as its counts are held against its length."""
    if prediction.serving is not None and not prediction.route:
        return replace(prediction, sample_id=sample.id)  # its item's own text, here and below: ids are held once
    rendered = None if prediction.rendered is None else _digest(prediction.rendered)
    messages = (Message("text", _digest(prediction.messages)),)
    return replace(prediction, sample_id=sample.id, messages=messages, rendered=rendered)


def _digest(content: str | Prompt) -> str:
    """Equal for equal content, in one process only."""
    return f"{hash(content):x}"
