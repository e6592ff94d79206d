"""The verdicts and the comparison of the variants: what the run was made for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.facts.comparison_table import ComparisonTable, comparison_tables, task_tables
from reports.facts.floors import floor_alarms
from reports.facts.spoken_sentences import spoken_sentences
from reports.facts.training_cost import models_behind, training_costs
from reports.facts.training_stages import training_stages
from reports.section import Section
from reports.verdict import Finding, findings
from reports.wording import say

FINISHED = {"finished", "complete", "completed", "done", "ok"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFacts:
    """Verdicts, warnings and tables."""

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    headline: ComparisonTable | None
    tables: tuple[ComparisonTable, ...]  # one a task with further figures
    reference: str | None  # None where nothing was compared
    has_floors: bool
    has_bounds: bool
    beaten_bounds: tuple[str, ...]


class Results(Section):
    order = 30

    def build(self, finished: FinishedRun) -> ResultFacts:
        summary = finished.summary
        first = comparison_tables(summary, training_costs(finished.run, summary))[:1]
        headline = first[0] if first and any(column.headline for column in first[0].columns) else None
        return ResultFacts(
            findings=findings(summary),
            warnings=_warnings(finished.run, summary),
            headline=headline,
            tables=task_tables(summary),
            reference=summary.reference if any(c.difference is not None for c in summary.comparisons) else None,
            has_floors=bool(summary.floors),
            has_bounds=bool(summary.bounds),
            beaten_bounds=tuple(_beaten_bounds(finished, headline)) if headline else (),
        )

    def alarms(self, finished: FinishedRun) -> tuple[str, ...]:
        return floor_alarms(finished.summary)


def _warnings(run: Mapping[str, JSON], summary: Summary) -> tuple[str, ...]:
    """What to know before believing the figures, each once."""
    status = run.get("status")
    is_finished = status is None or status in FINISHED
    unfinished = [] if is_finished else [say("results.unfinished", status=status)]
    warnings = spoken_sentences(summary.warnings, summary.statements)
    return tuple(dict.fromkeys([*unfinished, *warnings, *map(str, run.get("warnings") or ())]))


def _beaten_bounds(finished: FinishedRun, table: ComparisonTable) -> Iterator[str]:
    """Upper bounds that a deployable variant is above, with the cause where the run tells it."""
    for row in table.rows:
        for column, entry in zip(table.columns, row.entries, strict=True):
            if entry and entry.beaten_by:
                values = {"bound": row.variant, "variant": entry.beaten_by, "figure": column.name, "value": entry.value}
                is_untrained = _reads_untrained(finished, row.variant)
                yield say("results.bound_beaten_untrained" if is_untrained else "results.bound_beaten", **values)


def _reads_untrained(finished: FinishedRun, variant: str) -> bool:
    """Whether it is shown the gold passage, and none of its models was trained in this run."""
    settings = ((finished.run.get("variants") or {}).get(variant) or {}).get("settings") or {}
    models = models_behind(finished.run, finished.summary, variant)
    trained = {name for stage in training_stages(finished.run) for name in (stage.model, stage.entry)}
    return bool(settings.get("oracle")) and not models & trained
