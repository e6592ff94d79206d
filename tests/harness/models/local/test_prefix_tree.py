"""Which common beginnings are computed once, and which rows stand in one batch: worked out by hand."""

from collections.abc import Sequence

import pytest

from harness.models.local.prefix_tree import WIDTH, PrefixTree, grouped_batches, row_key, worthwhile_prefixes


def run(start: int, length: int) -> list[int]:
    return list(range(start, start + length))


SYSTEM, EXAMPLES, OTHER = run(1000, 30), run(2000, 50), run(3000, 50)
BIG = 70_000  # more than two bytes: order must be that of numbers


def rows_of(*rows: Sequence[int]) -> list[bytes]:
    return [row_key(row) for row in rows]


def lengths(tree: PrefixTree) -> list[int]:
    return sorted(len(prefix) // WIDTH for prefix in tree.prefixes)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([SYSTEM], []),  # one row shares nothing
        ([[*SYSTEM, 1]] * 9, []),  # equal rows are computed once anyway
        ([[*SYSTEM, 1], [*SYSTEM, 2]], []),  # 1 × 30 tokens saved: fewer than 64
        ([[*SYSTEM, i] for i in range(4)], [30]),  # 3 × 30 = 90
        ([[*SYSTEM[:15], i] for i in range(50)], []),  # 15 tokens are too short for a forward of their own
        ([[*SYSTEM[:16], i] for i in range(50)], [16]),
        # 8 rows share 30 tokens, 4 of them 50 more: (8 - 1) × 30 and (4 - 1) × 50
        ([SYSTEM + part + [i] for part in (EXAMPLES, OTHER) for i in range(4)], [30, 80, 80]),
        # 4 rows share 70, of which 30 are saved already: 3 × 40; of the last two 1 × 63 is too little
        ([SYSTEM + EXAMPLES[:40] + ([BIG] * 63 if i < 2 else []) + [i] for i in range(4)] + [[*SYSTEM, BIG]], [30, 70]),
        ([SYSTEM + EXAMPLES, SYSTEM + EXAMPLES + [1], SYSTEM + EXAMPLES + [2]], [80]),  # a row that is the beginning
    ],
)
def test_what_is_worth_computing_once(rows: list[list[int]], expected: list[int]) -> None:
    assert lengths(worthwhile_prefixes(rows_of(*rows))) == expected


def test_the_prefixes_of_a_row_are_those_that_it_begins_with() -> None:
    tree = worthwhile_prefixes(rows_of(*[SYSTEM + part + [i] for part in (EXAMPLES, OTHER) for i in range(4)]))

    def begins(row: Sequence[int]) -> list[int]:
        return [len(tree.prefixes[place]) // WIDTH for place in tree.chain(row_key(row))]

    assert begins([*SYSTEM, *EXAMPLES, BIG]) == [30, 80]
    assert begins([*SYSTEM, BIG]) == [30]  # sorts behind both longer ones
    assert begins([*SYSTEM, 5]) == [30]
    assert begins(SYSTEM + EXAMPLES[:49]) == [30]  # one token short
    assert begins(SYSTEM[:29]) == begins([BIG]) == begins([]) == []


def test_rows_of_one_call_share_what_the_plan_did_not_know() -> None:
    """What was planned is taken as it is, also for a single row; more is added where these rows save enough by it."""
    planned = worthwhile_prefixes(rows_of(*[[*SYSTEM, i] for i in range(9)]))
    question = SYSTEM + EXAMPLES
    assert lengths(planned.extended(rows_of([*SYSTEM, 99]))) == [30]
    assert lengths(planned.extended(rows_of(question, question, question))) == [30, 80]  # three options: 2 × 50
    assert lengths(planned.extended(rows_of(question, question))) == [30]
    assert lengths(planned.extended(rows_of([BIG]))) == []


A, B, C = EXAMPLES, OTHER, run(4000, 50)


@pytest.mark.parametrize(
    ("rows", "size", "expected"),
    [
        ([], 4, []),
        # two groups of 5: batches of 3 and 2, not 4 and 1; the group with the longest row first
        ([[*A, i] for i in range(5)] + [[*B, i, 0] for i in range(5)], 4, [[5, 6, 7], [8, 9], [0, 1, 2], [3, 4]]),
        # within a group longest first
        ([[*A, *run(0, n)] for n in (1, 3, 2)], 8, [[1, 2, 0]]),
        # groups of two are no more than half of a batch: together in one
        ([[*part, i, i] for part in (A * 2, B * 2, C * 2) for i in range(2)], 4, [[0, 1, 2, 3], [4, 5]]),
        # equal prompts stay together
        ([[1, 2], [3, 4, 5], [1, 2], [6]], 2, [[1], [0, 2], [3]]),
        ([[1, 2]] * 5, 2, [[0, 1], [2, 3], [4]]),
        # batches of one keep groups in a row
        ([[*part, i] for i in range(3) for part in (A, B)], 1, [[0], [2], [4], [1], [3], [5]]),
    ],
)
def test_batches_keep_groups_together(rows: list[list[int]], size: int, expected: list[list[int]]) -> None:
    keys = rows_of(*rows)
    assert grouped_batches(keys, worthwhile_prefixes(keys), size) == expected
