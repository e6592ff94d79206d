"""How far the judges of a run deserve trust: each as it behaved here, and as it stands against people."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.figures import MetricInfo, Summary
from harness.records.judgements import Panel, Reliability
from reports.facts import demoted, numbers
from reports.facts.agreement import Fact, People, against_people
from reports.facts.columns import demotion, metric_info
from reports.facts.wording import counted, listed

COMMAND = "harness calibrate SUITE --labels FILE"
OPENED = 2  # judges; of more, those are opened that may not decide
SHOWN = 0.05  # a preference for a place is told as one below this p


@dataclass(frozen=True, slots=True)
class Judge:
    """One judge of one metric."""

    name: str
    description: str
    rubric: str
    doubts: tuple[str, ...]
    warning: str | None  # of what it might prefer
    glance: tuple[Fact, ...]  # what to look at first
    opened: bool  # whether the rest is shown unasked
    read: tuple[Fact, ...]
    steady: tuple[Fact, ...]
    people: People | None


@dataclass(frozen=True, slots=True)
class Part:
    """One judged metric."""

    figure: str
    demoted: str | None
    judges: tuple[Judge, ...]
    panel: str | None


def section(summary: Summary) -> tuple[Part, ...]:
    """One part a judged metric, those that may decide first."""
    figures = dict.fromkeys((one.task, one.metric) for one in summary.judging.judges)
    parts = [_part(summary, task, metric) for task, metric in figures]
    return tuple(sorted(parts, key=lambda part: part.demoted is not None))


def alarms(summary: Summary) -> tuple[str, ...]:
    """What was demoted and why, and who judged what it wrote itself, or what its own family wrote."""
    own: dict[tuple[str, str], list[str]] = {}
    for one in summary.judging.judges:
        if told := _close(one):
            own.setdefault((one.judge, told), []).append(f"{one.task}.{one.metric}")
    return (
        *(demotion.sentence for demotion in demoted.every(summary)),
        *(f"On {listed(figures)}, {judge} {told}." for (judge, told), figures in own.items()),
    )


def sentences(summary: Summary) -> tuple[str, ...]:
    """One line a judge: trusted, or why not."""
    return tuple(_sentence(one) for one in summary.judging.judges)


def _part(summary: Summary, task: str, metric: str) -> Part:
    info = metric_info(summary, task, metric)
    judges = [one for one in summary.judging.judges if (one.task, one.metric) == (task, metric)]
    panel = next((p for p in summary.judging.panels if (p.task, p.metric) == (task, metric)), None)
    return Part(
        f"{task}.{metric}",
        demotion(summary, (task, metric)),
        tuple(_judge(one, info, len(summary.judging.judges) <= OPENED) for one in judges),
        None if panel is None else _panel(panel, info, judges[0].pairwise),
    )


def _judge(one: Reliability, info: MetricInfo, few: bool) -> Judge:
    return Judge(
        name=one.judge,
        description=one.description,
        rubric=one.rubric,
        doubts=tuple(map(_sentence_of, one.doubts)),
        warning=f"It {told}." if (told := _close(one)) else None,
        glance=tuple(_glance(one, info)),
        opened=few or bool(one.doubts),
        read=tuple(_read(one)),
        steady=tuple(_steady(one, info)),
        people=against_people(one.calibration) if one.calibration else None,
    )


def _glance(one: Reliability, info: MetricInfo) -> Iterator[Fact]:
    """Agreement, steadiness, readability, and length, each with what it is to be compared with."""
    found = one.calibration
    if found is None:
        yield Fact("κ against people", "–", "not calibrated", True)
    else:
        people = f"ceiling {numbers.coefficient(found.ceiling.kappa)}" if found.ceiling else ""
        yield Fact("κ against people", numbers.coefficient(found.against.kappa), people)
    if one.pairwise:
        told = "" if one.flips is None else f"of {counted(one.pairs, 'pair')}"
        yield Fact("Verdict flips with the order", "–" if one.flips is None else numbers.share(one.flips), told)
    else:
        told = "not measured" if one.noise is None else f"on {numbers.scale(info)}"
        yield Fact("Noise floor", "–" if one.noise is None else numbers.points(one.noise, info), told)
    lost = one.unreadable + one.failed
    yield Fact(
        "Without a verdict", numbers.share(lost / one.judgements if one.judgements else None), f"of {one.judgements:,}"
    )
    length = _excess(one) if one.pairwise else _correlation(one)
    title = "Longer answer preferred" if one.pairwise else "Score and length"
    yield Fact(
        title, "–" if one.length is None else length.value, "not measured" if one.length is None else "", length.odd
    )


def _sentence_of(doubt: str) -> str:
    """A doubt as a sentence; κ has no other beginning."""
    return f"{doubt[:1].upper() if doubt[:1].isascii() else doubt[:1]}{doubt[1:]}."


def _close(one: Reliability) -> str | None:
    """What makes self-preference possible; it is not measured."""
    itself = f"answers that it wrote itself ({listed(one.itself)})" if one.itself else ""
    kin = f"answers of models of its own family ({listed(one.kin)})" if one.kin else ""
    told = " and ".join(filter(None, (itself, kin)))
    return f"judges {told}: judges tend to prefer their own kind" if told else None


def _read(one: Reliability) -> Iterator[Fact]:
    how = "two answers side by side, in both orders" if one.pairwise else "one answer at a time"
    times = f", each {one.repeats} times" if one.repeats > 1 else ""
    yield Fact("Judgements", f"{one.judgements:,}", f"{how}{times}")
    yield Fact(
        "Unreadable", _of(one.unreadable, one.judgements), "unknown, never a low score" if one.unreadable else "",
        bool(one.unreadable),
    )  # fmt: skip
    yield Fact(
        "Failed", _of(one.failed, one.judgements), "by a machine: unknown" if one.failed else "", bool(one.failed)
    )
    again = "of them after it was shown why its reply could not be read" if one.retried else ""
    yield Fact("Read at a further attempt", _of(one.retried, one.judgements), again)
    tokens = f"{numbers.short(one.tokens_in)} tokens in, {numbers.short(one.tokens_out)} out"
    yield Fact("Cost", numbers.duration(one.seconds), tokens)


def _steady(one: Reliability, info: MetricInfo) -> Iterator[Fact]:
    yield _noise(one, info)
    if one.pairwise:
        yield _flips(one)
        yield _place(one)
    yield _excess(one) if one.pairwise else _correlation(one)


def _noise(one: Reliability, info: MetricInfo) -> Fact:
    if one.noise is None:
        why = "no answer could be read twice" if one.repeats > 1 else "give the metric repeats of 2 or more"
        return Fact("Noise floor", "not measured", why)
    if one.pairwise:
        text = "two readings of the same pair differ by so much on average; a win is 100, a tie 50"
        return Fact("Noise floor", numbers.points(one.noise, info), text)
    text = f"two readings of the same answer differ by so much on average, on a scale of {numbers.scale(info)}"
    return Fact("Noise floor", numbers.points(one.noise, info), text)


def _flips(one: Reliability) -> Fact:
    if one.flips is None:
        return Fact("Flip rate", "not measured", "no pair was read in both orders", True)
    told = (
        f"of {counted(one.pairs, 'pair')} read in both orders: the verdict changed with the order, and counts as a tie"
    )
    return Fact("Flip rate", numbers.share(one.flips), told)


def _place(one: Reliability) -> Fact:
    if one.position_p is None:
        return Fact("Place", "not measured", "no verdict changed with the order")
    told = "it prefers a place" if one.position_p < SHOWN else "no preference for a place is shown"
    return Fact("Place", numbers.probability("p", one.position_p), told, one.position_p < SHOWN)


def _correlation(one: Reliability) -> Fact:
    if one.length is None:
        return Fact("Length", "not measured", "scores or lengths do not vary among an item's answers")
    size, sign = abs(one.length), "longer" if one.length > 0 else "shorter"
    if size < 0.1:
        told = "score and length of an item's answers are hardly related"
    else:
        degree = "strongly" if size >= 0.5 else "clearly" if size >= 0.3 else "slightly"
        told = f"{sign} answers to an item score {degree} higher, be it that they are better or only {sign}"
    return Fact("Length", f"ρ = {numbers.coefficient(one.length)}", told, size >= 0.3)


def _excess(one: Reliability) -> Fact:
    if one.length is None:
        return Fact("Length", "not measured", "no verdict between answers of different length")
    won = numbers.share((1 + one.length) / 2)
    told = "of decided verdicts go to the longer answer, be it that it is better or only longer"
    return Fact("Length", won, told, abs(one.length) >= 0.3)


def _panel(panel: Panel, info: MetricInfo, pairwise: bool) -> str:
    who = listed(panel.judges)
    if panel.disagreement is None:
        return f"Panel of {who}: nothing was judged by two of them."
    if pairwise:
        share, pairs = numbers.share(panel.disagreement), counted(panel.items, "pair")
        return f"Panel of {who}: {share} of {pairs} are not judged alike by all."
    by, answers = numbers.points(panel.disagreement, info), counted(panel.items, "answer")
    return (
        f"Panel of {who}: two judges’ scores of the same answer differ by {by} on average, on a scale of "
        f"{numbers.scale(info)} ({answers})."
    )


def _sentence(one: Reliability) -> str:
    opening = f"{one.judge} on {one.task}.{one.metric} is"
    if one.doubts:
        return f"{opening} not trusted: {'; '.join(one.doubts)}."
    if one.calibration is None:
        return f"{opening} trusted by the suite, though not calibrated against people."
    against = one.calibration.against
    return (
        f"{opening} trusted: κ {numbers.coefficient(against.kappa)} against people on {counted(against.items, 'item')}."
    )


def _of(count: int, total: int) -> str:
    """A count with its share; a share that would read 0 % says what it is below."""
    if not count:
        return "0"
    share = 100 * count / max(1, total)
    return f"{count:,} ({f'{share:.1f}' if share >= 0.05 else '< 0.1'} %)"
