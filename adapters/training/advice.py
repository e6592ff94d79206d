"""What to change in a suite so that a training fits into memory."""

import importlib.util
from collections.abc import Iterator

from adapters.memory.estimate import Sketch
from adapters.methods.lora import Lora
from adapters.methods.qlora import Qlora
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.models.local.memory import gib

Change = tuple[Method, Recipe]
SHORTEST = 64  # tokens: hardly a row is shorter


def smaller_training(
    base: HuggingFace, method: Method, recipe: Recipe, longest: int, available: int, labelled: int | None = None
) -> str:
    """The first change that makes a training fit into `available` bytes, as it is to be written in the suite.

    Tried in this order: fewer rows at a time with as many a step, gradient checkpointing, LoRA instead of all weights,
    QLoRA where bitsandbytes is installed, a smaller cutoff.
    """
    sketches: dict[Method, Sketch] = {}
    least = 0
    for new_method, new_recipe in _changes(method, recipe, longest):
        if new_method not in sketches:
            sketches[new_method] = Sketch.of(base, new_method)
        total = sketches[new_method].memory(new_recipe, longest, labelled).total
        if total <= available:
            changes = [*_method_change(method, new_method), *_recipe_changes(recipe, new_recipe)]
            return f"{', '.join(changes)} would need {gib(total)} of {gib(available)}"
        least = min(least or total, total)
    return (
        f"no change is enough: at least {gib(least)} are needed, {gib(least - available)} more than the "
        f"{gib(available)} of this machine; choose a smaller model"
    )


def _changes(method: Method, recipe: Recipe, longest: int) -> Iterator[Change]:
    """Methods and recipes, the nearest to the suite's first."""
    methods = list(_methods(method))
    for candidate in methods:
        for checkpointed in _checkpointed(candidate, recipe):
            yield from ((candidate, smaller) for smaller in _fewer_rows(checkpointed))
    smallest = [*_fewer_rows([*_checkpointed(methods[-1], recipe)][-1])][-1]
    cutoff = 1 << (min(longest, recipe.cutoff) - 1).bit_length() - 1 if not recipe.packing else recipe.cutoff // 2
    while cutoff >= SHORTEST:
        yield methods[-1], smallest.model_copy(update={"cutoff": cutoff})
        cutoff //= 2


def _methods(method: Method) -> Iterator[Method]:
    yield method
    if not method.shares_base:
        method = Lora()
        yield method
    if importlib.util.find_spec("bitsandbytes") and not isinstance(method, Qlora):
        yield Qlora(**method.model_dump()) if isinstance(method, Lora) else Qlora()


def _checkpointed(method: Method, recipe: Recipe) -> Iterator[Recipe]:
    yield recipe
    if recipe.gradient_checkpointing is not True and not method.virtual_prefix:
        yield recipe.model_copy(update={"gradient_checkpointing": True})


def _fewer_rows(recipe: Recipe) -> Iterator[Recipe]:
    """The recipe with ever fewer rows at a time and the same number a step."""
    rows = recipe.batch_size * recipe.accumulation
    for size in range(recipe.batch_size, 0, -1):
        if rows % size == 0:
            yield recipe.model_copy(update={"batch_size": size, "accumulation": rows // size})


def _method_change(method: Method, new: Method) -> Iterator[str]:
    """The new method as YAML, if it is another one."""
    if new != method:
        values = new.model_dump(mode="json", exclude_defaults=True)
        settings = ", ".join(f"{name}: {_yaml(value)}" for name, value in values.items())
        name = type(new).__module__.rpartition(".")[2]
        yield f"method: {{{name}: {{{settings}}}}}" if settings else f"method: {name}"


def _recipe_changes(recipe: Recipe, new: Recipe) -> Iterator[str]:
    """The settings that differ, as YAML."""
    for name in ("gradient_checkpointing", "batch_size", "accumulation", "cutoff"):
        if getattr(new, name) != getattr(recipe, name):
            yield f"{name}: {_yaml(getattr(new, name))}"


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
