"""The verdicts and the comparison of the variants: what the run was made for."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.facts.comparison_table import ComparisonTable, comparison_tables
from reports.facts.floors import floor_alarms
from reports.facts.spoken_sentences import spoken_sentences
from reports.facts.training_cost import training_costs
from reports.section import Section
from reports.verdict import Finding, findings

FINISHED = {"finished", "complete", "completed", "done", "ok"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFacts:
    """Verdicts, warnings and tables."""

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    tables: tuple[ComparisonTable, ...]
    reference: str | None  # None where nothing was compared
    has_floors: bool
    has_bounds: bool


class Results(Section):
    order = 10

    def build(self, finished: FinishedRun) -> ResultFacts:
        summary = finished.summary
        return ResultFacts(
            findings=findings(summary),
            warnings=_warnings(finished.run, summary),
            tables=comparison_tables(summary, training_costs(finished.run, summary)),
            reference=summary.reference if any(c.difference is not None for c in summary.comparisons) else None,
            has_floors=bool(summary.floors),
            has_bounds=bool(summary.bounds),
        )

    def alarms(self, finished: FinishedRun) -> tuple[str, ...]:
        return floor_alarms(finished.summary)


def _warnings(run: Mapping[str, JSON], summary: Summary) -> tuple[str, ...]:
    """What to know before believing the figures, each once."""
    status = run.get("status")
    is_finished = status is None or status in FINISHED
    unfinished = [] if is_finished else [f"This run is not finished: its status is “{status}”."]
    warnings = spoken_sentences(summary.warnings, summary.statements)
    return tuple(dict.fromkeys([*unfinished, *warnings, *map(str, run.get("warnings") or ())]))
