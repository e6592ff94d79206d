"""What marks a limited run wherever it is shown: how far it reaches, and that it decides nothing."""

from collections.abc import Iterable, Iterator

from harness.records.finished_run import FinishedRun
from harness.records.run_scopes import RunScope, scope_in
from reports.facts.item_counts import item_counts
from reports.facts.phrases import listed, shortened
from reports.wording import say

MOST_NAMES = 12  # variants or tasks in the banner


def banner(finished: FinishedRun) -> str:
    """The sentences that stand above everything; empty of a whole run."""
    scope = scope_in(finished.run)
    if not scope.is_limited:
        return ""
    counts = {task: count for task, count in item_counts(finished).items() if task in scope.items}
    return say("limited_run.between").join(_sentences(scope, counts, finished.summary.reference or ""))


def mark(scope: RunScope) -> str:
    """A few words beside the name of a limited run; empty of a whole one."""
    if not scope.is_limited:
        return ""
    return say("limited_run.mark_of", limit=scope.limit) if scope.limit is not None else say("limited_run.mark")


def _sentences(scope: RunScope, counts: dict[str, int], reference: str) -> Iterator[str]:
    yield say("limited_run.what")
    parts = [
        say("limited_run.items", task=shortened(task), asked=f"{counts[task]:,}", there=f"{size:,}")
        for task, size in scope.items.items()
        if task in counts
    ]
    if parts:
        more = [say("limited_run.more", count=len(parts) - MOST_NAMES)] if len(parts) > MOST_NAMES else []
        yield say("limited_run.sample", parts=say("nouns.semicolon").join([*parts[:MOST_NAMES], *more]))
    if scope.tasks:
        yield say("limited_run.tasks", names=_names(scope.tasks))
    if scope.variants:
        yield say("limited_run.variants", names=_names(scope.variants))
    if scope.untrained:
        yield say("limited_run.untrained", names=_names(scope.untrained))
    if scope.missing_reference:
        yield say("limited_run.reference", missing=scope.missing_reference, reference=reference)
    yield say("limited_run.use")


def _names(names: Iterable[str]) -> str:
    own = [shortened(name) for name in names]
    more = [say("limited_run.more", count=len(own) - MOST_NAMES)] if len(own) > MOST_NAMES else []
    return listed([*own[:MOST_NAMES], *more])
