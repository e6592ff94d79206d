"""A model that answers from rules: every feature can be shown and tested without weights, failures included."""

import math
import re
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from harness.components.text_model import TextModel
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.statistics.option_shares import option_shares
from harness.text.reasoning import REASONING_TOKENS, answer_start


class Rule(BaseModel):
    """When a regular expression is found in the last user turn, this is the reply. `\\1` is the first group."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: str
    """A regular expression that is looked for in the last turn of the user."""
    reply: str = ""
    r"""The reply; \1 is the first group of the expression."""
    fail: str | None = None
    """An error text with which the call fails; null: it does not."""
    times: int | None = Field(None, ge=1)
    """The call fails only so many times, then it replies; null: always."""

    @field_validator("match")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except RecursionError as error:
            raise ValueError("not a regular expression: it is nested too deeply") from error
        except (re.error, OverflowError) as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _reply_expands(self) -> Self:
        try:
            re.sub(self.match, self.reply, "")  # reads the template whether anything matches or not
        except (re.error, LookupError) as error:
            raise ValueError(
                f"reply: {error}; \\1 is the first group of match, and a backslash of the text itself is written twice"
            ) from error
        return self


class Scripted(TextModel):
    """Replies by the first rule that matches the last turn; without a match, with the default."""

    scores_options: ClassVar[bool] = True
    tells_first_token: ClassVar[bool] = True
    bounds_answers: ClassVar[bool] = True

    rules: tuple[Rule, ...] = ()
    """The rules, of which the first that matches replies."""
    default: str = ""
    """The reply where no rule matches."""
    echo: Literal["no", "last_example", "last_line"] = "no"
    """What of the prompt is the reply where no rule matches: the last example's answer, or the last line."""
    batch_size: int = Field(256, ge=1)
    """Prompts at once."""
    seconds: float = Field(0.0, ge=0, le=3600)
    """Seconds that each batch takes, to see progress and to try interruptions."""
    _failed: dict[int, int] = PrivateAttr(default_factory=dict)

    def identity(self) -> dict[str, JSON]:
        fields = self.model_dump(
            exclude={"batch_size", "seconds", *(() if self.reasoning_tags else ("reasoning_tags",))}
        )
        return {"component": "scripted", **fields}

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        return [list(range(i, min(i + self.batch_size, len(prompts)))) for i in range(0, len(prompts), self.batch_size)]

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        if self.seconds:
            time.sleep(self.seconds)
        return [self._complete(prompt, generation) for prompt in prompts]

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        """The option that the reply names gets log-probability -0.1, the others -3."""
        completions = []
        for prompt, choices in zip(prompts, options, strict=True):
            reply = self._complete(prompt, Generation())
            if reply.finish == "error":
                completions.append(reply)
                continue
            chosen = reply.text if reply.text in choices else choices[0]
            logprobs = tuple(-0.1 if option == chosen else -3.0 for option in choices)
            completions.append(Completion(text=chosen, tokens_in=reply.tokens_in, tokens_out=1, logprobs=logprobs))
        return completions

    def first_token_each(
        self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[int, Completion]]:
        """The option that the reply names has nine tenths of the probability, the others share the rest.

        Of a reply that names none, nine tenths are elsewhere.
        """
        for place, (prompt, texts) in enumerate(zip(prompts, options, strict=True)):
            reply = self._complete(prompt, Generation())
            if reply.finish == "error":
                yield place, reply
                continue
            others = max(1, len(texts) - (reply.text in texts))
            logprobs = [math.log(0.9 if text == reply.text else 0.1 / others) for text in texts]
            shares = option_shares(logprobs)
            yield (
                place,
                Completion(
                    text=texts[shares.best], tokens_in=reply.tokens_in, tokens_out=1, logprobs=shares.logprobs,
                    logprob=shares.logprob, elsewhere=shares.elsewhere,
                ),
            )  # fmt: skip

    def describe(self) -> str:
        return f"scripted, {len(self.rules)} rules"

    def _complete(self, prompt: Prompt, generation: Generation) -> Completion:
        question = prompt[-1].content
        tokens_in = sum(len(message.content) for message in prompt)
        reply = self._default_reply(prompt)
        for index, (pattern, rule) in enumerate(self._patterns):
            match = pattern.search(question)
            if match:
                if rule.fail is not None and self._fails(index, rule):
                    return Completion(text="", finish="error", tokens_in=tokens_in, error=rule.fail)
                reply = match.expand(rule.reply)
                break
        text = reply[: self._most(reply, generation)]
        finish: Literal["stop", "length"] = "length" if len(text) < len(reply) else "stop"
        return Completion(text=text, finish=finish, tokens_in=tokens_in, tokens_out=len(text))

    def _most(self, reply: str, generation: Generation) -> int:
        """How many characters of a reply there may be: one counts as one token, of the reasoning or of the answer."""
        tokens = generation.reasoning_tokens
        reasoning = REASONING_TOKENS if tokens is None else tokens
        start = answer_start(reply, generation.marker, self.reasoning_tags)
        return reasoning if start is None or start > reasoning else start + generation.max_tokens

    def _default_reply(self, prompt: Prompt) -> str:
        if self.echo == "last_example":
            return next((m.content for m in reversed(prompt) if m.role == "assistant"), self.default)
        if self.echo == "last_line":
            return prompt[-1].content.strip().rpartition("\n")[2]
        return self.default

    def _fails(self, index: int, rule: Rule) -> bool:
        self._failed[index] = self._failed.get(index, 0) + 1
        return rule.times is None or self._failed[index] <= rule.times

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], Rule]]:
        return [(re.compile(rule.match), rule) for rule in self.rules]
