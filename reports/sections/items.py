"""Every item with every answer, to be filtered and read: the evidence behind the figures."""

from dataclasses import dataclass

from harness.records.finished_run import FinishedRun
from harness.statistics.retrieval_outcomes import OUTCOMES
from reports.facts.item_counts import item_counts
from reports.facts.item_payload import answering_variants
from reports.facts.metric_columns import MetricColumn, metric_columns
from reports.section import Section
from reports.wording import say


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemFacts:
    """What can be filtered by."""

    tasks: tuple[str, ...]
    variants: tuple[str, ...]
    columns: tuple[MetricColumn, ...]
    outcomes: tuple[str, ...]  # of retrieval; none where nothing was looked up
    excerpt: str | None  # that not all items are here


class Items(Section):
    order = 160

    @property
    def anchor(self) -> str:
        return "samples"  # `items` is the list itself

    def build(self, finished: FinishedRun) -> ItemFacts:
        summary = finished.summary
        return ItemFacts(
            tasks=tuple(dict.fromkeys(sample.task for sample in finished.samples)),
            variants=tuple(answering_variants(summary, finished.predictions)),
            columns=metric_columns(summary),
            outcomes=OUTCOMES if summary.retrieved else (),
            excerpt=_excerpt(finished),
        )


def _excerpt(finished: FinishedRun) -> str | None:
    count, total = len(finished.samples), sum(item_counts(finished).values())
    return say("items.excerpt", count=f"{count:,}", total=f"{total:,}") if count < total else None
