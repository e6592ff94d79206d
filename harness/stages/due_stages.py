"""Which stages a run goes through: all from one on; those of a shard end where figures of all items begin."""

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.suite.suite import Suite

STAGES = ("train", "index", "predict", "latency", "score", "summarize", "report")


def due_stages(suite: Suite, start: str) -> Sequence[str]:
    """The stages from one on; of a shard, those that answer: its answers are scored with those of all others.

    Whatever a shard starts with, it takes trainings and indexes from the cache, so that its part tells of them.
    Raises HarnessError for a stage of which a shard has nothing.
    """
    shard, place = suite.scope.shard, STAGES.index(start)
    if shard is None:
        return STAGES[place:]
    answering = STAGES[: STAGES.index("score")] if shard.number == 1 else STAGES[: STAGES.index("latency")]
    if start not in answering:
        raise HarnessError(
            f"--shard {shard} --from {start}: {shard.words} has no stage {start}, only {', '.join(answering)}; "
            "harness merge makes figures of all parts"
        )
    return answering if start in ("index", "predict") else answering[place:]
