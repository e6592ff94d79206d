"""Who is paid for the requests of a variant: a server by the token, or this machine by the hour."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from harness.components.component import named
from harness.components.variant import Variant
from harness.models.remote.address import is_this_machine
from harness.models.remote.hosted_model import HostedModel
from harness.records.call_prices import CallPrice
from harness.records.decisions import VariantCost
from harness.records.deployment_terms import PriceList, TokenPrice
from harness.records.figures import Routed
from harness.suite.suite import Suite
from harness.summary.money import Billing, priced

Charge = tuple[bool, TokenPrice | None]  # whether tokens are paid for, and their price where it is stated


def charged(suite: Suite, costs: Sequence[VariantCost], routed: Sequence[Routed]) -> tuple[VariantCost, ...]:
    """The costs with money, where the suite states prices; `routed` says where the requests of cascades ended."""
    prices = suite.terms.prices
    if prices is None:
        return tuple(costs)
    by_itself = {
        cost.variant: cost
        if cost.approach == "made elsewhere"
        else priced(cost, _billing(suite, cost, prices), suite.terms)
        for cost in costs
    }
    return tuple(
        _by_steps(suite, cost, by_itself, [step for step in routed if step.variant == name])
        if len(_charges(suite, name, prices)) > 1
        else cost
        for name, cost in by_itself.items()
    )


def members_of(suite: Suite, name: str) -> Sequence[str]:
    """The variants that are reported as one."""
    return suite.expansion.pools.get(name, (name,))


def steps_of(suite: Suite, variant: str) -> list[Variant]:
    """The variant itself, or those that a cascade asks."""
    names = named(suite.variants[variant], "variants")
    return [suite.variants[name] for name in names or [variant]]


def _billing(suite: Suite, cost: VariantCost, prices: PriceList) -> Billing:
    first = members_of(suite, cost.variant)[0]
    charges = _charges(suite, cost.variant, prices)
    searches = any(step.retrieves for step in steps_of(suite, first))
    trains = any(suite.models[model].is_tuned for model in suite.usage.models_of[first])
    return Billing(
        is_hosted=any(is_hosted for is_hosted, _ in charges),
        tokens=next(iter(charges))[1] if len(charges) == 1 else None,
        is_untimed=(searches and cost.index_seconds is None) or (trains and cost.training_seconds is None),
        has_knowledge=searches,
        teaching=tuple((own, *_charge(suite, own.model, prices)) for own in cost.teaching),
    )


def _charges(suite: Suite, name: str, prices: PriceList) -> set[Charge]:
    """How the models that write a variant's answers are paid for; none where no model does."""
    models = suite.usage.writers_of[members_of(suite, name)[0]]
    return {_charge(suite, model, prices) for model in models if suite.models[model].generates}


def _charge(suite: Suite, name: str, prices: PriceList) -> Charge:
    """By the token where a price is stated for the model, or for servers and it has one; else by the hour.

    A server on this machine takes the machine's hours where these have a price.
    """
    model = suite.models[name]
    own = prices.tokens_by_model.get(name)
    if own is not None or not isinstance(model, HostedModel):
        return own is not None, own
    if is_this_machine(model.address) and (prices.device_hour is not None or prices.tokens is None):
        return False, None
    return prices.tokens is not None or prices.device_hour is None, prices.tokens


def call_prices(suite: Suite) -> dict[str, CallPrice]:
    """What calls of each model cost while a run makes them; none of a model without a price."""
    prices = suite.terms.prices
    if prices is None:
        return {}
    owed: dict[str, CallPrice] = {}
    for name in suite.models:
        is_hosted, tokens = _charge(suite, name, prices)
        if is_hosted and tokens is not None:
            owed[name] = CallPrice(currency=prices.currency, **asdict(tokens))
        elif not is_hosted and prices.device_hour is not None:
            owed[name] = CallPrice(currency=prices.currency, device_hour=prices.device_hour)
    return owed


def _by_steps(
    suite: Suite, cost: VariantCost, by_itself: Mapping[str, VariantCost], routed: Sequence[Routed]
) -> VariantCost:
    """A cascade whose steps are paid for differently: what each step costs, by the share of requests that come to it.

    Only the tokens of all steps together are counted, so that a step's cost is that of its variant by itself. None
    where one of them has none, or where it is not known how many came to each.
    """
    names = named(suite.variants[members_of(suite, cost.variant)[0]], "variants")
    if not names:  # one of several models, chosen by a search: which tokens are paid for is not counted apart
        return replace(cost, per_1000=None)
    ended = {step.step: step.samples for step in routed}
    total = max((step.total for step in routed), default=0)
    money, reached = 0.0, total
    for name in names:
        step = by_itself.get(name)
        if step is None or step.per_1000 is None or name not in ended or not total:
            lacking = step.unpriced if step is not None else ()
            return replace(cost, per_1000=None, unpriced=tuple(dict.fromkeys((*cost.unpriced, *lacking))))
        money += step.per_1000 * reached / total
        reached -= ended[name]
    return replace(cost, per_1000=money, unpriced=tuple(price for price in cost.unpriced if price != "tokens"))
