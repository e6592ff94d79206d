"""The rule by which a judge loses its place in the headline: stated before, applied to all."""

from collections.abc import Sequence
from dataclasses import replace

from harness.records.decisions import Statement
from harness.records.judgements import Reliability
from harness.records.sentences import Sentence
from harness.suite.options import Trust


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
        return Sentence(
            "it is not calibrated against people (harness calibrate SUITE --labels FILE)",
            Statement("judge_doubts.uncalibrated"),
        )
    against, items = record.calibration.against, record.calibration.items
    if trust.min_items is not None and against.items < trust.min_items:
        return Sentence(
            f"it is calibrated on only {against.items} items, fewer than {trust.min_items}",
            Statement("judge_doubts.few_items", {"items": against.items, "least": trust.min_items}),
        )
    if against.kappa is None:
        return Sentence(
            f"its agreement with people is not defined on {items} items",
            Statement("judge_doubts.undefined_kappa", {"items": items}),
        )
    return _kappa(against.kappa, against.low, trust.min_kappa)


def _kappa(kappa: float, low: float | None, least: float) -> Sentence | None:
    """Agreement that is less than asked for, or may be chance."""
    if kappa < least:
        return Sentence(
            f"its κ against people is {kappa:.2f}, less than {least:g}",
            Statement("judge_doubts.low_kappa", {"kappa": f"{kappa:.2f}", "least": f"{least:g}"}),
        )
    if low is not None and low <= 0:
        return Sentence(
            f"its κ against people, {kappa:.2f}, may be chance (95 % CI from {low:.2f})",
            Statement("judge_doubts.chance", {"kappa": f"{kappa:.2f}", "low": f"{low:.2f}"}),
        )
    return None


def _idle(record: Reliability) -> Sentence | None:
    """Even a policy that waives everything demands that the judge was asked about an answer."""
    if record.judgements:
        return None
    return Sentence("it was not asked about any answer", Statement("judge_doubts.idle"))


def _order(record: Reliability, trust: Trust) -> Sentence | None:
    """Flips in this run, or, of a judge of single answers, none: they are shown one at a time."""
    if trust.max_flip is None or not record.pairwise:
        return None
    if record.flips is None:
        unread = Sentence("no pair was read in both orders", Statement("judge_doubts.unread_orders"))
        return unread if record.judgements else None
    if record.flips > trust.max_flip:
        share, most = f"{record.flips:.1%}", f"{trust.max_flip:.0%}"
        return Sentence(
            f"{share} of its verdicts change with the order, more than {most}",
            Statement("judge_doubts.flips", {"share": share, "most": most}),
        )
    return None


def _readable(record: Reliability, trust: Trust) -> Sentence | None:
    if trust.max_unreadable is None or not record.judgements:
        return None
    lost = (record.unreadable + record.failed) / record.judgements
    if lost <= trust.max_unreadable:
        return None
    share, most = f"{lost:.1%}", f"{trust.max_unreadable:.0%}"
    return Sentence(
        f"{share} of its judgements have no verdict, more than {most}",
        Statement("judge_doubts.without_verdict", {"share": share, "most": most}),
    )
