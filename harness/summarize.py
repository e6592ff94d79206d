"""From scores to figures: means with intervals and coverage, paired differences to the reference, and what it cost."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness import stats
from harness.comparisons import Table, against_floors, compare, corrected
from harness.outcomes import deciding, retrieved, routed, values_of
from harness.stats import Floats
from harness.types import Comparison, MetricInfo, Prediction, Result, Sample, Score, Summary, Usage


@dataclass(frozen=True)
class Design:
    """What is compared with what: the frame of a run's figures."""

    name: str
    seed: int
    reference: str | None  # the variant that the others are measured against
    headline: Sequence[str]  # "task.metric"
    floors: Sequence[str] = ()  # the variants that ask no model
    bounds: Sequence[str] = ()  # the variants that are shown the gold passage
    origins: Mapping[str, str] = field(default_factory=dict)  # of a probe: the task that it was derived from
    cascades: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of a cascade: its steps, in their order


def summarize(
    design: Design,
    metrics: Mapping[str, MetricInfo],
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    scores: Sequence[Score],
) -> Summary:
    """All figures of a run. `metrics` is by "task.metric" and has an entry for every part that occurs in the scores."""
    reference, headline = design.reference or "", design.headline
    results: list[Result] = []
    comparisons, floors = list[Comparison](), list[Comparison]()
    observed, floors_observed = list[Floats](), list[Floats]()  # each comparison's paired differences
    for task in dict.fromkeys(sample.task for sample in samples):
        ids = [sample.id for sample in samples if sample.task == task]
        table = _table(ids, [score for score in scores if score.task == task])
        pairs = [pair for pair in table if reference not in ("", pair[1]) and (pair[0], reference) in table]
        differences = [table[pair] - table[pair[0], reference] for pair in pairs]
        means = stats.bootstrap_means(np.column_stack([*table.values(), *differences]), design.seed).T
        for column, resampled in zip(table, means, strict=False):
            results.append(_result(task, column, table[column], resampled, metrics))
        for pair, resampled in zip(pairs, means[len(table) :], strict=True):
            info = metrics[f"{task}.{pair[0]}"]
            comparisons.append(compare(task, pair, reference, table, resampled, info, design.seed))
        observed += [some[~np.isnan(some)] for some in differences]
        contending = _contending(task, table, design)
        below, below_observed = against_floors(task, contending, design.floors, metrics, design.seed)
        floors += below
        floors_observed += below_observed
    chosen = deciding(headline, metrics, design.origins)
    values = values_of(scores, chosen)
    return Summary(
        name=design.name,
        reference=design.reference,
        headline=tuple(headline),
        metrics=metrics,
        results=tuple(results),
        comparisons=tuple(corrected(comparisons, observed, headline, metrics, design.bounds)),
        usage=tuple(_usage(predictions)),
        floors=tuple(corrected(floors, floors_observed, headline, metrics)),
        retrieved=tuple(retrieved(predictions, values, chosen, metrics)),
        routed=tuple(routed(predictions, values, chosen, design.cascades)),
        warnings=tuple(_warnings(results, headline, scores)),
        unaided=tuple(design.floors),
        bounds=tuple(design.bounds),
    )


def _contending(task: str, table: Table, design: Design) -> Table:
    """The headline columns of what can be deployed."""
    return {
        (metric, variant): values
        for (metric, variant), values in table.items()
        if f"{task}.{metric}" in design.headline and variant not in design.bounds
    }


def _table(ids: Sequence[str], scores: Sequence[Score]) -> dict[tuple[str, str], Floats]:
    row = {sample_id: i for i, sample_id in enumerate(ids)}
    table: dict[tuple[str, str], Floats] = {}
    for score in scores:
        column = table.get((score.metric, score.variant))
        if column is None:
            column = table[score.metric, score.variant] = np.full(len(ids), np.nan)
        column[row[score.sample_id]] = np.nan if score.value is None else score.value
    return table


def _result(
    task: str, column: tuple[str, str], values: Floats, means: Floats, metrics: Mapping[str, MetricInfo]
) -> Result:
    metric, variant = column
    known = values[~np.isnan(values)]
    if not len(known):
        return Result(task, variant, metric, len(values), 0, None, None, None)
    info = metrics[f"{task}.{metric}"]
    interval = stats.mean_interval(known, means, unit=(info.low, info.high) == (0.0, 1.0))
    return Result(task, variant, metric, len(values), len(known), interval.mean, interval.low, interval.high)


def _usage(predictions: Sequence[Prediction]) -> list[Usage]:
    cells: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in predictions:
        cells.setdefault((prediction.task, prediction.variant), []).append(prediction)
    return [
        Usage(
            task=task,
            variant=variant,
            samples=len(some),
            failed=sum(p.error is not None for p in some),
            unread=sum(p.reading.reason is not None for p in some),
            truncated=sum(p.finish == "length" for p in some),
            tokens_in=sum(p.tokens_in for p in some),
            tokens_out=sum(p.tokens_out for p in some),
            seconds=sum(p.seconds for p in some),
            prompts=_fingerprint(some),
        )
        for (task, variant), some in cells.items()
    ]


def _fingerprint(predictions: Sequence[Prediction]) -> str:
    """sha256 over all messages as sent: equal for two cells that sent the same."""
    total = hashlib.sha256()
    for prediction in predictions:
        for message in prediction.messages:
            total.update(f"{message.role}\0{message.content}\0".encode("utf-8", "surrogatepass"))
        total.update(b"\0")
    return total.hexdigest()


def _warnings(results: Sequence[Result], headline: Sequence[str], scores: Sequence[Score]) -> list[str]:
    """Every headline figure that does not rest on all samples, with the commonest cause."""
    scored = {f"{result.task}.{result.metric}" for result in results}
    lines = [f"{figure}: no sample has this score" for figure in headline if figure not in scored]
    for result in results:
        if f"{result.task}.{result.metric}" in headline and result.known < result.samples:
            causes = [
                score.error or score.reason or "unknown"
                for score in scores
                if score.value is None
                and (score.task, score.variant, score.metric) == (result.task, result.variant, result.metric)
            ]
            commonest = max(causes or ["it was not scored for them"], key=causes.count)
            lines.append(
                f"{result.task}.{result.metric}, {result.variant}: {result.samples - result.known} of {result.samples} "
                f"samples are unknown ({commonest})"
            )
    return lines
