"""Variants ranked by the duels of their answers: strengths with intervals, and who beat whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.figures import Summary
from harness.records.judgements import Ranked, Ranking, Standing
from reports.charts.whiskers import Axis, Whisker, around, whisker
from reports.facts import numbers
from reports.facts.columns import demotion
from reports.facts.wording import counted, listed

LEVEL = 1e-6  # strengths closer than this are equal but for rounding


@dataclass(frozen=True, slots=True)
class Place:
    """One variant."""

    name: str
    whisker: Whisker | None
    strength: str
    interval: str | None
    win_rate: str
    record: str  # wins, ties, losses over all its duels


@dataclass(frozen=True, slots=True)
class Group:
    """Variants that duels link: their strengths compare with each other and with no others."""

    title: str | None
    zero: float
    ticks: tuple[tuple[float, str], ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """What happened between two, seen from the row."""

    text: str
    style: str
    told: str


@dataclass(frozen=True, slots=True)
class Part:
    """One metric that compares answers."""

    figure: str
    demoted: str | None
    sentences: tuple[str, ...]
    notice: str | None  # what leaves the strengths open
    groups: tuple[Group, ...]
    names: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[Cell | None, ...]], ...]  # by row, against each name
    details: str


def section(summary: Summary) -> tuple[Part, ...]:
    """One part a ranking, those that may decide first."""
    parts = [_part(summary, one) for one in summary.judging.rankings]
    return tuple(sorted(parts, key=lambda part: part.demoted is not None))


def sentences(summary: Summary) -> tuple[str, ...]:
    """Who is first, and who may be."""
    return tuple(
        f"On {part.figure}{' (may not decide)' if part.demoted else ''}: {sentence}"
        for part in section(summary)
        for sentence in (*part.sentences, *filter(None, [part.notice]))
    )


def _part(summary: Summary, one: Ranked) -> Part:
    ranking = one.ranking
    names = tuple(standing.name for standing in ranking.standings)
    return Part(
        f"{one.task}.{one.metric}",
        demotion(summary, (one.task, one.metric)),
        tuple(_sentences(ranking)),
        f"{ranking.note[0].upper()}{ranking.note[1:]}." if ranking.note else None,
        tuple(_groups(ranking)),
        names,
        tuple((name, tuple(_cell(ranking, name, other) for other in names)) for name in names),
        _details(ranking),
    )


def _by_group(ranking: Ranking) -> list[list[Standing]]:
    """The standings of each group, in their order; names of no group stand by themselves."""
    of = {name: number for number, group in enumerate(ranking.groups) for name in group}
    found: dict[int, list[Standing]] = {}
    for place, standing in enumerate(ranking.standings):
        found.setdefault(of.get(standing.name, -1 - place), []).append(standing)
    return list(found.values())


def _sentences(ranking: Ranking) -> Iterator[str]:
    for standings in _by_group(ranking):
        known = [one for one in standings if one.strength is not None]
        if len(known) > 1:
            yield _first(known)
    if not any(one.strength is not None for one in ranking.standings):
        yield "There is no ranking: no strengths could be estimated."


def _first(standings: Sequence[Standing]) -> str:
    top, *others = standings
    level = [one.name for one in others if abs((one.strength or 0.0) - (top.strength or 0.0)) < LEVEL]
    if level:
        return f"{listed([top.name, *level])} are level at the top of {len(standings)}."
    rivals = "the others" if len(others) > 1 else others[0].name
    rate = "" if top.win_rate is None else f", expected to win {numbers.share(top.win_rate)} against {rivals}"
    opening = f"{top.name} ranks first of {len(standings)}{rate}"
    if top.low is None or any(one.high is None for one in others):
        return f"{opening}; there are no intervals, so the order may be luck."
    near = [one.name for one in others if one.high is not None and one.high >= top.low]
    if not near:
        return f"{opening}; no other interval reaches its own."
    met = f"{'that' if len(near) == 1 else 'those'} of {listed(near)}"
    return f"{opening}; its interval meets {met}, so intervals alone do not settle who is first."


def _groups(ranking: Ranking) -> Iterator[Group]:
    grouped = _by_group(ranking)
    ends = [end for one in ranking.standings for end in (one.low, one.strength, one.high) if end is not None]
    axis = around([0.0, *ends])
    for standings in grouped:
        title = f"Group of {listed(one.name for one in standings)}" if len(grouped) > 1 else None
        ticks = tuple((axis.place(tick), _tick(tick)) for tick in axis.ticks()) if ends else ()
        yield Group(title, axis.place(0.0), ticks, tuple(_place(ranking, one, axis) for one in standings))


def _place(ranking: Ranking, one: Standing, axis: Axis) -> Place:
    met = [tally for tally in ranking.tallies if tally.first == one.name]
    counts = [sum(getattr(tally, name) for tally in met) for name in ("wins", "ties", "losses")]
    known = one.strength is not None
    bounds = None
    if one.low is not None and one.high is not None:
        bounds = f"{numbers.coefficient(one.low, '+')} to {numbers.coefficient(one.high, '+')}"
    return Place(
        one.name,
        whisker(axis, one.strength or 0.0, one.low, one.high) if known else None,
        numbers.coefficient(one.strength, "+") if one.strength is not None else "unknown",
        bounds,
        "–" if one.win_rate is None else numbers.share(one.win_rate),
        " / ".join(f"{count:,}" for count in counts) if met else "no duel",
    )


def _cell(ranking: Ranking, name: str, other: str) -> Cell | None:
    tally = next((t for t in ranking.tallies if (t.first, t.second) == (name, other)), None)
    if tally is None:
        return None
    style = "more" if tally.wins > tally.losses else "fewer" if tally.wins < tally.losses else "even"
    told = f"{name} against {other}: {tally.wins} won, {tally.ties} tied, {tally.losses} lost"
    return Cell(f"{tally.wins:,} / {tally.ties:,} / {tally.losses:,}", style, told)


def _tick(value: float) -> str:
    return f"{value:+g}".replace("-", numbers.MINUS) if value else "0"


def _details(ranking: Ranking) -> str:
    told = [f"{counted(ranking.battles, 'duel')} on {counted(ranking.items, 'item')}"]
    if ranking.unknown:
        told.append(f"{ranking.unknown:,} more without a verdict, which count as neither tie nor loss")
    told.append(f"intervals from {ranking.resamples:,} resamples of the items")
    if ranking.regularised:
        told.append(
            f"{numbers.share(ranking.regularised)} of the resamples had no finite fit and were given a random prior"
        )
    if ranking.prior:
        told.append(f"prior: {ranking.prior:g} of a win and of a loss for each pair that met")
    return f"{'; '.join(told)}."
