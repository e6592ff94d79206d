"""Who is better, from many small duels: Bradley-Terry strengths with ties, as sure as the items allow."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.records.judgements import PairResult, Ranking, Standing
from harness.statistics.resampling import Floats, percentiles

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
RESAMPLES = 1000
ITERATIONS = 100
TOLERANCE = 1e-10  # of the gradient, per battle
LONGEST = 3.0  # step on the log scale: keeps Newton's method from overshooting
EQUAL_DIGITS = 9  # strengths that are equal to so many are equal: the rest is rounding
NEVER = -30.0  # log ν where there is no tie: e⁻³⁰ is none
PRIOR = 0.5  # of a win, each way, for each pair that met: Jeffreys
OUTCOMES = {1.0: 0, 0.5: 1, 0.0: 2}  # place of an outcome for the first of a pair: win, tie, loss


class Battle(NamedTuple):
    """Two names compared on one item."""

    item: str
    first: str
    second: str
    outcome: float | None  # for the first: 1 won, 0.5 tie, 0 lost; None unknown


def rank(battles: Sequence[Battle], seed: int) -> Ranking:
    """Maximum-likelihood strengths θ, log scale, with ties. Bradley & Terry 1952; ties: Davidson 1970.

    P(i beats j) : P(tie) : P(j beats i) = e^θi : ν e^((θi + θj)/2) : e^θj. Newton's method on the concave likelihood
    in (θ, log ν), for all resamples at once. Intervals are percentiles over resampled items, never over battles,
    because battles on one item are not independent.

    A side that never lost to another has no finite strength. Then half a win and half a loss are added to each pair
    that met (Jeffreys' prior); in the resamples the amounts are drawn from Gamma(½), so that intervals
    are as wide as what a unanimous sample leaves open. A resample that has no finite fit, of battles that have
    one, is treated alike. No interval with fewer than 2 items, or where all resamples are equal.

    Raises ValueError for a battle of a name with itself and for an outcome other than 1, 0.5, 0, None.
    """
    names = sorted({name for battle in battles for name in (battle.first, battle.second)})
    ends = np.array(list(combinations(range(len(names)), 2)), dtype=int).reshape(-1, 2)
    counts = _count(battles, names, ends)
    total = counts.sum(axis=0)[None]
    blocks = _reach(total + total[..., ::-1], ends, len(names))[0]
    finite = bool(_determined(total, ends, blocks)[0])
    met = (total.sum(axis=2) > 0)[..., None] * np.array([1.0, 0.0, 1.0])  # wins and losses of the pairs that met
    point, settled = _fit(total if finite else total + PRIOR * met, ends, blocks)
    sums, lacking = _resampled(counts, ends, blocks, met, seed)
    drawn, all_settled = _fit(sums, ends, blocks)
    converged, decided, groups = settled and all_settled, int(total.sum()), _groups(names, blocks)
    return Ranking(
        standings=_standings(names, blocks, point[0], drawn) if converged else _without_strength(names),
        tallies=tuple(_pair_results(total[0], names, ends)),
        nu=_nu(point[0]) if decided and converged else None,
        items=len(counts),
        battles=decided,
        unknown=len(battles) - decided,
        groups=groups,
        connected=finite and len(groups) == 1 and decided > 0,
        prior=0.0 if finite else PRIOR,
        resamples=len(drawn),
        regularised=float(lacking.mean()) if len(lacking) else 0.0,
        converged=converged,
        note=_note(groups, finite, converged),
    )


def _groups(names: Sequence[str], blocks: Bools) -> tuple[tuple[str, ...], ...]:
    """The names that battles link."""
    return tuple(dict.fromkeys(tuple(names[int(j)] for j in np.flatnonzero(row)) for row in blocks))


def _count(battles: Sequence[Battle], names: Sequence[str], ends: Ints) -> Floats:
    """Outcomes [items, pairs, 3] of the known battles: the first of a pair won, tied, lost."""
    for battle in battles:
        if battle.first == battle.second:
            raise ValueError(f"item {battle.item}: {battle.first} cannot meet itself")
        if battle.outcome is not None and battle.outcome not in OUTCOMES:
            raise ValueError(f"item {battle.item}: outcome {battle.outcome}: expected 1, 0.5, 0 or None")
    decided = [battle for battle in battles if battle.outcome is not None]
    items = {item: row for row, item in enumerate(dict.fromkeys(battle.item for battle in decided))}
    places = {(names[i], names[j]): pair for pair, (i, j) in enumerate(ends)}
    counts = np.zeros((len(items), len(ends), 3))
    for item, first, second, outcome in decided:
        place = OUTCOMES[outcome or 0.0]
        if first < second:
            counts[items[item], places[first, second], place] += 1
        else:
            counts[items[item], places[second, first], 2 - place] += 1
    return counts


def _reach(counts: Floats, ends: Ints, size: int) -> Bools:
    """Who is linked to whom [rows, names, names] by a chain of wins and ties; everyone to himself."""
    linked = np.broadcast_to(np.eye(size, dtype=bool), (len(counts), size, size)).copy()
    linked[:, ends[:, 0], ends[:, 1]] = counts[..., 0] + counts[..., 1] > 0
    linked[:, ends[:, 1], ends[:, 0]] = counts[..., 2] + counts[..., 1] > 0
    for _ in range(max(1, size - 1).bit_length()):  # each squaring doubles the length of the chains
        linked = np.matmul(linked, linked)
    return linked


def _determined(counts: Floats, ends: Ints, blocks: Bools) -> Bools:
    """Rows of counts with a finite fit: no direction of (θ, log ν) in which the likelihood never falls.

    With log ν held there is none when within a group everyone reaches everyone (Ford 1957). With log ν growing by ½
    there is one when names can be placed so that each winner stands at least 1 above the loser and tied names at
    most 1 apart, that is, unless some cycle has more wins than ties. (Without ties ν is 0, and only the first counts.)
    """
    strongly = (_reach(counts, ends, len(blocks)) == blocks).all(axis=(1, 2))
    apart = np.full((len(counts), len(blocks), len(blocks)), np.inf)
    for column, (i, j) in ((0, ends.T), (2, ends.T[::-1])):
        apart[:, i, j] = np.where(counts[..., column] > 0, -1.0, np.where(counts[..., 1] > 0, 1.0, np.inf))
    for k in range(len(blocks)):  # shortest ways; a cycle that shortens them shows on the diagonal
        apart = np.maximum(np.minimum(apart, apart[:, :, k, None] + apart[:, None, k, :]), -1e6)
    cycle = (np.diagonal(apart, axis1=1, axis2=2) < 0).any(axis=1)
    return np.asarray(strongly & (cycle | (counts.sum(axis=(1, 2)) == 0)))


def _resampled(counts: Floats, ends: Ints, blocks: Bools, met: Floats, seed: int) -> tuple[Floats, Bools]:
    """Outcomes [RESAMPLES, pairs, 3] of items drawn with replacement, and which rows needed the random prior."""
    if len(counts) < 2:
        return np.zeros((0, len(ends), 3)), np.zeros(0, dtype=bool)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), RESAMPLES)
    sums = (weights @ counts.reshape(len(counts), -1)).reshape(RESAMPLES, -1, 3)
    lacking = ~_determined(sums, ends, blocks)
    sums[lacking] += rng.standard_gamma(PRIOR, sums[lacking].shape) * met
    return sums, lacking


def _fit(counts: Floats, ends: Ints, blocks: Bools) -> tuple[Floats, bool]:
    """(θ, log ν) [rows, names + 1] of each row of counts, θ with mean 0 in each group; whether all rows converged."""
    size = len(blocks)
    features = _features(ends, size)
    ties, decisive = counts[..., 1].sum(axis=1), (counts[..., 0] + counts[..., 2]).sum(axis=1)
    parameters = np.zeros((len(counts), size + 1))
    parameters[:, -1] = np.where(ties > 0, np.log(2 * np.maximum(ties, 1e-12) / np.maximum(decisive, 1e-12)), NEVER)
    hold = np.eye(size + 1) * 1e-10
    hold[:size, :size] += blocks  # strengths are known up to a shift of each group: this fixes it at mean 0
    active = np.arange(len(counts))
    for _ in range(ITERATIONS):
        gradient, curvature = _slopes(counts[active], parameters[active], features)
        going = np.abs(gradient).max(axis=1) > TOLERANCE * (1 + counts[active].sum(axis=(1, 2)))
        active = active[going]
        if not len(active):
            break
        step = np.linalg.solve(curvature[going] + hold, gradient[going][..., None])[..., 0]
        parameters[active] += step * np.minimum(1, LONGEST / np.abs(step).max(axis=1, keepdims=True))
    return parameters, not len(active)


def _features(ends: Ints, size: int) -> Floats:
    """What each outcome of each pair adds up [pairs, 3, names + 1]: θi; (θi + θj)/2 + log ν; θj."""
    features = np.zeros((len(ends), 3, size + 1))
    rows = np.arange(len(ends))
    for column, outcome in ((0, 0), (1, 2)):
        features[rows, outcome, ends[:, column]] = 1.0
        features[rows, 1, ends[:, column]] = 0.5
    features[:, 1, size] = 1.0
    return features


def _slopes(counts: Floats, parameters: Floats, features: Floats) -> tuple[Floats, Floats]:
    """Gradient [rows, D] and negative Hessian [rows, D, D] of the log-likelihood, a sum of multinomial logits."""
    pairs, _, size = features.shape
    flat = features.reshape(-1, size)
    logits = (parameters @ flat.T).reshape(len(parameters), pairs, 3)
    chances = np.exp(logits - logits.max(axis=2, keepdims=True))
    chances /= chances.sum(axis=2, keepdims=True)
    totals = counts.sum(axis=2)
    expected = (totals[..., None] * chances).reshape(len(parameters), pairs * 3)
    means = np.einsum("rpo,pod->rpd", chances, features)
    squares = (expected @ (flat[:, :, None] * flat[:, None, :]).reshape(-1, size * size)).reshape(-1, size, size)
    gradient = (counts.reshape(len(parameters), pairs * 3) - expected) @ flat
    return gradient, squares - np.matmul((means * totals[..., None]).transpose(0, 2, 1), means)


def _standings(names: Sequence[str], blocks: Bools, point: Floats, drawn: Floats) -> tuple[Standing, ...]:
    standings = []
    for i, name in enumerate(names):
        opponents = np.flatnonzero(blocks[i] & (np.arange(len(names)) != i))
        if not len(opponents):
            continue
        gaps = (point[i] - point[opponents]) / 2
        tied = np.exp(point[-1])
        rate = (np.exp(gaps) + tied / 2) / (np.exp(gaps) + tied + np.exp(-gaps))
        low, high = None, None
        if len(drawn) and np.ptp(drawn[:, i]) > 1e-9:  # equal resamples would claim certainty
            low, high = percentiles(drawn[:, i])
        standings.append(Standing(name=name, strength=float(point[i]), low=low, high=high, win_rate=float(rate.mean())))
    ranked = sorted(standings, key=lambda standing: (-round(standing.strength or 0.0, EQUAL_DIGITS), standing.name))
    return (*ranked, *_without_strength([name for i, name in enumerate(names) if blocks[i].sum() == 1]))


def _without_strength(names: Sequence[str]) -> tuple[Standing, ...]:
    return tuple(Standing(name=name, strength=None, low=None, high=None, win_rate=None) for name in names)


def _pair_results(total: Floats, names: Sequence[str], ends: Ints) -> Iterator[PairResult]:
    for (i, j), outcomes in zip(ends, total, strict=True):
        wins, ties, losses = (int(count) for count in outcomes)
        if wins + ties + losses:
            yield PairResult(first=names[i], second=names[j], wins=wins, ties=ties, losses=losses)
            yield PairResult(first=names[j], second=names[i], wins=losses, ties=ties, losses=wins)


def _nu(point: Floats) -> float:
    return 0.0 if point[-1] <= NEVER + 1 else float(np.exp(point[-1]))


def _note(groups: Sequence[Sequence[str]], finite: bool, converged: bool) -> str:
    notes = []
    if not converged:
        notes.append("the fit did not converge, so there are no strengths")
    if len(groups) > 1:
        apart = "; ".join(", ".join(group) for group in groups)
        notes.append(f"no battle links these groups, strengths compare only within one: {apart}")
    if not finite:
        notes.append(
            "the battles alone give no finite strengths (one side never lost to another, or too few were decided): "
            "half a win and half a loss were added to each pair that met; an interval's far end is then the prior's"
        )
    return "; ".join(notes)
