"""How far the judges of a run deserve trust: each as it behaved here, and as it stands against people."""

from collections.abc import Iterator
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.finished_run import FinishedRun
from harness.records.judgements import Panel, Reliability
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.demotions import run_demotions
from reports.facts.human_agreement import HumanAgreement, JudgeFact, human_agreement
from reports.facts.metric_columns import demotion_reason, metric_info
from reports.facts.phrases import counted, listed
from reports.section import Section

COMMAND = "harness calibrate SUITE --labels FILE"
UNFOLDED = 2  # judges; of more, only those that may not decide are unfolded
SIGNIFICANT = 0.05  # below this p, a preference for a place counts as shown


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCard:
    """One judge of one metric."""

    name: str
    description: str
    rubric: str
    doubts: tuple[str, ...]
    warning: str | None  # of what it might prefer
    overview: tuple[JudgeFact, ...]
    is_unfolded: bool
    readings: tuple[JudgeFact, ...]
    consistency: tuple[JudgeFact, ...]
    agreement: HumanAgreement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMetric:
    """One judged metric."""

    figure: str
    demoted: str | None
    judges: tuple[JudgeCard, ...]
    panel: str | None
    command: str = COMMAND


class Judges(Section):
    order = 30

    def build(self, finished: FinishedRun) -> tuple[JudgedMetric, ...]:
        """One part a judged metric, those that may decide first."""
        summary = finished.summary
        keys = dict.fromkeys((judge.task, judge.metric) for judge in summary.judging.judges)
        metrics = [_judged_metric(summary, task, metric) for task, metric in keys]
        return tuple(sorted(metrics, key=lambda metric: metric.demoted is not None))

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """One line a judge: trusted, or why not."""
        return tuple(map(_trust_sentence, finished.summary.judging.judges))

    def cautions(self, finished: FinishedRun) -> tuple[str, ...]:
        """What was demoted and why, and who judged what it wrote itself, or what its own family wrote."""
        figures: dict[tuple[str, str], list[str]] = {}
        for judge in finished.summary.judging.judges:
            if warning := _self_preference(judge):
                figures.setdefault((judge.judge, warning), []).append(str(FigureName.of(judge)))
        return (
            *(demotion.sentence for demotion in run_demotions(finished.summary)),
            *(f"On {listed(names)}, {judge} {warning}." for (judge, warning), names in figures.items()),
        )


def _judged_metric(summary: Summary, task: str, metric: str) -> JudgedMetric:
    info = metric_info(summary, task, metric)
    judges = [judge for judge in summary.judging.judges if (judge.task, judge.metric) == (task, metric)]
    panel = next((p for p in summary.judging.panels if (p.task, p.metric) == (task, metric)), None)
    return JudgedMetric(
        figure=str(FigureName.within(task, metric)),
        demoted=demotion_reason(summary, task, metric),
        judges=tuple(_card(judge, info, len(summary.judging.judges) <= UNFOLDED) for judge in judges),
        panel=None if panel is None else _panel_sentence(panel, info, judges[0].pairwise),
    )


def _card(judge: Reliability, info: MetricInfo, are_few: bool) -> JudgeCard:
    return JudgeCard(
        name=judge.judge,
        description=judge.description,
        rubric=judge.rubric,
        doubts=tuple(map(_doubt_sentence, judge.doubts)),
        warning=f"It {warning}." if (warning := _self_preference(judge)) else None,
        overview=tuple(_overview(judge, info)),
        is_unfolded=are_few or bool(judge.doubts),
        readings=tuple(_readings(judge)),
        consistency=tuple(_consistency(judge, info)),
        agreement=human_agreement(judge.calibration) if judge.calibration else None,
    )


def _overview(judge: Reliability, info: MetricInfo) -> Iterator[JudgeFact]:
    """Agreement, consistency, readability, and length, each with what it is to be compared with."""
    calibration = judge.calibration
    if calibration is None:
        yield JudgeFact("κ against people", "–", "not calibrated", True)
    else:
        ceiling = f"ceiling {numbers.coefficient(calibration.ceiling.kappa)}" if calibration.ceiling else ""
        yield JudgeFact("κ against people", numbers.coefficient(calibration.against.kappa), ceiling)
    if judge.pairwise:
        note = "" if judge.flips is None else f"of {counted(judge.pairs, 'pair')}"
        yield JudgeFact(
            "Verdict flips with the order", "–" if judge.flips is None else numbers.share(judge.flips), note
        )
    else:
        note = "not measured" if judge.noise is None else f"on {numbers.scale(info)}"
        yield JudgeFact("Noise floor", "–" if judge.noise is None else numbers.points(judge.noise, info), note)
    lost = judge.unreadable + judge.failed
    share = numbers.share(lost / judge.judgements if judge.judgements else None)
    yield JudgeFact("Without a verdict", share, f"of {judge.judgements:,}")
    title = "Longer answer preferred" if judge.pairwise else "Score and length"
    if judge.length is None:
        yield JudgeFact(title, "–", "not measured")
    else:
        length = _length(judge)
        yield JudgeFact(title, length.value, "", length.is_suspicious)


def _doubt_sentence(doubt: str) -> str:
    """A doubt as a sentence; κ has no capital."""
    return f"{doubt[:1].upper() if doubt[:1].isascii() else doubt[:1]}{doubt[1:]}."


