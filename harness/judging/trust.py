"""The rule by which a judge loses its place in the headline: stated before, applied to all."""

from collections.abc import Sequence
from dataclasses import replace

from harness.records.judgements import Reliability
from harness.suite.options import Trust


def examined(record: Reliability, trust: Trust) -> Reliability:
    """The judge with all that speaks against its figures deciding."""
    return replace(
        record,
        doubts=tuple(
            filter(None, (_people(record, trust), _order(record, trust), _readable(record, trust), _idle(record)))
        ),
    )


def demotion(judges: Sequence[Reliability]) -> str | None:
    """Why a metric of these judges may not decide: one doubtful judge of a panel is enough."""
    several = len(judges) > 1
    doubts = [f"{record.judge}: {doubt}" if several else doubt for record in judges for doubt in record.doubts]
    return "; ".join(doubts) or None


def _people(record: Reliability, trust: Trust) -> str | None:
    if trust.min_kappa is None:
        return None
    if record.calibration is None:
        return "it is not calibrated against people (harness calibrate SUITE --labels FILE)"
    against = record.calibration.against
    if trust.min_items is not None and against.items < trust.min_items:
        return f"it is calibrated on only {against.items} items, fewer than {trust.min_items}"
    kappa = against.kappa
    if kappa is None:
        return f"its agreement with people is not defined on {record.calibration.items} items"
    if kappa < trust.min_kappa:
        return f"its κ against people is {kappa:.2f}, less than {trust.min_kappa:g}"
    if against.low is not None and against.low <= 0:
        return f"its κ against people, {kappa:.2f}, may be chance (95 % CI from {against.low:.2f})"
    return None


def _idle(record: Reliability) -> str | None:
    """Even a policy that waives everything demands that the judge was asked about an answer."""
    return None if record.judgements else "it was not asked about any answer"


def _order(record: Reliability, trust: Trust) -> str | None:
    """Flips in this run, or, of a judge of single answers, none: they are shown one at a time."""
    if trust.max_flip is None or not record.pairwise:
        return None
    if record.flips is None:
        return "no pair was read in both orders" if record.judgements else None
    if record.flips > trust.max_flip:
        return f"{record.flips:.1%} of its verdicts change with the order, more than {trust.max_flip:.0%}"
    return None


def _readable(record: Reliability, trust: Trust) -> str | None:
    if trust.max_unreadable is None or not record.judgements:
        return None
    share = (record.unreadable + record.failed) / record.judgements
    if share > trust.max_unreadable:
        return f"{share:.1%} of its judgements have no verdict, more than {trust.max_unreadable:.0%}"
    return None
