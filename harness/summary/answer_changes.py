"""What would change a decision: more items, a price, a constraint, more labels, fresher knowledge, better retrieval."""

import math
from collections.abc import Iterator, Sequence

from harness.records.decisions import BrokenConstraint, Decision, Statement
from harness.records.derived_names import FreshnessProbe
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.records.summary import Summary
from harness.summary.burdens import Burdens
from harness.summary.decision_figures import DecidingFigure
from harness.summary.decision_reasons import phrase, points

STALE = "stale"  # the metric of answers that no longer hold
TUNED = ("fine-tuning", "fine-tuning + RAG")
SMALLEST_GAP = 0.0005  # of the metric's range: less is shown as 0.0 points
RISING = 0.01  # of the metric's range, between the last two sizes of a learning curve


def answer_changes(
    summary: Summary,
    figures: Sequence[DecidingFigure],
    burdens: Burdens,
    broken: Sequence[BrokenConstraint],
    decision: Decision,
) -> Iterator[Statement]:
    """In the order in which they are likely to matter."""
    if decision.kind != "infeasible":
        yield from _more_items(figures, decision)
    yield from _constraints(figures, broken, decision)
    yield from _break_even(summary, decision)
    for figure in figures:
        yield from _more_labels(summary, figure)
    for figure in figures[:1]:
        yield from _upper_bound(summary, figure, decision)
        yield from _foreign_answers(summary, figure, decision)
    yield from _fresh_knowledge(summary, decision)
    yield from _training_luck(summary, decision)
    yield from _unfamiliar_prompts(summary, decision)
    if decision.kind in ("choose", "choose simplest") and not any(figure.floors for figure in figures):
        yield Statement("decision.no_floor")
    if decision.kind == "deploy floor":
        yield Statement("decision.stronger_model")


def _more_items(figures: Sequence[DecidingFigure], decision: Decision) -> Iterator[Statement]:
    """How many items would show the difference to a rival that could not be told from it."""
    leader = decision.variant or next(iter(decision.rivals), None)
    for figure in figures:
        for rival in decision.rivals:
            pair = figure.pairs.get((rival, leader)) if leader is not None else None
            pair = pair or (figure.floors.get(rival) if decision.kind == "deploy floor" else None)
            if pair is None and leader is not None and rival == figure.floor:
                pair = figure.floors.get(leader)
            if rival == leader or pair is None or pair.verdict != "inconclusive":
                continue
            if pair.needed_low is None or not pair.difference:  # of no difference there is no size to be shown
                continue
            needed: dict[str, JSON] = {"unit": "items", "value": [pair.needed_low, pair.needed_high]}
            values = {"variant": leader, "rival": rival, "figure": figure.name, "needed": needed, "items": pair.samples}
            yield Statement("decision.more_items", values)


def _constraints(
    figures: Sequence[DecidingFigure], broken: Sequence[BrokenConstraint], decision: Decision
) -> Iterator[Statement]:
    """Variants that would be better, but break a constraint; without a choice, what each of them breaks."""
    breaking: dict[str, list[BrokenConstraint]] = {}
    for constraint in broken:
        breaking.setdefault(constraint.variant, []).append(constraint)
    for variant, own in breaking.items():
        phrases: list[JSON] = [constraint_phrase(constraint) for constraint in own]
        figure = next((f for f in figures if variant in f.means), None)
        if figure is None:
            continue
        if decision.kind == "infeasible":
            yield Statement("decision.breaks", {"variant": variant, "constraints": phrases})
        elif (
            decision.variant is not None
            and decision.variant in figure.means
            and (lead := figure.lead(variant, decision.variant)) > 0
        ):
            values = {"variant": variant, "constraints": phrases, "lead": points(figure, lead), "figure": figure.name}
            yield Statement("decision.without_constraint", values)


def constraint_phrase(broken: BrokenConstraint) -> dict[str, JSON]:
    """A broken constraint as a value of a statement."""
    constraint, _, figure = broken.constraint.partition(": ")
    limit, value = broken.limit, broken.value
    if constraint == "min_quality":
        limit = {"unit": "figure", "value": limit, "figure": figure}
        value = None if value is None else {"unit": "figure", "value": value, "figure": figure}
    if constraint == "knowledge_changes":
        limit = phrase(f"trade_offs.profile_knowledge_changes_{limit}")
        value = None if value is None else {"unit": "share", "value": value}
    if value is None:
        return phrase(f"decision.{constraint}_unmeasured", limit=limit, figure=figure)
    return phrase(f"decision.{constraint}_measured", limit=limit, value=value, figure=figure)


