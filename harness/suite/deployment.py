"""What the suite says of a deployment besides quality, checked against what the run can measure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import nearest
from harness.records.deployment_terms import Constraints, DeploymentTerms, PriceList, Profile, TokenPrice
from harness.records.inputs import JSON
from harness.suite.expansion import Expansion
from harness.suite.options import Compare, ConstraintOptions, LatencyOptions, Prices, ProfileOptions, TokenPrices
from harness.suite.stated_amounts import DecidingFigures, margins, quality_problem
from harness.suite.yaml_source import Source


@dataclass(frozen=True, kw_only=True)
class DeploymentWishes:
    """The sections that say how variants are compared and deployed; None where one has a mistake of its own."""

    compare: Compare | None
    latency: LatencyOptions | None
    prices: Prices | None = None  # None, too, where none are stated
    has_prices: bool
    tokens_by_model: Mapping[str, TokenPrices | None]
    min_quality: JSON
    constraints: ConstraintOptions | None
    profile: ProfileOptions | None


def deployment_terms(
    source: Source,
    wishes: DeploymentWishes,
    figures: DecidingFigures,
    expansion: Expansion | None,
    models: Sequence[str],
) -> DeploymentTerms:
    """All terms. Mistakes are noted, and what they concern is left out.

    `models` are those that the suite writes; no `expansion` is known while one of the entries has a mistake.
    """
    compare, constraints = wishes.compare or Compare(), wishes.constraints or ConstraintOptions()
    _check_latency(source, wishes.latency, figures)
    _check_measured(source, wishes, constraints, expansion)
    _check_change_rates(source, constraints, wishes.profile)
    has_quality = wishes.min_quality is not None and wishes.compare is not None  # which says what decides
    place = ("constraints", "min_quality")
    return DeploymentTerms(
        margins=margins(figures),
        stated_margin=compare.margin is not None,
        correction=compare.correction,
        approaches=compare.approaches,
        prices=_price_list(source, wishes, expansion, models),
        constraints=Constraints(
            **{name: getattr(constraints, name) for name in ConstraintOptions.model_fields if name != "min_quality"},
            min_quality=figures.amounts(wishes.min_quality, place, quality_problem) if has_quality else {},
        ),
        profile=Profile(**(wishes.profile or ProfileOptions()).model_dump()),
    )


def _check_change_rates(source: Source, constraints: ConstraintOptions, profile: ProfileOptions | None) -> None:
    stated = constraints.knowledge_changes
    own = profile.knowledge_changes if profile else None
    if stated and own and stated != own:
        problem = f"is {own} here and {stated} in constraints; say it in one place"
        source.complain(("profile", "knowledge_changes"), problem)


def _price_list(
    source: Source, wishes: DeploymentWishes, expansion: Expansion | None, models: Sequence[str]
) -> PriceList | None:
    """The prices, those of an entry that stands for several models for each of them."""
    prices = wishes.prices
    entries = [*models, *(expansion.models if expansion else ())]
    by_model: dict[str, TokenPrice] = {}
    for name, tokens in wishes.tokens_by_model.items():
        is_member = expansion is None and name.startswith(tuple(models))  # of an entry of several, for all one can tell
        if name not in entries and not is_member:
            source.complain(("prices", "models", name), f"'{name}' is not among models ({nearest(name, entries)})")
        members = expansion.members.get(name, (name,)) if expansion else (name,)
        if tokens is not None:
            by_model |= dict.fromkeys(members, TokenPrice(**tokens.model_dump()))
    if prices is None:
        return None
    general = None
    if prices.million_tokens_in is not None and prices.million_tokens_out is not None:
        general = TokenPrice(million_tokens_in=prices.million_tokens_in, million_tokens_out=prices.million_tokens_out)
    return PriceList(
        currency=prices.currency,
        device_hour=prices.device_hour,
        tokens=general,
        tokens_by_model=by_model,
        labelled_row=prices.labelled_row,
        upkeep_hour=prices.upkeep_hour,
        hours_per_change=prices.hours_per_change,
        amortise_days=prices.amortise_days,
    )


def _check_measured(
    source: Source, wishes: DeploymentWishes, constraints: ConstraintOptions, expansion: Expansion | None
) -> None:
    """A limit on what no part of the run measures would make every variant infeasible."""
    if constraints.max_p95_ms is not None and wishes.latency is not None and not wishes.latency.items:
        remedy = "latency is not measured with latency: {items: 0}; give at least 1, e.g. 20"
        source.complain(("constraints", "max_p95_ms"), remedy)
    prices = wishes.prices
    if constraints.max_cost_per_1000 is None or (prices is None and wishes.has_prices):
        return
    problem = _unpriced(prices, [model.served for model in expansion.models.values()] if expansion else [True])
    if problem:
        source.complain(("constraints", "max_cost_per_1000"), problem)


def _unpriced(prices: Prices | None, served: Sequence[bool]) -> str | None:
    """Why no request has a price; `served` says of each model whether a server runs it."""
    if prices is None:
        return "needs prices; add e.g. prices: {device_hour: 2.5}"
    if prices.device_hour is not None or prices.models:
        return None
    if prices.million_tokens_in is None:
        return "needs the price of a request; add device_hour, or million_tokens_in and million_tokens_out, to prices"
    return None if any(served) else "needs the price of this machine, which runs all models; add device_hour to prices"


def _check_latency(source: Source, latency: LatencyOptions | None, figures: DecidingFigures) -> None:
    """The task whose requests are timed is there, and variants answer it."""
    if latency is None or latency.task is None:
        return
    own = [task for task in figures.metrics if task not in figures.general]
    if latency.task in figures.general:
        problem = f"'{latency.task}' is a general task, which variants do not answer ({', '.join(own)})"
        source.complain(("latency", "task"), problem)
    elif latency.task not in own:
        source.complain(("latency", "task"), f"'{latency.task}' is not among tasks ({nearest(latency.task, own)})")
