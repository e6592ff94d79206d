"""The family of all pairs against plain loops over all changes of sign, and its intervals against their own definition."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from harness.statistics.flipped_sums import FlipMoments, FlippedSums, group_sums
from harness.statistics.groups import Groups, error_of_mean
from harness.statistics.joint_tosses import JointTosses
from harness.statistics.max_t import MaxT, marginal_level
from harness.statistics.resampling import RESAMPLES, Floats
from harness.statistics.tests import SignFlips

NAN = math.nan


def flipped(differences: Floats, groups: Groups) -> FlippedSums:
    sums, counts = group_sums(differences, groups)
    return FlippedSums.of(sums, np.arange(sums.shape[1]), None, FlipMoments.of(sums, counts))


def family_of(tasks: Sequence[tuple[Floats, Groups]], seed: int = 1) -> tuple[MaxT, list[Floats], list[FlippedSums]]:
    """Of the columns of differences of each task: the family, the p of each pair by itself, its statistics."""
    blocks = [flipped(*task) for task in tasks]
    family = MaxT(JointTosses([groups.count for _, groups in tasks], seed))
    return family, [family.join(place, block) for place, block in enumerate(blocks)], blocks


def by_loops(tasks: Sequence[tuple[Floats, Groups]]) -> list[list[float]]:
    """The corrected p of each pair by the definition: all signs of all groups of all tasks."""
    sums = [group_sums(*task)[0] for task in tasks]
    norms = [np.sqrt((own**2).sum(axis=0)) for own in sums]
    observed = [np.abs(own.sum(axis=0)) / norm for own, norm in zip(sums, norms, strict=True)]
    largest = []
    for signs in itertools.product((1, -1), repeat=sum(len(own) for own in sums)):
        rest, sizes = list(signs), []
        for own, norm in zip(sums, norms, strict=True):
            mine, rest = np.array(rest[: len(own)]), rest[len(own) :]
            sizes += list(np.abs(mine @ own) / norm)
        largest.append(max(sizes))
    return [[float(np.mean([top >= t - 1e-9 for top in largest])) for t in own] for own in observed]


def random_tasks(seed: int, shapes: Sequence[tuple[int, int, int]]) -> list[tuple[Floats, Groups]]:
    """Of each (items, groups, pairs): differences with a few ties and unknown ones."""
    rng = np.random.default_rng(seed)
    tasks = []
    for items, groups, pairs in shapes:
        differences = rng.choice([-1.0, 0.0, 0.5, 1.0, 1.0], (items, pairs))
        differences[rng.random(differences.shape) < 0.1] = NAN
        tasks.append((differences, Groups.of([str(i % groups) for i in range(items)])))
    return tasks


@pytest.mark.parametrize(
    "shapes", [[(7, 7, 1)], [(8, 8, 3)], [(10, 5, 4)], [(6, 6, 2), (5, 5, 1)], [(4, 4, 3), (3, 3, 2), (8, 4, 1)]]
)
def test_corrected_p_is_the_share_of_all_signs(shapes: list[tuple[int, int, int]]) -> None:
    tasks = random_tasks(3, shapes)
    family, _, blocks = family_of(tasks)
    for block, expected in zip(blocks, by_loops(tasks), strict=True):
        assert family.p(block.observed - block.slack) == pytest.approx(expected)


def test_by_hand() -> None:
    # two pairs on three items: d = (1, 1, 1), T = √3; d = (1, 0, 0), T = 1 under all signs. Of 8 signs two reach √3.
    family, own, blocks = family_of([(np.array([[1.0, 1], [1, 0], [1, 0]]), Groups.single(3))])
    assert own[0] == pytest.approx([2 / 8, 1.0])
    assert blocks[0].observed == pytest.approx([math.sqrt(3), 1.0])
    assert family.p(blocks[0].observed - blocks[0].slack) == pytest.approx([2 / 8, 1.0])
    assert family.critical == pytest.approx(
        math.sqrt(3)
    )  # of 8 signs none may be as large: more than √3 is not possible


@pytest.mark.parametrize("items", [6, 12, 40, 300])
@pytest.mark.parametrize("size", [1, 2])
def test_a_pair_by_itself_is_the_test_of_sign_flips(items: int, size: int) -> None:
    differences = np.random.default_rng(items).normal(0.3, 1, items)
    groups = Groups.of([str(i // size) for i in range(items)])
    family, (own,), (block,) = family_of([(differences[:, None], groups)], seed=5)
    expected = SignFlips(differences, groups, 5).p()
    assert own[0] == expected
    assert family.p(block.observed - block.slack)[0] == expected


@pytest.mark.parametrize("seed", range(12))
def test_what_exceeds_the_critical_value_has_a_p_below_alpha(seed: int) -> None:
    tasks = random_tasks(seed, [(60, 60, 5), (30, 10, 3)] if seed % 2 else [(9, 9, 4)])
    family, _, blocks = family_of(tasks)
    for block in blocks:
        bars = block.observed - block.slack
        assert ((family.p(bars) < 0.05) == (bars > family.critical)).all()


def test_what_nobody_may_reject_has_no_critical_value_that_can_be_exceeded() -> None:
    family, _, (block,) = family_of([(np.ones((2, 1)), Groups.single(2))])  # two items: p is at least 1/2
    assert family.p(block.observed - block.slack) == pytest.approx([0.5])
    assert not (block.observed > family.critical).any()


@pytest.mark.parametrize("critical", [0.5, 1.5, 2.4, 3.1])
@pytest.mark.parametrize("seed", range(6))
def test_open_differences_are_those_whose_shifted_statistic_is_not_larger(critical: float, seed: int) -> None:
    ((differences, groups),) = random_tasks(seed, [(24, 8 if seed % 2 else 24, 1)])
    sums, counts = group_sums(differences, groups)
    moments = FlipMoments.of(sums, counts)
    interval = moments.open_differences(0, critical)
    for shift in np.linspace(-2.5, 2.5, 401):
        rest = (sums - shift * counts)[:, 0]
        gap = abs(rest.sum()) - critical * math.sqrt((rest**2).sum())
        if abs(gap) > 1e-9:
            assert (interval.low <= shift <= interval.high) == (gap < 0), shift
    assert (interval.low > 0 or interval.high < 0) == (abs(sums.sum()) > critical * math.sqrt((sums**2).sum()))


def test_too_few_groups_leave_everything_open() -> None:
    moments = FlipMoments.of(np.ones((3, 1)), np.ones((3, 1)))
    interval = moments.open_differences(0, math.sqrt(3) + 1e-9)
    assert (interval.mean, interval.low, interval.high) == (1.0, -math.inf, math.inf)


def test_groups_of_many_sizes_may_leave_one_side_open() -> None:
    # d = n = (9, 1, 1): N²/C = 121/83 < c² < T² = 121/83 is impossible; with d = (9, 9, 9): T² = 3 > c² = 2 > 121/83
    interval = FlipMoments.of(np.array([[9.0], [9], [9]]), np.array([[9.0], [1], [1]])).open_differences(
        0, math.sqrt(2)
    )
    assert interval.low > 0
    assert interval.high == math.inf
    assert interval.low <= interval.mean


@pytest.mark.parametrize("seed", range(4))
def test_errors_are_clustered_as_elsewhere(seed: int) -> None:
    ((differences, groups),) = random_tasks(seed, [(40, 10 if seed % 2 else 40, 3)])
    moments = FlipMoments.of(*group_sums(differences, groups))
    for i, column in enumerate(differences.T):
        rows = ~np.isnan(column)
        assert moments.means[i] == pytest.approx(column[rows].mean())
        assert moments.errors[i] == pytest.approx(error_of_mean(column[rows], groups.at(rows)))


@pytest.mark.parametrize(("critical", "groups"), [(2.0, 10), (2.5, 30), (3.4, 400), (1.9, 5)])
def test_the_marginal_level_is_that_of_students_t(critical: float, groups: int) -> None:
    values = np.random.default_rng(groups).normal(size=groups)
    values -= values.mean()
    low, high = 0.0, 50.0  # a shift at which T is the critical value
    for _ in range(100):
        middle = (low + high) / 2
        shifted = values + middle
        low, high = (middle, high) if shifted.sum() / math.sqrt((shifted**2).sum()) < critical else (low, middle)
    level = ttest_1samp(values + low, 0.0).pvalue
    assert marginal_level(critical, groups, 10**9) == pytest.approx(min(0.05, level), rel=1e-6)


@pytest.mark.parametrize(
    ("critical", "groups", "family", "level"),
    [
        (1.0, 100, 3, 0.05),  # never more than α
        (3.0, 9, 4, 0.0125),  # T cannot exceed √9: Bonferroni's level
        (9.0, 10_000, 66, 0.05 / 66),
    ],
)
def test_the_marginal_level_has_two_ends(critical: float, groups: int, family: int, level: float) -> None:
    assert marginal_level(critical, groups, family) == pytest.approx(level)


def test_draws() -> None:
    assert JointTosses([6, 7], 1).draws == 2**13
    assert JointTosses([6, 8], 1).draws == RESAMPLES
    rows = np.concatenate([np.concatenate(list(JointTosses([2, 1], 1).of(place))) for place in (0, 1)], axis=1)
    assert {tuple(row) for row in rows.tolist()} == set(itertools.product((0.0, 1.0), repeat=3))
    tosses = JointTosses([50, 50], 1)
    first, second = (np.concatenate(list(tosses.of(place))) for place in (0, 1))
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.05  # tasks are independent