def _self_preference(judge: Reliability) -> str | None:
    """What makes self-preference possible; it is not measured."""
    own = f"answers that it wrote itself ({listed(judge.itself)})" if judge.itself else ""
    kin = f"answers of models of its own family ({listed(judge.kin)})" if judge.kin else ""
    answers = " and ".join(filter(None, (own, kin)))
    return f"judges {answers}: judges tend to prefer their own kind" if answers else None


def _readings(judge: Reliability) -> Iterator[JudgeFact]:
    design = "two answers side by side, in both orders" if judge.pairwise else "each answer by itself"
    repeats = f", {judge.repeats} times each" if judge.repeats > 1 else ""
    yield JudgeFact("Judgements", f"{judge.judgements:,}", f"{design}{repeats}")
    for title, count, note in (
        ("Unreadable", judge.unreadable, "unknown, never a low score"),
        ("Failed", judge.failed, "a machine failed: unknown"),
    ):
        yield JudgeFact(title, _count_with_share(count, judge.judgements), note if count else "", bool(count))
    note = "after the judge was shown why its first reply could not be read" if judge.retried else ""
    yield JudgeFact("Read at a further attempt", _count_with_share(judge.retried, judge.judgements), note)
    tokens = f"{numbers.short(judge.tokens_in)} tokens in, {numbers.short(judge.tokens_out)} out"
    yield JudgeFact("Cost", numbers.duration(judge.seconds), tokens)


def _consistency(judge: Reliability, info: MetricInfo) -> Iterator[JudgeFact]:
    yield _noise(judge, info)
    if judge.pairwise:
        yield _flips(judge)
        yield _place_preference(judge)
    yield _length(judge)


def _noise(judge: Reliability, info: MetricInfo) -> JudgeFact:
    if judge.noise is None:
        reason = "no answer could be read twice" if judge.repeats > 1 else "give the metric repeats of 2 or more"
        return JudgeFact("Noise floor", "not measured", reason)
    unit, scale = ("pair", "a win is 100, a tie 50") if judge.pairwise else ("answer", f"scale {numbers.scale(info)}")
    note = f"mean difference between two readings of the same {unit}; {scale}"
    return JudgeFact("Noise floor", numbers.points(judge.noise, info), note)


def _flips(judge: Reliability) -> JudgeFact:
    if judge.flips is None:
        return JudgeFact("Flip rate", "not measured", "no pair was read in both orders", True)
    pairs = counted(judge.pairs, "pair")
    note = f"of {pairs} read in both orders: the verdict changed with the order, and counts as a tie"
    return JudgeFact("Flip rate", numbers.share(judge.flips), note)


def _place_preference(judge: Reliability) -> JudgeFact:
    if judge.position_p is None:
        return JudgeFact("Place", "not measured", "no verdict changed with the order")
    is_shown = judge.position_p < SIGNIFICANT
    note = "it prefers a place" if is_shown else "no preference for a place is shown"
    return JudgeFact("Place", numbers.probability("p", judge.position_p), note, is_shown)


def _length(judge: Reliability) -> JudgeFact:
    """The effect of length: of pairs the share of verdicts for the longer answer, else the rank correlation."""
    length = judge.length
    if length is None:
        pairs, answers = "no verdict between answers of different length", "scores or lengths do not vary within items"
        return JudgeFact("Length", "not measured", pairs if judge.pairwise else answers)
    is_suspicious = abs(length) >= 0.3
    if judge.pairwise:
        note = "of decided verdicts go to the longer answer, whether it is better or only longer"
        return JudgeFact("Length", numbers.share((1 + length) / 2), note, is_suspicious)
    comparative = "longer" if length > 0 else "shorter"
    degree = "much" if abs(length) >= 0.5 else "clearly" if is_suspicious else "slightly"
    note = f"{comparative} answers to an item score {degree} higher, whether they are better or only {comparative}"
    if abs(length) < 0.1:
        note = "score and length of an item's answers are hardly related"
    return JudgeFact("Length", f"ρ = {numbers.coefficient(length)}", note, is_suspicious)


def _panel_sentence(panel: Panel, info: MetricInfo, is_pairwise: bool) -> str:
    opening = f"Panel of {listed(panel.judges)}:"
    if panel.disagreement is None:
        return f"{opening} no answer was judged by two of them."
    if is_pairwise:
        share, pairs = numbers.share(panel.disagreement), counted(panel.items, "pair")
        return f"{opening} on {share} of {pairs} the judges do not all agree."
    difference, answers = numbers.points(panel.disagreement, info), counted(panel.items, "answer")
    return (
        f"{opening} two judges’ scores of the same answer differ by {difference} on average, on a scale of "
        f"{numbers.scale(info)} ({answers})."
    )


def _trust_sentence(judge: Reliability) -> str:
    opening = f"{judge.judge} on {FigureName.of(judge)} is"
    if judge.doubts:
        return f"{opening} not trusted: {'; '.join(judge.doubts)}."
    if judge.calibration is None:
        return f"{opening} trusted by the suite, though not calibrated against people."
    kappa, items = judge.calibration.against.kappa, judge.calibration.against.items
    return f"{opening} trusted: κ {numbers.coefficient(kappa)} against people on {counted(items, 'item')}."


def _count_with_share(count: int, total: int) -> str:
    """A count with its share; a share that would read 0 % says what it is below."""
    if not count:
        return "0"
    share = 100 * count / max(1, total)
    return f"{count:,} ({f'{share:.1f}' if share >= 0.05 else '< 0.1'} %)"
