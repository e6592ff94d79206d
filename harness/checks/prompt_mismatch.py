"""Whether the models that a run trains are asked through prompts of the kind that they have learnt to answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.components.component import named
from harness.components.prompt_shape import PromptShape, shape_differences
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.anomalies import PromptMismatch
from harness.records.derived_names import without_seed
from harness.suite.suite import Suite

REMEDY = (
    "ask it as it was trained, or put what is added into the task's own prompt, which training shares. What a model "
    "has not learnt to use may cost it more than it gives: a low figure here speaks neither against the training nor "
    "against what was added"
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
        if trained and (difference := _difference(task.name, trained, shape)):
            yield PromptMismatch(
                task=task.name, variant=name, model=without_seed(model), difference=difference, remedy=REMEDY
            )


def _difference(task: str, trained: Mapping[str, PromptShape], shape: PromptShape) -> str:
    """In words; empty where the prompts are of a kind that the model has learnt."""
    if task in trained:
        pairs = shape_differences(trained[task], shape)
        return _sentence("was trained on prompts", "and is asked", pairs) if pairs else ""
    nearest_shape = min(trained.values(), key=lambda candidate: len(shape_differences(candidate, shape)))
    if not shape_differences(nearest_shape, shape):
        return ""
    pairs = shape_differences(replace(nearest_shape, template=shape.template), shape)
    return _sentence(
        f"was trained on the prompts of {' and '.join(trained)}", f"and is asked through those of {task}", pairs
    )


def _sentence(before: str, now: str, pairs: Sequence[tuple[str, str]]) -> str:
    trained_with, asked_with = (" and ".join(side) for side in zip(*pairs, strict=True)) if pairs else ("", "")
    return f"{before} {trained_with}".strip() + ", " + f"{now} {asked_with}".strip()
