"""Claims about two variants of a run, and why the run does not show them."""

from harness.components.metric import Scale
from harness.errors import HarnessError
from harness.python.pair_lookup import NamedPair
from harness.python.run_view import Run
from harness.records.figure_names import FigureName
from harness.records.figures import Comparison, MetricInfo
from harness.suite.stated_amounts import margin_problem, read_amount

PLAIN = ((0.0, 1.0), (0.0, 100.0))  # ranges of which a hundredth is a point


def failure_of_better(run: Run, variant: str, reference: str, figure: str) -> str | None:
    """Why it is not shown that a variant is better; None where it is."""
    pair = run.compare(variant, reference, figure)
    match pair.comparison.verdict:
        case "better":
            return None
        case "worse":
            claim = f"{variant} is shown to be worse than {reference} on {figure}"
        case _:
            claim = f"{variant} is not shown to be better than {reference} on {figure}"
    return f"{claim}: {_evidence(pair)}{_needed(pair)}"


def failure_of_not_worse(run: Run, variant: str, reference: str, figure: str, margin: float | str | None) -> str | None:
    """Why it is not shown that a variant loses less than the margin; None where it is."""
    pair = run.compare(variant, reference, figure)
    allowed = _margin(run, pair, figure, margin)
    most_lost = _most_lost(pair)
    if most_lost is not None and most_lost < allowed:
        return None
    least_lost = _least_lost(pair)
    is_refuted = least_lost is not None and least_lost > allowed
    claim = (
        f"{variant} is shown to be worse than {reference} on {figure} by more than {_amount(allowed, pair.info)}"
        if is_refuted
        else f"{variant} is not shown to lose less than {_amount(allowed, pair.info)} to {reference} on {figure}"
    )
    lost = "" if most_lost is None else f"; it may lose up to {_amount(most_lost, pair.info)}"
    return f"{claim}: {_evidence(pair)}{lost}{'' if is_refuted else _more_items(pair)}"


def _margin(run: Run, pair: NamedPair, figure: str, written: float | str | None) -> float:
    """In the figure's own units. Raises HarnessError for what cannot be a margin, or where the suite states none."""
    if written is None:
        own = (test.margin for test in run.summary.decisions.margins if str(FigureName.of(test)) == figure)
        stated = next(own, None)
        if stated is None:
            raise HarnessError(f"the suite has no margin for {figure}; give one, e.g. margin=0.02")
        return stated
    scale = Scale(low=pair.info.low, high=pair.info.high, better=pair.info.better)
    try:
        amount = read_amount(written, figure, scale, repr(written))
    except ValueError as error:
        raise HarnessError(f"margin: {error}") from error
    if problem := margin_problem(amount, scale):
        raise HarnessError(f"margin: {problem}")
    return amount


def _sign(info: MetricInfo) -> float:
    return -1.0 if info.better == "lower" else 1.0


def _most_lost(pair: NamedPair) -> float | None:
    """The upper end of what the variant loses: of a figure where lower is better, the upper end of the difference."""
    end = pair.comparison.low if _sign(pair.info) > 0 else pair.comparison.high
    return None if end is None else 0.0 - _sign(pair.info) * end


def _least_lost(pair: NamedPair) -> float | None:
    end = pair.comparison.high if _sign(pair.info) > 0 else pair.comparison.low
    return None if end is None else 0.0 - _sign(pair.info) * end


def _evidence(pair: NamedPair) -> str:
    """What both reached, the difference with its interval, p, and what these rest on."""
    own, info = pair.comparison, pair.info
    reached = f"{_value(pair.result.mean, info)} against {_value(pair.rival.mean, info)}"
    if own.difference is None:
        return f"{reached}; no item has a value of both"
    parts = [reached, f"difference {_difference(own, info)}", _p(own, pair.is_of_run)]
    parts.append(f"{own.samples} items" + ("" if own.groups is None else f" in {own.groups} groups"))
    if own.samples < pair.result.samples:
        parts.append(f"of {pair.result.samples}, the others have no value of both")
    return ", ".join(parts)


def _difference(own: Comparison, info: MetricInfo) -> str:
    text = f"{_signed(own.difference or 0.0, info)}"
    if own.low is None or own.high is None:
        return text
    low, high = (_signed(end, info).removesuffix(" points") for end in (own.low, own.high))
    return f"{text} (95 % CI {low} to {high})"


def _p(own: Comparison, is_of_run: bool) -> str:
    p = own.p_adjusted if own.p_adjusted is not None else own.p
    if p is None:
        return "no p"
    size = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    family = own.family or 1
    return f"{size} (corrected for {family} comparisons)" if is_of_run and family > 1 else f"{size} (by itself)"


def _needed(pair: NamedPair) -> str:
    """How many items would show a difference of this size; nothing where it has the wrong direction."""
    own, info = pair.comparison, pair.info
    if own.difference is None or own.verdict != "inconclusive":
        return ""
    if _sign(info) * own.difference <= 0:
        return "; on these items it is not ahead"
    if own.needed is None:
        return _more_items(pair)
    ends = f" ({own.needed_low:,} or more)" if own.needed_low is not None and own.needed_high is None else ""
    if own.needed_low is not None and own.needed_high is not None:
        ends = f" ({own.needed_low:,} to {own.needed_high:,})"
    return f"; about {own.needed:,} items{ends} would show a difference of this size"


def _more_items(pair: NamedPair) -> str:
    own = pair.comparison
    if own.detectable is None:
        return "; these are too few items to show any difference" if own.difference is not None else ""
    return f"; so many items show a difference of {_amount(own.detectable, pair.info)} or more"


def _value(mean: float | None, info: MetricInfo) -> str:
    if mean is None:
        return "unknown"
    return f"{_scaled(mean, info):.1f} %" if (info.low, info.high) in PLAIN else f"{mean:.4g}"


def _amount(size: float, info: MetricInfo) -> str:
    return f"{_scaled(size, info):.1f} points" if (info.low, info.high) in PLAIN else f"{size:.3g}"


def _signed(size: float, info: MetricInfo) -> str:
    sign = "−" if size < 0 else "+"
    return f"{sign}{_amount(abs(size), info)}"


def _scaled(size: float, info: MetricInfo) -> float:
    """In percent, or points."""
    return size * 100 / info.high
