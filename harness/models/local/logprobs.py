"""Log-probabilities of the tokens that a model generates, without storing all logits."""

from typing import Any


class LogprobRecorder:
    """A logits processor that changes nothing and records the log-probability of each chosen token one step later.

    Generation with `output_scores` would store steps × batch × vocabulary numbers; this stores one step of them. The
    distribution is the model's own, before temperature and top-p.
    """

    def __init__(self, prompt_length: int) -> None:
        self.prompt_length = prompt_length
        self._last: Any = None  # log-probabilities of the step before, shape (batch, vocabulary)
        self._chosen: list[Any] = []  # per step, shape (batch,)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Called before each step with all tokens so far, shape (batch, length), and logits of the next."""
        self._record(input_ids[:, -1])
        self._last = scores.float().log_softmax(-1)
        return scores

    def finish(self, output: Any) -> None:
        """Record the last token of the finished sequences, shape (batch, length)."""
        self._record(output[:, -1])
        self._last = None

    def of(self, row: int) -> list[float]:
        """The log-probabilities of one row's generated tokens, natural logarithm."""
        return [float(step[row]) for step in self._chosen]

    def _record(self, tokens: Any) -> None:
        if self._last is not None:
            self._chosen.append(self._last.gather(-1, tokens[:, None])[:, 0].cpu())
