"""What a run has to look things up in: each knowledge base read once, each index made once and shared by variants."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from baselines.knowledge.parsing.gold import ALSO_IDS, ALSO_IN, ENTRY_ID
from harness.components.fields import written
from harness.components.retriever import Hit, Index, Retriever
from harness.errors import HarnessError, nearest
from harness.records.inputs import Corpus, Passage, Sample
from harness.runtime.context import Context
from harness.text.templates import Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Filter = Mapping[str, str]  # a field of the passages → a template over the sample; the two must be equal


def search(
    context: Context,
    knowledge: str,
    retriever: Retriever,
    queries: Sequence[str],
    k: int,
    updated: bool = False,
    wanted: Sequence[Mapping[str, str]] | None = None,
) -> list[list[Hit]]:
    """Up to k hits for each query among the passages whose fields equal what is wanted for it, best first."""
    corpus = context.knowledge[knowledge].corpus(updated)
    with timed(context):
        index = _index(context, knowledge, retriever, corpus, updated)
        if not wanted or not any(wanted):
            return index.search(queries, k)
        hits: list[list[Hit]] = [[] for _ in queries]
        for wish in {json.dumps(one, sort_keys=True): one for one in wanted}.values():
            same = [i for i, one in enumerate(wanted) if one == wish]
            found = index.search([queries[i] for i in same], k, allowed(corpus, wish))
            for i, some in zip(same, found, strict=True):
                hits[i] = some
        return hits


def allowed(corpus: Corpus, wish: Mapping[str, str]) -> "NDArray[np.bool_]":
    """Which passages have the wanted fields."""
    import numpy as np

    return np.array(
        [all(value in fields(passage, name) for name, value in wish.items()) for passage in corpus.passages]
    )


def fields(passage: Passage, name: str) -> set[str]:
    """What a field of a passage holds, as texts: source, title, id, or one of its further columns.

    A passage that stands in several sources or entries has all of them; a part has the id of its entry too.
    """
    if name == "source":
        return {passage.source, *passage.meta.get(ALSO_IN, ())}
    if name == "id":
        return {passage.id, passage.meta.get(ENTRY_ID, passage.id), *passage.meta.get(ALSO_IDS, ())}
    return {passage.title if name == "title" else str(passage.meta.get(name, ""))}


def wishes(filters: Filter, sample: Sample) -> dict[str, str]:
    """The filter's templates for one sample. Raises HarnessError."""
    return {name: Template(text, f"filter.{name}").render(sample) for name, text in filters.items()}


def refuse_unknown_fields(corpus: Corpus, filters: Filter) -> None:
    """Raise HarnessError for a filter on a field that no passage has."""
    known = {"source", "title", "id"}.union(*(passage.meta for passage in corpus.passages))
    for name in filters:
        if name not in known:
            raise HarnessError(f"filter: no passage has a field '{name}' ({nearest(name, known)})")


@contextmanager
def timed(context: Context) -> Iterator[None]:
    """Count the time towards the retrieval of the current cell."""
    began = time.perf_counter()
    try:
        yield
    finally:
        context.tally.retrieval_seconds += time.perf_counter() - began


def _index(context: Context, knowledge: str, retriever: Retriever, corpus: Corpus, updated: bool) -> Index:
    key = f"index {knowledge} {updated} {json.dumps(written(retriever), sort_keys=True)}"
    if key not in context.shared:
        context.shared[key] = retriever.index(corpus.passages, context)
    index: Index = context.shared[key]  # type: ignore[assignment]
    return index
