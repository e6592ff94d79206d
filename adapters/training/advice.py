"""What to change in a suite so that a training fits into memory."""

import importlib.util
from collections.abc import Iterator

from adapters.memory.estimate import Sketch, needed
from adapters.methods.lora import Lora
from adapters.methods.qlora import Qlora
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.models.local.memory import GIB

Change = tuple[Method, Recipe]
SHORTEST = 64  # tokens: under that hardly a row is left


def remedy(
    base: HuggingFace, method: Method, recipe: Recipe, longest: int, room: int, learnt: int | None = None
) -> str:
    """The first change that makes a training that does not fit need at most `room` bytes, as it is to be written.

    Tried in this order: fewer rows at a time with as many a step, gradient checkpointing, LoRA instead of all weights,
    QLoRA where bitsandbytes is installed, a smaller cutoff.
    """
    sketches: dict[Method, Sketch] = {}
    least = 0
    for other, changed in _changes(method, recipe, longest):
        if other not in sketches:
            sketches[other] = Sketch.of(base, other)
        total = needed(sketches[other], changed, longest, learnt).total
        if total <= room:
            return f"{_written(method, recipe, other, changed)} would need {gib(total)} of {gib(room)}"
        least = min(least or total, total)
    return (
        f"nothing fits: at least {gib(least)} are needed, {gib(least - room)} more than the {gib(room)} there are; "
        "choose a smaller model"
    )


def _changes(method: Method, recipe: Recipe, longest: int) -> Iterator[Change]:
    """Methods and recipes, the nearest to what was asked for first."""
    methods = list(_methods(method))
    for other in methods:
        for checkpointed in _checkpointed(other, recipe):
            yield from ((other, smaller) for smaller in _fewer_rows(checkpointed))
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
    if not recipe.gradient_checkpointing and not method.virtual_prefix:
        yield recipe.model_copy(update={"gradient_checkpointing": True})


def _fewer_rows(recipe: Recipe) -> Iterator[Recipe]:
    """The recipe with ever fewer rows at a time and the same number a step."""
    rows = recipe.batch_size * recipe.accumulation
    for size in range(recipe.batch_size, 0, -1):
        if rows % size == 0:
            yield recipe.model_copy(update={"batch_size": size, "accumulation": rows // size})


def _written(method: Method, recipe: Recipe, other: Method, changed: Recipe) -> str:
    """What differs, as YAML on one line each."""
    lines = []
    if other != method:
        given = other.model_dump(mode="json", exclude_defaults=True)
        settings = ", ".join(f"{name}: {_yaml(value)}" for name, value in given.items())
        name = type(other).__module__.rpartition(".")[2]
        lines.append(f"method: {{{name}: {{{settings}}}}}" if settings else f"method: {name}")
    for name in ("gradient_checkpointing", "batch_size", "accumulation", "cutoff"):
        value = getattr(changed, name)
        if value != getattr(recipe, name):
            lines.append(f"{name}: {_yaml(value)}")
    return ", ".join(lines)


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def gib(count: int) -> str:
    """Bytes for people."""
    return f"{count / GIB:.1f} GiB"
