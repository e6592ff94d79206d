"""Variants ranked by the duels of their answers: strengths with intervals, and the record of each pair."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.finished_run import FinishedRun
from harness.records.judgements import Ranked, Ranking, Standing
from harness.records.summary import Summary
from reports.charts.whiskers import Axis, Whisker, around, whisker
from reports.facts import numbers
from reports.facts.metric_columns import demotion_reason
from reports.facts.phrases import counted, listed
from reports.section import Section
from reports.wording import say

LEVEL = 1e-6  # strengths closer than this are equal but for rounding


@dataclass(frozen=True, slots=True)
class RankedVariant:
    """One variant."""

    standing: Standing
    whisker: Whisker | None
    record: str  # wins, ties, losses over all its duels


@dataclass(frozen=True, slots=True)
class RankingGroup:
    """Variants that duels link: their strengths compare with each other and with no others."""

    title: str | None
    zero: float
    ticks: tuple[tuple[float, str], ...]
    variants: tuple[RankedVariant, ...]


@dataclass(frozen=True, slots=True)
class DuelCell:
    """The record of one pair, seen from the row."""

    text: str
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingFacts:
    """One metric that compares answers."""

    figure: str
    demoted: str | None
    sentences: tuple[str, ...]
    notice: str | None  # what leaves the strengths open
    groups: tuple[RankingGroup, ...]
    names: tuple[str, ...]
    matrix: tuple[tuple[str, tuple[DuelCell | None, ...]], ...]  # by row, against each name
    details: str


class Rankings(Section):
    order = 120

    def build(self, finished: FinishedRun) -> tuple[RankingFacts, ...]:
        """One part a ranking, those that may decide first."""
        rankings = [_ranking_facts(finished.summary, ranked) for ranked in finished.summary.judging.rankings]
        return tuple(sorted(rankings, key=lambda ranking: ranking.demoted is not None))

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """Which variant is first, and which may be."""
        return tuple(
            say(
                "rankings.demoted" if ranking.demoted else "rankings.deciding", figure=ranking.figure, sentence=sentence
            )
            for ranking in self.build(finished)
            for sentence in (*ranking.sentences, *filter(None, [ranking.notice]))
        )


def _ranking_facts(summary: Summary, ranked: Ranked) -> RankingFacts:
    ranking = ranked.ranking
    names = tuple(standing.name for standing in ranking.standings)
    return RankingFacts(
        figure=str(FigureName.of(ranked)),
        demoted=demotion_reason(summary, ranked.task, ranked.metric),
        sentences=tuple(_sentences(ranking)),
        notice=_notice(ranking),
        groups=tuple(_groups(ranking)),
        names=names,
        matrix=tuple((name, tuple(_cell(ranking, name, opponent) for opponent in names)) for name in names),
        details=_details(ranking),
    )


def _by_group(ranking: Ranking) -> list[list[Standing]]:
    """The standings of each group, in their order; names of no group stand by themselves."""
    group_of = {name: number for number, group in enumerate(ranking.groups) for name in group}
    groups: dict[int, list[Standing]] = {}
    for place, standing in enumerate(ranking.standings):
        groups.setdefault(group_of.get(standing.name, -1 - place), []).append(standing)
    return list(groups.values())


def _sentences(ranking: Ranking) -> Iterator[str]:
    for standings in _by_group(ranking):
        rated = [standing for standing in standings if standing.strength is not None]
        if len(rated) > 1:
            yield _first_place(rated)
    if not any(standing.strength is not None for standing in ranking.standings):
        yield say("rankings.no_ranking")


def _first_place(standings: Sequence[Standing]) -> str:
    top, *rivals = standings
    level = [rival.name for rival in rivals if abs((rival.strength or 0.0) - (top.strength or 0.0)) < LEVEL]
    if level:
        return say("rankings.level", variants=listed([top.name, *level]), count=len(standings))
    first = _first_with_rate(top, rivals)
    if top.low is None or any(rival.high is None for rival in rivals):
        return say("rankings.no_intervals", first=first)
    near = [rival.name for rival in rivals if rival.high is not None and rival.high >= top.low]
    if not near:
        return say("rankings.apart", first=first)
    return say("rankings.overlap", n=len(near), first=first, variants=listed(near))


def _first_with_rate(top: Standing, rivals: Sequence[Standing]) -> str:
    count = 1 + len(rivals)
    if top.win_rate is None:
        return say("rankings.first", variant=top.name, count=count)
    rate = numbers.share(top.win_rate)
    if len(rivals) > 1:
        return say("rankings.first_of_many", variant=top.name, count=count, rate=rate)
    return say("rankings.first_with_rate", variant=top.name, count=count, rate=rate, opponents=rivals[0].name)


def _notice(ranking: Ranking) -> str | None:
    """What was done about names or battles that leave the strengths open, as `Ranking.note` says it in English."""
    notes = []
    if not ranking.converged:
        notes.append(say("rankings.not_converged"))
    if len(ranking.groups) > 1:
        groups = say("rankings.separator").join(say("nouns.separator").join(group) for group in ranking.groups)
        notes.append(say("rankings.unlinked", groups=groups))
    if ranking.prior:
        notes.append(say("rankings.endless"))
    text = say("rankings.separator").join(notes)
    return say("rankings.notice", notice=f"{text[0].upper()}{text[1:]}") if text else None


def _groups(ranking: Ranking) -> Iterator[RankingGroup]:
    grouped = _by_group(ranking)
    ends = [end for s in ranking.standings for end in (s.low, s.strength, s.high) if end is not None]
    axis = around([0.0, *ends])
    ticks = tuple((axis.place(tick), numbers.signed_count(tick)) for tick in axis.ticks()) if ends else ()
    for standings in grouped:
        names = listed(standing.name for standing in standings)
        title = say("rankings.group", variants=names) if len(grouped) > 1 else None
        variants = tuple(_ranked_variant(ranking, standing, axis) for standing in standings)
        yield RankingGroup(title, axis.place(0.0), ticks, variants)


def _ranked_variant(ranking: Ranking, standing: Standing, axis: Axis) -> RankedVariant:
    duels = [tally for tally in ranking.tallies if tally.first == standing.name]
    counts = [sum(getattr(tally, outcome) for tally in duels) for outcome in ("wins", "ties", "losses")]
    strength = standing.strength
    place = None if strength is None else whisker(axis, strength, standing.low, standing.high)
    return RankedVariant(
        standing, place, " / ".join(f"{count:,}" for count in counts) if duels else say("rankings.no_duel")
    )


def _cell(ranking: Ranking, name: str, opponent: str) -> DuelCell | None:
    tally = next((t for t in ranking.tallies if (t.first, t.second) == (name, opponent)), None)
    if tally is None:
        return None
    style = "more" if tally.wins > tally.losses else "fewer" if tally.wins < tally.losses else "even"
    return DuelCell(f"{tally.wins:,} / {tally.ties:,} / {tally.losses:,}", style)


def _details(ranking: Ranking) -> str:
    duels, items = counted(ranking.battles, "duel"), counted(ranking.items, "item")
    details = [say("rankings.duels", duels=duels, items=items)]
    if ranking.unknown:
        details.append(say("rankings.unknown", count=f"{ranking.unknown:,}"))
    details.append(say("rankings.resamples", count=f"{ranking.resamples:,}"))
    if ranking.regularised:
        details.append(say("rankings.regularised", share=numbers.share(ranking.regularised)))
    if ranking.prior:
        details.append(say("rankings.prior", prior=f"{ranking.prior:g}"))
    return say("rankings.details", details=say("rankings.separator").join(details))
