"""Searches a knowledge base for queries, among all of its passages or among those whose fields meet conditions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.knowledge.parsing.gold import ALSO_IDS, ALSO_IN, ENTRY_ID
from harness.components.calls import Calls
from harness.components.indexes import IndexRequest, retrieval_timed
from harness.components.retriever import Hit, Index, search_index
from harness.components.variant import Resources
from harness.errors import HarnessError, nearest
from harness.records.inputs import Passage, PassageSet, Sample
from harness.text.templates import Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Filter = Mapping[str, str]  # a field of the passages → a template over the sample; the two must be equal
Conditions = Mapping[str, str]  # a field of the passages → the value that it must have


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """What is searched for: queries, and for each what narrows it."""

    queries: Sequence[str]
    k: int  # hits a query at most
    conditions: Sequence[Conditions] = ()  # that passages must meet
    without: Sequence[str] | None = None  # a name that passages have learnt and that does not count for the query


def search(request: IndexRequest, lookup: Lookup, calls: Calls, resources: Resources) -> list[list[Hit]]:
    """Up to k hits for each query among the passages that meet its conditions, best first."""
    index = resources.indexes.get(request, calls)
    with retrieval_timed(calls):
        if not any(lookup.conditions):
            return _search(index, lookup, range(len(lookup.queries)), None)
        passage_set = resources.knowledge[request.knowledge].passage_set(request.updated)
        groups: dict[str, list[int]] = {}  # queries with equal conditions are searched together
        for number, condition in enumerate(lookup.conditions):
            groups.setdefault(json.dumps(condition, sort_keys=True), []).append(number)
        hits: list[list[Hit]] = [[] for _ in lookup.queries]
        for numbers in groups.values():
            allowed = meets_conditions(passage_set, lookup.conditions[numbers[0]])
            for number, ranking in zip(numbers, _search(index, lookup, numbers, allowed), strict=True):
                hits[number] = ranking
        return hits


def _search(
    index: Index, lookup: Lookup, numbers: Sequence[int], allowed: "NDArray[np.bool_] | None"
) -> list[list[Hit]]:
    """The hits of the queries of these numbers."""
    queries = [lookup.queries[number] for number in numbers]
    without = None if lookup.without is None else [lookup.without[number] for number in numbers]
    return search_index(index, queries, lookup.k, allowed, without)


def meets_conditions(passage_set: PassageSet, conditions: Conditions) -> "NDArray[np.bool_]":
    """Whether each passage has the required value in every field."""
    import numpy as np

    return np.array(
        [
            all(value in field_values(passage, name) for name, value in conditions.items())
            for passage in passage_set.passages
        ]
    )


def field_values(passage: Passage, name: str) -> set[str]:
    """The values of a passage's field, as texts: source, title, id, or one of its further columns.

    A passage that stands in several sources or entries has all of them; a part has the id of its entry too.
    """
    if name == "source":
        return {passage.source, *passage.meta.get(ALSO_IN, ())}
    if name == "id":
        return {passage.id, passage.meta.get(ENTRY_ID, passage.id), *passage.meta.get(ALSO_IDS, ())}
    return {passage.title if name == "title" else str(passage.meta.get(name, ""))}


def conditions_of(filters: Filter, sample: Sample) -> Conditions:
    """The filter's templates rendered for one sample. Raises HarnessError."""
    return {name: Template(text, f"filter.{name}").render(sample) for name, text in filters.items()}


def refuse_unknown_fields(passage_set: PassageSet, filters: Filter) -> None:
    """Raise HarnessError for a filter on a field that no passage has."""
    fields = {"source", "title", "id"}.union(*(passage.meta for passage in passage_set.passages))
    for name in filters:
        if name not in fields:
            raise HarnessError(f"filter: no passage has a field '{name}' ({nearest(name, fields)})")
