"""All pairs of variants in one family: how long it takes, how often it errs, and what it finds beside Holm's method.

python benchmarks/all_pairs.py [--repetitions N] prints (1) the seconds and the peak memory of the family of all pairs
for 12 variants × 10,000 items and 200 × 1,000; (2) the share of simulated suites of equally good and of different
variants with any false verdict, and of those in which all intervals hold the truth, with 95 % intervals; (3) the share
of true differences that is found, by the largest statistic and by Holm's method over exact tests. Goals: 12 × 10,000 in
under 15 s on 2 cores; errors in at most 0.05, coverage at least 0.95, both within chance; no less power than Holm's.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.records.deployment_terms import Correction, DeploymentTerms
from harness.records.figures import Comparison, MetricInfo
from harness.statistics.groups import Groups
from harness.statistics.intervals import wilson
from harness.summary.all_pairs import all_pairs
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.contested_figures import contested_figures
from harness.summary.means import Means
from harness.summary.score_columns import ScoreColumns

INFO = MetricInfo(component="Score", settings={}, low=0.0, high=1.0, better="higher")
Values = NDArray[np.float64]  # [variants, items]
Kind = Literal["right or wrong", "graded", "mostly equal"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One kind of suite: variants that share the difficulty of items, `gap` apart from one to the next."""

    kind: Kind
    variants: int
    groups: int
    size: int = 1  # items of a group
    gap: float = 0.0
    common: float = 0.7  # share of the variance that all variants have in common
    unknown: float = 0.0  # share of the values

    @property
    def title(self) -> str:
        items = f"{self.groups} × {self.size} items" if self.size > 1 else f"{self.groups} items"
        gap = f", {self.gap:g} apart" if self.gap else ""
        return f"{self.kind}, {self.variants} variants, {items}{gap}{', a tenth unknown' if self.unknown else ''}"

    def chances(self, rng: np.random.Generator) -> tuple[Values, Values]:
        """Latent quality [variants, items] with and without what belongs to a variant alone; truth is its mean."""
        n = self.groups * self.size
        difficulty = rng.normal(size=self.groups).repeat(self.size) * np.sqrt(self.common)
        own = rng.normal(size=(self.variants, n)) * np.sqrt(1 - self.common)
        if self.size > 1:
            own = (own + rng.normal(size=(self.variants, self.groups)).repeat(self.size, axis=1) * 0.5) / 1.2
        return difficulty + own, self.gap * np.arange(self.variants)[:, None]

    def values(self, rng: np.random.Generator) -> Values:
        """What one suite of this kind scores."""
        latent, shift = self.chances(rng)
        values = graded(latent + shift, self.kind)
        if self.kind == "mostly equal":
            values = np.where(rng.random(values.shape) < 0.8, 1.0, values)
        values[rng.random(values.shape) < self.unknown] = np.nan
        return values


def graded(latent: Values, kind: Kind) -> Values:
    """Latent quality as a score."""
    return (latent > 0).astype(np.float64) if kind == "right or wrong" else 1 / (1 + np.exp(-latent))


NULL = [
    Setting(kind=kind, variants=variants, groups=groups)
    for kind in ("right or wrong", "graded", "mostly equal")
    for variants, groups in ((3, 20), (6, 100), (12, 200))
] + [
    Setting(kind="graded", variants=6, groups=20, size=5),
    Setting(kind="right or wrong", variants=6, groups=20, size=5),
    Setting(kind="right or wrong", variants=6, groups=100, unknown=0.1),
    Setting(kind="graded", variants=3, groups=8),
]  # fmt: skip
APART = [
    Setting(kind=kind, variants=variants, groups=groups, gap=gap)
    for kind in ("right or wrong", "graded", "mostly equal")
    for variants, groups, gap in ((3, 20, 0.5), (6, 100, 0.2), (12, 200, 0.1))
] + [Setting(kind="graded", variants=6, groups=20, size=5, gap=0.2)]  # fmt: skip


