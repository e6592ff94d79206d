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
    order = 140

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
            name="all items",
            items=f"{total:,}",
            share="100.0 %",
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
        name=f"{usage.variant} for all",
        items=f"{usage.samples:,}",
        share="100.0 %",
        value=value,
        tokens=f"{usage.tokens_in + usage.tokens_out:,}",
        seconds=numbers.seconds_of(usage.seconds),
    )


def _sentence(
    steps: Sequence[Routed], means: tuple[float | None, float | None], info: MetricInfo, usage: Usage | None
) -> str:
    """Where items ended, what is saved against the last step for everything, and both means, which are not tested."""
    first, last, items = steps[0], steps[-1].step, counted(steps[0].total, "item")
    early = numbers.share(sum(step.samples for step in steps[:-1]) / max(1, first.total))
    opening = f"On {first.task}, {first.variant} answers {early} of {items} before {last} is asked"
    if usage is None:
        return f"{opening}."
    tokens = _saving(sum(step.tokens for step in steps), usage.tokens_in + usage.tokens_out, "fewer", "tokens")
    seconds = _saving(sum(step.seconds for step in steps), usage.seconds, "less", "model time")
    savings = " and ".join(saving for saving in (tokens, seconds) if saving)
    spends = f" and spends {savings} than {last} for all of them" if savings else ""
    cascade, alone = (numbers.with_unit(mean, info) for mean in means)
    return f"{opening}{spends} ({first.metric} {cascade} against {alone}, a difference not tested here)."


def _saving(spent: float, alternative: float, comparative: str, noun: str) -> str | None:
    """A saved share in words, e.g. "41 % fewer tokens"; none where there is nothing to be compared with."""
    if not alternative:
        return None
    return f"{numbers.share(abs(1 - spent / alternative))} {comparative if spent <= alternative else 'more'} {noun}"


def _confidence(record: JSON) -> str | None:
    """By what the cascade measures confidence, as run.json has it."""
    settings: Mapping[str, JSON] = (record.get("settings") or {}) if isinstance(record, dict) else {}
    return settings.get("confidence")
