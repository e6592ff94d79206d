"""What a variant costs in money, where prices are stated: before its first request, a month, and for 1,000 requests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.records.decisions import ChangeRate, Teaching, VariantCost
from harness.records.deployment_terms import DeploymentTerms, PriceList, TokenPrice

DAYS_A_YEAR = 365.25
CHANGES_A_MONTH: Mapping[ChangeRate, float] = {
    "never": 0.0,
    "yearly": 1 / 12,
    "monthly": 1.0,
    "weekly": DAYS_A_YEAR / 7 / 12,
    "daily": DAYS_A_YEAR / 12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """By whom the requests of a variant are charged."""

    is_hosted: bool  # its tokens are paid for; else the time of the device is
    tokens: TokenPrice | None = None  # of a hosted one; None: not stated
    is_untimed: bool = False  # a training or an index of it was not timed
    has_knowledge: bool = False  # that is looked up, by it or by one of its steps, and kept current by people
    teaching: tuple[tuple[Teaching, bool, TokenPrice | None], ...] = ()  # as the costs have it; whether its tokens are
    # paid for, and their price where it is stated


def priced(cost: VariantCost, billing: Billing, terms: DeploymentTerms) -> VariantCost:
    """The costs with money, as far as prices are stated; nothing is guessed, and `unpriced` names what is missing.

    one_off: labelled rows × labelled_row, device-hours of trainings and indexes × device_hour, and for the answers that
    a model wrote to be learnt, or while settings were searched for, its tokens or its hours.
    monthly: changes a month × what one takes: hours_per_change × upkeep_hour where knowledge is looked up, the
    device-hours of the trainings × device_hour where it lies in trained weights.
    per_1000: hours of 1,000 requests × device_hour; of a hosted model millions of their tokens × the price of each.
    """
    if terms.prices is None:
        return cost
    one_off, before = _one_off(cost, billing, terms.prices)
    monthly, upkeep = _monthly(cost, billing, terms)
    per_1000, running = _per_1000(cost, billing, terms.prices)
    missing = tuple(dict.fromkeys((*before, *upkeep, *running)))
    return replace(cost, one_off=one_off, monthly=monthly, per_1000=per_1000, unpriced=missing)


def changes_a_month(terms: DeploymentTerms) -> float | None:
    """How often the knowledge changes, as the constraints or else the profile state; None where neither does."""
    rate = terms.constraints.knowledge_changes or terms.profile.knowledge_changes
    return None if rate is None else CHANGES_A_MONTH[rate]


def _one_off(cost: VariantCost, billing: Billing, prices: PriceList) -> tuple[float | None, list[str]]:
    seconds = None if billing.is_untimed else (cost.device_seconds or 0.0) + (cost.index_seconds or 0.0)
    tokens = list[tuple[str, float | None, float | None]]()
    searching = Teaching(
        model="",
        tokens_in=round(cost.search_tokens_in or 0),
        tokens_out=round(cost.search_tokens_out or 0),
        seconds=cost.search_seconds or 0.0,
    )
    for work, is_hosted, price in (*billing.teaching, (searching, billing.is_hosted, billing.tokens)):
        if is_hosted:
            tokens += [
                ("tokens", work.tokens_in / 1e6, None if price is None else price.million_tokens_in),
                ("tokens", work.tokens_out / 1e6, None if price is None else price.million_tokens_out),
            ]
        elif seconds is not None:
            seconds += work.seconds
    return _total(
        ("labelled_row", cost.labelled_rows, prices.labelled_row),
        ("device_hour", _hours(seconds), prices.device_hour),
        *tokens,
    )


def _monthly(cost: VariantCost, billing: Billing, terms: DeploymentTerms) -> tuple[float | None, list[str]]:
    """None where nobody states how often the knowledge changes; 0 for what has no knowledge to be kept."""
    changes, prices = changes_a_month(terms), terms.prices
    if changes is None or prices is None:
        return None, []
    hours = changes * prices.hours_per_change if billing.has_knowledge else 0.0
    retraining = 0.0 if cost.looks_up else changes * (cost.device_seconds or 0.0)
    return _total(
        ("upkeep_hour", hours, prices.upkeep_hour),
        ("device_hour", None if billing.is_untimed and not cost.looks_up else _hours(retraining), prices.device_hour),
    )


def _per_1000(cost: VariantCost, billing: Billing, prices: PriceList) -> tuple[float | None, list[str]]:
    if billing.is_hosted:
        tokens = billing.tokens
        return _total(
            ("tokens", _thousandth(cost.tokens_in), None if tokens is None else tokens.million_tokens_in),
            ("tokens", _thousandth(cost.tokens_out), None if tokens is None else tokens.million_tokens_out),
        )
    return _total(("device_hour", _hours(_thousand(request_seconds(cost))), prices.device_hour))


def request_seconds(cost: VariantCost) -> float | None:
    """Mean seconds of one request by itself; where none was timed, of one in the run, beside others."""
    return cost.latency.mean if cost.latency is not None and cost.latency.mean is not None else cost.seconds


def _total(*parts: tuple[str, float | None, float | None]) -> tuple[float | None, list[str]]:
    """The sum of amount × price, and the prices that it lacks. None where one is lacking, or an amount not known.

    What there is none of needs no price.
    """
    lacking = [name for name, amount, price in parts if amount != 0 and price is None]
    if lacking or any(amount is None for _, amount, _ in parts):
        return None, lacking
    return sum(amount * price for _, amount, price in parts if amount and price is not None), []


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


def _thousand(amount: float | None) -> float | None:
    return None if amount is None else 1000 * amount


def _thousandth(tokens: float | None) -> float | None:
    """Millions of tokens in 1,000 requests of so many each."""
    return None if tokens is None else tokens / 1000
