"""Ask a judge, ask again where its reply cannot be read, and keep what every reply cost."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Generic, TypeVar

from harness.components.calls import Calls
from harness.judging.asking.reply import UnreadableError
from harness.records.inputs import JSON, Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.text.templates import Template

T = TypeVar("T")
ATTEMPTS = 3  # the first reply and two more


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """The form of reply that is asked for: how it is generated, how it is read, how it is asked for again."""

    generation: Generation  # with the JSON schema of a reply
    read: Callable[[str], T]  # raises UnreadableError
    language: str


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What came of one question, over all attempts."""

    said: T | None
    attempts: int
    tokens_in: int
    tokens_out: int
    seconds: float
    unreadable: str | None = None
    error: str | None = None


def ask(context: Calls, judge: str, prompts: Sequence[Prompt], repeats: Sequence[int], form: Form[T]) -> list[Heard[T]]:
    """What a judge says to each prompt. A reply that cannot be read is shown to it with the reason, twice at most."""
    heard: list[Heard[T]] = [Heard(None, 0, 0, 0, 0.0) for _ in prompts]
    open_ = dict(enumerate(prompts))
    for _ in range(ATTEMPTS):
        if not open_:
            break
        places = list(open_)
        replies = context.generate(judge, [open_[i] for i in places], form.generation, [repeats[i] for i in places])
        for i, reply in zip(places, replies, strict=True):
            heard[i] = _added(heard[i], reply, form)
            if heard[i].unreadable is None:
                del open_[i]
            else:
                open_[i] = _again(open_[i], reply, heard[i].unreadable or "", form)
    return heard


def _added(before: Heard[T], reply: Completion, form: Form[T]) -> Heard[T]:
    """One more reply read."""
    said: T | None = None
    unreadable = None
    if reply.finish == "length" and not reply.text.rstrip().endswith(("}", "```")):
        unreadable = f"the reply was cut at {form.generation.max_tokens} tokens"  # "8" may be the start of 85
    elif reply.finish != "error":
        try:
            said = form.read(reply.text)
        except UnreadableError as error:
            unreadable = str(error)
    return Heard(
        said,
        before.attempts + 1,
        before.tokens_in + reply.tokens_in,
        before.tokens_out + reply.tokens_out,
        before.seconds + reply.seconds,
        unreadable,
        (reply.error or "the judge failed") if reply.finish == "error" else None,
    )


def _again(prompt: Prompt, reply: Completion, problem: str, form: Form[T]) -> Prompt:
    values: Mapping[str, JSON] = {
        "problem": problem,
        "schema": json.dumps(form.generation.schema, ensure_ascii=False),
    }
    name = f"again_{form.language}.j2"
    text = (files("harness") / "rubrics" / name).read_text(encoding="utf-8")
    told = Message("user", Template(text, name).render_values(values))
    return (*prompt, Message("assistant", reply.text), told)
