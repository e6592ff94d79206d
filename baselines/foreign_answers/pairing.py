"""Which answer of a file belongs to which item: by its id, by the item's input, never by its place alone.

A file without ids is paired by a column that equals the inputs, else by prompts that hold them, else by the right
answers that it repeats. The order of its rows counts only where each row proves it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from baselines.foreign_answers.answer_rows import AnswerRow
from baselines.foreign_answers.label_forms import is_label_of
from harness.errors import DataError
from harness.records.inputs import Sample
from harness.text.counting import counted
from harness.text.excerpts import shortened

NAMED = 3  # ids in a message, where there are more
MOST_SEARCHES = 10_000_000  # of an input in a prompt, where the order of the rows is no help
INPUT_NAMES = ("input", "question", "query", "prompt")  # where what was asked is there, an id proves nothing
ENOUGH = math.log(1e6)  # orders in which the right answers would stand otherwise, for each in which they stand so


@dataclass(frozen=True, kw_only=True)
class PairedAnswers:
    """The answers of a file by item."""

    rows: Mapping[str, AnswerRow]  # by the id of their sample
    way: str  # how they were paired, in words
    is_proven: bool  # whether each row holds its item's input
    missing: tuple[str, ...] = ()  # ids of samples without a row
    extra: tuple[str, ...] = ()  # rows without a sample: their ids, or their lines


Pairs = list[tuple[AnswerRow, Sample]]


def pair_answers(rows: Sequence[AnswerRow], samples: Sequence[Sample], path: str) -> PairedAnswers:
    """Each item with its answer. Raises DataError for a row that stands twice, and for another test set."""
    if not rows:
        raise DataError(f"{path}: holds no answers")
    pairs, way, is_proven = _paired(rows, samples, path)
    owners: dict[str, AnswerRow] = {}
    for row, sample in pairs:
        if sample.id in owners:
            lines = f"lines {owners[sample.id].line} and {row.line}"
            raise DataError(f"{path}: {lines} both answer the item {sample.id!r}; keep one of them")
        owners[sample.id] = row
    places = {id(row) for row, _ in pairs}
    return PairedAnswers(
        rows=owners,
        way=way,
        is_proven=is_proven,
        missing=tuple(sample.id for sample in samples if sample.id not in owners),
        extra=tuple(row.id or f"line {row.line}" for row in rows if id(row) not in places),
    )


def _paired(rows: Sequence[AnswerRow], samples: Sequence[Sample], path: str) -> tuple[Pairs, str, bool]:
    by_id = {sample.id: sample for sample in samples}
    pairs = [(row, by_id[row.id]) for row in rows if row.id in by_id]
    if pairs:
        return pairs, "by id", _is_input_proven(pairs, path)
    names = list(dict.fromkeys(name for row in rows for name in row.texts))
    for name in names:
        if pairs := _by_equal_text(rows, samples, name, path):
            return pairs, f"by the texts of '{name}'", True
    for name in names:
        if _is_in_order(rows, samples, name):
            return list(zip(rows, samples, strict=False)), f"in their order, which '{name}' proves", True
    if _labels_prove_order(rows, samples):
        return list(zip(rows, samples, strict=False)), "in their order, which the right answers prove", False
    for name in names:
        if pairs := _by_contained_text(rows, samples, name):
            return pairs, f"by the inputs that '{name}' holds", True
    raise DataError(f"{path}: {_misfit(rows, samples)}")


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _by_equal_text(rows: Sequence[AnswerRow], samples: Sequence[Sample], name: str, path: str) -> Pairs:
    """Rows whose text is an item's input; none where that is not so for most."""
    asking = defaultdict(list)
    for sample in samples:
        asking[_squeezed(sample.input)].append(sample)
    answering = defaultdict(list)
    for row in rows:
        if (text := _squeezed(row.texts.get(name, ""))) in asking:
            answering[text].append(row)
    if 2 * sum(map(len, answering.values())) < min(len(rows), len(samples)) or not answering:
        return []
    return [pair for text, own in answering.items() for pair in _among_equals(own, asking[text], path)]


def _among_equals(rows: Sequence[AnswerRow], samples: Sequence[Sample], path: str) -> Pairs:
    """Rows and items that ask the same word for word. Which is which matters where they have other right answers."""
    if len(rows) > len(samples):
        lines = ", ".join(str(row.line) for row in rows)
        raise DataError(
            f"{path}: lines {lines} ask the same, and {counted(len(samples), 'item')} of the task "
            f"({listed([sample.id for sample in samples])}); keep as many, or give the file ids"
        )
    if len({(sample.targets, sample.options) for sample in samples}) == 1:
        return list(zip(rows, samples, strict=False))
    pairs, left = [], list(samples)
    for row in rows:
        fitting = [sample for sample in left if row.label is not None and is_label_of(row.label, sample)]
        if len({sample.targets for sample in fitting}) != 1:
            raise DataError(
                f"{path}:{row.line}: {counted(len(samples), 'item')} ask this and have other right answers "
                f"({listed([sample.id for sample in samples])}); give the file ids"
            )
        pairs.append((row, fitting[0]))
        left.remove(fitting[0])
    return pairs


