"""Test items that a model learns from or looks up: found before anything is trained, refused when they are many."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.components.task import Task
from harness.errors import SuiteError
from harness.records.figures import Overlap, Twin
from harness.records.inputs import Sample
from harness.suite.suite import Suite
from harness.text.near_duplicates import leaked_answers, overlap, overlaps
from harness.text.normalise import whole_question
from harness.text.passage_texts import wordings
from harness.text.templates import LETTERS

Rows = Sequence[tuple[str, str]]  # place and text
Learnt = Mapping[str, Mapping[str, Rows]]  # a model, or a knowledge base with examples → source → what it learns
Contents = Mapping[tuple[str, str], str]  # a row → what a model reads that learns it
Learners = Mapping[tuple[str, str], Sequence[str]]  # a row → the models that learn what it says


def contamination(suite: Suite, tasks: Mapping[str, Task]) -> list[Overlap]:
    """What the test items of each task share with train rows, mixed-in data, texts and knowledge; all twins of each.

    Raises SuiteError where a model, or a knowledge base from `examples`, would learn more of a task's test items than
    the suite allows.
    """
    shared, mistakes = shared_items(suite, tasks)
    if mistakes:
        raise SuiteError(mistakes)
    return shared


def shared_items(suite: Suite, tasks: Mapping[str, Task]) -> tuple[list[Overlap], list[str]]:
    """The same, with a line for each learner of more test items than the suite allows instead of an error."""
    own = {name: task for name, task in tasks.items() if not task.origin}
    questions, texts = _learnt(suite, "training_questions"), _learnt(suite, "training_texts")
    taught = _all_rows(questions)
    names = _learned_names(suite, taught)
    asked = {**taught, **_examples(suite, own, names)}
    read = {**_all_rows(texts), **_searched(suite)}
    learners = {**_learners(questions, asked), **_learners(texts, read)}
    learnt = {model: {**questions[model], **texts[model]} for model in questions}
    shared, mistakes = list[Overlap](), list[str]()
    for name, task in own.items():
        items = [(sample.id, whole_question(sample)) for sample in task.data.whole_test]
        answered = [(sample.id, sample.input, _answers(sample)) for sample in task.data.whole_test]
        drawn_ids = {sample.id for sample in task.data.test}  # one leaked item of few would be a large share of them
        twins = {source: overlaps(items, list(rows), suite.leakage.near) for source, rows in asked.items()}
        twins |= {source: leaked_answers(answered, list(rows), suite.leakage.near) for source, rows in read.items()}
        for source, own_twins in twins.items():
            own_twins = [twin for twin in own_twins if twin.sample_id in drawn_ids]
            models = _models_of(learners[source], own_twins, list(learnt))
            found = overlap(name, source, models, len(drawn_ids), own_twins, listed=len(own_twins))
            shared.append(replace(found, named_in=tuple(base for base, own in names.items() if source in own)))
        mistakes += _too_many(name, len(items), twins, (learnt, names), suite.leakage.allowed)
    return shared, mistakes


def _learnt(suite: Suite, kind: str) -> dict[str, dict[str, Rows]]:
    """What each model that is made learns, and what those it is made of have learnt."""
    learnt: dict[str, dict[str, Rows]] = {}
    for name in suite.usage.trained:
        model = suite.models[name]
        learnt[name] = {**learnt.get(model.base_name or "", {}), **getattr(model, kind)()}
    return learnt


def _all_rows(learnt: Learnt) -> dict[str, dict[tuple[str, str], str]]:
    """All rows of each source that any model learns."""
    union: dict[str, dict[tuple[str, str], str]] = {}
    for sources in learnt.values():
        for source, rows in sources.items():
            union.setdefault(source, {}).update({row: row[1] for row in rows})
    return union


def _searched(suite: Suite) -> dict[str, Contents]:
    """All wordings of the passages that variants search, by their files; who learns a passage reads its text."""
    return {
        f"knowledge {name}": {
            (passage.id, text): passage.text
            for passage in suite.knowledge[name].passage_set().passages
            for text in wordings(passage)
        }
        for name in suite.usage.knowledge
    }


def _learners(learnt: Learnt, contents: Mapping[str, Contents]) -> dict[str, Learners]:
    """Who learns each row, be it under another name: rows that are shown as examples may be learnt as well."""
    models_of: dict[str, list[str]] = {}
    for model, sources in learnt.items():
        for text in dict.fromkeys(text for rows in sources.values() for _, text in rows):
            models_of.setdefault(text, []).append(model)
    return {source: {row: models_of.get(text, ()) for row, text in rows.items()} for source, rows in contents.items()}


def _models_of(learners: Learners, twins: Sequence[Twin], order: Sequence[str]) -> list[str]:
    """The models that learn one of the twins; where there is none, those that learn any row of the source."""
    rows = [(twin.place, twin.row) for twin in twins] or list(learners)
    models = {model for row in rows for model in learners.get(row, ())}
    return [model for model in order if model in models]


def _examples(suite: Suite, tasks: Mapping[str, Task], names: Learnt) -> dict[str, Contents]:
    """The train rows of tasks on which a variant shows worked examples or, asking no model, takes answers from them.

    And those whose inputs are names of passages.
    """
    learnt_from = any(getattr(variant, "shots", 0) or variant.floor for variant in suite.variants.values())
    shown: dict[str, Contents] = {
        f"examples of {name}": {(row.id, whole_question(row)): whole_question(row) for row in task.data.train}
        for name, task in tasks.items()
        if learnt_from and task.data.train and name not in suite.general
    }
    for source, rows in ((source, rows) for sources in names.values() for source, rows in sources.items()):
        if source.startswith("examples of "):
            shown[source] = {**shown.get(source, {}), **{row: row[1] for row in rows}}
    return shown


def _learned_names(suite: Suite, taught: Mapping[str, Contents]) -> dict[str, dict[str, Rows]]:
    """The train rows whose inputs are names of passages, by the knowledge base, each row in one source only."""
    names: dict[str, dict[str, Rows]] = {}
    for name in suite.usage.knowledge:
        base = suite.knowledge[name]
        rows = [(row.id, whole_question(row)) for row in base.learned_rows]
        source = f"train rows of {base.examples}"
        if rows:
            is_taught = taught.get(source, {}).keys() >= set(rows)
            names[name] = {source if is_taught else f"examples of {base.examples}": rows}
    return names


def _twin_ids(twins: Sequence[Twin], rows: Rows) -> list[str]:
    """The test items whose twin is among the rows."""
    places = {(place, text) for place, text in rows}
    return [twin.sample_id for twin in twins if (twin.place, twin.row) in places]


def _too_many(
    task: str, samples: int, twins: Mapping[str, Sequence[Twin]], learners: tuple[Learnt, Learnt], allowed: float
) -> list[str]:
    """A line for each model that would learn more of a task's test items than is allowed, over all its sources.

    `learners` are models, and knowledge bases with examples: of these only what no other line says already.
    """
    lines, refused = [], set[str]()
    models, bases = learners
    by_size = sorted(bases.items(), key=lambda entry: -sum(map(len, entry[1].values())))
    for section, name, sources in (
        *(("models", *entry) for entry in models.items()),
        *(("knowledge", *entry) for entry in by_size),
    ):
        equal = {source: [twin for twin in twins[source] if twin.kind != "near"] for source in sources}
        items = {item for source, rows in sources.items() for item in _twin_ids(equal[source], rows)}
        if len(items) <= allowed * samples + 1e-9 or (section == "knowledge" and items <= refused):
            continue
        refused |= items
        source = next(source for source, rows in sources.items() if _twin_ids(equal[source], rows))
        first = next(twin for twin in equal[source] if twin.sample_id in items)
        least = math.ceil(1000 * len(items) / samples) / 1000
        lines.append(
            f"{section}.{name}: {len(items)} of {samples} test items of task {task} stand in what it learns "
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
