"""Whether a training fits this machine, estimated before it begins: steps, the longest row, memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.memory.estimate import settle_checkpointing, training_memory
from adapters.training.advice import smaller_training
from adapters.training.encoding import IGNORED, Example, encode_examples
from adapters.training.session import check_method
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.training_data import TrainingData
from harness.components.method import Method
from harness.errors import DataError
from harness.models.huggingface import HuggingFace
from harness.models.local.device import available
from harness.models.local.memory import Memory

CANDIDATES = 32  # of the rows with most characters, the longest in tokens is taken for the longest of all


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """What a training needs, and why this machine is not enough where that is so."""

    steps: int  # packing reduces them
    memory: Memory
    available: int  # bytes
    refusal: str | None
    checkpoints: bool = False  # activations are computed twice, as the memory asks or the recipe says


def estimate_requirement(base: HuggingFace, method: Method, recipe: Recipe, data: TrainingData) -> Requirement:
    """Estimate from configuration and rows; no weights are loaded.

    Raises DataError when no row fits the cutoff, ModelError when the method does not fit the model.
    """
    examples = [example for example in data.examples if isinstance(example, Example)]
    if len(examples) < len(data.examples):
        recipe = recipe.model_copy(update={"packing": True})  # as texts are trained
    check_method(base, method, recipe, recipe.packing)
    longest, labelled = _longest_row(base, recipe, examples)
    recipe = settle_checkpointing(base, method, recipe, longest, labelled)
    memory, room = training_memory(base, method, recipe, longest, labelled), available(base.device_name)
    return Requirement(
        steps=StepPlan.of(recipe, len(data.examples), bool(data.validation)).steps,
        memory=memory,
        available=room,
        checkpoints=recipe.gradient_checkpointing is True,
        refusal=smaller_training(base, method, recipe, longest, room, labelled) if memory.total > room else None,
    )


def _longest_row(base: HuggingFace, recipe: Recipe, examples: Sequence[Example]) -> tuple[int, int | None]:
    """Tokens of the longest row, at most the cutoff, and of the row with most labels; None: all may be labelled."""
    if not examples:
        return recipe.cutoff, None
    by_size = sorted(examples, key=lambda row: -sum(len(turn.content) for turn in row.prompt) - len(row.answer))
    by_answer = sorted(examples, key=lambda row: -_learnt_characters(row, recipe))
    try:
        candidates = [*by_size[:CANDIDATES], *by_answer[:CANDIDATES]]
        encoded = encode_examples(base, candidates, recipe.cutoff, recipe.loss, recipe.turns)
    except DataError:  # no candidate fits the cutoff; does any row?
        encoded = encode_examples(base, by_size, recipe.cutoff, recipe.loss, recipe.turns)
    labelled = max(sum(label != IGNORED for label in row.labels) for row in encoded.rows)
    return max(len(row.ids) for row in encoded.rows), None if recipe.packing else labelled


def _learnt_characters(row: Example, recipe: Recipe) -> int:
    return sum(len(turn.answer) for turn in (row.turns() if recipe.turns == "all" else (row,)))
