"""Why an answer with retrieved passages is right or wrong: retrieval missed, or generation failed."""

from collections.abc import Mapping, Sequence

from harness.records.figures import MetricInfo
from harness.records.inputs import JSON
from harness.records.outputs import Prediction, RetrievalTrace
from harness.statistics.right_answers import is_covered

OUTCOMES = ("hit and right", "hit and wrong", "miss and right", "miss and wrong", "not shown", "unknown")


def retrieval_outcome(prediction: Prediction, value: float | None, info: MetricInfo) -> str:
    """One of OUTCOMES: whether the gold passage was shown, and whether this value of the deciding metric is right.

    Where an item has several right answers, a passage of each that the knowledge has must have been shown. A wrong
    answer is "not shown" when its gold passage was among those asked for, or given, but was shown in part or not at
    all: there was no room, or its score was under the threshold. Then retrieval did not miss.
    """
    retrieval = prediction.retrieval
    if value is None or retrieval is None or not retrieval.gold:
        return "unknown"
    gold = [passage for passage in prediction.passages if passage.get("gold")]
    if value <= info.low if info.better == "lower" else value >= info.high:
        return "hit and right" if _is_covered_by(retrieval, gold) else "miss and right"
    if _is_covered_by(retrieval, [passage for passage in gold if not passage.get("cut")]):
        return "hit and wrong"
    is_unsearched = retrieval.ranks is None
    ranks = list(enumerate(retrieval.ranks or ()))
    retrieved = [place for place, rank in ranks if rank is not None and rank <= retrieval.k]
    is_retrieved = is_covered(retrieval, retrieved) if retrieval.answers else bool(retrieved)
    is_given = _is_covered_by(retrieval, gold)
    return "not shown" if is_given or is_unsearched or is_retrieved else "miss and wrong"


def _is_covered_by(retrieval: RetrievalTrace, passages: Sequence[Mapping[str, JSON]]) -> bool:
    """Whether these gold passages are enough; in runs of older versions any is."""
    if not retrieval.answers:
        return bool(passages)
    ids = {passage.get("id") for passage in passages}
    return is_covered(retrieval, [place for place, name in enumerate(retrieval.gold) if name in ids])
