"""Whether a cell has dropped below its baseline: proven, ruled out, or neither."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.gate_results import DropTest
from harness.regression.paired_drops import PairedDrops
from harness.statistics.e_values import drop_p, night_counts
from harness.statistics.resampling import Floats

EDGE = 1e-12  # relative: a drop of exactly the margin is none beyond it


@dataclass(frozen=True, kw_only=True)
class NightEvidence:
    """What the sequential rule knows of a cell besides tonight."""

    nights: Sequence[Floats]  # of each counted night the drop of each group of items, as a share of the most it can be
    gated: int  # nights gated so far, with this one


def drop_test(
    paired: PairedDrops, margin: float, confidence: float, level: float, evidence: NightEvidence | None = None
) -> DropTest | None:
    """The test of a cell; None where no item has a value in both runs.

    With `evidence` p is that of all nights together; where values have no ends, tonight's, at the share 1/(t (t + 1))
    of the level in night t: the shares add up to 1, so that the level holds over all nights there, too.
    """
    own = paired.complete
    if not len(own.drops):
        return None
    p, rests_on = drop_p(own.by_group()), 1
    if evidence is not None and own.range is None:
        level /= evidence.gated * (evidence.gated + 1)
    elif evidence is not None:
        best = min(night_counts(evidence.nights), key=lambda count: count.p, default=None)
        p, rests_on = (best.p, best.nights) if best else (1.0, 0)
    drop = float(own.drops.mean())
    return DropTest(
        items=len(own.drops),
        groups=None if own.groups.are_items else own.groups.count,
        differing=int((own.drops != 0).sum()),
        drop=drop if math.isfinite(drop) else 0.0,
        highest=own.highest(confidence),
        margin=margin,
        p=p,
        level=level,
        nights=rests_on,
    )


def is_proven(test: DropTest) -> bool:
    """Whether a drop is proven, be it ever so small."""
    return test.p < test.level


def is_beyond(test: DropTest) -> bool:
    """Whether the drop that was seen tonight is larger than what is allowed."""
    return test.drop > test.margin * (1 + EDGE) + EDGE


def is_ruled_out(test: DropTest) -> bool:
    """Whether a drop beyond what is allowed is ruled out at the policy's confidence (non-inferiority)."""
    return test.highest < test.margin or not test.differing
