"""Two runs of a suite compared: figures with tests, costs, items that broke, and what else differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import HarnessError
from harness.records.figure_names import FigureName
from harness.records.figures import Result
from harness.records.inputs import Language
from harness.records.run_comparisons import Cause, FigureChange, ItemOverlap, RunComparison, RunLabel
from harness.records.run_evidence import RunEvidence
from harness.regression.changed_items import changed_items
from harness.regression.comparison_remarks import remarks
from harness.regression.cost_changes import cost_changes
from harness.regression.least_shared import LEAST_SHARED
from harness.regression.paired_runs import RunContest, changes_metric, metric_infos, run_contests, shared_items
from harness.regression.run_differences import differences
from harness.summary.comparisons import corrected
from harness.summary.corpus_figures import CorpusFigures

Key = tuple[str, str, str]  # task, variant, metric


@dataclass(frozen=True, kw_only=True)
class ComparisonTerms:
    """Under which two runs are compared."""

    share: float = LEAST_SHARED  # of the items of a task that have to be shared
    different_suites: bool = False  # whether their suites may have different names


def compare_runs(before: RunEvidence, after: RunEvidence, terms: ComparisonTerms | None = None) -> RunComparison:
    """All that two runs, or a baseline and a run, say of each other. Raises HarnessError where that is nothing.

    p and intervals are corrected as in a run's summary: all headline figures together, any other over its variants.
    """
    terms = terms or ComparisonTerms()
    if before.suite != after.suite and not terms.different_suites:
        raise HarnessError(
            f"{before.place} is a run of suite {before.suite}, {after.place} one of {after.suite}; name two runs of "
            "one suite, or add --different-suites where tasks, variants and metrics of equal names mean the same"
        )
    shared = shared_items(before, after)
    overlaps = tuple(_overlaps(before, after, shared, terms.share))
    _refuse_small(before, after, overlaps, terms.share)
    items = {own.task: shared[own.task] for own in overlaps if own.is_compared}
    changes = differences(before, after)
    figures = tuple(_figure_changes(before, after, items))
    counts, listed = changed_items(before, after, items)
    costs, currency = cost_changes(before, after, list(items))
    return RunComparison(
        before=_label(before),
        after=_label(after),
        overlaps=overlaps,
        differences=changes,
        figures=figures,
        costs=costs,
        currency=currency,
        item_counts=counts,
        items=listed,
        remarks=tuple(remarks(before, after, overlaps, terms.share)),
        language=_language(after, before),
    )


def _label(evidence: RunEvidence) -> RunLabel:
    return RunLabel(
        place=evidence.place,
        key=evidence.key,
        suite=evidence.suite,
        started=evidence.started,
        acceptance=evidence.acceptance,
        limited=evidence.limited,
    )


def _language(*sides: RunEvidence) -> Language:
    languages = {own.get("language") for side in sides[:1] for own in (side.record.get("tasks") or {}).values()}
    return "zh" if languages == {"zh"} else "en"


def _overlaps(
    before: RunEvidence, after: RunEvidence, shared: Mapping[str, Sequence[str]], share: float
) -> Iterator[ItemOverlap]:
    ids = [_ids_by_task(side) for side in (before, after)]
    for task in dict.fromkeys([*ids[1], *ids[0]]):
        left, right = ids[0].get(task, set()), ids[1].get(task, set())
        both = len(shared.get(task, ()))
        own = ItemOverlap(
            task=task,
            shared=both,
            only_before=len(left - right),
            only_after=len(right - left),
            changed=len(left & right) - both,
        )
        yield replace(own, is_compared=bool(both) and own.share >= share)


def _ids_by_task(evidence: RunEvidence) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for task, own in evidence.questions:
        ids.setdefault(task, set()).add(own)
    return ids


def _refuse_small(before: RunEvidence, after: RunEvidence, overlaps: Sequence[ItemOverlap], share: float) -> None:
    if any(own.is_compared for own in overlaps):
        return
    places = ", ".join(f"{own.task} {100 * own.share:.0f} %" for own in overlaps)
    remedy = "a smaller --share compares what is left" if any(own.shared for own in overlaps) else "their data differ"
    raise HarnessError(
        f"{before.place} and {after.place} share too few items that ask the same ({places}; "
        f"at least {100 * share:.0f} % are needed); {remedy}"
    )


def _figure_changes(
    before: RunEvidence, after: RunEvidence, items: Mapping[str, Sequence[str]]
) -> Iterator[FigureChange]:
    """Every figure of either run, headline first, then in the order of the later run."""
    infos, headline = (
        metric_infos(before, after),
        tuple(dict.fromkeys((*after.summary.headline, *before.summary.headline))),
    )
    contests = list(run_contests(before, after, items))
    bounds = tuple({*before.summary.bounds, *after.summary.bounds})
    tested = corrected([replace(own.compared, power=None) for own in contests], headline, infos, bounds)
    compared = {
        (own.task, own.variant, own.metric): pair for pair in zip(contests, tested, strict=True) for own in pair[:1]
    }
    results = [{(own.task, own.variant, own.metric): own for own in _results(side)} for side in (before, after)]
    changed = {
        (own.tasks[0], own.metrics[0]) for own in differences(before, after) if changes_metric(own.kind, own.name)
    }
    keys = dict.fromkeys([*results[1], *results[0], *compared])
    for key in sorted(keys, key=lambda own: _rank(own, headline)):
        figure = FigureName.within(key[0], key[2])
        left, right = (side.get(key) for side in results)
        pair = compared.get(key)
        comparison = pair[1] if pair and pair[1].difference is not None else None
        paired = _paired_figures(pair[0]) if pair and comparison else (_mean(left), _mean(right))
        cause = None if comparison else _cause(left, right, figure, changed, items)
        yield FigureChange(
            task=key[0],
            variant=key[1],
            metric=key[2],
            info=infos[str(figure)],
            is_headline=str(figure) in headline,
            before=paired[0],
            after=paired[1],
            comparison=comparison,
            cause=cause,
        )


def _results(evidence: RunEvidence) -> tuple[Result, ...]:
    return (*evidence.summary.results, *evidence.summary.general)


def _mean(result: Result | None) -> float | None:
    return None if result is None else result.mean


def _rank(key: Key, headline: Sequence[str]) -> int:
    name = str(FigureName.within(key[0], key[2]))
    return headline.index(name) if name in headline else len(headline)


def _cause(
    left: Result | None,
    right: Result | None,
    figure: FigureName,
    changed: set[tuple[str, str]],
    items: Mapping[str, Sequence[str]],
) -> Cause:
    if left is None or right is None:
        return "only after" if left is None else "only before"
    if (figure.task, figure.metric) in changed:
        return "metric changed"
    if figure.task not in items:
        return "not shared"
    return "nothing known" if not left.known or not right.known else "no code"


def _paired_figures(contest: RunContest) -> tuple[float | None, float | None]:
    """The figure of both runs on the items that both know, so that they differ by the difference."""
    columns = contest.columns
    values = [contest.estimator.values(column) for column in columns]
    rows = ~np.isnan(values[0]) & ~np.isnan(values[1])
    if not isinstance(contest.estimator, CorpusFigures):
        left, right = (float(own[rows].mean()) for own in values)
        return left, right
    chosen = contest.estimator if rows.all() else contest.estimator.at(rows, {contest.metric})
    estimates = [chosen.estimate(column) for column in columns]
    return tuple(own and own.mean for own in estimates)  # type: ignore[return-value]  # there are two columns
