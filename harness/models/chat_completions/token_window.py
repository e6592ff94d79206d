"""The context of a server, held against what it counts: a prompt that it cut, or a reply that it could not finish."""

from dataclasses import dataclass

from harness.models.chat_completions.served_engine import OLLAMA, ServedEngine
from harness.models.remote.call_error import CallError
from harness.models.remote.rendering import missing_turns, turn_excerpt
from harness.records.inputs import Prompt
from harness.records.outputs import Completion

PREFIXES = (
    4,
    5,
)  # tokens at a prompt's beginning that Ollama keeps when it halves the rest, without and with the first
AROUND_A_TURN = 16  # tokens that a template may write around a turn
SLACK = 1  # token: the last one generated takes no place


@dataclass(frozen=True, kw_only=True)
class TokenWindow:
    """So many tokens for a prompt and its reply together; `cuts`: whether longer prompts are cut in silence."""

    tokens: int
    cuts: bool = False

    def check(self, prompt: Prompt, completion: Completion, most: int) -> None:
        """Raise CallError for a reply to a prompt that was cut, or may have been, and for one that was cut itself.

        `most` is the reply's own limit, in tokens.
        """
        total = completion.tokens_in + completion.tokens_out
        if self.cuts:
            self._refuse_cut(prompt, completion, most)
        if total > self.tokens + SLACK:
            raise _too_small(f"prompt and reply have {total} tokens, more than the server's context of {self.tokens}")
        if completion.finish == "length" and completion.tokens_out < most and total >= self.tokens - SLACK:
            raise _too_small(
                f"the reply was cut after {completion.tokens_out} of {most} tokens, because prompt and reply fill the "
                f"server's context of {self.tokens} tokens"
            )

    def _refuse_cut(self, prompt: Prompt, completion: Completion, most: int) -> None:
        """Ollama cuts a prompt to its context (0.24) or to about half of it (0.33), or drops its first messages."""
        count = completion.tokens_in
        if not count:
            raise CallError("the server did not count the prompt's tokens, so a cut prompt could not be noticed", True)
        if completion.rendered is not None and (missing := missing_turns(prompt, completion.rendered)):
            raise _too_small(f"the server left out {turn_excerpt(missing[0])} to make room")
        if most_tokens(prompt) >= self.tokens and self._is_count_of_remainder(prompt, completion):
            raise _too_small(
                f"the prompt is counted with {count} tokens, as a longer one is that was cut to the server's context "
                f"of {self.tokens}: it may have lost a part"
            )
        if count + most > self.tokens:
            raise _too_small(
                f"the prompt's {count} tokens and max_tokens {most} are more than the server's context of "
                f"{self.tokens}, in which room would be made in silence"
            )

    def _is_count_of_remainder(self, prompt: Prompt, completion: Completion) -> bool:
        """Whether a prompt's count is that of one that was cut, or may be; a rendering shows whether turns are left."""
        halves = [prefix + (self.tokens - prefix) // 2 for prefix in PREFIXES]
        droppable = max((len(turn.content) for turn in prompt[:-1] if turn.role != "system"), default=0)
        droppable = 0 if completion.rendered is not None else droppable
        return completion.tokens_in in halves or completion.tokens_in + droppable >= self.tokens - SLACK


def context_of(engine: ServedEngine, stated: int | None) -> TokenWindow | None:
    """The context that a server has or is said to have; None where nobody knows it."""
    tokens = engine.context or stated
    return None if tokens is None else TokenWindow(tokens=tokens, cuts=engine.name == OLLAMA)


def most_tokens(prompt: Prompt) -> int:
    """More tokens than a prompt can have: no token is less than a byte."""
    return sum(len(message.content.encode("utf-8", "replace")) + AROUND_A_TURN for message in prompt)


def _too_small(problem: str) -> CallError:
    return CallError(f"{problem}; raise the server's context", lasting=True, blame="prompt")
