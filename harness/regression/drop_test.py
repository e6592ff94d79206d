"""Whether a cell has dropped below its baseline: proven, ruled out, or neither."""

import math
from collections.abc import Sequence

from harness.records.gate_results import DropTest
from harness.regression.paired_drops import PairedDrops
from harness.statistics.e_values import drop_p, night_counts
from harness.statistics.resampling import Floats

EDGE = 1e-12  # relative: a drop of exactly the margin is none beyond it


def drop_test(
    paired: PairedDrops, margin: float, confidence: float, level: float, nights: Sequence[Floats] | None = None
) -> DropTest | None:
    """The test of a cell; None where no item has a value in both runs.

    `nights`: with the sequential rule, of each counted night the drop of each group of items as a share of the most it
    can be; the largest drop among the counts that prove one is told, else that of tonight.
    """
    own = paired.complete
    if not len(own.drops):
        return None
    drop, highest, p, rests_on = float(own.drops.mean()), own.highest(confidence), drop_p(own.by_group()), 1
    if nights is not None and own.range is not None:
        counts = night_counts(nights)
        best = min(counts, key=lambda count: count.p, default=None)
        p, rests_on = (best.p, best.nights) if best else (1.0, 0)
        if best and p < level:
            drop = max(drop, best.drop * own.range)
    return DropTest(
        items=len(own.drops),
        groups=None if own.groups.are_items else own.groups.count,
        differing=int((own.drops != 0).sum()),
        drop=drop if math.isfinite(drop) else 0.0,
        highest=highest,
        margin=margin,
        p=p,
        level=level,
        nights=rests_on,
    )


def is_proven(test: DropTest) -> bool:
    """Whether a drop is proven, be it ever so small."""
    return test.p < test.level


def is_beyond(test: DropTest) -> bool:
    """Whether the drop that was seen is larger than what is allowed."""
    return test.drop > test.margin * (1 + EDGE) + EDGE


def is_ruled_out(test: DropTest) -> bool:
    """Whether a drop beyond what is allowed is ruled out at the policy's confidence (non-inferiority)."""
    return test.highest < test.margin or not test.differing
