"""How one answer came about: the steps of a cascade, where its gold passages were found, how a server worked on it."""

from collections.abc import Sequence

from harness.records.outputs import Prediction, RetrievalTrace, Step
from harness.statistics.right_answers import alternatives_of, first_ranks, is_absent, missing
from harness.statistics.serving_times import duration_of, latency_of
from reports.facts import numbers
from reports.facts.phrases import counted, quoted


def route_reasons(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """The steps that were asked, each with why it answered or passed the item on."""
    return [(step.variant, _reason(step, is_last=step is steps[-1])) for step in steps]


def threshold_text(threshold: float) -> str:
    """A confidence or threshold in three digits."""
    return f"{threshold:.3g}".replace("-", numbers.MINUS)


def _reason(step: Step, is_last: bool) -> str:
    confidence = "" if step.confidence is None else f"confidence {threshold_text(step.confidence)}"
    threshold = "" if step.threshold is None else threshold_text(step.threshold)
    if is_last:
        limit = f"threshold {threshold}" if threshold else "no threshold"
        return f"answered: {confidence}, {limit}" if confidence else "answered"
    if not threshold:
        return f"passed on: {confidence}, never enough" if confidence else "always passed on"
    return f"passed on: {confidence} below {threshold}" if confidence else (
        f"passed on: there was no answer to be sure of, threshold {threshold}"
    )  # fmt: skip


def retrieval_note(retrieval: RetrievalTrace) -> str:
    """Where the gold passages were found, and what was left out, e.g. "gold at rank 3 · 1 passage left out"."""
    cut = retrieval.cut and f"{counted(retrieval.cut, 'passage')} cut"
    left_out = retrieval.left_out and f"{counted(retrieval.left_out, 'passage')} left out"
    return " · ".join(str(part) for part in (_ranks(retrieval), cut, left_out) if part)


def _ranks(retrieval: RetrievalTrace) -> str:
    """Where the right answers came; with alternatives the ranks of all, but what is missing of the best."""
    if is_absent(retrieval):
        return "no passage of the knowledge is right"
    if not retrieval.gold:
        return "gold passages unknown" if retrieval.depth else "nothing was looked up; gold passages unknown"
    lacking = f"; the knowledge lacks {quoted(missing(retrieval))}" if missing(retrieval) else ""
    if retrieval.ranks is None:
        return f"gold passages were given; nothing was searched{lacking}"
    ranks = sorted(rank for rank in retrieval.ranks if rank is not None)
    if not ranks:
        return f"gold not among the first {retrieval.depth}{lacking}"
    place = f"gold at rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"
    missed = min(
        sum(
            rank is None and bool(answer.passages)
            for rank, answer in zip(first_ranks(retrieval, own), own, strict=True)
        )
        for own in alternatives_of(retrieval)
        if any(answer.passages for answer in own)
    )
    return f"{place}{f'; {missed} more not among the first {retrieval.depth}' if missed else ''}{lacking}"


def timing_note(prediction: Prediction) -> str | None:
    """How long a server took, e.g. "0.42 s latency · 31 prompt tokens cached"; None where none answered."""
    serving = prediction.serving
    if serving is None:
        return None
    latency = latency_of(prediction.seconds, serving)
    if latency is None:
        spent = f"{duration_of(prediction.seconds, serving):.2f} s {numbers.among(serving.at_once)}"
    else:
        spent = f"{latency:.2f} s latency"
    cached = serving.cached_tokens
    return spent if cached is None else f"{spent} · {counted(cached, 'prompt token')} cached"
