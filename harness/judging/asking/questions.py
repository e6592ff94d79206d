"""Ask a judge, ask again where its reply cannot be read, and keep what every reply cost."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Generic, TypeVar

from harness.components.calls import Calls
from harness.records.inputs import JSON, Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.text.json_objects import UnreadableError
from harness.text.replies import lack_of_answer
from harness.text.templates import Template

T = TypeVar("T")
ATTEMPTS = 3  # the first reply and two more


@dataclass(frozen=True, slots=True)
class ReplyFormat(Generic[T]):
    """The form of reply that is asked for: how it is generated, how it is read, how it is asked for again."""

    generation: Generation  # with the JSON schema of a reply
    read: Callable[[str], T] | Sequence[Callable[[str], T]]  # raises UnreadableError; one a prompt where they differ
    language: str

    def reader(self, place: int) -> Callable[[str], T]:
        """What reads the reply to the prompt at a place."""
        return self.read if callable(self.read) else self.read[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeReply(Generic[T]):
    """What came of one question, over all attempts."""

    content: T | None = None
    attempts: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    unreadable: str | None = None
    error: str | None = None

    def effort(self) -> dict[str, Any]:
        """What it took and what went wrong, under the names that a Judgement has for it."""
        names = ("attempts", "tokens_in", "tokens_out", "seconds", "unreadable", "error")
        return {name: getattr(self, name) for name in names}


def ask(
    context: Calls, judge: str, prompts: Sequence[Prompt], repeats: Sequence[int], form: ReplyFormat[T]
) -> list[JudgeReply[T]]:
    """What a judge says to each prompt. A reply that cannot be read is shown to it with the reason, twice at most."""
    results: list[JudgeReply[T]] = [JudgeReply() for _ in prompts]
    open_ = dict(enumerate(prompts))
    for _ in range(ATTEMPTS):
        if not open_:
            break
        places = list(open_)
        replies = context.generate(judge, [open_[i] for i in places], form.generation, [repeats[i] for i in places])
        for i, reply in zip(places, replies, strict=True):
            results[i] = _added(results[i], reply, form, form.reader(i))
            if results[i].unreadable is None:
                del open_[i]
            else:
                open_[i] = _again(open_[i], reply, results[i].unreadable or "", form)
    return results


def _added(before: JudgeReply[T], reply: Completion, form: ReplyFormat[T], read: Callable[[str], T]) -> JudgeReply[T]:
    """One more reply read."""
    content: T | None = None
    unreadable = None
    lack = lack_of_answer(reply.text, reply.reasoning, reply.tokens_out, is_cut=reply.finish == "length")
    if lack is not None:
        unreadable = lack
    elif reply.finish == "length" and not reply.text.rstrip().endswith(("}", "```")):
        unreadable = f"the reply was cut at {form.generation.max_tokens} tokens"  # "8" may be the start of 85
    elif reply.finish != "error":
        try:
            content = read(reply.text)
        except UnreadableError as error:
            unreadable = str(error)
    return JudgeReply(
        content=content,
        attempts=before.attempts + 1,
        tokens_in=before.tokens_in + reply.tokens_in,
        tokens_out=before.tokens_out + reply.tokens_out,
        seconds=before.seconds + reply.seconds,
        unreadable=unreadable,
        error=(reply.error or "the judge failed") if reply.finish == "error" else None,
    )


def _again(prompt: Prompt, reply: Completion, problem: str, form: ReplyFormat[T]) -> Prompt:
    values: Mapping[str, JSON] = {
        "problem": problem,
        "schema": json.dumps(form.generation.schema, ensure_ascii=False),
    }
    name = f"again_{form.language}.j2"
    text = (files("harness") / "rubrics" / name).read_text(encoding="utf-8")
    message = Message("user", Template(text, name).render_values(values))
    return (*prompt, Message("assistant", reply.text), message)
