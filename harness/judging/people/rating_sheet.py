"""Which answers people are asked to rate: a seeded draw of items, the same for all variants, blind."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from harness.errors import HarnessError, nearest
from harness.judging.asking.judge_metric import judged_text, passage_texts
from harness.judging.people.rated_task import RatedTask
from harness.judging.people.rating_criteria import RatingCriteria
from harness.records.inputs import Sample
from harness.records.rating_sheets import RatingEntry, RatingQuestion, RatingSheet
from harness.text.canonical import digest

Compared = tuple[str, ...]  # one variant, or two


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetOptions:
    """What a sheet shows."""

    variants: tuple[str, ...] = ()  # none: all that answered
    items: int = 20  # at most
    pairwise: bool = False
    shows_reference: bool = False
    shows_passages: bool = True
    seed: int = 0


def draw_sheet(task: RatedTask, criteria: RatingCriteria, options: SheetOptions) -> RatingSheet:
    """A sheet of the items that all of the variants have answered. Raises HarnessError where there is none.

    Of two equal answers nobody is asked which is better; an item whose pairs are all equal is not drawn.
    """
    variants = _variants(task, options.variants)
    compared = _compared(variants, task.reference_variant) if options.pairwise else [(name,) for name in variants]
    deal = random.Random(options.seed)
    samples = _drawn(task, variants, compared, options.items, deal)
    has_own = all(passage_texts(task.answers[sample.id][name]) for sample in samples for name in variants)
    questions = tuple(
        _question(task, sample, compared, options, has_own and not options.pairwise, deal) for sample in samples
    )
    keys = [entry.key for question in questions for entry in question.entries]
    return RatingSheet(
        run=task.identity,
        sheet=digest([task.identity, criteria.name, options.pairwise, sorted(keys)])[:12],
        rubric=criteria.name,
        pairwise=options.pairwise,
        low=criteria.low,
        high=criteria.high,
        whole=criteria.whole,
        dimensions=criteria.dimensions,
        questions=questions,
    )


def all_entries(task: RatedTask) -> dict[str, tuple[str, Compared]]:
    """Of every entry that a sheet of the task may hold, its key: the sample, and the variants in their order."""
    entries = {}
    for sample, own in task.answers.items():
        for compared in (*((name,) for name in own), *((a, b) for a in own for b in own if a != b)):
            entries[task.key(sample, compared)] = (sample, compared)
    return entries


def _variants(task: RatedTask, chosen: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in chosen if name not in task.variants]
    if unknown:
        raise HarnessError(
            f"--variants: {unknown[0]} did not answer task {task.name} ({nearest(unknown[0], task.variants)})"
        )
    return tuple(dict.fromkeys(chosen)) or task.variants


def _compared(variants: Sequence[str], reference: str | None) -> list[Compared]:
    """Each variant with the reference; all pairs where the reference is not among them."""
    if len(variants) < 2:
        raise HarnessError("--pairs: there is only one variant to rate; name two or more with --variants")
    if reference is not None and reference in variants:
        return [(name, reference) for name in variants if name != reference]
    return list(combinations(variants, 2))


def _drawn(
    task: RatedTask, variants: Sequence[str], compared: Sequence[Compared], count: int, deal: random.Random
) -> list[Sample]:
    fit = [
        sample
        for name, sample in task.samples.items()
        if all(variant in task.answers[name] and not task.answers[name][variant].error for variant in variants)
        and any(_is_open(task, name, names) for names in compared)
    ]
    if not fit:
        raise HarnessError(f"task {task.name}: no item has answers to rate of all of {', '.join(variants)}")
    return deal.sample(fit, min(count, len(fit)))


def _is_open(task: RatedTask, sample: str, names: Compared) -> bool:
    texts = [judged_text(task.answers[sample][name]) for name in names]
    return len(texts) == 1 or texts[0] != texts[1]


def _question(
    task: RatedTask,
    sample: Sample,
    compared: Sequence[Compared],
    options: SheetOptions,
    has_own: bool,
    deal: random.Random,
) -> RatingQuestion:
    """The entries in a drawn order, and of two answers either first: not even the page's source tells them apart."""
    own = task.answers[sample.id]
    compared = [tuple(deal.sample(names, len(names))) for names in deal.sample(compared, len(compared))]
    texts = {name: passage_texts(own[name]) if options.shows_passages else () for names in compared for name in names}
    union = tuple(dict.fromkeys(text for own_texts in texts.values() for text in own_texts))
    entries = [
        RatingEntry(
            key=task.key(sample.id, names),
            answers=tuple(judged_text(own[name]) for name in names),
            passages=texts[names[0]] if has_own else (),
        )
        for names in compared
        if _is_open(task, sample.id, names)
    ]
    return RatingQuestion(
        text=task.question(sample),
        reference=(task.reference(sample) or None) if options.shows_reference else None,
        passages=() if has_own else tuple(sorted(union)),
        entries=tuple(entries),
    )
