"""What a cascade saves: how many items each step answered, how well, and the cost beside the last step for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo, Routed, Usage
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.charts.whiskers import Segment, segments
from reports.facts import numbers
from reports.facts.answer_path import threshold_text
from reports.facts.metric_columns import freshness_probes, means_by_variant, metric_info
from reports.facts.phrases import counted
from reports.section import Section
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeRow:
    """What ended at one step, or the whole; costs are of all the steps these items went through."""

    name: str
    items: str
    share: str
    value: str = "–"
    threshold: str = "–"
    tokens: str = "–"
    seconds: str = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeFacts:
    """One cascade on one task."""

    task: str
    variant: str
    metric: str
    confidence: str | None  # what the thresholds are of
    bar: tuple[Segment, ...]
    steps: tuple[CascadeRow, ...]
    total: CascadeRow
    alone: CascadeRow | None  # the last step asked for everything
    sentence: str


class Cascades(Section):
    order = 62

    def build(self, finished: FinishedRun) -> tuple[CascadeFacts, ...]:
        """One part for each cascade and task."""
        summary, probes = finished.summary, freshness_probes(finished.summary)
        cells = dict.fromkeys((step.task, step.variant) for step in summary.routed if step.task not in probes)
        variants = finished.run.get("variants") or {}
        return tuple(_facts(summary, task, variant, _confidence(variants.get(variant))) for task, variant in cells)

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """What each cascade saves."""
        return tuple(cascade.sentence for cascade in self.build(finished))


def _facts(summary: Summary, task: str, variant: str, confidence: str | None) -> CascadeFacts:
    steps = [step for step in summary.routed if (step.task, step.variant) == (task, variant)]
    metric, total, last = steps[0].metric, steps[0].total, steps[-1].step
    info = metric_info(summary, task, metric)
    means = means_by_variant(summary, (task, metric))
    usage = next((u for u in summary.usage if (u.task, u.variant) == (task, last)), None)
    bar = segments([(step.step, step.samples) for step in steps])
    return CascadeFacts(
        task=task,
        variant=variant,
        metric=str(FigureName.of(steps[0])),
        confidence=confidence,
        bar=bar,
        steps=tuple(_step_row(step, info, segment.share) for step, segment in zip(steps, bar, strict=True)),
        total=CascadeRow(
            name=say("cascades.all_items"),
            items=f"{total:,}",
            share=numbers.share(1.0),
            value=numbers.with_unit(means.get(variant), info),
            tokens=f"{sum(step.tokens for step in steps):,}",
            seconds=numbers.seconds_of(sum(step.seconds for step in steps)),
        ),
        alone=_alone_row(usage, numbers.with_unit(means.get(last), info)) if usage else None,
        sentence=_sentence(steps, (means.get(variant), means.get(last)), info, usage),
    )


def _step_row(step: Routed, info: MetricInfo, share: str) -> CascadeRow:
    threshold = "–" if step.threshold is None else threshold_text(step.threshold)
    if not step.samples:
        return CascadeRow(name=step.step, items="0", share=share, threshold=threshold)
    return CascadeRow(
        name=step.step,
        items=f"{step.samples:,}",
        share=share,
        value=numbers.with_unit(step.mean, info),
        threshold=threshold,
        tokens=f"{step.tokens:,}",
        seconds=numbers.seconds_of(step.seconds),
    )


def _alone_row(usage: Usage, value: str) -> CascadeRow:
    return CascadeRow(
        name=say("cascades.for_all", variant=usage.variant),
        items=f"{usage.samples:,}",
        share=numbers.share(1.0),
        value=value,
        tokens=f"{usage.tokens_in + usage.tokens_out:,}",
        seconds=numbers.seconds_of(usage.seconds),
    )


def _sentence(
    steps: Sequence[Routed], means: tuple[float | None, float | None], info: MetricInfo, usage: Usage | None
) -> str:
    """Where items ended, what is saved against the last step for everything, and both means, which are not tested."""
    first, last = steps[0], steps[-1].step
    early = numbers.share(sum(step.samples for step in steps[:-1]) / max(1, first.total))
    opening = {
        "task": first.task,
        "variant": first.variant,
        "share": early,
        "items": counted(first.total, "item"),
        "last": last,
    }
    if usage is None:
        return say("cascades.sentence_alone", **opening)
    cascade, alone = (numbers.with_unit(mean, info) for mean in means)
    figures = {"metric": first.metric, "mean": cascade, "alone": alone}
    savings = _savings(steps, usage)
    if not savings:
        return say("cascades.sentence_unpriced", **opening, **figures)
    return say("cascades.sentence", **opening, **figures, savings=savings)


def _savings(steps: Sequence[Routed], usage: Usage) -> str:
    """What is saved, or spent in addition, in words; empty where there is nothing to be compared with."""
    tokens = _saved_share(sum(step.tokens for step in steps), usage.tokens_in + usage.tokens_out)
    seconds = _saved_share(sum(step.seconds for step in steps), usage.seconds)
    parts = []
    if tokens is not None:
        key = "cascades.fewer_tokens" if tokens >= 0 else "cascades.more_tokens"
        parts.append(say(key, share=numbers.share(abs(tokens))))
    if seconds is not None:
        key = "cascades.less_time" if seconds >= 0 else "cascades.more_time"
        parts.append(say(key, share=numbers.share(abs(seconds))))
    return say("cascades.both_savings", tokens=parts[0], seconds=parts[1]) if len(parts) == 2 else "".join(parts)


def _saved_share(spent: float, alternative: float) -> float | None:
    return 1 - spent / alternative if alternative else None


def _confidence(record: JSON) -> str | None:
    """By what the cascade measures confidence, as run.json has it."""
    settings: Mapping[str, JSON] = (record.get("settings") or {}) if isinstance(record, dict) else {}
    return settings.get("confidence")
