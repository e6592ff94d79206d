"""`max_tokens: auto`: the 99th percentile of the lengths of right answers, and a margin."""

import pytest

from harness.components.target_limits import limit_of


@pytest.mark.parametrize(
    ("lengths", "limit"),
    [
        ([4], 13),  # 1.25 × 4 + 8
        ([1] * 99 + [400], 10),  # the 99th of 100: 1.25 rounded up to 2, and 8
        ([1] * 98 + [40, 400], 58),  # the 99th of 100 is 40: 50 + 8
        ([*range(1, 1001)], 1246),  # the 990th of 1,000: 1,237.5 rounded up to 1,238, and 8
        ([10_000_000], 1_000_000),  # never more than a suite may state
    ],
)
def test_a_limit_goes_by_the_99th_percentile(lengths: list[int], limit: int) -> None:
    assert limit_of(lengths) == limit
