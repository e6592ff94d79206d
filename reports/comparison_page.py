"""The page of two runs compared: one file that opens anywhere, offline, in both languages."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from harness.records.inputs import JSON, Language
from harness.records.run_comparisons import LISTED_ITEMS, FigureChange, RunComparison
from reports.charts.whiskers import Whisker
from reports.facts.run_changes import (
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
from reports.html import report_environment
from reports.page_assets import embedded_files
from reports.wording import LANGUAGES, NAMES, say, speaking, spoken_language

STYLES = ("report.css", "tables.css", "comparison.css")
EARLY_SCRIPTS = ("theme.js", "language.js")


def render_comparison(comparison: RunComparison, language: Language) -> str:
    """The page as text, in every language; `language` is the one that is shown first. Equal runs give equal pages."""
    environment = report_environment()
    bodies = {}
    for spoken in sorted(LANGUAGES, key=lambda candidate: candidate != language):
        with speaking(spoken):
            bodies[spoken] = Markup(environment.get_template("comparison_body.html.j2").render(**_facts(comparison)))
    with speaking(language):
        title = say("comparison.title", name=comparison.after.suite)
    return environment.get_template("comparison.html.j2").render(
        title=title,
        language=language,
        bodies=bodies,
        **embedded_files(STYLES, EARLY_SCRIPTS),
    )


def _facts(comparison: RunComparison) -> Mapping[str, JSON]:
    figures = comparison.figures
    groups = {
        "headline": [own for own in figures if own.is_headline],
        "other_figures": [own for own in figures if not own.is_headline],
    }
    return {
        "name": comparison.after.suite,
        "language": spoken_language(),
        "languages": NAMES,
        "before": label_of(comparison.before),
        "after": label_of(comparison.after),
        "lead": lead(comparison),
        "has_worse": any(own.is_headline and verdict_of(own) == "worse" for own in figures),
        "remarks": remark_texts(comparison),
        "differences": difference_lines(comparison.differences),
        "figures": {name: _rows(own) for name, own in groups.items() if own},
        "costs": cost_lines(comparison),
        "items": {kind: list(item_lines(comparison, kind)) for kind in ("broken", "fixed")},
        "totals": {kind: items_total(comparison, kind) for kind in ("broken", "fixed")},
        "most": LISTED_ITEMS,
    }


def _rows(figures: Sequence[FigureChange]) -> list[tuple[FigureLine, Whisker | None]]:
    """Each figure with its picture, all of one metric of a task on one scale."""
    reach: dict[tuple[str, str], float] = {}
    for own in figures:
        if own.comparison is not None:
            ends = (own.comparison.low or 0.0, own.comparison.high or 0.0, own.comparison.difference or 0.0)
            reach[own.task, own.metric] = max(reach.get((own.task, own.metric), 0.0), *map(abs, ends))
    return [
        (line, _whisker(own, reach.get((own.task, own.metric), 0.0)))
        for line, own in zip(figure_lines(figures), figures, strict=True)
    ]


def _whisker(own: FigureChange, reach: float) -> Whisker | None:
    tested = own.comparison
    if tested is None or tested.low is None or tested.high is None or tested.difference is None or not reach:
        return None
    low, middle, high = (round(50 + 48 * end / reach, 1) for end in (tested.low, tested.difference, tested.high))
    return Whisker(low=low, middle=middle, high=high)
