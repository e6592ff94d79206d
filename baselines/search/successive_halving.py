"""Successive halving: all settings answer a few rows, the better half some more, until one is left.

Jamieson & Talwalkar 2016, Non-stochastic best arm identification and hyperparameter optimization, algorithm 1. The
budget is that of calls. Each round may spend an equal share of what is left; the first one as much as gives every
setting `AMPLE_ROWS` rows, if that is no more than half of the budget. All settings of a round have answered the same
rows, those of the rounds before among them. As soon as the budget is enough for all that are left on all rows, they
answer them, and that decides.
"""

import math
from collections.abc import Sequence

from baselines.search.search_budget import AMPLE_ROWS, FEWEST_ROWS, largest
from baselines.search.trial_ledger import TrialLedger
from harness.records.searches import SearchRound


def halve(ledger: TrialLedger, settings: Sequence[int]) -> list[SearchRound]:
    """The rounds of a search, of which the last one holds the choice and the runner-up in front."""
    rounds: list[SearchRound] = []
    count, left = 0, list(settings)
    while True:
        count, is_last = _rows_of_round(ledger, left, count)
        ledger.calls.display.note(
            f"search, round {len(rounds) + 1}: {len(left)} settings on {count} rows, {ledger.spent:,} of "
            f"{ledger.budget:,} calls so far"
        )
        ledger.ask(left, count)
        trials = ledger.ranked(left, count)
        rounds.append(SearchRound(rows=count, trials=tuple(trials)))
        if is_last:
            return rounds
        left = [trial.setting for trial in trials[: math.ceil(len(left) / 2)]]


def _rows_of_round(ledger: TrialLedger, left: Sequence[int], before: int) -> tuple[int, bool]:
    """How many rows each setting has answered after the next round, and whether that round is the last one."""
    total = len(ledger.rows.rows)
    if ledger.price(left, total) <= ledger.left:
        return total, True
    rounds = math.ceil(math.log2(len(left)))
    share = ledger.left // rounds
    if not before:
        ample = min(AMPLE_ROWS, total)
        share = max(share, ledger.price(left, FEWEST_ROWS), min(ledger.price(left, ample), ledger.left // 2))
    count = largest(total, lambda rows: ledger.price(left, rows) <= share)
    return max(before, count), rounds == 1
