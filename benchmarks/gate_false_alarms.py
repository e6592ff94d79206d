"""How often `harness gate` turns red although nothing has changed, and how soon a drop of 5 points is caught.

`python benchmarks/gate_false_alarms.py [SUITES]`: 1,000 suites of 30 nights each, of 100, 500 and 2,000 items, for both
rules, by the product's own tests. Each suite has 4 gated cells. An item is right with a chance of its own: of 85 items
in 100 it is 0 or 1, of the others anything between (answers that differ from night to night). The baseline is one more
night of the same system. A drop takes 5 points of the mean of one cell away: from the first night on, or from night 15.
Minutes on one core, seeded.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.records.gate_results import Rule
from harness.regression.policy import FalseAlarmBudget
from harness.statistics.e_values import drop_p, night_counts
from harness.statistics.resampling import Floats

NIGHTS, CELLS, MARGIN = 30, 4, 0.02
UNSTEADY, RIGHT, DROP = 0.15, 0.7, 0.05
RULES: tuple[Rule, ...] = ("nightly", "sequential")
LEVELS = {
    "nightly": FalseAlarmBudget().per_month / NIGHTS / CELLS,
    "sequential": FalseAlarmBudget().ever / CELLS,
}


@dataclass(frozen=True)
class Cell:
    """One cell of a suite: how its baseline scored, and what each night scores."""

    baseline: Floats
    nights: list[Floats]

    def alarms(self, rule: Rule) -> Iterator[int]:
        """The nights, from 1, on which it blocks."""
        drops = [self.baseline - night for night in self.nights]
        for night in range(1, len(drops) + 1):
            seen = float(drops[night - 1].mean())
            if seen <= MARGIN:
                continue
            if rule == "nightly":
                is_red = drop_p(drops[night - 1]) < LEVELS[rule]
            else:
                is_red = any(count.proves(LEVELS[rule]) for count in night_counts(drops[:night]))
            if is_red:
                yield night


def drawn(rng: np.random.Generator, items: int, drop: float = 0.0, since: int = 1) -> Cell:
    """A cell whose system loses `drop` of its mean from a night on."""
    chances = np.where(rng.random(items) < UNSTEADY, rng.random(items), rng.random(items) < RIGHT)
    worse = chances * (1 - drop / chances.mean())
    nights = [
        (rng.random(items) < (worse if night >= since else chances)).astype(float) for night in range(1, NIGHTS + 1)
    ]
    return Cell((rng.random(items) < chances).astype(float), nights)


def false_alarms(items: int, suites: int, rule: Rule) -> tuple[float, float]:
    """Red nights a suite and month, and the share of suites that are ever red, with nothing changed."""
    rng = np.random.default_rng(items)
    red = [{night for _ in range(CELLS) for night in drawn(rng, items).alarms(rule)} for _ in range(suites)]
    return sum(map(len, red)) / suites, sum(map(bool, red)) / suites


def caught(items: int, suites: int, rule: Rule, since: int) -> tuple[float, float, float]:
    """The share of suites in which the drop is caught, and the median and the 90th percentile of nights until then."""
    rng = np.random.default_rng(items + since)
    first = [next((n for n in drawn(rng, items, DROP, since).alarms(rule) if n >= since), None) for _ in range(suites)]
    waits = sorted(NIGHTS * 9 if night is None else night - since + 1 for night in first)
    share = sum(night is not None for night in first) / suites
    return share, waits[suites // 2], waits[int(suites * 0.9)]


def shown(nights: float) -> str:
    """Nights, or that the month was over."""
    return "> month" if nights > NIGHTS else f"{nights:.0f}"


def main(suites: int) -> None:
    """Print both tables."""
    began = time.process_time()
    print(f"{suites:,} suites × {NIGHTS} nights, {CELLS} gated cells, nothing changed")
    print("| items | rule | red nights a month | stated, at most | suites ever red | stated, at most |")
    print("|---:|---|---:|---:|---:|---:|")
    for items in (100, 500, 2000):
        for rule in RULES:
            month, ever = false_alarms(items, suites, rule)
            stated = ("0.2", "–") if rule == "nightly" else ("–", "0.05")
            print(f"| {items:,} | {rule} | {month:.3f} | {stated[0]} | {ever:.3f} | {stated[1]} |", flush=True)
    print(f"\na drop of {DROP * 100:.0f} points in one cell")
    print("| items | rule | since night | caught within the month | nights until then, median | 90 % |")
    print("|---:|---|---:|---:|---:|---:|")
    for items in (100, 500, 2000):
        for rule in RULES:
            for since in (1, 15):
                share, median, late = caught(items, suites, rule, since)
                print(f"| {items:,} | {rule} | {since} | {share:.1%} | {shown(median)} | {shown(late)} |", flush=True)
    print(f"\n{time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
