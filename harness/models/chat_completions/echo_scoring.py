"""Log-likelihood of given texts by a server that repeats its prompt with log-probabilities, which few really do."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.models.remote.call_error import CallError
from harness.models.remote.server_reply import count_of
from harness.records.inputs import JSON
from harness.records.outputs import Completion

PROBES = ("The sky above the sea is blue today.", "Seven green chairs sleep under a loud number.")
LEAST = -1e9  # for a token that cannot be: minus infinity, which JSON cannot hold
Row = list[tuple[str, float]]  # a text's tokens and their natural log-probabilities; nothing predicts the first


@dataclass(frozen=True)
class EchoScoring:
    """Scores texts through completions with `echo`. `ask` sends a request's fields and returns the reply's content."""

    ask: Callable[[Mapping[str, JSON]], Any]  # raises CallError

    def works(self) -> bool:
        """Whether the server scores what it is given: llama.cpp and Ollama answer and leave the prompt out."""
        rows = [[logprob for _, logprob in self.row(text)[1:]] for text in PROBES]
        return rows[0] != rows[1] and all(len(set(row)) > 1 for row in rows)

    def row(self, text: str) -> Row:
        """The text's tokens with their log-probabilities. Raises CallError where one is not told."""
        fields = {"prompt": text, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": 1}
        content = self.ask({**fields, "add_special_tokens": False})  # the text has them already
        try:
            scores, count = content["choices"][0]["logprobs"], count_of(content["usage"]["prompt_tokens"]) or 0
            row = list(zip(scores["tokens"], scores["token_logprobs"], strict=True))[:count]
        except (LookupError, TypeError, ValueError) as error:
            raise _unscored(f"it has no log-probabilities of the prompt: {str(content)[:200]}") from error
        if len(row) < max(2, count) or not all(isinstance(token, str) for token, _ in row):
            raise _unscored(f"it has {len(row)} log-probabilities for a prompt of {count} tokens")
        return [(row[0][0], 0.0), *((token, _logprob(value)) for token, value in row[1:])]

    def of_options(self, context: str, options: Sequence[str]) -> Completion:
        """The log-probability of each option as the context's continuation; what all options share is context."""
        rows = [self.row(context + option) for option in options]
        start = min(_common(rows), *(len(row) - 1 for row in rows))
        logprobs = tuple(max(LEAST, sum(logprob for _, logprob in row[start:])) for row in rows)
        best = max(range(len(options)), key=logprobs.__getitem__)
        return Completion(text=options[best], tokens_in=len(rows[0]), logprobs=logprobs, rendered=context)

    def of_continuation(self, context: str, text: str) -> Completion:
        """The log-probability of a text behind a context; `tokens_out` is the number of its tokens."""
        row = self.row(context + text)
        start = _common([self.row(context), row])
        if start >= len(row):
            raise _unscored("the text behind the prompt has no token")
        total = max(LEAST, sum(logprob for _, logprob in row[start:]))
        return Completion(text="", tokens_in=start, tokens_out=len(row) - start, logprobs=(total,), rendered=context)


def _common(rows: Sequence[Row]) -> int:
    """How many tokens all rows begin with."""
    shortest = min(map(len, rows))
    return next((i for i in range(shortest) if len({row[i][0] for row in rows}) > 1), shortest)


def _logprob(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value) or value > 0:
        raise _unscored(f"{str(value)[:40]} stands where a log-probability should")
    return max(LEAST, float(value))


def _unscored(reason: str) -> CallError:
    return CallError(f"the server's reply does not score the prompt: {reason}", lasting=True)
