"""Where errors come from: whether retrieval missed or generation failed, and which step of a cascade answered."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Retrieved, Routed
from harness.records.outputs import Prediction
from harness.statistics.retrieval_outcomes import OUTCOMES, retrieval_outcome
from harness.statistics.right_answers import is_absent, missing

EXAMPLES = 20  # items of each kind named, to be looked at
Values = Mapping[tuple[str, str, str], float | None]  # (task, variant, sample) → the deciding metric's value


def deciding(
    headline: Sequence[str], metrics: Mapping[str, MetricInfo], origins: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The metric that decides for each task which answers are right: its first headline figure, else its first metric.

    What measures retrieval says nothing of an answer, so it decides only where a task has nothing else. A probe is
    decided as the task that it was derived from, if it has that metric.
    """
    chosen: dict[str, str] = {}
    for figure in map(FigureName.parse, headline):
        if not measures_retrieval(metrics.get(str(figure)) or metrics.get(str(figure.whole))):
            chosen.setdefault(figure.task, figure.full_metric)
    for probe, origin in (origins or {}).items():
        if str(FigureName.within(probe, chosen.get(origin, ""))) in metrics:
            chosen[probe] = chosen[origin]
    for name in sorted(metrics, key=lambda name: measures_retrieval(metrics[name])):
        figure = FigureName.parse(name)
        chosen.setdefault(figure.task, figure.full_metric)
    return chosen


def measures_retrieval(info: MetricInfo | None) -> bool:
    """Whether a figure is of what was looked up, not of an answer: no model has a part in it."""
    return info is not None and info.component == "Retrieval"


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
    records = []
    for (task, variant), own in cells.items():
        traces = [prediction.retrieval for prediction in own if prediction.retrieval is not None]
        kinds: dict[str, list[str]] = {name: [] for name in OUTCOMES}
        info = metrics.get(str(FigureName.within(task, chosen.get(task, ""))))
        for prediction in own:
            value = values.get((task, variant, prediction.sample_id))
            kinds["unknown" if info is None else retrieval_outcome(prediction, value, info)].append(
                prediction.sample_id
            )
        records.append(
            Retrieved(
                task=task,
                variant=variant,
                metric=chosen.get(task, ""),
                samples=len(own),
                counts={name: len(ids) for name, ids in kinds.items()},
                examples={name: tuple(ids[:EXAMPLES]) for name, ids in kinds.items() if ids},
                cut=sum(trace.cut > 0 for trace in traces),
                left_out=sum(trace.left_out > 0 for trace in traces),
                unmatched=sum(trace.unmatched for trace in traces),
                absent=sum(map(is_absent, traces)),
                partly=sum(bool(trace.gold and missing(trace)) for trace in traces),
            )
        )
    return records


def routed(
    predictions: Sequence[Prediction], values: Values, chosen: Mapping[str, str], steps: Mapping[str, Sequence[str]]
) -> list[Routed]:
    """For each cascade and step: how many samples it answered, how well, and what all samples that ended there cost.

    `steps` names each cascade's steps in their order: those at which nothing ended are listed, too.
    """
    cells: dict[tuple[str, str], list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        if prediction.route:
            cells[prediction.task, prediction.variant].append(prediction)
    return [
        _ended(step, place, cell, values, chosen.get(task, ""))
        for (task, variant), cell in sorted(cells.items())
        for place, step in enumerate(_steps(cell, steps.get(variant, ())), 1)
    ]


def _steps(cell: Sequence[Prediction], named: Sequence[str]) -> list[str]:
    """The steps' names; without any given, those that were asked."""
    longest = max((prediction.route for prediction in cell), key=len)
    return list(dict.fromkeys([*named, *(step.variant for step in longest)]))


def _ended(name: str, place: int, cell: Sequence[Prediction], values: Values, metric: str) -> Routed:
    ended = [prediction for prediction in cell if prediction.route[-1].variant == name]
    task, variant = cell[0].task, cell[0].variant
    means = [v for p in ended if (v := values.get((task, variant, p.sample_id))) is not None]
    threshold = next((step.threshold for p in cell for step in p.route if step.variant == name), None)
    mean = sum(means) / len(means) if means else None
    return Routed(
        task=task,
        variant=variant,
        step=name,
        place=place,
        samples=len(ended),
        total=len(cell),
        metric=metric,
        mean=mean,
        threshold=threshold,
        tokens=sum(p.tokens_in + p.tokens_out for p in ended),
        seconds=sum(p.seconds for p in ended),
    )
