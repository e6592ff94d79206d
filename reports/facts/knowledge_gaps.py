"""What no retriever could find: right answers that the knowledge lacks, and queries that match none of its passages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.figures import Retrieved
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, RetrievalTrace
from harness.statistics.right_answers import is_absent, missing
from reports.facts.phrases import listed, quoted
from reports.wording import say

LISTED = 200  # items of each list on the page


@dataclass(frozen=True, slots=True, kw_only=True)
class GapList:
    """The items of one task that have the same gap in some variants."""

    title: str
    items: tuple[tuple[str, str, str], ...]  # address, id, what is missing
    count: int
    more: int  # of them not among `items`


def gap_sentences(cells: Sequence[Retrieved]) -> Iterator[str]:
    """What the knowledge lacks of the right answers of a task, variants with the same gap in one sentence."""
    for (count, total), names in _alike(cells, lambda cell: (cell.absent, cell.samples)):
        if count == total:
            yield say("knowledge_gaps.none_right", total=f"{total:,}", variants=names)
        else:
            yield say(
                "knowledge_gaps.some_right",
                n=count,
                count=f"{count:,}",
                total=f"{total:,}",
                others=f"{total - count:,}",
                variants=names,
            )
    for (count, total), names in _alike(cells, lambda cell: (cell.partly, cell.samples)):
        yield say("knowledge_gaps.partly", n=count, count=f"{count:,}", total=f"{total:,}", variants=names)


def unmatched_sentences(cells: Sequence[Retrieved]) -> Iterator[str]:
    """How many queries found nothing at all."""
    for (count, total), names in _alike(cells, lambda cell: (cell.unmatched, cell.samples)):
        yield say("knowledge_gaps.unmatched", n=total, count=f"{count:,}", total=f"{total:,}", variants=names)


def gap_lists(samples: Mapping[str, Sample], predictions: Sequence[Prediction]) -> tuple[GapList, ...]:
    """The items of a task with a gap; `samples` by id, `predictions` of this task."""
    kinds: tuple[tuple[str, Callable[[RetrievalTrace], bool], Callable[[Sample, RetrievalTrace], str]], ...] = (
        ("knowledge_gaps.absent_list", is_absent, lambda sample, trace: quoted(missing(trace) or sample.targets)),
        ("knowledge_gaps.partly_list", _is_partly_held, lambda sample, trace: quoted(missing(trace))),
        ("knowledge_gaps.unmatched_list", lambda trace: trace.unmatched, lambda sample, trace: sample.input),
    )
    return tuple(
        gap_list
        for key, has_gap, describe in kinds
        for gap_list in _lists(key, samples, [p for p in predictions if p.retrieval and has_gap(p.retrieval)], describe)
    )


def _lists(
    key: str,
    samples: Mapping[str, Sample],
    predictions: Sequence[Prediction],
    describe: Callable[[Sample, RetrievalTrace], str],
) -> Iterator[GapList]:
    by_variant: dict[str, dict[str, RetrievalTrace]] = {}
    for prediction in predictions:
        if prediction.retrieval is not None and prediction.sample_id in samples:
            by_variant.setdefault(prediction.variant, {})[prediction.sample_id] = prediction.retrieval
    alike: dict[tuple[str, ...], list[str]] = {}
    for variant, traces in by_variant.items():
        alike.setdefault(tuple(traces), []).append(variant)
    for ids, variants in alike.items():
        traces = by_variant[variants[0]]
        items = tuple((_address(samples[name]), name, describe(samples[name], traces[name])) for name in ids[:LISTED])
        yield GapList(
            title=say(key, variants=listed(variants)), items=items, count=len(ids), more=max(0, len(ids) - LISTED)
        )


def _alike(
    cells: Sequence[Retrieved], gap: Callable[[Retrieved], tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], str]]:
    """Each gap that there is, its size and the whole, with the variants that have it."""
    variants: dict[tuple[int, int], list[str]] = {}
    for cell in cells:
        if gap(cell)[0]:
            variants.setdefault(gap(cell), []).append(cell.variant)
    return ((size, listed(names)) for size, names in variants.items())


def _is_partly_held(trace: RetrievalTrace) -> bool:
    return bool(trace.gold and missing(trace))


def _address(sample: Sample) -> str:
    return f"#{urlencode({'sample': f'{sample.task}/{sample.id}'})}"
