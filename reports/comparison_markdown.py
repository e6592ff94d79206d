"""Two runs compared, as Markdown for a merge request or a job summary."""

import re
from collections.abc import Iterable, Iterator, Sequence

from harness.records.inputs import Language
from harness.records.run_comparisons import RunComparison
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
)
from reports.wording import say, speaking

LONGEST = 200  # characters of a text in a table
MARKS = re.compile(r"([\\`*_{}\[\]<>|#~])")  # what Markdown would obey


def markdown_of(comparison: RunComparison, language: Language = "en") -> str:
    """The whole comparison as text: figures, costs, differences, and the listed items."""
    with speaking(language):
        return "\n".join(_blocks(comparison)) + "\n"


def _blocks(comparison: RunComparison) -> Iterator[str]:
    before, after = label_of(comparison.before), label_of(comparison.after)
    yield f"## {_plain(comparison.after.suite)}\n"
    yield f"{_plain(say('comparison.from_to', before=before, after=after))}\n"
    yield f"**{_plain(lead(comparison))}**\n"
    yield from (f"> {say('comparison.remark')}: {_plain(remark)}\n" for remark in remark_texts(comparison))
    yield f"### {say('comparison.differs')}\n"
    lines = difference_lines(comparison.differences)
    rows = [(own.kind, own.name, own.before, own.after, own.touches) for own in lines]
    yield from _table(("kind", "name", "before", "after", "touches"), rows, say("comparison.differs_nothing"))
    for title, is_headline in (("headline", True), ("other_figures", False)):
        figures = figure_lines([own for own in comparison.figures if own.is_headline is is_headline])
        if figures:
            yield f"### {say(f'comparison.{title}')}\n"
            yield from _figures(figures)
    yield f"{_plain(say('comparison.figures_note'))}\n"
    yield f"### {say('comparison.costs')}\n"
    costs = [(own.variant, own.quantity, own.before, own.after, own.change) for own in cost_lines(comparison)]
    yield from _table(("variant", "quantity", "before", "after", "change"), costs, "–")
    for kind in ("broken", "fixed"):
        yield from _items(comparison, kind)


def _figures(lines: Sequence[FigureLine]) -> Iterator[str]:
    rows = []
    for own in lines:
        ends = f" [{own.interval}]" if own.interval else ""
        verdict = f"{own.word} ({own.note})"
        rows.append((own.figure, own.variant, own.before, own.after, f"{own.difference}{ends}", own.p or "", verdict))
    yield from _table(("figure", "variant", "before", "after", "difference", "p", "verdict"), rows, "–")


def _items(comparison: RunComparison, kind: str) -> Iterator[str]:
    total = items_total(comparison, kind)
    yield f"### {say(f'comparison.{kind}')} ({total:,})\n"
    rows = [
        (
            own.item.sample_id,
            own.item.variant,
            own.figure,
            own.values,
            own.item.texts.question,
            " | ".join(own.item.texts.targets),
            own.item.texts.before or "",
            own.item.texts.after or "",
        )
        for own in item_lines(comparison, kind)
    ]
    heads = ("item", "variant", "figure", "difference", "question", "targets", "answer_before", "answer_after")
    yield from _table(heads, rows, say("comparison.no_items"))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> Iterator[str]:
    if not rows:
        yield f"{_plain(nothing)}\n"
        return
    yield _row(head if head == "p" else say(f"comparison.{head}") for head in heads)
    yield _row("---" for _ in heads)
    for row in rows:
        yield _row(_plain(cell) for cell in row)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """A text on one line in which nothing is a mark of Markdown or HTML."""
    line = " ".join(text.split())
    return MARKS.sub(r"\\\1", line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…")
