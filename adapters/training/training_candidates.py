"""What a search among trainings chooses from: each combination of the settings that are lists, ready to be trained."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.training.choices import Values, choose, values_of
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.errors import ModelError
from harness.records.inputs import JSON

MOST = 32  # combinations: each is a training begun


@dataclass(frozen=True, kw_only=True)
class TrainingCandidate:
    """A training with a value for each setting."""

    method: Method
    recipe: Recipe
    settings: Mapping[str, JSON]  # those that were to be chosen

    def describe(self) -> str:
        """E.g. "learning_rate 0.001, r 8"."""
        return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                         for name, value in self.settings.items())  # fmt: skip


def candidates(method: Method, recipe: Recipe) -> tuple[TrainingCandidate, ...]:
    """Every combination, in the order of the suite; one where no setting is a list.

    `recipe` may be of a class that has further fields.
    """
    plain = {name: getattr(recipe, name) for name in Recipe.model_fields}
    space = {name: value for name, value in plain.items() if isinstance(value, Values)}
    first = Recipe(**{**plain, **{name: values[0] for name, values in space.items()}})
    first = first.model_copy(update=space)
    return tuple(
        TrainingCandidate(method=chosen, recipe=settled, settings={**own, **inner})
        for settled, own in choose(first)
        for chosen, inner in choose(method)
    )


def space_mistake(method: Method, recipe: Recipe) -> str | None:
    """Why the lists cannot be searched as they are written."""
    space = {**values_of(recipe), **values_of(method)}
    count = 1
    for values in space.values():
        count *= len(values)
    if count > MOST:
        product = " × ".join(f"{len(values)} of {name}" for name, values in space.items())
        return f"{product} are {count} trainings to choose from; at most {MOST} are searched: shorten the lists"
    return None


def check_choice(method: Method, recipe: Recipe, has_validation: bool) -> None:
    """Raise ModelError where something is to go by validation rows and there are none."""
    lists = [*values_of(recipe), *values_of(method)]
    reason = f"{lists[0]} is a list, of which the loss on validation rows chooses" if lists else ""
    if recipe.goes_by_validation:
        reason = reason or "schedule: reduce_lr_on_plateau goes by the loss on validation rows"
    if reason and not has_validation:
        raise ModelError(f"{reason}: give the task a validation split, or validation: 0.1")
