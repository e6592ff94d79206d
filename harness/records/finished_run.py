"""What a report is made of: the content of a run folder whose stages have all been run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction, Score
from harness.records.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """The records of one run: how it came about, its figures, and the evidence behind them.

    Of a run that is too large to be shown whole, some of its items with all that belongs to these.
    """

    run: Mapping[str, JSON]  # run.json
    summary: Summary
    samples: Sequence[Sample]
    predictions: Sequence[Prediction]
    scores: Sequence[Score]
    sizes: Mapping[str, int] = field(default_factory=dict)  # of each task all its items; empty: all of them are here
