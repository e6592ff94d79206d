"""The records of a run's figures: what its predictions and scores come to. Frozen, equal after a round trip."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.records.inputs import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One metric of one cell over its samples, with a 95 % interval for the mean."""

    task: str
    variant: str
    metric: str
    samples: int
    known: int  # samples with a value; known / samples is the coverage
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A figure on the samples that have one value in a column, e.g. those of one subject."""

    column: str
    value: str  # "" where a sample has none
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One variant against the reference on the samples where both are known."""

    task: str
    metric: str
    variant: str
    reference: str
    samples: int
    groups: int | None = None  # that the samples form; None: each is independent of the others
    difference: float | None = None  # mean of variant − reference
    low: float | None = None  # of an interval that excludes 0 exactly where p_adjusted is below 0.05
    high: float | None = None
    p: float | None = None  # two-sided, by `test`
    p_adjusted: float | None = None  # Holm, over all variants and headline metrics (others: over the variants)
    family: int | None = None  # comparisons that were corrected together; None in runs of older versions
    test: str = "none"
    wins: int = 0
    losses: int = 0
    ties: int = 0
    verdict: Literal["better", "worse", "inconclusive"] = "inconclusive"
    detectable: float | None = None  # smallest difference found with 80 % power at this sample size
    needed: int | None = None  # samples needed to confirm the observed difference with 80 % power
    needed_low: int | None = None  # as many for the largest difference that an 80 % interval around it allows
    needed_high: int | None = None  # as many for the smallest; None: there may be no difference at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long one answer takes by itself, as far as that was measured, and how long it took among others."""

    latency: float | None  # mean seconds by the server's own account, or alone in flight; None: not measured
    measured: int  # samples that it is the mean of
    shared: float | None = None  # mean seconds of the rest, the server's queue included: no latency
    at_once: int | None = 1  # calls in flight during the rest, at most; None: not known of some
    served: bool = False  # whether a server gave any of the answers
    cached_tokens: int | None = None  # of all prompts, those that lay in a server's prompt cache; None: not told


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one cell cost and what to look at before believing its numbers."""

    task: str
    variant: str
    samples: int
    failed: int  # predictions without an answer because a machine failed
    unread: int  # replies in which no answer could be found
    truncated: int  # replies that hit the token limit
    tokens_in: int
    tokens_out: int
    seconds: float  # of wall time in models, cached calls counted with their original time
    prompts: str  # sha256 over all messages as sent
    timing: Timing | None = None  # None in runs of older versions, and where no machine answered
    elsewhere: float | None = None  # mean probability of no option, where options were read from the first token
    astray: int = 0  # samples in which that is above one half


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """One cell that looked passages up: did retrieval miss, or did generation fail?"""

    task: str
    variant: str
    metric: str  # what decides between right and wrong
    samples: int
    counts: Mapping[
        str, int
    ]  # of retrieval_outcomes.OUTCOMES, e.g. "miss and wrong"; "not shown": wrong, its gold found in vain
    examples: Mapping[str, tuple[str, ...]]  # some sample ids of each
    cut: int  # samples with a passage shown in part
    left_out: int  # samples with passages for which there was no room
    unmatched: int = 0  # samples whose query matched no passage
    absent: int = 0  # samples of whose right answers the knowledge has none
    partly: int = 0  # samples of whose right answers it lacks some


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """One step of a cascade: what ended there, be it nothing."""

    task: str
    variant: str
    step: str  # the variant that answers
    place: int  # 1 for the first step
    samples: int  # 0 where nothing ended
    total: int  # samples of the cell
    metric: str
    mean: float | None  # of `metric` over these samples
    threshold: float | None  # of confidence, to stop here; None at the last step
    tokens: int  # of all steps that these samples went through
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A test item and the row, document or passage that says the same."""

    sample_id: str
    place: str  # of the row: file and line, or its id
    kind: Literal["exact", "normalised", "near"]
    similarity: float  # Jaccard of character n-grams, in [0, 1]
    item: str
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How many of a task's test items also stand in what a model learns from or a variant looks up."""

    task: str
    source: str  # e.g. "train rows of norm", "mix general.json", "knowledge icd9"
    models: tuple[str, ...]  # the models that learn a twin; where there is none, those that learn from the source
    samples: int  # test items of the task
    exact: int
    normalised: int  # equal but for case, width, spaces and punctuation
    near: int
    twins: tuple[Twin, ...]  # some of them, to be looked at
    named_in: tuple[str, ...] = ()  # the knowledge bases in which the source's inputs are names of passages


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """The test items of a task that are not independent of each other."""

    task: str
    samples: int
    groups: int
    largest: int  # samples of the largest group
    repeated: int  # samples that ask what an earlier one asks, word for word


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """One figure of a variant whose model was trained several times."""

    task: str
    metric: str
    variant: str
    members: tuple[tuple[str, float | None], ...]  # the variant of each seed, its mean
    deviation: float | None  # standard deviation among them (n - 1)


@dataclass(frozen=True, slots=True)
class Point:
    """One variant on a learning curve: its model learnt from so many rows."""

    family: str  # the variant as the suite names it
    variant: str
    rows: int


@dataclass(frozen=True, slots=True)
class Confused:
    """A confusion matrix: rows are right labels, columns what was said; a last column without a row is no label."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How often each label was taken for which, by one variant: rows are right labels, columns `labels`.

    A last column without a row holds the answers that are no label.
    """

    task: str
    metric: str
    variant: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


ENDLESS = 1e9  # an end of a scale that lies so far out stands for none: JSON has no infinity


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo:
    """How a metric's values are to be read."""

    component: str
    settings: Mapping[str, JSON]
    low: float
    high: float
    better: Literal["higher", "lower", "neither"]
    corpus: bool = False  # whether it is a figure of all samples together, no mean over them
