"""Test items that a model learns from or looks up: found before anything is trained, refused when they are many."""

import math
from collections.abc import Mapping, Sequence

from harness.components.task import Task
from harness.errors import SuiteError
from harness.records.figures import Overlap, Twin
from harness.records.inputs import Sample
from harness.suite.suite import Suite
from harness.text.near_duplicates import leaked_answers, overlap, overlaps
from harness.text.normalise import whole_question
from harness.text.templates import LETTERS

Rows = Sequence[tuple[str, str]]


def contamination(suite: Suite, tasks: Mapping[str, Task]) -> list[Overlap]:
    """What the test items of each task share with train rows, mixed-in data, texts and knowledge; all twins of each.

    Raises SuiteError where a model would learn more of a task's test items than the suite allows.
    """
    own = {name: task for name, task in tasks.items() if not task.origin}
    learnt = _learnt(suite)
    rows, texts = _all_rows(suite, learnt, "training_questions"), _all_rows(suite, learnt, "training_texts")
    rows |= _examples(suite, own)
    for name in suite.usage.knowledge:
        texts.setdefault(f"knowledge {name}", [(p.id, p.text) for p in suite.knowledge[name].passage_set().passages])
    shared, mistakes = list[Overlap](), list[str]()
    for name, task in own.items():
        items = [(sample.id, whole_question(sample)) for sample in task.data.test]
        answered = [(sample.id, sample.input, _answers(sample)) for sample in task.data.test]
        twins = {source: overlaps(items, own_twins, suite.leakage.near) for source, own_twins in rows.items()}
        twins |= {
            source: leaked_answers(answered, own_twins, suite.leakage.near) for source, own_twins in texts.items()
        }
        for source, own_twins in twins.items():
            models = [model for model, sources in learnt.items() if _twin_ids(own_twins, sources.get(source, ()))]
            shared.append(overlap(name, source, models, len(items), own_twins, listed=len(own_twins)))
        mistakes += _too_many(name, len(items), twins, learnt, suite.leakage.allowed)
    if mistakes:
        raise SuiteError(mistakes)
    return shared


Learnt = Mapping[str, Mapping[str, Rows]]  # model → source → what it learns from it


def _learnt(suite: Suite) -> dict[str, dict[str, Rows]]:
    """What each model that is made learns, and what those it is made of have learnt."""
    learnt: dict[str, dict[str, Rows]] = {}
    for name in suite.usage.trained:
        model = suite.models[name]
        base = model.base_name or ""
        learnt[name] = {**learnt.get(base, {}), **model.training_questions(), **model.training_texts()}
    return learnt


def _all_rows(suite: Suite, learnt: Learnt, kind: str) -> dict[str, Rows]:
    """All rows of each source that any model learns."""
    union: dict[str, dict[tuple[str, str], None]] = {}
    for name in learnt:
        model = suite.models[name]
        for source, own in getattr(model, kind)().items():
            union.setdefault(source, {}).update(dict.fromkeys(own))
    return {source: list(own) for source, own in union.items()}


def _examples(suite: Suite, tasks: Mapping[str, Task]) -> dict[str, Rows]:
    """The train rows of tasks on which a variant shows worked examples or, asking no model, takes answers from them."""
    learnt_from = any(getattr(variant, "shots", 0) or variant.floor for variant in suite.variants.values())
    return {
        f"examples of {name}": [(row.id, whole_question(row)) for row in task.data.train]
        for name, task in tasks.items()
        if learnt_from and task.data.train and name not in suite.general
    }


def _twin_ids(twins: Sequence[Twin], rows: Rows) -> list[str]:
    """The test items whose twin is among the rows."""
    places = {(place, text) for place, text in rows}
    return [twin.sample_id for twin in twins if (twin.place, twin.row) in places]


def _too_many(
    task: str, samples: int, twins: Mapping[str, Sequence[Twin]], learnt: Learnt, allowed: float
) -> list[str]:
    """A line for each model that would learn more of a task's test items than is allowed, over all its sources."""
    lines = []
    for model, sources in learnt.items():
        equal = {source: [twin for twin in twins[source] if twin.kind != "near"] for source in sources}
        items = {item for source, rows in sources.items() for item in _twin_ids(equal[source], rows)}
        if len(items) > allowed * samples + 1e-9:
            source = next(source for source, rows in sources.items() if _twin_ids(equal[source], rows))
            first = next(twin for twin in equal[source] if twin.sample_id in items)
            least = math.ceil(1000 * len(items) / samples) / 1000
            lines.append(
                f"models.{model}: {len(items)} of {samples} test items of task {task} stand in what it learns "
                f"(e.g. {first.item[:60]!r}, {first.place} of the {source}): it would have seen the answers; remove "
                f"them, or set leakage: {{allowed: {least:g}}}"
            )
    return lines


def _answers(sample: Sample) -> Sequence[str]:
    """The right answers in words: of a choice the options' texts, because letters stand everywhere."""
    if not sample.options:
        return sample.targets
    right = {letter for target in sample.targets for letter in target}
    return [text for letter, text in zip(LETTERS, sample.options, strict=False) if letter in right]