def pairs_of(values: Values, size: int, seed: int, correction: Correction = "max-t") -> Sequence[Comparison]:
    """The product's comparisons of all pairs."""
    names = [f"v{i}" for i in range(len(values))]
    groups = Groups(np.arange(values.shape[1]) // size, values.shape[1] // size)
    columns = ScoreColumns(values={("m", name): row for name, row in zip(names, values, strict=True)}, groups=groups)
    plan = ComparisonPlan(
        name="b", seed=seed, reference=None, headline=["t.m"], terms=DeploymentTerms(correction=correction)
    )
    estimator = Means("t", columns, {"t.m": INFO}, seed)
    return all_pairs(list(contested_figures([estimator], plan)), plan)


def print_speed(variants: int, items: int, kind: Kind) -> None:
    """Seconds of one family, and the peak memory up to then."""
    values = Setting(kind=kind, variants=variants, groups=items, gap=0.02).values(np.random.default_rng(1))
    start, processor = time.perf_counter(), time.process_time()
    pairs = len(pairs_of(values, 1, 1))
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{kind:<16}{variants:>5} × {items:>6,} items {pairs:>7,} pairs {seconds:>8.1f} s, "
        f"{processor:.1f} s of processor, up to {peak:.2f} GiB",
        flush=True,
    )


def truths(setting: Setting) -> Values:
    """The true mean of each variant [variants]."""
    rng = np.random.default_rng(99)
    big = Setting(**{**setting.__dict__, "groups": 400_000 // setting.size, "unknown": 0.0, "variants": 1, "gap": 0.0})
    latent, _ = big.chances(rng)
    means = [float(graded(latent + setting.gap * i, setting.kind).mean()) for i in range(setting.variants)]
    return np.array([0.8 + 0.2 * mean if setting.kind == "mostly equal" else mean for mean in means])


def errors(setting: Setting, number: int, repetitions: int) -> str:
    """How often any verdict is false, and all intervals hold the truth."""
    truth = truths(setting)
    wrong, covered = 0, 0
    for seed in range(repetitions):
        made = pairs_of(setting.values(np.random.default_rng([7, number, seed])), setting.size, seed)
        real = [truth[i] - truth[j] for i, j in combinations(range(setting.variants), 2)]
        held = [own.low - 1e-3 <= gap <= own.high + 1e-3 for own, gap in zip(made, real, strict=True)]
        covered += all(held)
        wrong += any(
            own.verdict != "inconclusive" and (gap == 0 or (own.difference > 0) != (gap > 0))
            for own, gap in zip(made, real, strict=True)
        )
    shares = [f"{count / repetitions:.3f} [{low:.3f}–{high:.3f}]"
              for count in (wrong, covered) for low, high in [wilson(count / repetitions, repetitions)]]  # fmt: skip
    return f"{setting.title:<58}{shares[0]:>23}{shares[1]:>23}"


def found(setting: Setting, repetitions: int) -> str:
    """The share of pairs, all of which differ, that either correction calls different."""
    counts = []
    corrections: tuple[Correction, ...] = ("max-t", "holm")
    for correction in corrections:
        made = [
            own.verdict != "inconclusive"
            for seed in range(repetitions)
            for own in pairs_of(setting.values(np.random.default_rng([8, seed])), setting.size, seed, correction)
        ]
        counts.append(float(np.mean(made)))
    return f"{setting.title:<58}{counts[0]:>10.3f}{counts[1]:>10.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repetitions", type=int, default=300, help="simulated suites a setting (default 300)")
    parser.add_argument("--only", choices=("speed", "errors", "power"), help="one of the three tables")
    arguments = parser.parse_args()
    if arguments.only in (None, "speed"):
        for kind in ("right or wrong", "graded"):
            print_speed(12, 10_000, kind)
            print_speed(200, 1000, kind)
    if arguments.only in (None, "errors"):
        print(f"{'setting':<58}{'any false verdict':>23}{'all intervals hold':>23}")
        for number, setting in enumerate((*NULL, *APART)):
            print(errors(setting, number, arguments.repetitions), flush=True)
    if arguments.only in (None, "power"):
        print(f"{'share of true differences found':<58}{'max-T':>10}{'Holm':>10}")
        for setting in APART:
            print(found(setting, min(arguments.repetitions, 50)), flush=True)


if __name__ == "__main__":
    main()
