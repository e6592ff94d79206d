"""The rule by which a judge loses its place in the headline: stated before, applied to all."""

from collections.abc import Sequence
from dataclasses import replace

from harness.records.judgements import Reliability
from harness.records.sentences import Sentence
from harness.suite.options import Trust
from harness.text.stating import state


def examined(record: Reliability, trust: Trust) -> Reliability:
    """The judge with all that speaks against its figures deciding."""
    doubts = (_people(record, trust), _order(record, trust), _readable(record, trust), _idle(record))
    sentences = [doubt for doubt in doubts if doubt is not None]
    return replace(
        record,
        doubts=tuple(doubt.text for doubt in sentences),
        statements=tuple(doubt.statement for doubt in sentences),
    )


def demotion(judges: Sequence[Reliability]) -> str | None:
    """Why a metric of these judges may not decide: one doubtful judge of a panel is enough."""
    several = len(judges) > 1
    doubts = [f"{record.judge}: {doubt}" if several else doubt for record in judges for doubt in record.doubts]
    return "; ".join(doubts) or None


def _people(record: Reliability, trust: Trust) -> Sentence | None:
    if trust.min_kappa is None:
        return None
    if record.calibration is None:
        return state(
            "judge_doubts.uncalibrated", "it is not calibrated against people (harness calibrate SUITE --labels FILE)"
        )
    against, items = record.calibration.against, record.calibration.items
    if trust.min_items is not None and against.items < trust.min_items:
        return state(
            "judge_doubts.few_items",
            "it is calibrated on only {items} items, fewer than {least}",
            items=against.items,
            least=trust.min_items,
        )
    if against.kappa is None:
        return state(
            "judge_doubts.undefined_kappa", "its agreement with people is not defined on {items} items", items=items
        )
    return _kappa(against.kappa, against.low, trust.min_kappa)


def _kappa(kappa: float, low: float | None, least: float) -> Sentence | None:
    """Agreement that is less than asked for, or may be chance."""
    if kappa < least:
        return state(
            "judge_doubts.low_kappa",
            "its κ against people is {kappa}, less than {least}",
            kappa=f"{kappa:.2f}",
            least=f"{least:g}",
        )
    if low is not None and low <= 0:
        return state(
            "judge_doubts.chance",
            "its κ against people, {kappa}, may be chance (95 % CI from {low})",
            kappa=f"{kappa:.2f}",
            low=f"{low:.2f}",
        )
    return None


def _idle(record: Reliability) -> Sentence | None:
    """Even a policy that waives everything demands that the judge was asked about an answer."""
    if record.judgements:
        return None
    return state("judge_doubts.idle", "it was not asked about any answer")


def _order(record: Reliability, trust: Trust) -> Sentence | None:
    """Flips in this run, or, of a judge of single answers, none: they are shown one at a time."""
    if trust.max_flip is None or not record.pairwise:
        return None
    if record.flips is None:
        unread = state("judge_doubts.unread_orders", "no pair was read in both orders")
        return unread if record.judgements else None
    if record.flips > trust.max_flip:
        share, most = f"{record.flips:.1%}", f"{trust.max_flip:.0%}"
        text = "{share} of its verdicts change with the order, more than {most}"
        return state("judge_doubts.flips", text, share=share, most=most)
    return None


def _readable(record: Reliability, trust: Trust) -> Sentence | None:
    if trust.max_unreadable is None or not record.judgements:
        return None
    lost = (record.unreadable + record.failed) / record.judgements
    if lost <= trust.max_unreadable:
        return None
    share, most = f"{lost:.1%}", f"{trust.max_unreadable:.0%}"
    text = "{share} of its judgements have no verdict, more than {most}"
    return state("judge_doubts.without_verdict", text, share=share, most=most)