def _break_even(summary: Summary, decision: Decision) -> Iterator[Statement]:
    for point in summary.decisions.break_even:
        if decision.variant in (point.variant, point.rival) and point.requests_per_day is not None:
            values = {"variant": point.variant, "rival": point.rival, "requests": math.ceil(point.requests_per_day)}
            yield Statement("decision.break_even", {**values, "days": point.days})


def _more_labels(summary: Summary, figure: DecidingFigure) -> Iterator[Statement]:
    """Learning curves that still rise at their end."""
    families: dict[str, list[tuple[int, float]]] = {}
    for point in summary.curve:
        if point.variant in figure.means:
            families.setdefault(point.family, []).append((point.rows, figure.means[point.variant]))
    for family, curve in families.items():
        (fewer, before), (rows, after) = sorted(curve)[-2:] if len(curve) > 1 else [(0, 0.0), (0, 0.0)]
        gain, span = figure.sign * (after - before), figure.info.high - figure.info.low
        if rows and gain > RISING * span:
            values = {"variant": family, "fewer": fewer, "rows": rows, "figure": figure.name}
            yield Statement("decision.more_labels", {**values, "gain": points(figure, gain)})


def _upper_bound(summary: Summary, figure: DecidingFigure, decision: Decision) -> Iterator[Statement]:
    """What perfect retrieval would gain, where retrieval is part of the choice; or that the bound is beaten."""
    if decision.variant is None or decision.variant not in figure.means or decision.kind == "deploy floor":
        return
    for bound in summary.bounds:
        if bound not in figure.means:
            continue
        gap = figure.sign * (figure.means[bound] - figure.means[decision.variant])
        if abs(gap) < SMALLEST_GAP * (figure.info.high - figure.info.low):
            continue
        values = {"bound": bound, "variant": decision.variant, "figure": figure.name, "gap": points(figure, gap)}
        yield Statement("decision.bound_above" if gap > 0 else "decision.bound_beaten", values)


def _foreign_answers(summary: Summary, figure: DecidingFigure, decision: Decision) -> Iterator[Statement]:
    """That answers made elsewhere are better than what can be chosen here, where they are: nobody knows their cost."""
    own = decision.variant or next(iter(decision.rivals), None)
    approaches = summary.decisions.approaches
    foreign = [name for name, kind in approaches.items() if kind == "made elsewhere" and name in figure.means]
    if own is None or own not in figure.means or not foreign:
        return
    best = figure.best(foreign)
    gap = figure.lead(best, own)
    if gap < SMALLEST_GAP * (figure.info.high - figure.info.low):
        return
    is_shown = figure.is_worse(own, best) or (own == figure.floor and figure.beats_floor(best))
    values = {"rival": best, "variant": own, "figure": figure.name, "gap": points(figure, gap)}
    yield Statement("decision.elsewhere_better" if is_shown else "decision.elsewhere_ahead", values)


def _fresh_knowledge(summary: Summary, decision: Decision) -> Iterator[Statement]:
    """How often the choice repeats what no longer holds, and who does so least."""
    tasks = list(dict.fromkeys(result.task for result in summary.results))
    for task in tasks:
        probe = FreshnessProbe.parse(task, tasks)
        if probe is None or probe.version != "after":
            continue
        stale = {
            result.variant: result.mean
            for result in summary.results
            if result.task == task and FigureName.of(result).metric == STALE and result.mean is not None
        }
        if decision.variant in stale and stale[decision.variant] > 0:
            best = min((name for name in stale if name not in summary.bounds), key=stale.__getitem__)
            key = "decision.stale" if best == decision.variant else "decision.stale_against"
            shares = {"share": stale[decision.variant], "least": stale[best]}
            values = {name: {"unit": "share", "value": share} for name, share in shares.items()}
            yield Statement(key, {"variant": decision.variant, "rival": best, "knowledge": probe.knowledge, **values})


def _unfamiliar_prompts(summary: Summary, decision: Decision) -> Iterator[Statement]:
    """Variants of the decision whose model has learnt from prompts of another kind: trained so, they may do better."""
    concerned = (decision.variant, *decision.rivals)
    mismatched = dict.fromkeys(mismatch.variant for mismatch in summary.mismatches if mismatch.variant in concerned)
    for variant in mismatched:
        yield Statement("decision.unfamiliar_prompts", {"variant": variant})


def _training_luck(summary: Summary, decision: Decision) -> Iterator[Statement]:
    """A model that was trained once may owe its place to its seed."""
    is_repeated = any(seeds.variant == decision.variant for seeds in summary.seeds)
    if decision.approach in TUNED and not is_repeated:
        yield Statement("decision.trained_once", {"variant": decision.variant})
