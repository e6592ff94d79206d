"""The rows that settings are chosen by: validation rows, or rows held back from train; never test rows."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from baselines.search.search_budget import FEWEST_ROWS
from baselines.support.remembered_rows import knowledge_of_rows, trained_models
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.records.inputs import Sample
from harness.records.searches import Rows

HELD_BACK = 5  # one in so many train rows, where there are no validation rows


@dataclass(frozen=True, kw_only=True)
class SearchRows:
    """A task as it is while its settings are chosen, and the rows to choose by in the order in which they are used."""

    task: Task  # its train rows are without those that are held back
    rows: tuple[Sample, ...]
    source: Rows


def search_rows(task: Task, seed: int) -> SearchRows:
    """The same rows in the same order whenever a task and a seed are the same."""
    shuffle = random.Random(f"{seed} {task.name}").shuffle
    if task.data.validation:
        rows = list(task.data.validation)
        shuffle(rows)
        return SearchRows(task=task, rows=tuple(rows), source="validation")
    order = list(range(len(task.data.train)))
    shuffle(order)
    chosen = order[: len(order) // HELD_BACK]
    reserved = set(chosen)
    rest = tuple(row for place, row in enumerate(task.data.train) if place not in reserved)
    reduced = replace(task, data=replace(task.data, train=rest))
    return SearchRows(task=reduced, rows=tuple(task.data.train[place] for place in chosen), source="train")


def row_mistakes(
    task: Task, variants: Sequence[Variant], resources: Resources, models: Mapping[str, Model]
) -> list[str]:
    """Why settings cannot be chosen by the rows that there are."""
    validation, train = len(task.data.validation), len(task.data.train)
    if validation:
        few = f"{validation} validation rows are too few to choose settings by; give at least {FEWEST_ROWS}"
        return [few] if validation < FEWEST_ROWS else []
    if train < HELD_BACK * FEWEST_ROWS:
        return [
            f"there are no validation rows to choose settings by, and {train} train rows are too few to hold a fifth "
            f"of them back ({HELD_BACK * FEWEST_ROWS} are needed); give validation rows"
        ]
    remedy = "settings chosen by rows held back from train would be those of questions"
    learnt, searched = trained_models(task, variants, models), knowledge_of_rows(variants, task, resources)
    return [
        *(
            f"the model {name} is trained on the train rows: {remedy} that it knows; give validation rows"
            for name in learnt
        ),
        *(
            f"knowledge {name} holds the train rows: {remedy} whose answer is looked up; give validation rows"
            for name in searched
        ),
    ]
