"""How one answer came about: the steps of a cascade, where its gold passages were found, how a server worked on it."""

from collections.abc import Sequence

from harness.records.outputs import Prediction, RetrievalTrace, Step
from harness.statistics.right_answers import alternatives_of, first_ranks, is_absent, missing
from harness.statistics.serving_times import duration_of, latency_of
from reports.facts import numbers
from reports.facts.phrases import counted, quoted
from reports.wording import say


def route_reasons(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """The steps that were asked, each with why it answered or passed the item on."""
    return [(step.variant, _reason(step, is_last=step is steps[-1])) for step in steps]


def threshold_text(threshold: float) -> str:
    """A confidence or threshold in three digits."""
    return f"{threshold:.3g}".replace("-", numbers.MINUS)


def _reason(step: Step, is_last: bool) -> str:
    confidence = None if step.confidence is None else threshold_text(step.confidence)
    threshold = None if step.threshold is None else threshold_text(step.threshold)
    kind = "answered" if is_last else "passed_on"
    if confidence is not None and threshold is not None:
        return say(f"answer_path.{kind}_at", confidence=confidence, threshold=threshold)
    if confidence is not None:
        return say(f"answer_path.{kind}_with", confidence=confidence)
    if threshold is not None and not is_last:
        return say("answer_path.passed_on_without", threshold=threshold)
    return say(f"answer_path.{kind}")


def retrieval_note(retrieval: RetrievalTrace) -> str:
    """Where the gold passages were found, and what was left out, e.g. "gold at rank 3 · 1 passage left out"."""
    cut = retrieval.cut and say("answer_path.cut", passages=counted(retrieval.cut, "passage"))
    left_out = retrieval.left_out and say("answer_path.left_out", passages=counted(retrieval.left_out, "passage"))
    return " · ".join(str(part) for part in (_ranks(retrieval), cut, left_out) if part)


def _ranks(retrieval: RetrievalTrace) -> str:
    """Where the right answers came; with alternatives the ranks of all, but what is missing of the best."""
    if is_absent(retrieval):
        return say("answer_path.absent")
    if not retrieval.gold:
        return say("answer_path.gold_unknown" if retrieval.depth else "answer_path.nothing_looked_up")
    lacking = say("answer_path.lacking", answers=quoted(missing(retrieval))) if missing(retrieval) else ""
    if retrieval.ranks is None:
        return say("answer_path.given") + lacking
    ranks = sorted(rank for rank in retrieval.ranks if rank is not None)
    if not ranks:
        return say("answer_path.not_among", depth=retrieval.depth) + lacking
    missed = _missed(retrieval)
    more = say("answer_path.more_missed", count=missed, depth=retrieval.depth) if missed else ""
    return say("answer_path.gold_at", n=len(ranks), ranks=", ".join(map(str, ranks))) + more + lacking


def _missed(retrieval: RetrievalTrace) -> int:
    """How many right answers of the alternative that fared best were not found, though the knowledge has them."""
    return min(
        sum(
            rank is None and bool(answer.passages)
            for rank, answer in zip(first_ranks(retrieval, own), own, strict=True)
        )
        for own in alternatives_of(retrieval)
        if any(answer.passages for answer in own)
    )


def timing_note(prediction: Prediction) -> str | None:
    """How long a server took, e.g. "0.42 s latency · 31 prompt tokens cached"; None where none answered."""
    serving = prediction.serving
    if serving is None:
        return None
    latency = latency_of(prediction.seconds, serving)
    if latency is None:
        seconds = f"{duration_of(prediction.seconds, serving):.2f}"
        spent = say("answer_path.among", seconds=seconds, calls=numbers.among(serving.at_once))
    else:
        spent = say("answer_path.latency", seconds=f"{latency:.2f}")
    if serving.cached_tokens is None:
        return spent
    return f"{spent} · {say('answer_path.cached', tokens=counted(serving.cached_tokens, 'prompt token'))}"
