"""Whether a training fits this machine, told before it begins: steps, the longest row, memory."""

import math
from dataclasses import dataclass

from adapters.memory.estimate import training_memory
from adapters.training.advice import remedy
from adapters.training.encoding import IGNORED, Example, encode_examples
from adapters.training.examples import Lessons
from adapters.training.session import check_method
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.errors import DataError
from harness.models.huggingface import HuggingFace
from harness.models.local.device import available
from harness.models.local.memory import Memory

LOOKED_AT = 32  # of the rows with most characters, the longest in tokens is taken for the longest of all


@dataclass(frozen=True)
class Requirement:
    """What a training needs, and why this machine is not enough where that is so."""

    steps: int  # packing makes them fewer
    longest: int  # tokens
    memory: Memory
    room: int  # bytes
    refusal: str | None


def required(base: HuggingFace, method: Method, recipe: Recipe, data: Lessons) -> Requirement:
    """Estimate from configuration and rows; no weights are loaded.

    Raises DataError when no row fits the cutoff, ModelError when the method does not fit the model.
    """
    if any(isinstance(one, str) for one in data.examples):
        recipe = recipe.model_copy(update={"packing": True})  # as texts are trained
    check_method(base, method, recipe, recipe.packing)
    longest, learnt = _longest(base, recipe, data)
    memory, room = training_memory(base, method, recipe, longest, learnt), available(base.device_name)
    refusal = remedy(base, method, recipe, longest, room, learnt) if memory.total > room else None
    each = math.ceil(len(data.examples) / (recipe.batch_size * recipe.accumulation))
    steps = min(max(1, math.ceil(each * recipe.epochs)), recipe.max_steps or 1 << 62)
    return Requirement(steps, longest, memory, room, refusal)


def _longest(base: HuggingFace, recipe: Recipe, data: Lessons) -> tuple[int, int | None]:
    """Tokens of the longest row, at most the cutoff, and the most that one row learns; None: all may be learnt."""
    examples = [one for one in data.examples if isinstance(one, Example)]
    if not examples:
        return recipe.cutoff, None
    by_size = sorted(examples, key=lambda one: -sum(len(turn.content) for turn in one.prompt) - len(one.answer))
    by_answer = sorted(examples, key=lambda one: -len(one.answer))
    try:
        some = [*by_size[:LOOKED_AT], *by_answer[:LOOKED_AT]]
        encoded = encode_examples(base, some, recipe.cutoff, recipe.loss)
    except DataError:  # none of these fits; does any?
        encoded = encode_examples(base, by_size, recipe.cutoff, recipe.loss)
    learnt = max(sum(label != IGNORED for label in row.labels) for row in encoded.rows)
    return max(len(row.ids) for row in encoded.rows), None if recipe.packing else learnt
