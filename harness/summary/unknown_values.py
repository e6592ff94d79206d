"""Headline figures that do not rest on all samples, and why."""

from collections.abc import Iterator, Sequence

from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.records.inputs import JSON
from harness.records.outputs import Score
from harness.records.sentences import Sentence
from harness.summary.comparison_plan import ComparisonPlan
from harness.text.stating import state


def unknown_warnings(results: Sequence[Result], plan: ComparisonPlan, scores: Sequence[Score]) -> Iterator[Sentence]:
    """Every headline figure that does not rest on all samples, with the commonest cause."""
    scored = {str(FigureName.of(result)) for result in results}
    for figure in plan.headline:
        if figure not in scored:
            yield state("warnings.no_score", "{figure}: no sample has this score", figure=figure)
    for result in results:
        if str(FigureName.of(result)) in plan.headline and result.known < result.samples:
            causes = [
                score.error or score.reason or ""
                for score in scores
                if score.value is None
                and (score.task, score.metric) == (result.task, result.metric)
                and score.variant in plan.pools.get(result.variant, (result.variant,))
            ]
            yield _unknown_values(result, causes)


def _unknown_values(result: Result, causes: Sequence[str]) -> Sentence:
    values: dict[str, JSON] = {
        "figure": str(FigureName.of(result)),
        "variant": result.variant,
        "unknown": result.samples - result.known,
        "samples": result.samples,
    }
    text = "{figure}, {variant}: {unknown} of {samples} samples are unknown"
    if not causes:
        return state("warnings.not_scored", f"{text} (it was not scored for them)", **values)
    cause = max(causes, key=causes.count)
    if not cause:
        return state("warnings.unknown_for_no_reason", f"{text} (unknown)", **values)
    return state("warnings.unknown", f"{text} ({{cause}})", **values, cause=cause)
