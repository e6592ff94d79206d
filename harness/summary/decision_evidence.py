"""What the scores say about a decision: all pairs, the best of each approach, margins, effects of a grid."""

from collections.abc import Sequence
from dataclasses import replace

from harness.records.decisions import DecisionRecord
from harness.records.figures import Result
from harness.summary.all_pairs import all_pairs
from harness.summary.approach_contests import approach_contests
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.contested_figures import contestants, contested_figures
from harness.summary.estimator import Estimator
from harness.summary.factorial_effects import factorial_effects
from harness.summary.margin_tests import margin_tests


def decision_evidence(
    estimators: Sequence[Estimator], results: Sequence[Result], plan: ComparisonPlan
) -> DecisionRecord:
    """The statistical part of the record; costs, constraints and the decision itself join later."""
    scored = list(contested_figures(estimators, plan))
    figures = [replace(figure, variants=contestants(figure.variants, plan)) for figure in scored]
    pairs = all_pairs(figures, plan)
    return DecisionRecord(
        approaches=plan.approaches,
        pairs=pairs,
        contests=approach_contests(figures, pairs, results, plan.approaches),
        margins=margin_tests(figures, pairs, results, plan.terms.margins),
        effects=factorial_effects(scored, plan),
    )
