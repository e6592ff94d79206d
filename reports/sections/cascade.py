"""What a cascade saves: how many items each step answered, how well, and the cost beside the last step for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.figures import MetricInfo, Routed, Summary, Usage
from harness.records.inputs import JSON
from harness.records.outputs import Step
from reports.facts import numbers
from reports.facts.columns import means, metric_info, probes


@dataclass(frozen=True, slots=True)
class Row:
    """What ended at one step, or the whole; costs are of all the steps these items went through."""

    name: str
    items: str
    share: str
    value: str
    threshold: str
    tokens: str
    seconds: str
    place: int = 0  # its number in the bar, from 1
    start: float = 0.0  # percent of the bar's width
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """One cascade on one task."""

    task: str
    variant: str
    metric: str
    confidence: str | None  # what the thresholds are of
    steps: tuple[Row, ...]
    total: Row
    alone: Row | None  # the last step asked for everything
    sentence: str


def section(summary: Summary, run: Mapping[str, JSON] | None = None) -> tuple[Part, ...]:
    """One part for each cascade and task; run.json tells what confidence is."""
    cells = dict.fromkeys((step.task, step.variant) for step in summary.routed if step.task not in probes(summary))
    settings = {name: _settings(record) for name, record in ((run or {}).get("variants") or {}).items()}
    return tuple(_part(summary, task, variant, settings.get(variant, {})) for task, variant in cells)


def sentences(summary: Summary) -> tuple[str, ...]:
    """What each cascade saves."""
    return tuple(part.sentence for part in section(summary))


def route(steps: Sequence[Step]) -> list[tuple[str, str]]:
    """The steps that were asked, each with why it answered or passed the item on."""
    return [(step.variant, _reason(step, last=step is steps[-1])) for step in steps]


def _reason(step: Step, last: bool) -> str:
    sure = None if step.confidence is None else _short(step.confidence)
    bar = None if step.threshold is None else _short(step.threshold)
    if last:
        if sure is None:
            return "answered"
        return f"answered: confidence {sure}, threshold {bar}" if bar else f"answered: confidence {sure}, no threshold"
    if bar is None:
        return f"passed on: confidence {sure}, never enough" if sure else "passed on always"
    return (
        f"passed on: confidence {sure} below {bar}" if sure else f"passed on: no answer to be sure of, threshold {bar}"
    )


def _part(summary: Summary, task: str, variant: str, settings: Mapping[str, JSON]) -> Part:
    found = [step for step in summary.routed if (step.task, step.variant) == (task, variant)]
    metric, total = found[0].metric, found[0].total
    info = metric_info(summary, task, metric)
    last = found[-1].step
    steps, start = [], 0.0
    for step in found:
        width = 100 * step.samples / max(1, total)
        steps.append(_step(step, info, (step.place, round(start, 2), round(width, 2))))
        start += width
    reached = means(summary, (task, metric))
    tokens, seconds = sum(step.tokens for step in found), sum(step.seconds for step in found)
    usage = next((u for u in summary.usage if (u.task, u.variant) == (task, last)), None)
    return Part(
        task,
        variant,
        f"{task}.{metric}",
        settings.get("confidence"),
        tuple(steps),
        _row("all items", total, 100.0, _value(reached.get(variant), info), (tokens, seconds)),
        _alone(usage, _value(reached.get(last), info)) if usage else None,
        _sentence(found, (reached.get(variant), reached.get(last)), info, usage),
    )


def _step(step: Routed, info: MetricInfo, bar: tuple[int, float, float]) -> Row:
    threshold = "–" if step.threshold is None else _short(step.threshold)
    if not step.samples:
        return Row(step.step, "0", "0.0 %", "–", threshold, "–", "–", *bar)
    share = f"{100 * step.samples / max(1, step.total):.1f} %"
    value = _value(step.mean, info)
    return Row(step.step, f"{step.samples:,}", share, value, threshold, f"{step.tokens:,}", _time(step.seconds), *bar)


def _row(name: str, samples: int, share: float, value: str, spent: tuple[int, float]) -> Row:
    return Row(name, f"{samples:,}", f"{share:.1f} %", value, "–", f"{spent[0]:,}", _time(spent[1]))


def _alone(usage: Usage, value: str) -> Row:
    tokens = usage.tokens_in + usage.tokens_out
    return _row(f"{usage.variant} for all", usage.samples, 100.0, value, (tokens, usage.seconds))


def _sentence(
    found: Sequence[Routed],
    reached: tuple[float | None, float | None],
    info: MetricInfo,
    usage: Usage | None,
) -> str:
    """Where items ended, what is saved against the last step for everything, and both means, which are not tested."""
    first, last = found[0], found[-1].step
    early = sum(step.samples for step in found[:-1])
    opening = (
        f"On {first.task}, {first.variant} answers {_percent(early / max(1, first.total))} of {first.total:,} items"
    )
    opening += f" before {last} is asked"
    if usage is None:
        return f"{opening}."
    tokens = _saved(sum(step.tokens for step in found), usage.tokens_in + usage.tokens_out, "fewer", "tokens")
    seconds = _saved(sum(step.seconds for step in found), usage.seconds, "less", "model time")
    saved = " and ".join(part for part in (tokens, seconds) if part)
    spends = f" and spends {saved} than {last} for all of them" if saved else ""
    values = (
        f"{first.metric} {_value(reached[0], info)} against {_value(reached[1], info)}, a difference not tested here"
    )
    return f"{opening}{spends} ({values})."


def _saved(ours: float, theirs: float, less: str, what: str) -> str | None:
    """A saved share in words, e.g. "41 % fewer tokens"; none where there is nothing to be compared with."""
    if not theirs:
        return None
    return f"{_percent(abs(1 - ours / theirs))} {less if ours <= theirs else 'more'} {what}"


def _settings(record: JSON) -> Mapping[str, JSON]:
    return (record.get("settings") or {}) if isinstance(record, dict) else {}


def _value(mean: float | None, info: MetricInfo) -> str:
    return "unknown" if mean is None else numbers.with_unit(mean, info)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _time(seconds: float) -> str:
    return f"{seconds:,.2f}" if seconds < 10 else f"{seconds:,.0f}"


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", numbers.MINUS)
