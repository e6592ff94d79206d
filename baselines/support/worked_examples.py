"""Which train rows become worked examples: the same for all samples, drawn for each, or the lexically nearest."""

import random
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
    `subject` (C-Eval) takes examples of the same subject. A row that asks what the sample asks is never its example:
    where the rows are just enough, it has one fewer.
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
    """How many rows there are to draw from at least: those of the sample's subject, or all where it has none.

    A row that asks what a sample asks is counted: only this sample has an example fewer then.
    """
    pools = _by_subject(train)
    sizes = [len(pools.get(subject, train)) for subject in dict.fromkeys(map(_subject, samples))]
    return min(sizes, default=len(train))


def _by_subject(train: Sequence[Sample]) -> dict[str, list[Sample]]:
    pools: dict[str, list[Sample]] = {}
    for row in train:
        pools.setdefault(_subject(row), []).append(row)
    return pools


def _question(sample: Sample) -> tuple[str, tuple[str, ...]]:
    """What is asked, in whatever order its options stand: exams ask with the same words about other options."""
    return sample.input, tuple(sorted(sample.options))


def _subject(sample: Sample) -> str:
    return str(sample.meta.get("subject", ""))


def _fixed(pool: Sequence[Sample], samples: Sequence[Sample], shots: int, seed: int) -> list[list[Sample]]:
    questions = [_question(row) for row in pool]
    chosen = []
    for sample in samples:
        own = _question(sample)
        rows = (row for row, question in zip(pool, questions, strict=True) if question != own)
        chosen.append(list(islice(rows, shots)))
    return chosen


def _random(pool: Sequence[Sample], samples: Sequence[Sample], shots: int, seed: int) -> list[list[Sample]]:
    questions = [_question(row) for row in pool]
    train_questions = set(questions)
    chosen = []
    for sample in samples:
        own, rows = _question(sample), pool
        if own in train_questions:
            rows = [row for row, question in zip(pool, questions, strict=True) if question != own]
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
            examples = (pool[i] for i in nearest if _question(pool[i]) != _question(sample))
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
