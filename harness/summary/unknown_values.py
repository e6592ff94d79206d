"""Headline figures that do not rest on all samples, and why."""

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.records.inputs import JSON
from harness.records.sentences import Sentence
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.score_table import ScoreTable
from harness.text.stating import state


def unknown_warnings(results: Sequence[Result], plan: ComparisonPlan, table: ScoreTable) -> Iterator[Sentence]:
    """Every headline figure that does not rest on all samples, with the commonest cause."""
    scored = {str(FigureName.of(result)) for result in results}
    for figure in plan.headline:
        if figure not in scored:
            yield state("warnings.no_score", "{figure}: no sample has this score", figure=figure)
    for result in results:
        if str(FigureName.of(result)) in plan.headline and result.known < result.samples:
            causes: Counter[str] = Counter()
            for (metric, variant), own in table.tasks[result.task].causes.items():
                if metric == result.metric and variant in plan.pools.get(result.variant, (result.variant,)):
                    causes.update(own)
            yield _unknown_values(result, causes)


def _unknown_values(result: Result, causes: Counter[str]) -> Sentence:
    values: dict[str, JSON] = {
        "figure": str(FigureName.of(result)),
        "variant": result.variant,
        "unknown": result.samples - result.known,
        "samples": result.samples,
    }
    text = "{figure}, {variant}: {unknown} of {samples} samples are unknown"
    if not causes:
        return state("warnings.not_scored", f"{text} (it was not scored for them)", **values)
    ((cause, _),) = causes.most_common(1)
    if not cause:
        return state("warnings.unknown_for_no_reason", f"{text} (unknown)", **values)
    return state("warnings.unknown", f"{text} ({{cause}})", **values, cause=cause)
