"""Where errors come from: whether retrieval missed or generation failed, and which step of a cascade answered."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.types import MetricInfo, Prediction, Retrieved, Routed, Score

EXAMPLES = 20  # items of each kind named, to be looked at
Values = Mapping[tuple[str, str, str], float | None]  # (task, variant, sample) → the deciding metric's value


def deciding(
    headline: Sequence[str], metrics: Mapping[str, MetricInfo], origins: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The metric that decides for each task what is right: its first headline figure, else its first metric.

    A probe is decided as the task that it was derived from, if it has that metric.
    """
    chosen: dict[str, str] = {}
    for figure in headline:
        task, _, metric = figure.partition(".")
        chosen.setdefault(task, metric)
    for probe, origin in (origins or {}).items():
        if f"{probe}.{chosen.get(origin)}" in metrics:
            chosen[probe] = chosen[origin]
    for figure in metrics:
        task, _, metric = figure.partition(".")
        chosen.setdefault(task, metric)
    return chosen


def values_of(scores: Sequence[Score], chosen: Mapping[str, str]) -> dict[tuple[str, str, str], float | None]:
    """The deciding metric's values."""
    return {
        (score.task, score.variant, score.sample_id): score.value
        for score in scores
        if chosen.get(score.task) == score.metric
    }


def retrieved(
    predictions: Sequence[Prediction], values: Values, chosen: Mapping[str, str], metrics: Mapping[str, MetricInfo]
) -> list[Retrieved]:
    """For each cell that looked something up: right and wrong answers, by whether a gold passage was shown.

    Right is the good end of the deciding metric's range. A sample whose gold passage is not known, or whose answer has
    no value, counts as unknown.
    """
    cells: dict[tuple[str, str], list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        if prediction.retrieval is not None:
            cells[prediction.task, prediction.variant].append(prediction)
    found = []
    for (task, variant), some in cells.items():
        kinds: dict[str, list[str]] = {kind: [] for kind in KINDS}
        info = metrics.get(f"{task}.{chosen.get(task)}")
        for prediction in some:
            value = values.get((task, variant, prediction.sample_id))
            kinds[_kind(prediction, value, info)].append(prediction.sample_id)
        found.append(
            Retrieved(
                task, variant, chosen.get(task, ""), len(some), {kind: len(ids) for kind, ids in kinds.items()},
                {kind: tuple(ids[:EXAMPLES]) for kind, ids in kinds.items() if ids},
                sum(bool(p.retrieval and p.retrieval.cut) for p in some),
                sum(bool(p.retrieval and p.retrieval.left_out) for p in some),
            )
        )  # fmt: skip
    return found


KINDS = ("hit and right", "hit and wrong", "miss and right", "miss and wrong", "unknown")


def _kind(prediction: Prediction, value: float | None, info: MetricInfo | None) -> str:
    retrieval = prediction.retrieval
    if value is None or info is None or retrieval is None or not retrieval.gold:
        return "unknown"
    hit = any(passage.get("gold") for passage in prediction.passages)
    right = value <= info.low if info.better == "lower" else value >= info.high
    return f"{'hit' if hit else 'miss'} and {'right' if right else 'wrong'}"


def routed(predictions: Sequence[Prediction], values: Values, chosen: Mapping[str, str]) -> list[Routed]:
    """For each cascade and step: how many samples it answered, how well, and what all samples that ended there cost."""
    steps: dict[tuple[str, str, str], list[Prediction]] = defaultdict(list)
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for prediction in predictions:
        if prediction.route:
            steps[prediction.task, prediction.variant, prediction.route[-1].variant].append(prediction)
            totals[prediction.task, prediction.variant] += 1
    found = []
    for (task, variant, step), some in steps.items():
        known = [v for p in some if (v := values.get((task, variant, p.sample_id))) is not None]
        place = max(len(prediction.route) for prediction in some)
        threshold = next((p.route[-1].threshold for p in some), None)
        found.append(
            Routed(
                task, variant, step, place, len(some), totals[task, variant], chosen.get(task, ""),
                sum(known) / len(known) if known else None, threshold,
                sum(p.tokens_in + p.tokens_out for p in some), sum(p.seconds for p in some),
            )
        )  # fmt: skip
    return sorted(found, key=lambda step: (step.task, step.variant, step.place))
