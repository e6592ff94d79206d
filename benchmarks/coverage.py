"""How often 95 % intervals hold the true value, on values of the kinds that metrics give.

python benchmarks/coverage.py [--draws N] prints for each kind of values and each number of items the share of intervals
of the mean, and of the difference of two equally good variants, that hold the truth, and their median width. Goal: at
least 0.90 from 10 items on.
"""

import argparse
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from harness.statistics.groups import Groups
from harness.statistics.intervals import Interval, ValueRange, bounded_means, commonest_share, mean_interval
from harness.statistics.paired import PairedDifference

Values = NDArray[np.float64]
SHARE = ValueRange(0.0, 1.0)
SIZES = (10, 20, 50, 200)
KINDS: Mapping[str, Callable[[np.random.Generator, int], Values]] = {
    "right or wrong, 0.9": lambda rng, n: (rng.random(n) < 0.9).astype(np.float64),
    "right or wrong, 0.5": lambda rng, n: (rng.random(n) < 0.5).astype(np.float64),
    "Beta(9, 1)": lambda rng, n: rng.beta(9, 1, n),
    "Beta(18, 2)": lambda rng, n: rng.beta(18, 2, n),
    "80 % full marks, else uniform": lambda rng, n: np.where(rng.random(n) < 0.8, 1.0, rng.random(n)),
    "90 % full marks, else uniform": lambda rng, n: np.where(rng.random(n) < 0.9, 1.0, rng.random(n)),
    "0, ½ or 1, mostly 1": lambda rng, n: rng.choice([0.0, 0.5, 1.0], n, p=[0.05, 0.1, 0.85]),
    "0.93, in 5 % a failure": lambda rng, n: np.where(rng.random(n) < 0.95, 0.93, 0.2 * rng.random(n)),
}


def interval_of_mean(values: Values, seed: int) -> Interval:
    """The product's interval of a mean."""
    groups = Groups.single(len(values))
    return mean_interval(values, groups, bounded_means(values[:, None], groups, [SHARE], [1.0], seed)[0])


def interval_of_difference(ours: Values, theirs: Values, seed: int) -> Interval:
    """The product's interval of a paired difference."""
    groups, differences = Groups.single(len(ours)), ours - theirs
    unseen = [commonest_share(differences, groups)]
    bounded = bounded_means(differences[:, None], groups, [SHARE.of_differences], unseen, seed)[0]
    return PairedDifference(ours, theirs, groups, bounded, seed).interval(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--draws", type=int, default=400, help="samples of each kind and size (default 400)")
    draws = parser.parse_args().draws
    print(f"{'values':<32}{'items':>6}   mean: covered  width   difference: covered  width")
    for number, (name, draw) in enumerate(KINDS.items()):
        truth = float(draw(np.random.default_rng(0), 4_000_000).mean())
        for n in SIZES:
            rng = np.random.default_rng([number, n])
            means = [interval_of_mean(draw(rng, n), seed) for seed in range(draws)]
            pairs = [interval_of_difference(draw(rng, n), draw(rng, n), seed) for seed in range(draws)]
            held = [
                np.mean([own.low <= value <= own.high for own in kind]) for kind, value in ((means, truth), (pairs, 0))
            ]
            width = [np.median([own.high - own.low for own in kind]) for kind in (means, pairs)]
            print(f"{name:<32}{n:>6}{held[0]:>16.3f}{width[0]:>7.3f}{held[1]:>22.3f}{width[1]:>7.3f}", flush=True)


if __name__ == "__main__":
    main()
