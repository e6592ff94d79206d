"""What to deploy: a pure function of the figures, the costs and what the suite asks for, as docs/decision.md says it.

The order of the questions is the order of this file: can anything be trusted, does anything meet the constraints, does
anything beat the floor, who is not shown to be worse than the best, and which of those is the lightest to run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.records.decisions import (
    NOT_DEPLOYABLE,
    BrokenConstraint,
    Certainty,
    Decision,
    Kind,
    Statement,
)
from harness.records.deployment_terms import DeploymentTerms
from harness.records.figure_names import FigureName
from harness.records.figures import Comparison
from harness.records.inputs import JSON
from harness.records.summary import Summary
from harness.statistics.groups import FEW
from harness.summary.answer_changes import answer_changes
from harness.summary.burdens import Burdens
from harness.summary.decision_figures import Closeness, DecidingFigure, deciding_figures
from harness.summary.decision_reasons import phrase, reasons_for
from harness.summary.distrust import Distrust, distrust_of

ROUNDING = 1e-9  # what a difference of two means may be off by


@dataclass(frozen=True, kw_only=True)
class Field:
    """Who stands for election, and by what."""

    summary: Summary
    figures: Sequence[DecidingFigure]
    candidates: Sequence[str]  # deployable variants with a value, those left out for distrust not among them
    burdens: Burdens
    distrust: Distrust
    broken: Sequence[BrokenConstraint]

    def best(self, variants: Sequence[str]) -> dict[str, str]:
        """The best of these variants by figure."""
        return {figure.name: figure.best(variants) for figure in self.figures}

    def closeness(self, variant: str, variants: Sequence[str]) -> Closeness:
        """How it stands to the best of each figure: what is weakest counts."""
        order: tuple[Closeness, ...] = ("as good", "close", "open", "worse")
        return max((figure.closeness(variant, figure.best(variants)) for figure in self.figures), key=order.index)


def decide(summary: Summary, terms: DeploymentTerms, broken: Sequence[BrokenConstraint] = ()) -> Decision:
    """What to deploy, how sure that is, why, and what would change it; where nothing can be said, it says so.

    `summary.decisions` holds approaches, pairs, margin tests and costs; `broken` is every constraint that a variant
    does not meet. Rests on headline figures that may decide only, never on an upper bound, on answers made elsewhere,
    on a cell with an alarm, or on one with less than 95 % coverage.
    """
    decisions = summary.decisions
    figures = deciding_figures(summary, terms.margins)
    deployable = [
        variant
        for variant, approach in decisions.approaches.items()
        if approach not in NOT_DEPLOYABLE and any(variant in figure.means for figure in figures)
    ]
    distrust = distrust_of(summary, figures, deployable)
    field = Field(
        summary=summary,
        figures=figures,
        candidates=[variant for variant in deployable if variant not in distrust.variants],
        burdens=Burdens({cost.variant: cost for cost in decisions.costs}, decisions.approaches),
        distrust=distrust,
        broken=broken,
    )
    decision = _without_candidates(field, deployable) or _feasible(field)
    approach = None if decision.variant is None else decisions.approaches.get(decision.variant)
    decision = replace(decision, approach=approach)
    statements = [statement for own in distrust.variants.values() for statement in own]
    return replace(
        decision,
        certainty=_tempered(summary, field, decision),
        reasons=tuple(reasons_for(summary, figures, field.burdens, decision)),
        changes=tuple(answer_changes(summary, figures, field.burdens, broken, decision)),
        broken=tuple(broken),
        distrusted=(*distrust.figures, *statements),
    )


def _without_candidates(field: Field, deployable: Sequence[str]) -> Decision | None:
    """The answer where nothing is there to be chosen, or nothing that can be believed."""
    if not field.figures:
        if field.distrust.figures:
            return _answer("not trustworthy", "cannot tell", Statement("decision.no_trusted_figure"))
        return _answer("no choice", "cannot tell", Statement("decision.no_figure"))
    if not deployable:
        return _answer("no choice", "cannot tell", Statement("decision.no_candidate"))
    if not field.candidates:
        return _answer("not trustworthy", "cannot tell", Statement("decision.nothing_trusted"))
    for figure in field.figures:
        doubtful = [variant for variant in field.distrust.variants if variant in figure.means]
        if doubtful and figure.best([*field.candidates, *doubtful]) in doubtful:
            leader, trusted = figure.best(doubtful), [v for v in field.candidates if v in figure.means]
            if not trusted or figure.lead(leader, figure.best(trusted)) > 0:
                statement = Statement("decision.leader_distrusted", {"variant": leader, "figure": figure.name})
                return _answer("not trustworthy", "cannot tell", statement, rivals=(leader,))
    return None


def _feasible(field: Field) -> Decision:
    """The answer among those that meet the constraints."""
    breaking = {constraint.variant for constraint in field.broken}
    feasible = [variant for variant in field.candidates if variant not in breaking]
    if not feasible:
        return _infeasible(field)
    if not any(figure.floors for figure in field.figures):
        return _among(field, feasible, feasible)
    contenders = [v for v in feasible if not any(figure.is_below_floor(v) for figure in field.figures)]
    able = [v for v in contenders if any(figure.beats_floor(v) for figure in field.figures)]
    if able:
        return _among(field, contenders, able)
    return _infeasible(field) if any(figure.floor in breaking for figure in field.figures) else _floor(field, feasible)


def _infeasible(field: Field) -> Decision:
    return _answer("infeasible", "sure", Statement("decision.infeasible"), rivals=tuple(field.candidates))


def _floor(field: Field, feasible: Sequence[str]) -> Decision:
    """Nothing is shown to beat what asks no model: deploy that, unless something leads it by more than the margin."""
    for figure in field.figures:
        leader = max((v for v in feasible if v in figure.floors), key=figure.floor_lead, default=None)
        if leader is not None and figure.floor_lead(leader) > (figure.margin or 0.0) + ROUNDING:
            comparison = figure.floors[leader]
            return _undecided_with(figure, leader, comparison.reference, comparison, ())
    figure = next(figure for figure in field.figures if figure.floor is not None)
    best = figure.best([variant for variant in feasible if variant in figure.means] or list(figure.means))
    is_sure = all(figure.is_below_floor(variant) for variant in feasible if variant in figure.floors)
    values = {"floor": figure.floor, "variant": best, "figure": figure.name}
    return _answer(
        "deploy floor",
        "sure" if is_sure else "likely",
        Statement("decision.deploy_floor", values),
        variant=figure.floor,
        rivals=(best,),
    )


def _among(field: Field, variants: Sequence[str], able: Sequence[str]) -> Decision:
    """The lightest of those that are not shown to be worse than the best. Only `able` ones may be chosen."""
    standing = {variant: field.closeness(variant, variants) for variant in variants}
    equals = [variant for variant in able if standing[variant] in ("as good", "close")]
    joint = [variant for variant in variants if standing[variant] != "worse"]
    if not equals:
        return _trade_off(field, joint or variants)
    leader = field.figures[0].best(equals)
    choice = field.burdens.lightest(equals)
    if choice != leader and not field.burdens.is_lighter(choice, leader):
        choice = leader
    open_rivals = [variant for variant in joint if variant not in equals]
    lighter = [variant for variant in open_rivals if field.burdens.is_lighter(variant, choice)]
    if lighter:
        return _undecided(field, leader, lighter)
    if choice == leader:
        rivals = [variant for variant in joint if variant != leader]
        return _leading(leader, rivals) if rivals else _unrivalled(field, leader, variants)
    is_proven = standing[choice] == "as good"
    measure = phrase(f"decision.measure_{field.burdens.measure((choice, leader))}")
    values = {
        "variant": choice,
        "rival": leader,
        "figure": field.figures[0].name,
        "measure": measure,
    }
    key = "decision.choose_as_good" if is_proven else "decision.choose_simplest"
    certainty: Certainty = "sure" if is_proven and not open_rivals else "likely"
    return _answer("choose simplest", certainty, Statement(key, values), variant=choice, rivals=(leader, *open_rivals))


def _trade_off(field: Field, variants: Sequence[str]) -> Decision:
    """No variant is about as good as the best on every figure: which figure matters more is for people to say."""
    leaders = field.best(variants)
    values = {
        "choices": [phrase("decision.best_on", variant=variant, figure=name) for name, variant in leaders.items()]
    }
    rivals = tuple(dict.fromkeys(leaders.values()))
    return _answer("trade-off", "cannot tell", Statement("decision.trade_off", values), rivals=rivals)


def _leading(leader: str, rivals: Sequence[str]) -> Decision:
    """The best one, which nothing that could not be told from it is lighter than."""
    statement = Statement("decision.choose_leading", {"variant": leader, "rivals": list(rivals)})
    return _answer("choose", "likely", statement, variant=leader, rivals=tuple(rivals))


def _unrivalled(field: Field, leader: str, variants: Sequence[str]) -> Decision:
    """The only one that is about as good as the best on every figure; the sentence says no more than was shown.

    `variants` are all that were compared. What is left out for distrust may turn out better once it is mended.
    """
    others = [variant for variant in variants if variant != leader]
    doubtful, breaking = list(field.distrust.variants), {constraint.variant for constraint in field.broken}
    values: dict[str, JSON] = {"variant": leader}
    is_proven = not doubtful
    if others and all(figure.is_worse(other, leader) for figure in field.figures for other in others):
        key = "choose_of_rest" if doubtful or breaking.intersection(field.candidates) else "choose"
    elif others:
        key = "choose_balanced"
        is_proven &= field.closeness(leader, variants) == "as good"
    elif doubtful:
        key, values = "choose_trusted", values | {"others": list(doubtful)}
    elif breaking.intersection(field.candidates):
        key = "choose_feasible"
    elif len(field.candidates) > 1:
        key, values = "choose_above_floor", values | {"floor": next(f.floor for f in field.figures if f.floor)}
    else:
        key = "choose_only"
        is_proven = any(figure.beats_floor(leader) for figure in field.figures)
    certainty: Certainty = "sure" if is_proven else "likely"
    return _answer("choose", certainty, Statement(f"decision.{key}", values), variant=leader)


def _undecided(field: Field, leader: str, lighter: Sequence[str]) -> Decision:
    """The best one leads by more than the margin, but not shown; what is lighter may be as good."""
    rival = field.burdens.lightest(lighter)
    figure = max(field.figures, key=lambda candidate: candidate.lead(leader, rival))
    return _undecided_with(figure, leader, rival, figure.pairs.get((leader, rival)), lighter)


def _undecided_with(
    figure: DecidingFigure, leader: str, rival: str, pair: Comparison | None, further: Sequence[str]
) -> Decision:
    needed = None if pair is None else [pair.needed_low, pair.needed_high]
    values = {"variant": leader, "rival": rival, "figure": figure.name, "needed": {"unit": "items", "value": needed}}
    rivals = tuple(dict.fromkeys((leader, *(further or (rival,)))))
    return _answer("undecided", "cannot tell", Statement("decision.undecided", values), rivals=rivals)


def _tempered(summary: Summary, field: Field, decision: Decision) -> Certainty:
    """Sure no longer where the items are too few, or form too few groups, for any test to be relied on."""
    tasks = {FigureName.parse(figure.name).task for figure in field.figures}
    sizes = [grouping.groups for grouping in summary.groupings if grouping.task in tasks]
    sizes += [result.samples for result in summary.results if result.task in tasks]
    few = min(sizes, default=FEW) < FEW
    return "likely" if few and decision.certainty == "sure" and decision.variant is not None else decision.certainty


def _answer(
    kind: Kind,
    certainty: Certainty,
    headline: Statement,
    *,
    variant: str | None = None,
    rivals: tuple[str, ...] = (),
) -> Decision:
    return Decision(kind=kind, certainty=certainty, variant=variant, rivals=rivals, headline=headline)
