"""Why a decision is what it is: statements with the figures that it rests on, and no p among them."""

from collections.abc import Iterator, Sequence

from harness.records.decisions import Approach, Decision, Statement
from harness.records.inputs import JSON
from harness.records.summary import Summary
from harness.summary.burdens import Burdens
from harness.summary.decision_figures import DecidingFigure

APPROACHES: tuple[Approach, ...] = ("prompting", "RAG", "fine-tuning", "fine-tuning + RAG", "cascade")


def reasons_for(
    summary: Summary, figures: Sequence[DecidingFigure], burdens: Burdens, decision: Decision
) -> Iterator[Statement]:
    """The reached values, the floor, the other approaches, the rivals that could not be told apart, and the cost."""
    variant = decision.variant
    if variant is None:
        for figure in figures:
            yield from _standings(figure, decision.rivals)
        return
    for figure in figures:
        if variant in figure.means:
            yield Statement("decision.reaches", {"variant": variant, **_value(figure, variant)})
            yield from _best_model(figure, decision) if decision.kind == "deploy floor" else _floor(figure, variant)
            yield from _beaten_approaches(summary, figure, variant)
            yield from _ahead(figure, variant, decision.rivals)
    if (weight := _weight(summary, burdens, variant, decision.rivals)) is not None:
        yield weight


def phrase(key: str, **values: JSON) -> dict[str, JSON]:
    """A part of a sentence that has an entry of its own in the catalogue, as a value of a statement."""
    return {"key": key, "values": values}


def points(figure: DecidingFigure, size: float) -> dict[str, JSON]:
    """A difference of a figure, as a value of a statement."""
    return {"unit": "points", "value": abs(size), "figure": figure.name}


def _value(figure: DecidingFigure, variant: str) -> dict[str, JSON]:
    return {
        "figure": figure.name,
        "value": {"unit": "figure", "value": figure.means[variant], "figure": figure.name},
    }


def _standings(figure: DecidingFigure, variants: Sequence[str]) -> Iterator[Statement]:
    for variant in variants:
        if variant in figure.means:
            yield Statement("decision.reaches", {"variant": variant, **_value(figure, variant)})


def _floor(figure: DecidingFigure, variant: str) -> Iterator[Statement]:
    comparison = figure.floors.get(variant)
    if comparison is None or comparison.difference is None:
        return
    lead = figure.sign * comparison.difference
    key = "decision.above_floor" if figure.beats_floor(variant) else "decision.not_above_floor"
    values = {"variant": variant, "floor": comparison.reference, "figure": figure.name, "lead": points(figure, lead)}
    yield Statement(key, values)


def _best_model(figure: DecidingFigure, decision: Decision) -> Iterator[Statement]:
    """How far the best variant that asks a model stays below the floor that is to be deployed."""
    for variant in decision.rivals:
        comparison = figure.floors.get(variant)
        if comparison is not None and comparison.difference is not None:
            behind = -figure.sign * comparison.difference
            key = "decision.model_behind" if behind > 0 else "decision.model_not_above"
            yield Statement(key, {"variant": variant, "behind": points(figure, behind), **_value(figure, variant)})


def _beaten_approaches(summary: Summary, figure: DecidingFigure, variant: str) -> Iterator[Statement]:
    """Against the best of each other approach that it is shown to be better than."""
    approaches = summary.decisions.approaches
    for approach in APPROACHES:
        own = [name for name, kind in approaches.items() if kind == approach and name in figure.means]
        if not own or approaches.get(variant) == approach:
            continue
        rival = figure.best(own)
        least = figure.least_lead(variant, rival)
        if figure.is_worse(rival, variant) and least is not None:
            yield Statement(
                "decision.beats_approach",
                {
                    "variant": variant,
                    "rival": rival,
                    "approach": phrase(f"decision.approach_{slug(approach)}"),
                    "figure": figure.name,
                    "lead": points(figure, figure.lead(variant, rival)),
                    "least": points(figure, least),
                },
            )


def _ahead(figure: DecidingFigure, variant: str, rivals: Sequence[str]) -> Iterator[Statement]:
    """Rivals that have a better mean, without being shown to be better."""
    for rival in rivals:
        if rival in figure.means and figure.lead(rival, variant) > 0:
            lead = figure.lead(rival, variant)
            values = {"variant": variant, "rival": rival, "figure": figure.name, "lead": points(figure, lead)}
            yield Statement("decision.rival_ahead", values)


def _weight(summary: Summary, burdens: Burdens, variant: str, rivals: Sequence[str]) -> Statement | None:
    """What one of its requests takes, beside a rival's."""
    compared = [rival for rival in rivals if rival in burdens.costs and rival != variant]
    rival = max(compared, key=lambda name: burdens.amount(name, burdens.measure(compared)) or 0.0, default=None)
    measure = burdens.measure([variant] if rival is None else [variant, rival])
    own = burdens.amount(variant, measure)
    if measure == "simplicity" or own is None or variant not in burdens.costs:
        return None
    values: dict[str, JSON] = {"variant": variant, "amount": amount_value(summary, measure, own)}
    kind = {"money": "costs", "seconds": "took"}.get(measure, "takes")  # "seconds" are those of calls in batches
    if rival is None or (cost := burdens.amount(rival, measure)) is None:
        return Statement(f"decision.{kind}", values)
    values |= {"rival": rival, "other": amount_value(summary, measure, cost)}
    return Statement(f"decision.{kind}_against", values)


def amount_value(summary: Summary, measure: str, amount: float) -> dict[str, JSON]:
    """An amount of a measure of `Burdens`, as a value of a statement."""
    unit = {"money": "money", "latency": "seconds", "seconds": "seconds", "tokens": "tokens"}[measure]
    return {"unit": unit, "value": amount, "currency": summary.decisions.currency}


def slug(name: str) -> str:
    """A name as it stands in a catalogue's key."""
    return name.lower().replace(" + ", "_").replace(" ", "_").replace("-", "_")
