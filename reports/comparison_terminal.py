"""Two runs compared, on one screen of a terminal: what moved, what else differs, what broke, what it takes."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.records.inputs import Language
from harness.records.run_comparisons import CostChange, RunComparison
from reports.console_text import can_show, safe_text
from reports.facts.run_changes import (
    ARROW,
    CostLine,
    FigureLine,
    cost_lines,
    difference_lines,
    figure_lines,
    item_lines,
    items_total,
    label_of,
    lead,
    remark_texts,
    verdict_of,
)
from reports.wording import say, speaking

STYLES = {"better": "green", "worse": "red", "inconclusive": "yellow", "unchanged": "dim", "no comparison": "dim"}
WIDE = 100  # columns that tables need
LEAST_CHANGE, LEAST_SECONDS = 0.05, 0.005
FIGURES, DIFFERENCES, ITEMS, COSTS, REMARKS = 14, 6, 4, 6, 6  # lines of each on one screen


def print_comparison(comparison: RunComparison, console: Console, language: Language = "en") -> None:
    """Print the headline figures and what moved besides; a terminal without Chinese is told everything in English."""
    with speaking(language if can_show(language, console) else "en"):
        _line(say("comparison.from_to", before=label_of(comparison.before), after=label_of(comparison.after)), console)
        _line(lead(comparison), console, "bold")
        for remark in remark_texts(comparison)[:REMARKS]:
            _line(f"{say('comparison.remark')}: {remark}", console, "yellow")
        _print_differences(comparison, console)
        _print_figures(comparison, console)
        _print_costs(comparison, console)
        for kind in ("broken", "fixed"):
            _print_items(comparison, kind, console)


def _line(text: str, console: Console, style: str = "") -> None:
    console.print(safe_text(Text(text, style), console))


def _print_differences(comparison: RunComparison, console: Console) -> None:
    lines = difference_lines(comparison.differences)
    if not lines:
        _line(say("comparison.differs_nothing"), console, "dim")
        return
    _line(f"\n{say('comparison.differs')}", console, "bold")
    for own in lines[:DIFFERENCES]:
        _line(f"  {own.kind}  {own.name}: {_cut(own.before)} {ARROW} {_cut(own.after)}", console)
    _further("comparison.further_differences", len(lines) - DIFFERENCES, console)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _print_figures(comparison: RunComparison, console: Console) -> None:
    """The headline figures of which any item changed; of the others those that moved."""
    moved = ("better", "worse")
    headline = [own for own in comparison.figures if own.is_headline and verdict_of(own) != "unchanged"]
    chosen = [*headline, *(own for own in comparison.figures if not own.is_headline and verdict_of(own) in moved)]
    order = sorted(chosen, key=lambda own: verdict_of(own) not in moved) if len(chosen) > FIGURES else chosen
    lines = figure_lines(order[:FIGURES])
    console.print()
    if lines and console.width >= WIDE:
        console.print(_figure_table(lines, console))
    else:
        for own in lines:
            _line(_as_line(own), console, STYLES[own.verdict])
    _further("comparison.further_figures", len(comparison.figures) - len(lines), console)


def _as_line(own: FigureLine) -> str:
    ends = f" [{own.interval}]" if own.interval else ""
    change = f", {own.difference}{ends}" if own.difference else ""
    return f"{own.figure} {own.variant}: {own.before} {ARROW} {own.after}{change}, {own.word}"


def _figure_table(lines: Sequence[FigureLine], console: Console) -> Table:
    heads = ("figure", "variant", "before", "after", "difference")
    grid = Table(padding=(0, 1))
    for name in heads:
        grid.add_column(safe_text(Text(say(f"comparison.{name}")), console), overflow="fold")
    grid.add_column("p", justify="right")
    grid.add_column(safe_text(Text(say("comparison.verdict")), console))
    for own in lines:
        ends = f" [{own.interval}]" if own.interval else ""
        cells = (own.figure, own.variant, own.before, own.after, f"{own.difference}{ends}", own.p or "")
        verdict = Text(own.word, STYLES[own.verdict])
        if own.verdict == "no comparison":
            verdict = Text(own.note, "dim")
        grid.add_row(*(safe_text(Text(cell), console) for cell in cells), safe_text(verdict, console))
    return grid


def _print_costs(comparison: RunComparison, console: Console) -> None:
    """What changed by so much that it is seen; all of it is in the page."""
    changed = [line for own, line in zip(comparison.costs, cost_lines(comparison), strict=True) if _is_seen(own)]
    if changed:
        _line(f"\n{say('comparison.costs')}", console, "bold")
    for own in changed[:COSTS]:
        _line(f"  {_cost_text(own)}", console)
    _further("comparison.further_differences", len(changed) - COSTS, console)


def _is_seen(own: CostChange) -> bool:
    """A change of a twentieth or more; of times only where they are no mere noise."""
    before, after = own.before or 0.0, own.after or 0.0
    is_noise = own.quantity == "seconds" and max(before, after) < LEAST_SECONDS
    return abs(after - before) >= LEAST_CHANGE * max(before, after) > 0 and not is_noise


def _cost_text(own: CostLine) -> str:
    change = f" ({own.change})" if own.change else ""
    return f"{own.variant}, {own.quantity}: {own.before} {ARROW} {own.after}{change}"


def _print_items(comparison: RunComparison, kind: str, console: Console) -> None:
    total = items_total(comparison, kind)
    if not total:
        return
    style = "red" if kind == "broken" else "green"
    _line(f"\n{say(f'comparison.{kind}')} ({total:,})", console, f"bold {style}")
    for own in list(item_lines(comparison, kind))[:ITEMS]:
        texts = own.item.texts
        question = f"  {_cut(' '.join(texts.question.split()))}" if texts.question else ""
        answer = f"  {ARROW} {_cut(' '.join(texts.after.split()))}" if texts.after else ""
        _line(f"  {own.item.sample_id} {own.item.variant} {own.figure} {own.values}{question}{answer}", console)
    _further("comparison.further_items", total - ITEMS, console)


def _further(key: str, count: int, console: Console) -> None:
    if count > 0:
        _line(f"  {say(key, n=count, count=f'{count:,}')}", console, "dim")
