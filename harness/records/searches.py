"""The records of searches: which settings of a variant were tried on which rows, and which of them was chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.records.inputs import JSON

REWRITING = "rewriting "  # opens the level of `system` that a proposed instruction is, before the number of its round
Rows = Literal["validation", "train"]  # where the rows of a search come from; "train": held back from it


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingTrial:
    """What one setting came to in one round, over all rows that it had answered by then."""

    setting: int  # its place among the settings
    score: float  # of the deciding figure; what failed counts as the worst
    tokens: float  # read and written for one row, on average
    failed: int = 0  # rows of which a call failed


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRound:
    """A round: the settings that were still in it, the best first, all on the same rows."""

    rows: int  # answered by each by the end of the round, those of the rounds before among them
    trials: tuple[SettingTrial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """An instruction that a model proposed from wrong answers, or why there is none."""

    number: int  # from 1
    text: str = ""  # empty where the reply was of no use
    note: str = ""  # why it was of no use
    errors: int = 0  # wrong answers that were shown
    rows: int = 0  # on which it was compared with the instruction that it was to mend
    before: float | None = None  # the figure on these rows with that instruction
    after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecord:
    """How the settings of one variant were chosen for one task. A setting is its parameters, each with its level."""

    variant: str
    task: str
    metric: str  # what decided, with its part
    better: str  # which of its values are good: higher or lower
    source: Rows
    available: int  # rows that could have been used
    row_ids: tuple[str, ...]  # of the rows that were used, in the order in which they were
    budget: int  # calls that were allowed
    calls: int  # that were asked for, those with stored answers among them
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0  # in models; of stored answers what they took when they were made
    settings: tuple[Mapping[str, str], ...]
    rounds: tuple[SearchRound, ...]
    choice: int  # its place among the settings
    runner_up: int
    difference: float  # of the choice to the runner-up, on the rows that both answered
    rewritings: tuple[Rewriting, ...] = field(default=())


def searches_in(run: Mapping[str, JSON]) -> dict[tuple[str, str], SearchRecord]:
    """The searches of run.json by variant and task; none in a run of before there were any."""
    return {(own["variant"], own["task"]): _search_in(own) for own in run.get("searches") or ()}


def _search_in(own: Mapping[str, JSON]) -> SearchRecord:
    """A search as JSON holds it; what this version does not know is left out."""
    fields = {name: value for name, value in own.items() if name in SearchRecord.__dataclass_fields__}
    rounds = tuple(
        SearchRound(rows=turn["rows"], trials=tuple(SettingTrial(**trial) for trial in turn["trials"]))
        for turn in own["rounds"]
    )
    return SearchRecord(
        **{
            **fields,
            "row_ids": tuple(own["row_ids"]),
            "settings": tuple(own["settings"]),
            "rounds": rounds,
            "rewritings": tuple(Rewriting(**rewriting) for rewriting in own.get("rewritings") or ()),
        }
    )
