"""One way to write a figure, so that page and terminal never round the same number differently."""

import math

from harness.records.figures import Comparison, MetricInfo, Result
from reports.wording import say

MINUS = "\u2212"  # as wide as "+", unlike the hyphen
ENDLESS = 1e9  # a scale that reaches so far has no end (harness.summary.corpus.ENDLESS, which would load numpy)


def is_percent(info: MetricInfo) -> bool:
    """Values in [0, 1] are shown as percentages, their differences as percentage points."""
    return info.low == 0 and info.high == 1


def number(value: float, info: MetricInfo) -> str:
    """A value without unit: one decimal of a percentage, otherwise as many as the metric's range asks for."""
    text = f"{value * 100:.1f}" if is_percent(info) else _plain(value, info)
    if not text.strip("-0.,"):
        text = text.lstrip("-")  # a rounded −0.0 is 0.0
    return text.replace("-", MINUS)


def with_unit(value: float | None, info: MetricInfo) -> str:
    """A value as it stands alone, e.g. "76.7 %"."""
    if value is None or math.isnan(value):
        return say("nouns.unknown")
    return f"{number(value, info)} %" if is_percent(info) else number(value, info)


def signed(difference: float | None, info: MetricInfo) -> str:
    """A difference with its sign; zero has none."""
    if difference is None or math.isnan(difference):
        return say("nouns.unknown")
    text = number(difference, info)
    return text if text.startswith(MINUS) or not text.strip("0.,") else f"+{text}"


def points(difference: float, info: MetricInfo) -> str:
    """The size of a difference in words, e.g. "31.7 points"."""
    size = number(abs(difference), info)
    return say("nouns.points", size=size) if is_percent(info) else size


def interval(low: float | None, high: float | None, info: MetricInfo) -> str | None:
    """Both ends, "20.0–43.3"; with "to" where a minus sign would meet the dash. None when an end is unknown."""
    if low is None or high is None or math.isnan(low + high):
        return None
    return _span(number(low, info), number(high, info))


def coefficient_interval(low: float | None, high: float | None, sign: str = "-") -> str | None:
    """The interval of a coefficient, "0.61–0.79"; None when an end is unknown."""
    if low is None or high is None:
        return None
    return _span(coefficient(low, sign), coefficient(high, sign))


def _span(low: str, high: str) -> str:
    has_sign = low.startswith((MINUS, "+")) or high.startswith((MINUS, "+"))
    return say("nouns.range", low=low, high=high) if has_sign else f"{low}–{high}"


def p_value(comparison: Comparison) -> str | None:
    """The corrected p where there is one; what was corrected with others is called adjusted, whatever came of it."""
    p = comparison.p if comparison.p_adjusted is None else comparison.p_adjusted
    if p is None:
        return None
    return probability(say("nouns.adjusted_p") if is_adjusted(comparison) else "p", p)


def is_adjusted(comparison: Comparison) -> bool:
    """Whether its p and its interval were corrected for other comparisons."""
    if comparison.family is None:  # of a run before families were counted
        return comparison.p_adjusted not in (None, comparison.p)
    return comparison.family > 1


def confidence(comparison: Comparison, info: MetricInfo) -> str | None:
    """The interval beside a verdict, "95 % CI 1.2–8.0"; None when an end is unknown."""
    ends = interval(comparison.low, comparison.high, info)
    if ends is None:
        return None
    is_corrected = is_adjusted(comparison) and comparison.family
    return say("nouns.adjusted_confidence" if is_corrected else "nouns.confidence", ends=ends)


def needed(comparison: Comparison) -> str | None:
    """How many items would confirm the difference, e.g. "about 90 to 1,500 items"; None when nothing tells."""
    if comparison.needed is None:
        return None
    if comparison.needed_low is None:  # of a run before ranges were computed
        return say("nouns.about_items", count=about(comparison.needed))
    if comparison.needed_high is None:
        return say("nouns.at_least_items", count=about(comparison.needed_low))
    low, high = about(comparison.needed_low), about(comparison.needed_high)
    is_single = low == high
    return say("nouns.about_items", count=low) if is_single else say("nouns.between_items", low=low, high=high)


def probability(name: str, p: float) -> str:
    """ "p = 0.042", "p < 0.001"; nothing is shown as 0 or 1."""
    if p < 0.001:
        return f"{name} < 0.001"
    return f"{name} > 0.99" if p > 0.99 else f"{name} = {p:.{3 if p < 0.1 else 2}f}"


