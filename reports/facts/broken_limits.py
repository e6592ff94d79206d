"""Which constraints which variants break, a line a constraint."""

from collections.abc import Iterable

from harness.records.decisions import BrokenConstraint
from harness.records.inputs import JSON
from reports.facts.phrases import counted, joined, shortened
from reports.wording import say

NAMED = 4  # variants a line


def broken_lines(broken: Iterable[BrokenConstraint]) -> tuple[tuple[str, str, str], ...]:
    """Constraint, limit, and which variants break it with what was measured; many are counted."""
    by_limit: dict[tuple[str, str], list[BrokenConstraint]] = {}
    for breach in broken:
        by_limit.setdefault((breach.constraint, _text(breach.limit)), []).append(breach)
    lines = []
    for (constraint, limit), members in by_limit.items():
        named = [_measured(breach) for breach in members[:NAMED]]
        rest = (
            [say("recommendation.and_more", variants=counted(len(members) - NAMED, "variant"))]
            if members[NAMED:]
            else []
        )
        lines.append((shortened(constraint), limit, joined(*named, *rest)))
    return tuple(lines)


def _measured(breach: BrokenConstraint) -> str:
    if breach.value is None:
        return say("recommendation.not_measured", variant=shortened(breach.variant))
    return say("recommendation.measured", variant=shortened(breach.variant), value=_text(breach.value))


def _text(value: JSON) -> str:
    if isinstance(value, bool):
        return say("recommendation.yes") if value else say("recommendation.no")
    if isinstance(value, int | float):
        return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return shortened(str(value))
