"""Headline figures that do not rest on all samples, and why."""

from collections.abc import Iterator, Sequence

from harness.records.decisions import Statement
from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.records.outputs import Score
from harness.records.sentences import Sentence
from harness.summary.comparison_plan import ComparisonPlan


def unknown_warnings(results: Sequence[Result], plan: ComparisonPlan, scores: Sequence[Score]) -> Iterator[Sentence]:
    """Every headline figure that does not rest on all samples, with the commonest cause."""
    scored = {str(FigureName.of(result)) for result in results}
    for figure in plan.headline:
        if figure not in scored:
            yield Sentence(f"{figure}: no sample has this score", Statement("warnings.no_score", {"figure": figure}))
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
    values = {
        "figure": str(FigureName.of(result)),
        "variant": result.variant,
        "unknown": result.samples - result.known,
        "samples": result.samples,
    }
    text = "{figure}, {variant}: {unknown} of {samples} samples are unknown".format(**values)
    if not causes:
        return Sentence(f"{text} (it was not scored for them)", Statement("warnings.not_scored", values))
    cause = max(causes, key=causes.count)
    if not cause:
        return Sentence(f"{text} (unknown)", Statement("warnings.unknown_for_no_reason", values))
    return Sentence(f"{text} ({cause})", Statement("warnings.unknown", {**values, "cause": cause}))