def _holds(row: AnswerRow, name: str, sample: Sample) -> bool:
    return sample.input.strip() in row.texts.get(name, "")


def _is_in_order(rows: Sequence[AnswerRow], samples: Sequence[Sample], name: str) -> bool:
    """Whether each prompt holds its item's input, and not just any item's: moved by one, some do not."""
    pairs = list(zip(rows, samples, strict=False))
    if not all(_holds(row, name, sample) for row, sample in pairs):
        return False
    moved = zip(rows, [*samples[1 : len(pairs)], samples[0]], strict=False)
    return len(pairs) == 1 or not all(_holds(row, name, sample) for row, sample in moved)


def _labels_prove_order(rows: Sequence[AnswerRow], samples: Sequence[Sample]) -> bool:
    """Whether the right answers stand in the same order, and in hardly another one would stand alike."""
    pairs = list(zip(rows, samples, strict=False))
    if not all(row.label is not None and is_label_of(row.label, sample) for row, sample in pairs):
        return False
    counts = Counter(sample.targets for _, sample in pairs)
    orders = math.lgamma(len(pairs) + 1) - sum(math.lgamma(count + 1) for count in counts.values())
    return len(counts) == len(pairs) or orders >= ENOUGH


def _by_contained_text(rows: Sequence[AnswerRow], samples: Sequence[Sample], name: str) -> Pairs:
    """Each row with the item whose input stands last in its prompt, as the question does; of those the longest.

    None where two rows would have the same item, or most have none.
    """
    if len(rows) * len(samples) > MOST_SEARCHES:
        return []
    pairs: Pairs = []
    for row in rows:
        prompt = row.texts.get(name, "")
        ends = [(prompt.rfind(text) + len(text), len(text), sample) for sample in samples
                if (text := sample.input.strip()) and text in prompt]  # fmt: skip
        if ends:
            pairs.append((row, max(ends, key=lambda end: end[:2])[2]))
    is_unique = len({sample.id for _, sample in pairs}) == len(pairs)
    return pairs if is_unique and 2 * len(pairs) >= min(len(rows), len(samples)) else []


def _is_input_proven(pairs: Pairs, path: str) -> bool:
    """Whether a column holds the inputs of the items that have these ids. Raises DataError where it does for some."""
    names = list(dict.fromkeys(name for row, _ in pairs for name in row.texts))
    fitting = {name: [_holds(row, name, sample) for row, sample in pairs] for name in names}
    best = max(names, key=lambda name: sum(fitting[name]), default=None)
    if best is None or (2 * sum(fitting[best]) < len(pairs) and not {*names} & {*INPUT_NAMES}):
        return False
    if all(fitting[best]):
        return True
    misfits = [sample.id for (_, sample), fits in zip(pairs, fitting[best], strict=True) if not fits]
    raise DataError(
        f"{path}: '{best}' asks {counted(len(misfits), 'item')} otherwise than the task ({listed(misfits)}): these are "
        "answers to another test set, or to another version of it"
    )


def refuse_other_labels(answers: PairedAnswers, samples: Sequence[Sample], path: str) -> None:
    """Raise DataError where the file's right answers are not the task's, unless its inputs prove that it is the set."""
    labelled = [(answers.rows[sample.id], sample) for sample in samples if sample.id in answers.rows]
    misfits = [(row, own) for row, own in labelled if row.label is not None and not is_label_of(row.label, own)]
    if misfits and not answers.is_proven:
        row, sample = misfits[0]
        names = listed([own.id for _, own in misfits])
        raise DataError(
            f"{path}: the right answers of {counted(len(misfits), 'item')} differ ({names}; of {sample.id!r} it is "
            f"{shortened(str(row.label), 40)!r} there, {shortened(sample.targets[0], 40)!r} here): these are answers "
            "to another test set"
        )


def _misfit(rows: Sequence[AnswerRow], samples: Sequence[Sample]) -> str:
    ids = [row.id for row in rows if row.id is not None]
    own = listed([sample.id for sample in samples])
    columns = list(dict.fromkeys(name for row in rows for name in row.texts))
    texts = f"none of its columns ({listed(columns)}) holds the inputs" if columns else "it holds no inputs"
    if ids:
        start = f"none of its ids ({listed(ids)}) is one of the task's ({own}), and {texts}"
    else:
        start = f"it has no ids (the task's are {own}), and {texts}"
    if any(row.label is not None for row in rows):
        start += ", nor do its right answers stand in the task's order"
    return f"{start}: these are answers to another test set, or id: or input: has to name the right column"


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(repr(shortened(name, 40)) for name in names[:NAMED])}{more}"
