"""What variants cost before and for each request, as a table, and from how many requests on one pays."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.records.decisions import BreakEven, DecisionRecord, VariantCost
from reports.facts import cost_texts
from reports.facts.phrases import shortened
from reports.wording import say

SENTENCES = 12  # of break-even that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingColumn:
    """One kind of cost."""

    group: str  # of columns
    title: str
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingRow:
    """One variant: a text and what is read with it, for each column."""

    variant: str
    is_chosen: bool
    is_printed: bool  # whether it stands in the first chart, too
    cells: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingTable:
    """All variants whose costs are known, and the kinds of cost that any of them has."""

    groups: tuple[tuple[str, int], ...]  # title, columns
    columns: tuple[SpendingColumn, ...]
    rows: tuple[SpendingRow, ...]


Reader = Callable[[VariantCost], tuple[str, str | None]]
KINDS: tuple[tuple[str, str, Reader], ...] = (
    ("one_off", "labels", lambda c: (cost_texts.whole(c.labelled_rows), None)),
    (
        "one_off",
        "training",
        lambda c: (cost_texts.period(c.training_seconds), _known(cost_texts.memory(c.training_memory))),
    ),
    (
        "one_off",
        "teacher",
        lambda c: (
            cost_texts.whole(sum(own.calls for own in c.teaching) or None),
            _known(cost_texts.period(sum(own.seconds for own in c.teaching) or None)),
        ),
    ),
    ("one_off", "index", lambda c: (cost_texts.period(c.index_seconds), None)),
    (
        "one_off",
        "search",
        lambda c: (cost_texts.whole(c.search_calls), _known(cost_texts.period(c.search_seconds))),
    ),
    ("request", "p50", lambda c: (cost_texts.request_time(c.latency.p50 if c.latency else None), None)),
    ("request", "p95", lambda c: (cost_texts.request_time(c.latency.p95 if c.latency else None), None)),
    ("request", "tokens_in", lambda c: (cost_texts.whole(c.tokens_in), None)),
    ("request", "tokens_out", lambda c: (cost_texts.whole(c.tokens_out), None)),
    ("request", "memory", lambda c: (cost_texts.memory(c.memory), None)),
    ("priced", "before", lambda c: (cost_texts.money(c.one_off), None)),
    ("priced", "monthly", lambda c: (cost_texts.money(c.monthly), None)),
    ("priced", "per_1000", lambda c: (cost_texts.money(c.per_1000), None)),
)


def spending_table(record: DecisionRecord, printed: Sequence[str]) -> SpendingTable | None:
    """None where no cost is known. `printed` are the variants that go to paper with the decision."""
    kinds = [kind for kind in KINDS if any(kind[2](cost)[0] != cost_texts.NONE for cost in record.costs)]
    if not kinds:
        return None
    columns = tuple(_column(group, name, record.currency) for group, name, _ in kinds)
    titles = [column.group for column in columns]
    chosen = record.decision.variant if record.decision else None
    return SpendingTable(
        groups=tuple((title, titles.count(title)) for title in dict.fromkeys(titles)),
        columns=columns,
        rows=tuple(
            SpendingRow(
                variant=cost.variant,
                is_chosen=cost.variant == chosen,
                is_printed=cost.variant in printed,
                cells=tuple(read(cost) for _, _, read in kinds),
            )
            for cost in record.costs
        ),
    )


def break_even_sentences(record: DecisionRecord) -> tuple[tuple[str, ...], int]:
    """Sentences, those that ever pay first, and how many more there are."""
    ordered = sorted(record.break_even, key=lambda pair: (pair.requests_per_day is None, pair.requests_per_day or 0.0))
    return tuple(map(_sentence, ordered[:SENTENCES])), len(ordered[SENTENCES:])


def _sentence(pair: BreakEven) -> str:
    variant, rival = shortened(pair.variant), shortened(pair.rival)
    if pair.requests_per_day is None:
        return say("efficiency.never", variant=variant, rival=rival)
    return say(
        "efficiency.from_requests",
        variant=variant,
        rival=rival,
        requests=cost_texts.whole(math.ceil(pair.requests_per_day)),
        days=f"{pair.days:,}",
    )


def _column(group: str, name: str, currency: str | None) -> SpendingColumn:
    return SpendingColumn(
        group=say(f"efficiency.group_{group}", currency=shortened(currency or "", 12)),
        title=say(f"efficiency.head_{name}"),
        explanation=say(f"efficiency.{name}_explained"),
    )


def _known(text: str) -> str | None:
    return None if text == cost_texts.NONE else text
