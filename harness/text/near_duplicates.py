"""What leaks from a test into what a model learns from or looks up: equal and near-equal texts, answered questions."""

import heapq
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal

from harness.records.figures import Overlap, Twin
from harness.text.normalise import normalise

SIZE = 3  # characters of an n-gram
EDGE = "\n" * (SIZE - 1)  # no plain text has a line break

Kind = Literal["exact", "normalised", "near"]
Match = tuple[int, int, Kind, float]  # number of the item, number of the row, kind, similarity
STRENGTH: Mapping[Kind, int] = {"near": 0, "normalised": 1, "exact": 2}

_LOOSE = re.compile(r"(?<!\d) | (?!\d)|(?<!\d)(?:[^\w\s]|_)(?!\d)")  # what touches a number belongs to it


def overlaps(items: Sequence[tuple[str, str]], rows: Sequence[tuple[str, str]], near: float = 0.8) -> list[Twin]:
    """The strongest twin of each item (id, text) among `rows` (place, text), in the order of the items.

    exact: equal text. normalised: equal `plain` text. near: `resemblance` of at least `near`. Of equally strong rows
    the first. A text without a letter, digit or symbol has no twin. ValueError unless 0 < near <= 1.
    """
    first: dict[str, int] = {}
    for number, (_, text) in enumerate(rows):
        first.setdefault(text, number)
    alike: dict[str, int] = {}
    for text, number in first.items():
        alike.setdefault(plain(text), number)
    questions = _numbers(plain(text) for _, text in items)
    equal: list[Match] = []
    for form, numbers in questions.items():
        equal += [(number, alike[form], "normalised", 1.0) for number in numbers if form in alike]
        equal += [(number, first[items[number][1]], "exact", 1.0) for number in numbers if items[number][1] in first]
    unmatched = [form for form in questions if form not in alike]
    close: Iterator[Match] = (
        (number, alike[row], "near", similarity)
        for form, row, similarity in _near(unmatched, alike, near)
        for number in questions[form]
    )
    return _strongest(items, rows, chain(equal, close))


def leaked_answers(
    items: Sequence[tuple[str, str, Sequence[str]]], passages: Sequence[tuple[str, str]], near: float = 0.8
) -> list[Twin]:
    """The strongest twin of each item (id, question, answers) among the passages that hold a question and its answer.

    exact: the passage (place, text) contains the question and, beside it, an answer. normalised: so do their `plain`
    texts. near: it resembles question + answer by at least `near` and has that share of what each adds to the other.
    The similarity of the first two is 1. A question that is one of its answers leaks nothing: anyone can answer it.
    ValueError unless 0 < near <= 1.
    """
    answers = [[form for form in map(plain, targets) if form] for _, _, targets in items]
    by_form = {
        form: open_numbers
        for form, numbers in _numbers(plain(question) for _, question, _ in items).items()
        if (open_numbers := [number for number in numbers if form not in answers[number]])
    }
    forms = [plain(text) for _, text in passages]
    contained: Iterator[Match] = (
        (number, at, "exact" if _verbatim(items[number], passages[at][1]) else "normalised", 1.0)
        for form, at in _containing(by_form, forms)
        for number in by_form[form]
        if any(_beside(forms[at], form, answer) for answer in answers[number])
    )
    pairs = [
        (number, form, answer) for form, numbers in by_form.items() for number in numbers for answer in answers[number]
    ]
    questions = [(sample_id, question) for sample_id, question, _ in items]
    return _strongest(questions, passages, chain(contained, _answered(pairs, forms, near)))


def overlap(
    task: str, source: str, models: Sequence[str], samples: int, twins: Sequence[Twin], listed: int = 20
) -> Overlap:
    """How many of a task's `samples` test items have twins in `source`, by kind, with the first `shown` twins."""
    counts = Counter(twin.kind for twin in twins)
    return Overlap(
        task=task,
        source=source,
        models=tuple(models),
        samples=samples,
        exact=counts["exact"],
        normalised=counts["normalised"],
        near=counts["near"],
        twins=tuple(twins[:listed]),
    )


def plain(text: str) -> str:
    """`text` without differences of width, case, spaces and punctuation, but for those at a number: 1.5 is not 15."""
    return _LOOSE.sub(_symbol, normalise(text, punctuation="drop"))


def grams(text: str) -> set[str]:
    """The character n-grams of a plain text, filled up at both ends so that every character stands in SIZE of them.

    Without that a change of the first or last character, such as 左侧… for 右侧…, would change one n-gram only.
    """
    filled = EDGE + text + EDGE
    return {filled[at : at + SIZE] for at in range(len(text) + SIZE - 1)}


