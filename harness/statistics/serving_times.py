"""What of a served call's time is its latency: the server's own time, or the call's where no other was in flight."""

from collections.abc import Sequence

from harness.records.figures import Timing
from harness.records.outputs import Prediction, Serving


def latency_of(seconds: float, serving: Serving | None) -> float | None:
    """Seconds that one answer takes by itself; None where it waited among others, and the server tells nothing.

    Without a server, what a batch took is shared among its items, and that share is all that is known.
    """
    if serving is None:
        return seconds
    if serving.compute_seconds is not None:
        return serving.compute_seconds
    return duration_of(seconds, serving) if serving.at_once == 1 else None


def duration_of(seconds: float, serving: Serving | None) -> float:
    """Seconds from the request to the last byte of the reply, the server's queue included."""
    return seconds if serving is None or serving.wall_seconds is None else serving.wall_seconds


def joint_serving(predictions: Sequence[Prediction]) -> Serving | None:
    """How servers worked on the calls that came to one answer; None where none of them was a server's.

    Their time is told where a server tells its own of one, and the latencies of the others are known.
    """
    servings = [prediction.serving for prediction in predictions if prediction.serving is not None]
    if not servings:
        return None
    latencies = [latency_of(prediction.seconds, prediction.serving) for prediction in predictions]
    measured = [seconds for seconds in latencies if seconds is not None]
    is_told = len(measured) == len(latencies) and any(serving.compute_seconds is not None for serving in servings)
    cached = [serving.cached_tokens for serving in servings if serving.cached_tokens is not None]
    return Serving(
        compute_seconds=sum(measured) if is_told else None,
        cached_tokens=sum(cached) if cached else None,
        at_once=_most_at_once(servings),
        calls=sum(serving.calls for serving in servings),
        wall_seconds=sum(duration_of(prediction.seconds, prediction.serving) for prediction in predictions),
    )


def timing_of(predictions: Sequence[Prediction]) -> Timing | None:
    """How long the answers of one cell took, those apart that waited among others. None where nothing took time."""
    answered = [prediction for prediction in predictions if prediction.error is None]
    if not any(prediction.seconds or prediction.serving for prediction in answered):
        return None
    latencies = [latency_of(prediction.seconds, prediction.serving) for prediction in answered]
    measured = [seconds for seconds in latencies if seconds is not None]
    rest = [p for p, seconds in zip(answered, latencies, strict=True) if seconds is None]
    servings = [prediction.serving for prediction in predictions if prediction.serving is not None]
    cached = [serving.cached_tokens for serving in servings if serving.cached_tokens is not None]
    return Timing(
        latency=_mean(measured),
        measured=len(measured),
        shared=_mean([duration_of(prediction.seconds, prediction.serving) for prediction in rest]),
        at_once=_most_at_once([prediction.serving for prediction in rest if prediction.serving is not None]),
        served=bool(servings),
        cached_tokens=sum(cached) if cached else None,
    )


def _most_at_once(servings: Sequence[Serving]) -> int | None:
    """The most calls in flight; None where that is not known of all."""
    counts = [serving.at_once for serving in servings if serving.at_once is not None]
    return max(counts, default=1) if len(counts) == len(servings) else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
