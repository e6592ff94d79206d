"""Why an answer with retrieved passages is right or wrong: retrieval missed, or generation failed."""

from harness.records.figures import MetricInfo
from harness.records.outputs import Prediction

OUTCOMES = ("hit and right", "hit and wrong", "miss and right", "miss and wrong", "not shown", "unknown")


def retrieval_outcome(prediction: Prediction, value: float | None, info: MetricInfo) -> str:
    """One of OUTCOMES: whether a gold passage was shown, and whether this value of the deciding metric is right.

    A wrong answer is "not shown" when its gold passage was among those asked for, or given, but was shown in part or
    not at all: there was no room, or its score was under the threshold. Then retrieval did not miss.
    """
    retrieval = prediction.retrieval
    if value is None or retrieval is None or not retrieval.gold:
        return "unknown"
    gold = [passage for passage in prediction.passages if passage.get("gold")]
    if value <= info.low if info.better == "lower" else value >= info.high:
        return "hit and right" if gold else "miss and right"
    if any(not passage.get("cut") for passage in gold):
        return "hit and wrong"
    is_unsearched = retrieval.ranks is None
    is_retrieved = any(rank is not None and rank <= retrieval.k for rank in retrieval.ranks or ())
    return "not shown" if gold or is_unsearched or is_retrieved else "miss and wrong"
