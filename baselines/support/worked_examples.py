"""Which train rows become worked examples: the same for all samples, drawn for each, or the lexically nearest."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from harness.records.inputs import Sample

Selection = Literal["fixed", "random", "nearest"]
NGRAMS = (1, 2)  # characters: works for Chinese without a word list


def select_examples(
    selection: Selection, train: Sequence[Sample], samples: Sequence[Sample], shots: int, seed: int
) -> list[list[Sample]]:
    """For each sample its examples, in the order of the prompt (the nearest last, next to the question).

    `fixed` takes the first train rows, `random` draws for each sample from the seed and the sample's id, `nearest`
    takes the most similar rows by cosine of character 1–2-gram tf-idf, fitted on train only. A task whose rows carry a
    `subject` (C-Eval) takes examples of the same subject. A row with the sample's own input is never its example.
    """
    if shots == 0:
        return [[] for _ in samples]
    pools = _by_subject(train)
    chosen: list[list[Sample]] = [[] for _ in samples]
    for subject in dict.fromkeys(map(_subject, samples)):
        indices = [i for i, sample in enumerate(samples) if _subject(sample) == subject]
        pool = pools.get(subject) or list(train)
        selected = _SELECTORS[selection](pool, [samples[i] for i in indices], shots, seed)
        for i, examples in zip(indices, selected, strict=True):
            chosen[i] = examples
    return chosen


def smallest_pool(train: Sequence[Sample], samples: Sequence[Sample]) -> int:
    """How many examples every sample can have: the smallest pool that is drawn from, without rows of its own input."""
    pools = _by_subject(train)
    copies = Counter((_subject(row), row.input) for row in train)
    copies_anywhere = Counter(row.input for row in train)

    def pool_size(sample: Sample) -> int:
        subject = _subject(sample)
        if subject in pools:
            return len(pools[subject]) - copies[subject, sample.input]
        return len(train) - copies_anywhere[sample.input]

    return min(map(pool_size, samples), default=len(train))


def _by_subject(train: Sequence[Sample]) -> dict[str, list[Sample]]:
    pools: dict[str, list[Sample]] = {}
    for row in train:
        pools.setdefault(_subject(row), []).append(row)
    return pools


def _subject(sample: Sample) -> str:
    return str(sample.meta.get("subject", ""))


def _fixed(pool: Sequence[Sample], samples: Sequence[Sample], shots: int, seed: int) -> list[list[Sample]]:
    return [list(islice((row for row in pool if row.input != sample.input), shots)) for sample in samples]


def _random(pool: Sequence[Sample], samples: Sequence[Sample], shots: int, seed: int) -> list[list[Sample]]:
    inputs = {row.input for row in pool}
    chosen = []
    for sample in samples:
        rows = [row for row in pool if row.input != sample.input] if sample.input in inputs else pool
        chosen.append(random.Random(f"{seed} {sample.id}").sample(rows, min(shots, len(rows))))
    return chosen


def _nearest(pool: Sequence[Sample], samples: Sequence[Sample], shots: int, seed: int) -> list[list[Sample]]:
    vectorizer, rows = _fitted(tuple(row.input for row in pool))
    queries = vectorizer.transform([sample.input for sample in samples])
    chosen = []
    for start in range(0, len(samples), 256):  # the dense similarities of all samples need not fit into memory
        similarity = (queries[start : start + 256] @ rows).toarray()
        order = (-similarity).argsort(axis=1, kind="stable")
        for sample, nearest in zip(samples[start : start + 256], order, strict=True):
            examples = (pool[i] for i in nearest if pool[i].input != sample.input)
            chosen.append(list(islice(examples, shots))[::-1])
    return chosen


@lru_cache(maxsize=4)
def _fitted(texts: tuple[str, ...]) -> "tuple[Any, Any]":
    """What tf-idf learns from texts, and their vectors as columns: once, however many questions come one at a time."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=NGRAMS)
    return vectorizer, vectorizer.fit_transform(texts).T.tocsc()


_SELECTORS: dict[Selection, Callable[[Sequence[Sample], Sequence[Sample], int, int], list[list[Sample]]]] = {
    "fixed": _fixed,
    "random": _random,
    "nearest": _nearest,
}
