"""How often equally good variants are told apart: the share of A/A suites with any false verdict.

python benchmarks/false_alarms.py [--suites N] simulates suites whose variants do not differ, runs the summary of the
product on each, and prints the share of suites in which anything was called better, worse, best, or above or below the
floor, with its 95 % interval. In four more settings the reference is worse and all others are equally good: there only
"best" would be false. 27 settings have independent items (10, 40, 200 items × 2, 4, 8 variants × right or
wrong, graded, graded with many ties), 12 have groups (latent correlation 0.5). Goal: at most 0.06 in each family.
"""

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.records.figures import MetricInfo
from harness.records.inputs import Sample
from harness.records.outputs import Score
from harness.records.summary import Summary
from harness.statistics.intervals import wilson
from harness.summary.answer_figures import AnswerFigures
from harness.summary.comparison_plan import ComparisonPlan
from harness.summary.run_summary import summary_of
from harness.summary.score_table import ScoreTable
from reports.facts.comparison_table import leaders

INFO = MetricInfo(component="Score", settings={}, low=0.0, high=1.0, better="higher")
KINDS = ("right or wrong", "graded", "mostly equal")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One kind of suite."""

    kind: str
    groups: int
    size: int  # items of each group
    variants: int
    floors: int = 0
    gap: float = 0.0  # by how much the latent values of the reference are lower

    @property
    def title(self) -> str:
        items = f"{self.groups} × {self.size} items" if self.size > 1 else f"{self.groups} items"
        floors = f", {self.floors} floors" if self.floors else ""
        worse = ", the reference worse" if self.gap else ""
        return f"{self.kind}, {items}, {self.variants} variants{floors}{worse}"


SETTINGS = [
    *(
        Setting(kind=kind, groups=n, size=1, variants=v)
        for kind, n, v in itertools.product(KINDS, (10, 40, 200), (2, 4, 8))
    ),
    *(Setting(kind=kind, groups=g, size=s, variants=4) for kind in KINDS[:2] for g, s in ((20, 10), (10, 20), (40, 5))),
    *(Setting(kind=kind, groups=20, size=10, variants=2) for kind in KINDS[:2]),
    *(Setting(kind=kind, groups=40, size=1, variants=3, floors=f) for kind in KINDS[:2] for f in (5, 7)),
    *(Setting(kind=kind, groups=200, size=1, variants=v, gap=1.5) for kind in KINDS[:2] for v in (3, 5)),
]  # fmt: skip


def values_of(setting: Setting, rng: np.random.Generator) -> NDArray[np.float64]:
    """One suite's values [variants, items]: every variant has the same chance on each item.

    Within a group, latent values have a correlation of 0.5, of each variant by itself.
    """
    count, n = setting.variants + setting.floors, setting.groups * setting.size
    share = np.sqrt(0.5) if setting.size > 1 else 0.0
    common = np.repeat(rng.normal(size=(count, setting.groups)), setting.size, axis=1)
    difficulty = rng.normal(size=n)
    lower = setting.gap * (np.arange(count) == 0)[:, None]
    latent = share * common + np.sqrt(1 - share**2) * rng.normal(size=(count, n)) + difficulty - lower
    if setting.kind == "right or wrong":
        return (latent > 0).astype(np.float64)
    graded = 1 / (1 + np.exp(-latent))
    if setting.kind == "mostly equal":
        graded = np.where(rng.random((count, n)) < 0.8, 1.0, graded)
    return graded


def summary(setting: Setting, rng: np.random.Generator) -> Summary:
    """The product's summary of one simulated suite."""
    values = values_of(setting, rng)
    names = [f"v{i}" for i in range(setting.variants)] + [f"f{i}" for i in range(setting.floors)]
    n = values.shape[1]
    samples = [
        Sample(id=str(i), task="t", input=str(i), targets=("x",), group=str(i // setting.size)) for i in range(n)
    ]
    scores = [
        Score(sample_id=str(i), task="t", variant=name, metric="m", value=float(row[i]))
        for name, row in zip(names, values, strict=True)
        for i in range(n)
    ]
    floors = names[setting.variants :]
    plan = ComparisonPlan(name="a/a", seed=int(rng.integers(2**31)), reference="v0", headline=["t.m"], floors=floors)
    metrics, table = {"t.m": INFO}, ScoreTable.of(samples, scores)
    return summary_of(plan, metrics, samples, AnswerFigures(plan, metrics, table), table)


def alarms(setting: Setting, made: Summary) -> Iterator[str]:
    """Which families of verdicts have a false one."""
    if not setting.gap and any(c.verdict != "inconclusive" for c in (*made.comparisons, *made.leaders)):
        yield "verdict"
    if any(c.verdict != "inconclusive" for c in made.floors):
        yield "floor"
    results = {result.variant: result for result in made.results}
    comparisons = {comparison.variant: comparison for comparison in made.comparisons}
    marks = leaders(results, comparisons, made.leaders[0] if made.leaders else None, made.reference, INFO)
    if "best" in marks.values():
        yield "best"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--suites", type=int, default=400, help="simulated suites a setting (default 400)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{'setting':<58} any verdict [95 %]        best   floor")
    for number, setting in enumerate(SETTINGS):
        rng = np.random.default_rng([arguments.seed, number])
        counts = dict.fromkeys(("verdict", "best", "floor"), 0)
        for _ in range(arguments.suites):
            for family in alarms(setting, summary(setting, rng)):
                counts[family] += 1
        shares = {family: count / arguments.suites for family, count in counts.items()}
        low, high = wilson(shares["verdict"], arguments.suites)
        floor = f"{shares['floor']:.3f}" if setting.floors else "–"
        print(
            f"{setting.title:<58} {shares['verdict']:.3f} [{low:.3f}–{high:.3f}]   {shares['best']:.3f}   {floor}",
            flush=True,
        )


if __name__ == "__main__":
    main()
