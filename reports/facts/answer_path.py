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
    if is_last:
        return _answer_reason(confidence, threshold)
    if confidence is None:
        return say("answer_path.no_answer", threshold=threshold) if threshold else say("answer_path.always_passed")
    if threshold is None:
        return say("answer_path.never_enough", confidence=confidence)
    return say("answer_path.below", confidence=confidence, threshold=threshold)


def _answer_reason(confidence: str | None, threshold: str | None) -> str:
    if confidence is None:
        return say("answer_path.answered")
    if threshold is None:
        return say("answer_path.answered_without_threshold", confidence=confidence)
    return say("answer_path.answered_with_confidence", confidence=confidence, threshold=threshold)


def retrieval_note(retrieval: RetrievalTrace) -> str:
    """Where the gold passages were found, and what was left out, e.g. "gold at rank 3 · 1 passage left out"."""
    parts = [_place(retrieval)]
    if retrieval.cut:
        parts.append(say("answer_path.cut", passages=counted(retrieval.cut, "passage")))
    if retrieval.left_out:
        parts.append(say("answer_path.left_out", passages=counted(retrieval.left_out, "passage")))
    return say("answer_path.separator").join(parts)


def _place(retrieval: RetrievalTrace) -> str:
    """Where the right answers came, and what is missing of the best."""
    if is_absent(retrieval):
        return say("answer_path.absent")
    if not retrieval.gold:
        return say("answer_path.gold_unknown") if retrieval.depth else say("answer_path.nothing_looked_up")
    place, lacking = _ranks(retrieval), missing(retrieval)
    return say("answer_path.lacking", place=place, passages=quoted(lacking)) if lacking else place


def _ranks(retrieval: RetrievalTrace) -> str:
    """The ranks of all right answers, with alternatives too."""
    if retrieval.ranks is None:
        return say("answer_path.gold_given")
    ranks = sorted(rank for rank in retrieval.ranks if rank is not None)
    if not ranks:
        return say("answer_path.gold_missed", depth=retrieval.depth)
    shown = say("answer_path.rank_separator").join(map(str, ranks))
    place = say("answer_path.gold_ranks", n=len(ranks), ranks=shown)
    missed = min(
        sum(
            rank is None and bool(answer.passages)
            for rank, answer in zip(first_ranks(retrieval, own), own, strict=True)
        )
        for own in alternatives_of(retrieval)
        if any(answer.passages for answer in own)
    )
    return say("answer_path.also_missed", place=place, count=missed, depth=retrieval.depth) if missed else place


def timing_note(prediction: Prediction) -> str | None:
    """How long a server took, e.g. "0.42 s latency · 31 prompt tokens cached"; None where none answered."""
    serving = prediction.serving
    if serving is None:
        return None
    latency = latency_of(prediction.seconds, serving)
    if latency is None:
        seconds = f"{duration_of(prediction.seconds, serving):.2f}"
        spent = say("answer_path.spent", seconds=seconds, among=numbers.among(serving.at_once))
    else:
        spent = say("answer_path.latency", seconds=f"{latency:.2f}")
    cached = serving.cached_tokens
    return spent if cached is None else say("answer_path.cached", time=spent, tokens=counted(cached, "prompt token"))
