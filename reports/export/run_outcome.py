"""What a run came to, for a script: its recommendation and its headline figures, as JSON holds them."""

from harness.records.figure_names import FigureName
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Language
from harness.records.run_scopes import scope_in
from reports.facts.statement_text import sentence
from reports.wording import speaking


def run_outcome(finished: FinishedRun, language: Language = "en") -> dict[str, JSON]:
    """Suite, limits (None: the run was whole), what to deploy, and each headline figure of each variant.

    A figure is a mean with the ends of its 95 % interval; all three are None where nothing is known.
    """
    summary, scope = finished.summary, scope_in(finished.run)
    decision = summary.decisions.decision
    with speaking(language):
        recommendation = decision and {
            "kind": decision.kind,
            "variant": decision.variant,
            "certainty": decision.certainty,
            "sentence": sentence(decision.headline, summary),
        }
    headline = [
        {
            "figure": str(FigureName.of(result)),
            "variant": result.variant,
            "value": result.mean,
            "low": result.low,
            "high": result.high,
            "known": result.known,
            "items": result.samples,
        }
        for result in summary.results
        if str(FigureName.of(result)) in summary.headline
    ]
    return {
        "suite": summary.name,
        "limited": scope.record() or None,
        "recommendation": recommendation,
        "headline": headline,
    }
