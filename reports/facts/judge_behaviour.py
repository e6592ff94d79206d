"""How one judge behaved in a run: what it read, how consistent it was, and what its verdicts go with."""

from collections.abc import Iterator

from harness.records.figures import MetricInfo
from harness.records.judgements import Reliability
from reports.facts import numbers
from reports.facts.human_agreement import JudgeFact
from reports.facts.phrases import counted
from reports.wording import say

SIGNIFICANT = 0.05  # below this p, a preference for a place counts as shown


def judge_overview(judge: Reliability, info: MetricInfo) -> Iterator[JudgeFact]:
    """Agreement, consistency, readability, and length, each with what it is to be compared with."""
    yield _kappa(judge)
    if judge.pairwise:
        yield JudgeFact(
            title=say("judges.order_flips"),
            value="–" if judge.flips is None else numbers.share(judge.flips),
            note="" if judge.flips is None else say("judges.pairs_note", pairs=counted(judge.pairs, "pair")),
            explained=say("judges.flips_explained"),
        )
    else:
        scale = say("judges.scale_note", scale=numbers.scale(info))
        yield JudgeFact(
            title=say("judges.noise"),
            value="–" if judge.noise is None else numbers.points(judge.noise, info),
            note=say("judges.not_measured") if judge.noise is None else scale,
            explained=say("judges.noise_explained"),
        )
    lost = judge.unreadable + judge.failed
    yield JudgeFact(
        title=say("judges.lost"),
        value=numbers.share(lost / judge.judgements if judge.judgements else None),
        note=say("judges.total_note", count=f"{judge.judgements:,}"),
        explained=say("judges.lost_explained"),
    )
    length = _length(judge)
    yield JudgeFact(
        title=say("judges.longer_preferred") if judge.pairwise else say("judges.length_of_score"),
        value="–" if judge.length is None else length.value,
        note=say("judges.not_measured") if judge.length is None else "",
        is_suspicious=length.is_suspicious,
        explained=length.explained,
    )


def judge_readings(judge: Reliability) -> Iterator[JudgeFact]:
    """What it read, and how much of that brought a verdict."""
    design = say("judges.pair_design") if judge.pairwise else say("judges.answer_design")
    yield JudgeFact(
        title=say("judges.judgements"),
        value=f"{judge.judgements:,}",
        note=say("judges.repeated_design", design=design, repeats=judge.repeats) if judge.repeats > 1 else design,
        explained=say("judges.judgements_explained"),
    )
    yield JudgeFact(
        title=say("judges.unreadable"),
        value=_count_with_share(judge.unreadable, judge.judgements),
        note=say("judges.unreadable_note") if judge.unreadable else "",
        is_suspicious=bool(judge.unreadable),
        explained=say("judges.unreadable_explained"),
    )
    yield JudgeFact(
        title=say("judges.failed"),
        value=_count_with_share(judge.failed, judge.judgements),
        note=say("judges.failed_note") if judge.failed else "",
        is_suspicious=bool(judge.failed),
        explained=say("judges.failed_explained"),
    )
    yield JudgeFact(
        title=say("judges.retried"),
        value=_count_with_share(judge.retried, judge.judgements),
        note=say("judges.retried_note") if judge.retried else "",
        explained=say("judges.retried_explained"),
    )
    tokens_in, tokens_out = numbers.short(judge.tokens_in), numbers.short(judge.tokens_out)
    yield JudgeFact(
        title=say("judges.cost"),
        value=numbers.duration(judge.seconds),
        note=say("judges.cost_note", tokens_in=tokens_in, tokens_out=tokens_out),
        explained=say("judges.cost_explained"),
    )


def judge_consistency(judge: Reliability, info: MetricInfo) -> Iterator[JudgeFact]:
    """Whether it judges alike what is alike, and whether place or length sway it."""
    yield _noise(judge, info)
    if judge.pairwise:
        yield _flips(judge)
        yield _place_preference(judge)
    yield _length(judge)


