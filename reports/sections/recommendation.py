"""The answer: what to deploy, how sure that is, why, what would change it, and what else there was to choose from."""

from dataclasses import dataclass

from markupsafe import Markup

from harness.records.decisions import Decision
from harness.records.finished_run import FinishedRun
from reports.facts.approach_names import approach_name, labels_used
from reports.facts.broken_limits import broken_lines
from reports.facts.candidates import CandidateChart, candidate_chart, headline_columns
from reports.facts.statement_text import first_ones, marked_sentence
from reports.section import Section

BESIDE = 2  # headline figures that stand beside each other in the first chart


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationFacts:
    """The decision in sentences, and the charts beside and below it."""

    decision: Decision
    certainty: str  # a slug
    kind: str  # a slug
    approach: str | None
    labels: str | None  # how many labelled rows the chosen variant searches by, where it does
    headline: Markup
    reasons: tuple[Markup, ...]
    changes: tuple[Markup, ...]
    distrusted: tuple[Markup, ...]
    broken: tuple[tuple[str, str, str], ...]
    chart: CandidateChart
    further: tuple[CandidateChart, ...]  # of further headline figures


class Recommendation(Section):
    order = 5
    leads = True
    is_printed = True

    def build(self, finished: FinishedRun) -> RecommendationFacts | None:
        """None in runs of versions that did not decide."""
        summary = finished.summary
        decision = summary.decisions.decision
        if decision is None:
            return None
        columns = headline_columns(summary)
        return RecommendationFacts(
            decision=decision,
            certainty=decision.certainty.replace(" ", "_"),
            kind=decision.kind.replace(" ", "_").replace("-", "_"),
            approach=approach_name(decision.approach) if decision.approach else None,
            labels=labels_used(summary, decision.variant) if decision.variant else None,
            headline=marked_sentence(decision.headline, summary),
            reasons=tuple(marked_sentence(part, summary) for part in first_ones(decision.reasons)),
            changes=tuple(marked_sentence(part, summary) for part in first_ones(decision.changes)),
            distrusted=tuple(marked_sentence(part, summary) for part in first_ones(decision.distrusted)),
            broken=broken_lines(decision.broken),
            chart=candidate_chart(summary, columns[:BESIDE]),
            further=tuple(candidate_chart(summary, [column]) for column in columns[BESIDE:]),
        )
