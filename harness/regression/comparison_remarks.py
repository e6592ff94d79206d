"""What has to be known of two runs before their differences are believed."""

from collections.abc import Iterator, Sequence

from harness.records.run_comparisons import ItemOverlap
from harness.records.run_evidence import RunEvidence
from harness.records.sentences import Sentence
from harness.regression.acceptance import failed_cells
from harness.text.stating import state


def remarks(
    before: RunEvidence, after: RunEvidence, overlaps: Sequence[ItemOverlap], share: float
) -> Iterator[Sentence]:
    """One sentence each, the weightiest first."""
    yield from _of_sides(before, after)
    yield from _of_items(overlaps, share)
    for side in (before, after):
        yield from side.remarks
        yield from _of_failures(side)
    yield from _of_cells(before, after)


def _of_sides(before: RunEvidence, after: RunEvidence) -> Iterator[Sentence]:
    if before.suite != after.suite:
        yield state(
            "comparison.different_suites",
            "These are runs of different suites, {first} and {second}: only names tell that they measure the same",
            first=before.suite,
            second=after.suite,
        )
    if (before.key, before.started) == (after.key, after.started) and before.suite == after.suite:
        yield state("comparison.same_run", "Both sides are the same run, {run}", run=after.key)
    elif before.started > after.started and after.started:
        yield state(
            "comparison.order",
            "{before} began after {after}: the differences are those from the newer run to the older one",
            before=before.place,
            after=after.place,
        )
    for side in (before, after):
        if side.limited:
            yield state("comparison.limited", "{place} is a limited run", place=side.place)


def _of_items(overlaps: Sequence[ItemOverlap], share: float) -> Iterator[Sentence]:
    for own in overlaps:
        if not own.is_compared and own.shared:
            yield state(
                "comparison.too_few",
                "{task}: only {shared} items are shared, {share} % of the larger set (least: {least} %); left out",
                task=own.task,
                shared=own.shared,
                share=round(100 * own.share),
                least=round(100 * share),
            )
        elif own.only_before or own.only_after or own.changed:
            yield state(
                "comparison.intersection",
                "{task}: {shared} items are shared; {before} only in the first run, {after} only in the second, "
                "{changed} ask something else now. Figures and tests are of the shared items",
                task=own.task,
                shared=own.shared,
                before=own.only_before,
                after=own.only_after,
                changed=own.changed,
            )


def _of_failures(side: RunEvidence) -> Iterator[Sentence]:
    for cell in failed_cells(side):
        yield state(
            "comparison.failed_cell",
            "{task} × {variant} has no value at all in {place}",
            task=cell.task,
            variant=cell.variant,
            place=side.place,
        )


def _of_cells(before: RunEvidence, after: RunEvidence) -> Iterator[Sentence]:
    """Variants and tasks that only one side has."""
    sides = [{(own.task, own.variant) for own in side.scores} for side in (before, after)]
    for cells, side in ((sides[0] - sides[1], before), (sides[1] - sides[0], after)):
        for task, variant in sorted(cells):
            yield state(
                "comparison.one_sided",
                "{task} × {variant} was scored only in {place}",
                task=task,
                variant=variant,
                place=side.place,
            )