def _kappa(judge: Reliability) -> JudgeFact:
    title, explained = say("judges.kappa"), say("judges.kappa_explained")
    calibration = judge.calibration
    if calibration is None:
        note = say("judges.uncalibrated_note")
        return JudgeFact(title=title, value="–", note=note, is_suspicious=True, explained=explained)
    ceiling = calibration.ceiling and say("judges.ceiling_note", kappa=numbers.coefficient(calibration.ceiling.kappa))
    value = numbers.coefficient(calibration.against.kappa)
    return JudgeFact(title=title, value=value, note=ceiling or "", explained=explained)


def _noise(judge: Reliability, info: MetricInfo) -> JudgeFact:
    title, explained = say("judges.noise"), say("judges.noise_explained")
    if judge.noise is None:
        reason = say("judges.noise_unread") if judge.repeats > 1 else say("judges.noise_unrepeated")
        return JudgeFact(title=title, value=say("judges.not_measured"), note=reason, explained=explained)
    note = say("judges.noise_of_pairs") if judge.pairwise else say("judges.noise_of_answers", scale=numbers.scale(info))
    return JudgeFact(title=title, value=numbers.points(judge.noise, info), note=note, explained=explained)


def _flips(judge: Reliability) -> JudgeFact:
    is_unknown = judge.flips is None
    pairs = counted(judge.pairs, "pair")
    return JudgeFact(
        title=say("judges.flips"),
        value=say("judges.not_measured") if is_unknown else numbers.share(judge.flips),
        note=say("judges.flips_unread") if is_unknown else say("judges.flips_note", pairs=pairs),
        is_suspicious=is_unknown,
        explained=say("judges.flips_explained"),
    )


def _place_preference(judge: Reliability) -> JudgeFact:
    title, explained = say("judges.place"), say("judges.place_explained")
    if judge.position_p is None:
        note = say("judges.place_unchanged")
        return JudgeFact(title=title, value=say("judges.not_measured"), note=note, explained=explained)
    is_shown = judge.position_p < SIGNIFICANT
    return JudgeFact(
        title=title,
        value=numbers.probability("p", judge.position_p),
        note=say("judges.place_preferred") if is_shown else say("judges.place_not_preferred"),
        is_suspicious=is_shown,
        explained=explained,
    )


def _length(judge: Reliability) -> JudgeFact:
    """The effect of length: of pairs the share of verdicts for the longer answer, else the rank correlation."""
    pairs, answers = say("judges.length_pairs_explained"), say("judges.length_answers_explained")
    title, explained = say("judges.length"), pairs if judge.pairwise else answers
    length = judge.length
    if length is None:
        note = say("judges.length_pairs_unmeasured" if judge.pairwise else "judges.length_answers_unmeasured")
        return JudgeFact(title=title, value=say("judges.not_measured"), note=note, explained=explained)
    is_share = judge.pairwise
    return JudgeFact(
        title=title,
        value=numbers.share((1 + length) / 2) if is_share else f"ρ = {numbers.coefficient(length)}",
        note=say("judges.length_pairs_note") if is_share else _length_note(length),
        is_suspicious=abs(length) >= 0.3,
        explained=explained,
    )


def _length_note(length: float) -> str:
    if abs(length) < 0.1:
        return say("judges.length_unrelated")
    comparative = "longer" if length > 0 else "shorter"
    degree = "much" if abs(length) >= 0.5 else "clearly" if abs(length) >= 0.3 else "slightly"
    return say(f"judges.length_{comparative}_{degree}")


def _count_with_share(count: int, total: int) -> str:
    """A count with its share; a share that would read 0 % says what it is below."""
    if not count:
        return "0"
    share = 100 * count / max(1, total)
    return f"{count:,} ({f'{share:.1f}' if share >= 0.05 else '< 0.1'} %)"
