"""The records of judging: what a judge said of one answer or of two, and how far it deserves trust."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.decisions import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One reading of one judge: of an answer by itself, or of two side by side in one order."""

    task: str
    metric: str
    judge: str  # the model, as the suite calls it
    sample_id: str
    variant: str
    rival: str | None = None  # the second answer, where two were compared; `variant` was shown first
    repeat: int = 0
    values: Mapping[str, float] = field(default_factory=dict)  # by dimension; of two answers {"": 1, 0.5 or 0}
    reasons: Mapping[str, str] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()  # characters of the answer, or of both
    attempts: int = 1  # replies asked for until one could be read; 0: decided without the judge
    tokens_in: int = 0  # of all attempts
    tokens_out: int = 0
    seconds: float = 0.0
    unreadable: str | None = None  # why no reply could be read: unknown, never a low score
    error: str | None = None  # a machine's failure: unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """How far two readers, or several, agree."""

    items: int
    agreement: float | None  # share of equal labels
    kappa: float | None  # Cohen's; of scores with quadratic weights
    low: float | None = None  # its 95 % interval
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A judge against people, on items that people labelled."""

    judge: str  # as the suite that was calibrated calls it
    identity: str  # sha256 over model, rubric and options: another judge has another
    labels: str  # name of the file
    labels_digest: str
    pairwise: bool
    items: int
    unreadable: int  # of them: no verdict
    failed: int
    against: Agreed  # the judge against the people: their majority, or their mean
    spearman: float | None
    kendall: float | None
    annotators: int
    ceiling: Agreed | None  # annotators among each other: the mean over their pairs
    fleiss: float | None
    flips: float | None  # of two answers: share of pairs whose verdict changed with the order
    when: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How one judge behaved in one metric of a run, and whether its figures may decide."""

    task: str
    metric: str
    judge: str
    description: str
    rubric: str
    pairwise: bool
    judgements: int  # asked for
    unreadable: int
    failed: int
    retried: int = 0  # could be read only after a further attempt
    repeats: int = 1
    noise: float | None = None  # mean difference between two readings of the same answer, in units of the score
    flips: float | None = None  # share of pairs, read in both orders, whose verdict changed with the order
    pairs: int = 0  # read in both orders
    position_p: float | None = None  # two-sided, of no preference for a place
    length: float | None = (
        None  # Spearman's ρ of score and length among an item's answers; pairs: excess of longer winners
    )
    kin: tuple[str, ...] = ()  # variants answered by a model of the judge's own family
    itself: tuple[str, ...] = ()  # variants answered by the judge itself
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    calibration: Calibration | None = None
    doubts: tuple[str, ...] = ()  # why its figures may not decide; none: they may
    statements: tuple[Statement, ...] = ()  # what the doubts say, as data; none in runs of older versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """How far the judges of one metric disagree."""

    task: str
    metric: str
    judges: tuple[str, ...]
    disagreement: float | None  # mean difference between two judges' scores; of pairs: share not judged alike by all
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A judged mean, corrected by the items that people scored too."""

    mean: float  # estimate of the mean human score
    low: float | None  # 95 % interval; None where nothing varied and the scale is not known
    high: float | None
    lam: float  # weight of the judge, in [0, 1]; 0: the human scores alone
    labelled: int
    unlabelled: int
    judged_mean: float  # of all items, uncorrected


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanMean:
    """One variant's corrected figure."""

    task: str
    metric: str
    variant: str
    corrected: Corrected
    unmatched: int  # labels whose answer is not the one given in this run


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One name's place."""

    name: str
    strength: float | None  # natural log; mean 0 over the names of its group; None for a name nobody met
    low: float | None  # 95 % interval of the strength, by resampled items
    high: float | None
    win_rate: float | None  # expected against the other names of its group, each as often; a tie is half a win


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """What happened between two names, seen from the first."""

    first: str
    second: str
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Strengths of all names, and what to know before believing them."""

    standings: tuple[Standing, ...]  # the strongest first; those without a strength last
    tallies: tuple[PairResult, ...]  # both ways, for each pair that met
    nu: float | None  # P(tie) / √(P(win) P(loss)) of any pair; None without a known battle
    items: int  # with a known battle
    battles: int  # known
    unknown: int  # battles without an outcome: neither a tie nor a loss
    groups: tuple[tuple[str, ...], ...]  # names linked by battles: strengths compare only within a group
    connected: bool  # one group, and a finite fit without a prior
    prior: float  # wins and losses added to each pair that met; 0 where the battles suffice
    resamples: int
    regularised: float  # share of the resamples that had no finite fit of their own and were given a random prior
    converged: bool  # of the fit and of all resamples; otherwise there are no strengths
    note: str  # what was done about names or battles that leave the strengths open; empty if nothing was


@dataclass(frozen=True, slots=True)
class Ranked:
    """The ranking of a task's variants by one metric that compares answers."""

    task: str
    metric: str
    ranking: Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """All that is known of the judges of a run."""

    judges: tuple[Reliability, ...] = ()
    panels: tuple[Panel, ...] = ()
    rankings: tuple[Ranked, ...] = ()
    human: tuple[HumanMean, ...] = ()
    demoted: Mapping[str, str] = field(default_factory=dict)  # "task.metric" → why it may not decide
    notes: tuple[str, ...] = ()  # warnings
    statements: tuple[Statement, ...] = ()  # what the notes say, as data
