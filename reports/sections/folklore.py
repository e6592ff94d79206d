"""What is commonly said of prompting, RAG and fine-tuning, beside what this run measured."""

from dataclasses import dataclass

from markupsafe import Markup

from harness.records.decisions import TradeOff
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts.statement_text import marked_sentence
from reports.section import Section
from reports.wording import catalogue, say, spoken_language


@dataclass(frozen=True, slots=True, kw_only=True)
class FolkloreRow:
    """One dimension of the trade-off."""

    dimension: str
    saying: Markup
    measured: tuple[Markup, ...]
    needed: Markup | None


@dataclass(frozen=True, slots=True)
class FolkloreFacts:
    """All dimensions, and whether the suite's profile asks something of any."""

    rows: tuple[FolkloreRow, ...]
    has_profile: bool


class Folklore(Section):
    order = 130

    @property
    def name(self) -> str:
        return "trade_offs"  # as the catalogue has it, whose sentences a summary states

    def build(self, finished: FinishedRun) -> FolkloreFacts | None:
        """None in runs of versions that did not look."""
        summary = finished.summary
        rows = tuple(_row(summary, trade_off) for trade_off in summary.decisions.trade_offs)
        return FolkloreFacts(rows, any(row.needed for row in rows)) if rows else None


def _row(summary: Summary, trade_off: TradeOff) -> FolkloreRow:
    name = f"dimension_{trade_off.dimension}"
    is_known = name in catalogue(spoken_language())["trade_offs"]
    return FolkloreRow(
        dimension=say(f"trade_offs.dimension_{trade_off.dimension}") if is_known else trade_off.dimension,
        saying=marked_sentence(trade_off.said, summary),
        measured=tuple(marked_sentence(statement, summary) for statement in trade_off.measured),
        needed=marked_sentence(trade_off.needed, summary) if trade_off.needed else None,
    )
