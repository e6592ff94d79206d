"""What comes out of model calls: completions, readings, predictions, scores. Equal after a round trip through JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.inputs import JSON, Prompt

Finish = Literal["stop", "length", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How a server worked on one call, or on those that came to one answer."""

    compute_seconds: float | None = None  # its own time for prompt and reply, without its queue; None: not told
    cached_tokens: int | None = None  # of the prompt's, those that lay in its prompt cache; None: not told
    at_once: int | None = 1  # calls of this run that were in flight during this one, at most; None: not known
    calls: int = 1
    wall_seconds: float | None = None  # from the request to the last byte, its queue included
    fingerprint: str | None = None  # what the reply says of the engine that wrote it; None: not told


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model returned for one prompt. `finish` "error" is a machine's failure, never an answer."""

    text: str
    finish: Finish = "stop"
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0  # wall time of the call; what ran at the same time shares it, so that sums are wall time, too
    logprobs: tuple[float, ...] | None = None  # of the options, in their order, when they were scored
    error: str | None = None
    logprob: float | None = None  # mean natural log-probability of the generated tokens, where the model tells it
    rendered: str | None = None  # the text that the model continued, where its template is known or a server tells it
    reasoning: str = ""  # what a server keeps apart from the text; it is no part of the answer
    elsewhere: float | None = None  # probability of no option, where options were read from the first token
    serving: Serving | None = None  # None where no server answered
    greedy: tuple[bool, ...] | None = None  # of texts scored by `likelihood`: whether each token was the likeliest


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read out of a reply: the answer, or the reason why there is none."""

    answer: JSON = None  # text: str; json: {field: text}; choice: letters such as "B" or "AC"
    reason: str | None = None  # why nothing could be read (a wrong answer, not a failure)
    lenient: JSON = None  # what a more forgiving reader makes of it; shown beside, never headline


@dataclass(frozen=True, slots=True)
class RightAnswer:
    """One thing that has to be found: a term, or an entry that the sample names."""

    text: str
    passages: tuple[int, ...]  # their places, each of which holds it, so that any will do; none: the knowledge lacks it


Alternatives = tuple[tuple[RightAnswer, ...], ...]  # each is right by itself if all that it is made of is found


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalTrace:
    """What was looked up for one sample, and where its gold passages were found."""

    gold: tuple[str, ...]  # ids of the passages that hold a right answer; empty when there is none, or it is not known
    ranks: tuple[int | None, ...] | None  # of the gold, from 1; None: not found. None alone: nothing was searched
    depth: int
    k: int  # passages asked for
    left_out: int = 0  # passages for which there was no room
    cut: int = 0  # passages shown in part
    answers: Alternatives = ()  # with places in `gold`; none: not known, or a run of an older version
    unmatched: bool = False  # whether no passage at all was found for the query


@dataclass(frozen=True, slots=True)
class Step:
    """One variant that a cascade asked."""

    variant: str
    confidence: float | None  # None where it was not needed
    threshold: float | None  # below it the next variant was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One variant's answer to one sample, with the messages exactly as sent."""

    sample_id: str
    task: str
    variant: str
    messages: Prompt
    text: str
    reading: Reading
    finish: Finish = "stop"
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    logprobs: tuple[float, ...] | None = None
    passages: tuple[Mapping[str, JSON], ...] = ()  # as shown: number, id, source, title, text, rank, score, gold
    retrieval: RetrievalTrace | None = None
    confidence: Mapping[str, float] = field(default_factory=dict)  # margin, logprob, agreement, retrieval
    route: tuple[Step, ...] = ()  # the variants that a cascade asked; the last one answered
    notes: tuple[str, ...] = ()  # what a reader should know, e.g. a tie among votes
    error: str | None = None  # a machine's failure: every score of this prediction is unknown
    rendered: str | None = None  # the messages as the model read them, where its template is known or a server tells it
    reasoning: str = ""  # what a server keeps apart from the text
    elsewhere: float | None = None  # probability of no option, where options were read from the first token
    serving: Serving | None = None  # None where no server answered
    greedy: tuple[bool, ...] | None = None  # of texts that were scored: whether each token was the likeliest


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One metric's value for one prediction. None is unknown: it lowers coverage, never a mean."""

    sample_id: str
    task: str
    variant: str
    metric: str  # the suite's name, or name.part
    value: float | None
    reason: str | None = None
    error: str | None = None
    counts: Mapping[str, float] | None = None  # what the sample adds to the totals that a corpus figure is made of
