"""Which scores of two runs are held against each other: those of one item that asks the same in both."""

from collections.abc import Mapping, Sequence

from harness.records.derived_names import without_seed
from harness.records.outputs import Score
from harness.records.run_comparisons import PairedCell
from harness.records.run_evidence import RunEvidence

CellKey = tuple[str, str, str]  # task, variant, metric
Row = Mapping[str, Score]  # by id


def paired_cells(before: RunEvidence, after: RunEvidence) -> tuple[PairedCell, ...]:
    """All cells of either run, in the order of their scores; one that only one run has shares nothing."""
    left, right = _rows(before.scores), _rows(after.scores)
    pools = {**pool_of(before), **pool_of(after)}
    return tuple(
        _paired(key, pools[key[1]], (left.get(key, {}), right.get(key, {})), (before, after))
        for key in dict.fromkeys([*left, *right])
    )


def pool_of(evidence: RunEvidence) -> dict[str, str]:
    """Of each scored variant the name that its figures have: that of its seeds together, or its own."""
    summary = evidence.summary
    reported = {result.variant for result in (*summary.results, *summary.general)}
    variants = dict.fromkeys(score.variant for score in evidence.scores)
    return {
        variant: without_seed(variant) if variant not in reported and without_seed(variant) in reported else variant
        for variant in variants
    }


def _rows(scores: Sequence[Score]) -> dict[CellKey, dict[str, Score]]:
    rows: dict[CellKey, dict[str, Score]] = {}
    for score in scores:
        rows.setdefault((score.task, score.variant, score.metric), {})[score.sample_id] = score
    return rows


def _paired(key: CellKey, pool: str, rows: tuple[Row, Row], sides: tuple[RunEvidence, RunEvidence]) -> PairedCell:
    task, variant, metric = key
    left, right = rows
    questions = [side.questions for side in sides]
    both = [own for own in left if own in right]
    shared = tuple(own for own in both if questions[0].get((task, own)) == questions[1].get((task, own)))
    equal = set(shared)
    return PairedCell(
        task=task,
        variant=variant,
        pool=pool,
        metric=metric,
        shared=shared,
        before=tuple(left[own] for own in shared),
        after=tuple(right[own] for own in shared),
        only_before=tuple(own for own in left if own not in right),
        only_after=tuple(own for own in right if own not in left),
        changed=tuple(own for own in both if own not in equal),
    )