def resemblance(first: set[str], second: set[str]) -> float:
    """|A ∩ B| / |A ∪ B| in [0, 1] of two sets that are not both empty: Broder 1997, section 2, after Jaccard."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def _near(forms: Collection[str], rows: Collection[str], near: float) -> Iterator[tuple[str, str, float]]:
    """All pairs of a form and a row that resemble each other by at least `near`, with their resemblance.

    An index of a text takes kilobytes, so the smaller side has one. ValueError unless 0 < near <= 1.
    """
    if not 0 < near <= 1:
        raise ValueError(f"near is {near}, not in (0, 1]")
    if len(forms) <= len(rows):
        yield from _resembling(forms, rows, near)
    else:
        yield from ((form, row, similarity) for row, form, similarity in _resembling(rows, forms, near))


def _resembling(indexed: Collection[str], rows: Iterable[str], near: float) -> Iterator[tuple[str, str, float]]:
    """The pairs of an indexed text and a row.

    Such a pair shares at least `near` of the n-grams of each, so one of any (1 - near) of them and one more: the texts
    that have one of the row's rarest n-grams are compared (Chaudhuri, Ganti and Kaushik 2006, section 3: prefix
    filter).
    """
    sets = {form: grams(form) for form in indexed}
    holders: dict[str, list[str]] = defaultdict(list)
    for form, own in sets.items():
        for gram in own:
            holders[gram].append(form)
    for row in rows:
        own = grams(row)
        least = math.ceil(near * len(own) - 1e-9)  # n-grams that a pair shares at least
        shared = own & holders.keys()
        if len(shared) < least:
            continue
        rarest = heapq.nsmallest(len(shared) - least + 1, shared, key=lambda gram: (len(holders[gram]), gram))
        for form in dict.fromkeys(chain.from_iterable(holders[gram] for gram in rarest)):
            similarity = resemblance(sets[form], own)
            if similarity >= near:
                yield form, row, similarity


def _answered(pairs: Iterable[tuple[int, str, str]], forms: Sequence[str], near: float) -> Iterator[Match]:
    """Matches of (item, question, answer) with passages that resemble both together, and not one of them alone."""
    both: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for number, question, answer in pairs:
        both[plain(f"{question} {answer}")].append((number, question, answer))
    first = {form: numbers[0] for form, numbers in _numbers(forms).items()}
    for form, row, similarity in _near(both, first, near):
        whole, passage = grams(form), grams(row)
        for number, question, answer in both[form]:
            added = (whole - grams(question), whole - grams(answer))
            if all(part and len(part & passage) / len(part) >= near for part in added):
                yield number, first[row], "near", similarity


def _containing(questions: Collection[str], forms: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Each question with the number of each passage that contains it, sought where its rarest n-gram stands."""
    common = Counter(gram for question in questions for gram in set(_cuts(question, SIZE)))
    anchors: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        anchors[min(_cuts(question, SIZE), key=lambda gram: (common[gram], gram))].append(question)
    lengths = {len(anchor) for anchor in anchors}
    for at, form in enumerate(forms):
        present = anchors.keys() & {gram for length in lengths for gram in _cuts(form, length)}
        for question in chain.from_iterable(anchors[anchor] for anchor in present):
            if question in form:
                yield question, at


def _cuts(text: str, size: int) -> list[str]:
    """The pieces of `size` characters; a shorter text is its own piece."""
    return [text[at : at + size] for at in range(max(1, len(text) - size + 1))]


def _beside(passage: str, question: str, answer: str) -> bool:
    """Whether the answer stands in the passage outside of the question: apart from one copy of it, inside of none."""
    question_spans, answer_spans = _spans(passage, question), _spans(passage, answer)
    if not question_spans:
        return False
    last, end = question_spans[-1][0], question_spans[0][1]
    return any(
        (high <= last or end <= low) and not any(start <= low and high <= stop for start, stop in question_spans)
        for low, high in answer_spans
    )


def _spans(text: str, part: str) -> list[tuple[int, int]]:
    """Where `part` stands in `text`, copies that overlap included; 5 does not stand in 15, 1.5 or 50."""
    before = r"(?<!\d)(?<!\d[^\w\s])" if part[0].isdecimal() else ""
    after = r"(?!\d)(?![^\w\s]\d)" if part[-1].isdecimal() else ""
    matches = re.finditer(f"{before}(?={re.escape(part)}{after})", text)
    return [(match.start(), match.start() + len(part)) for match in matches]


def _verbatim(item: tuple[str, str, Sequence[str]], passage: str) -> bool:
    _, question, answers = item
    return question in passage and any(plain(answer) and _beside(passage, question, answer) for answer in answers)


def _strongest(
    items: Sequence[tuple[str, str]], rows: Sequence[tuple[str, str]], matches: Iterable[Match]
) -> list[Twin]:
    """One twin an item: of the strongest kind, then the most similar, then the first row."""
    best: dict[int, tuple[int, float, int, Kind]] = {}
    for number, at, kind, similarity in matches:
        rank = (STRENGTH[kind], similarity, -at, kind)
        best[number] = max(best.get(number, rank), rank)
    return [
        Twin(
            sample_id=items[number][0],
            place=rows[-at][0],
            kind=kind,
            similarity=similarity,
            item=items[number][1],
            row=rows[-at][1],
        )
        for number, (_, similarity, at, kind) in sorted(best.items())
    ]


def _numbers(forms: Iterable[str]) -> dict[str, list[int]]:
    """The numbers of the texts that have each form, but for those of which nothing is left."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, form in enumerate(forms):
        if form:
            numbers[form].append(number)
    return dict(numbers)


def _symbol(mark: re.Match[str]) -> str:
    """A mark that is no punctuation, such as an emoji, stays."""
    return "" if mark[0].isspace() or unicodedata.category(mark[0]).startswith("P") else mark[0]
