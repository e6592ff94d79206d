"""Two runs side by side: what is paired, and what came of it."""

from dataclasses import dataclass

from harness.records.outputs import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedCell:
    """One metric of one variant on a task, in two runs, item by item."""

    task: str
    variant: str  # one seed of those of several
    pool: str  # the variant as figures name it: the same, or what stands for its seeds
    metric: str  # with its part
    shared: tuple[str, ...]  # ids that both runs scored and that ask the same
    before: tuple[Score, ...]  # of `shared`, in its order
    after: tuple[Score, ...]
    only_before: tuple[str, ...]  # ids that only one run scored
    only_after: tuple[str, ...]
    changed: tuple[str, ...]  # ids that both scored, and whose question or right answers changed
