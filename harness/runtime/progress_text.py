"""How far a run is, in words: beside a bar, in a log, in another terminal."""

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.records.run_overviews import RunProgress
from harness.text.counting import counted
from harness.text.durations import about
from harness.text.excerpts import shortened

REASON_LENGTH = 60  # characters of why the work stands still
FEW_PLACES = 4  # of which each is shown
NOUNS = {"predict": "cell", "score": "metric", "latency": "variant"}  # of the pieces of a stage


def piece_facts(progress: RunProgress) -> Iterator[str]:
    """Of the piece that goes on: how much is done, how fast, and how long it takes still."""
    if progress.total:
        yield f"{progress.done:,}/{progress.total:,}"
    if progress.reason:
        yield f"waiting: {shortened(progress.reason, REASON_LENGTH)}"
        return
    if progress.item_rate is not None:
        yield f"{_rate(progress.item_rate)} items/s"
    if progress.rate is not None:
        yield f"{progress.rate:,.0f} tokens/s"
    if progress.left is not None and progress.done < progress.total:
        yield f"{about(progress.left)} left"


def run_facts(progress: RunProgress) -> Iterator[str]:
    """Of the whole run: its pieces, how long it takes still, what it has cost, and what failed."""
    if progress.pieces:
        number = min(progress.finished + 1, progress.pieces)
        yield f"{NOUNS.get(progress.stage, 'piece')} {number} of {progress.pieces}"
    if progress.left_run is not None:
        more = "more than " if progress.unknown_pieces else ""
        yield f"run: {more}{about(progress.left_run)} left"
    if progress.cost is not None:
        yield f"{_money(progress.cost)} {progress.currency} so far"
    if progress.failed:
        yield f"{counted(progress.failed, 'call')} failed"
    if progress.places:
        yield cluster_fact(progress.places)


def cluster_fact(places: Sequence[str]) -> str:
    """What the processes of a cluster do: each where they are few, else how many do what."""
    if len(places) <= FEW_PLACES:
        return f"{counted(len(places), 'worker')}: {'; '.join(places)}"
    works = Counter(place.partition(": ")[2] for place in places)
    return f"{len(places)} workers: {'; '.join(f'{count} × {work}' for work, count in works.most_common())}"


def log_line(progress: RunProgress) -> str:
    """All of it on one line."""
    facts = [*piece_facts(progress)]
    whole = ", ".join(run_facts(progress))
    return f"{progress.work}: {', '.join(facts) or 'under way'}{f'; {whole}' if whole else ''}"


def _rate(rate: float) -> str:
    return f"{rate:.2f}" if rate < 1 else f"{rate:,.1f}" if rate < 100 else f"{rate:,.0f}"


def _money(cost: float) -> str:
    return f"{cost:.4f}" if cost < 0.1 else f"{cost:,.2f}"
