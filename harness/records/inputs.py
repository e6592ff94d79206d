"""What goes into a model call: samples, passages, prompts and options. Frozen, without behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Any  # whatever JSON can hold: the one place where typing ends, because YAML and JSON enter here
Role = Literal["system", "user", "assistant", "text"]  # text: goes on as it stands, by no template
Language = Literal["zh", "en"]  # in which the built-in wordings of prompts are written


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


Prompt = tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One item of a task: what is asked and what counts as right."""

    id: str
    task: str
    input: str
    targets: tuple[str, ...]  # alternative right answers; the letters of the right options for a choice task
    options: tuple[str, ...] = ()  # the texts of options A, B, C, …
    history: tuple[tuple[str, str], ...] = ()  # earlier (user, assistant) turns
    system: str = ""  # the row's own system text: its system turn, where its task states none and its prompt shows none
    tools: str = ""  # functions that the row lets an answer call, as JSON: a prompt has to show them
    group: str | None = None  # samples of one group are not independent; None: by itself
    meta: Mapping[str, JSON] = field(default_factory=dict)  # every other column, for prompts and filters


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One piece of a knowledge base, as it is searched, shown to a model and cited."""

    id: str
    text: str
    source: str = ""  # the file or list it comes from
    title: str = ""
    position: int = 1  # its number within the source
    meta: Mapping[str, JSON] = field(default_factory=dict)  # further columns, for filters
    copies: int = 1  # equal passages that were merged into this one
    learned_names: tuple[str, ...] = ()  # inputs of train rows that it answers: searched, never shown or stored


@dataclass(frozen=True, slots=True)
class PassageSet:
    """The passages of a knowledge base, and what was merged or left out on the way."""

    passages: tuple[Passage, ...]
    merged: int = 0  # passages that were equal to an earlier one
    skipped: tuple[str, ...] = ()  # "file: reason" of each document left out by choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """How text is generated. Temperature 0 is greedy; `seed` matters only above it.

    `max_tokens` and `stop` are meant for the answer: a model that can tell counts them behind the reasoning.
    `repetition_penalty` divides the logits above 0 of tokens that stand in the prompt or the reply, and multiplies
    those below (Keskar et al. 2019, section 4.1): it matters for greedy replies too, `top_k` for sampled ones only.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 0
    schema: Mapping[str, JSON] | None = None  # JSON schema of the reply, for servers that hold a model to it
    marker: str | None = None  # the answer stands behind it; what stands before is reasoning
    reasoning_tokens: int | None = None  # of what a model writes before its answer; None: the model's own limit
    top_k: int | None = None  # None, here and below: as a server sets it, and in this process all tokens, no penalty
    repetition_penalty: float | None = None
    strict: bool | None = None  # True: a reply that is not held to the schema is a failure; None: it is read with care


@dataclass(frozen=True, slots=True)
class Cell:
    """Task × variant: the unit of planning, progress, caching and distribution."""

    task: str
    variant: str
