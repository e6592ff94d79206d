"""What every cell cost: tokens, the time in models, the latency of one answer, and the trouble that there was."""

from collections.abc import Mapping, Sequence

from harness.records.figures import Timing, Usage
from harness.records.outputs import Prediction
from harness.statistics.serving_times import timing_of
from harness.text.replies import is_unreadable

ASTRAY = 0.5  # probability of no option, above which an answer is a choice among unlikely ones


def usage_of(own: Sequence[Prediction], prompts: str = "") -> Usage:
    """What answers of one cell took; `prompts` is the digest of all that was sent, where cells are compared by it."""
    elsewhere = [prediction.elsewhere for prediction in own if prediction.elsewhere is not None]
    return Usage(
        task=own[0].task,
        variant=own[0].variant,
        samples=len(own),
        failed=sum(p.error is not None for p in own),
        unread=sum(is_unreadable(p.reading.reason) for p in own),
        truncated=sum(p.finish == "length" for p in own),
        tokens_in=sum(p.tokens_in for p in own),
        tokens_out=sum(p.tokens_out for p in own),
        seconds=sum(p.seconds for p in own),
        prompts=prompts,
        timing=timing_of(own),
        elsewhere=_mean(elsewhere),
        astray=sum(share > ASTRAY for share in elsewhere),
    )


def pooled_usage(usage: Sequence[Usage], pools: Mapping[str, Sequence[str]]) -> list[Usage]:
    """One entry for the variants of several seeds: the cost of one of them on average, the trouble of all."""
    member_of = {member: pool for pool, members in pools.items() for member in members}
    cells: dict[tuple[str, str], list[Usage]] = {}
    for usage_of_cell in usage:
        cells.setdefault((usage_of_cell.task, member_of.get(usage_of_cell.variant, usage_of_cell.variant)), []).append(
            usage_of_cell
        )
    return [
        members[0] if len(members) == 1 and variant == members[0].variant else _pooled(task, variant, members)
        for (task, variant), members in cells.items()
    ]


def _pooled(task: str, variant: str, members: Sequence[Usage]) -> Usage:
    return Usage(
        task=task,
        variant=variant,
        samples=members[0].samples,
        failed=sum(u.failed for u in members),
        unread=sum(u.unread for u in members),
        truncated=sum(u.truncated for u in members),
        tokens_in=round(sum(u.tokens_in for u in members) / len(members)),
        tokens_out=round(sum(u.tokens_out for u in members) / len(members)),
        seconds=sum(u.seconds for u in members) / len(members),
        prompts=members[0].prompts,
        timing=_pooled_timing([u.timing for u in members if u.timing is not None]),
        elsewhere=_mean([u.elsewhere for u in members if u.elsewhere is not None]),
        astray=sum(u.astray for u in members),
    )


def _pooled_timing(timings: Sequence[Timing]) -> Timing | None:
    """The mean over the members, each of which has as many items."""
    if not timings:
        return None
    cached = [timing.cached_tokens for timing in timings if timing.cached_tokens is not None]
    at_once = [timing.at_once for timing in timings]
    return Timing(
        latency=_mean([timing.latency for timing in timings if timing.latency is not None]),
        measured=round(sum(timing.measured for timing in timings) / len(timings)),
        shared=_mean([timing.shared for timing in timings if timing.shared is not None]),
        at_once=None if None in at_once else max(filter(None, at_once)),
        served=any(timing.served for timing in timings),
        cached_tokens=round(sum(cached) / len(cached)) if cached else None,
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