def share(value: float | None) -> str:
    """A share in percent, e.g. "11.5 %"."""
    return say("nouns.undefined") if value is None else f"{100 * value:.1f} %"


def coefficient(value: float | None, sign: str = "-") -> str:
    """A coefficient such as κ or ρ with two decimals; "+" as `sign` shows the sign of positive ones too."""
    if value is None:
        return say("nouns.undefined")
    text = f"{value:{sign}.2f}"
    return (text.lstrip("+-") if not text.strip("+-0.") else text).replace("-", MINUS)


def figure(result: Result, info: MetricInfo) -> tuple[str, str | None]:
    """The mean and its interval."""
    return with_unit(result.mean, info), interval(result.low, result.high, info)


def coverage(result: Result) -> str | None:
    """How many samples have a value, when not all of them have."""
    if result.known == result.samples:
        return None
    share = math.floor(1000 * result.known / result.samples) / 10  # rounded down: 99.97 % must not read 100 %
    return say("nouns.coverage", known=f"{result.known:,}", samples=f"{result.samples:,}", share=f"{share:.1f}")


def seconds_of(seconds: float) -> str:
    """Seconds of model time, with decimals where they matter."""
    return f"{seconds:,.2f}" if seconds < 10 else f"{seconds:,.0f}"


def among(at_once: int | None) -> str:
    """How many calls a time was measured among, where that is known."""
    return say("nouns.among") if at_once is None else say("nouns.under", calls=at_once)


def signed_count(value: float) -> str:
    """A tick of an axis through zero, e.g. "+0.5"."""
    return f"{value:+g}".replace("-", MINUS) if value else "0"


def count(value: float | None) -> str:
    """A count with its thousands; a dash where there is none."""
    return f"{value:,.0f}" if isinstance(value, int | float) else "–"


def about(count: int) -> str:
    """A planning figure: rounded up to two significant digits, since its precision is no better."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return f"{math.ceil(count / unit) * unit:,}"


def duration(seconds: float) -> str:
    """How long, in the unit one would say it in."""
    if seconds < 90:
        return say("nouns.seconds", count=f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}")
    if seconds < 5400:
        return say("nouns.minutes", count=f"{seconds / 60:.0f}")
    return say("nouns.hours", count=f"{seconds / 3600:.1f}")


def memory(count: float) -> str:
    """Bytes as MiB below one GiB, else GiB."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def short(count: float) -> str:
    """A large count in three digits, e.g. "2.44 M"."""
    for unit, sign in ((1e9, "B"), (1e6, "M")):
        if count >= unit * 0.9995:
            return f"{count / unit:.{2 if count < 9.995 * unit else 1 if count < 99.95 * unit else 0}f} {sign}"
    return f"{count:,.0f}"


def is_closed(info: MetricInfo) -> bool:
    """Whether the scale has two ends, unlike that of perplexity."""
    return math.isfinite(info.high - info.low) and info.low < info.high < ENDLESS


def scale(info: MetricInfo) -> str:
    """Both ends, e.g. "0 to 100"; a scale without an end says so."""
    if is_closed(info):
        return say("nouns.scale", low=f"{info.low:g}", high=f"{info.high:g}")
    return say("nouns.endless_scale", low=f"{info.low:g}")


def _plain(value: float, info: MetricInfo) -> str:
    """Three significant digits where the scale has no end; three decimals where its best is 1, as of a similarity."""
    span = info.high - info.low
    if not is_closed(info):
        return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:#.3g}".removesuffix(".")
    return f"{value:,.{3 if info.high <= 1 else max(0, 3 - math.ceil(math.log10(span)))}f}"


def item_range(needed: tuple[int | None, int | None] | None) -> str:
    """How many items more would be needed, e.g. "about 90 to 1,500 items"."""
    low, high = needed or (None, None)
    if low is None:
        return say("nouns.unknown_items")
    if high is None:
        return say("nouns.at_least_items", count=about(low))
    is_single = about(low) == about(high)
    return (
        say("nouns.about_items", count=about(low))
        if is_single
        else say("nouns.between_items", low=about(low), high=about(high))
    )


def money(amount: float, currency: str | None) -> str:
    """An amount with its currency; small ones with as many decimals as tell them apart."""
    decimals = 2 if amount >= 1 or not amount else min(6, 2 - math.floor(math.log10(amount)))
    return f"{amount:,.{decimals}f} {currency or ''}".strip()


def plain_number(value: float) -> str:
    """A number without unit: whole ones with their thousands, others in three digits."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.3g}"
