"""Whether the models that a run trains are asked through prompts of the kind that they have learnt to answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.components.component import named
from harness.components.prompt_shape import PromptShape, shape_differences
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.anomalies import PromptMismatch
from harness.records.derived_names import without_seed
from harness.records.sentences import Sentence
from harness.suite.suite import Suite
from harness.text.stating import state

REMEDY = state(
    "prompt_mismatches.remedy",
    "ask it as it was trained, or put what is added into the task's own prompt, which training shares. What a model "
    "has not learnt to use may cost it more than it gives: a low figure here speaks neither against the training nor "
    "against what was added",
)


def prompt_mismatches(suite: Suite, tasks: Mapping[str, Task]) -> tuple[PromptMismatch, ...]:
    """Every trained model that a variant asks otherwise, as the variants are reported: seeds by one name.

    General tasks are asked to see what training made a model forget; that they are others is their purpose.
    """
    pool_of = {member: pool for pool, members in suite.expansion.pools.items() for member in members}
    mismatches = {
        (task.name, pool_of.get(name, name)): mismatch
        for task in tasks.values()
        if task.name not in suite.general and not task.origin
        for name, variant in suite.variants.items()
        for mismatch in _mismatches(suite, task, variant, pool_of.get(name, name))
    }
    return tuple(mismatches.values())


def _mismatches(suite: Suite, task: Task, variant: Variant, name: str) -> Iterator[PromptMismatch]:
    shape = variant.prompt_shape(task)
    if shape is None:
        return
    for model in named(variant, "models"):
        trained = suite.models[model].training_prompts()
        is_known = bool(trained) and all(trained.values())  # not before a search has chosen how it asks
        if is_known and (difference := _difference(task.name, trained, shape)):
            yield PromptMismatch(
                task=task.name,
                variant=name,
                model=without_seed(model),
                difference=difference.text,
                remedy=REMEDY.text,
                statements=(difference.statement, REMEDY.statement),
            )


def _difference(task: str, trained: Mapping[str, Sequence[PromptShape]], shape: PromptShape) -> Sentence | None:
    """In words; None where the prompts are of a kind that the model has learnt."""
    if task in trained:
        pairs = shape_differences(_nearest(trained[task], shape), shape)
        return _of_its_task(pairs) if pairs else None
    nearest_shape = _nearest([own for shapes in trained.values() for own in shapes], shape)
    if not shape_differences(nearest_shape, shape):
        return None
    besides = shape_differences(replace(nearest_shape, template=shape.template), shape)
    return _of_another_task(task, list(trained), besides)


def _nearest(shapes: Sequence[PromptShape], shape: PromptShape) -> PromptShape:
    return min(shapes, key=lambda candidate: len(shape_differences(candidate, shape)))


def _of_its_task(pairs: Sequence[tuple[Sentence, Sentence]]) -> Sentence:
    return state(
        "prompt_mismatches.same_task",
        "was trained on prompts {trained}, and is asked {asked}",
        trained=_joined([before for before, _ in pairs]),
        asked=_joined([now for _, now in pairs]),
    )


def _of_another_task(task: str, trained: Sequence[str], pairs: Sequence[tuple[Sentence, Sentence]]) -> Sentence:
    """The template differs in any case; `pairs` are what differs besides."""
    tasks = _joined([state("prompt_mismatches.task", "{task}", task=name) for name in trained])
    if not pairs:
        text = "was trained on the prompts of {tasks}, and is asked through those of {task}"
        return state("prompt_mismatches.other_task", text, tasks=tasks, task=task)
    return state(
        "prompt_mismatches.other_shape",
        "was trained on the prompts of {tasks} {trained}, and is asked through those of {task} {asked}",
        tasks=tasks,
        task=task,
        trained=_joined([before for before, _ in pairs]),
        asked=_joined([now for _, now in pairs]),
    )


def _joined(sentences: Sequence[Sentence]) -> Sentence:
    """ "with a and with b and with c"."""
    phrase, *additions = sentences
    for addition in additions:
        phrase = state("prompt_mismatches.both", "{first} and {second}", first=phrase, second=addition)
    return phrase
