"""What makes a search impossible on a task, said before any model is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from baselines.search.instruction_rewriting import ROWS
from baselines.search.search_budget import FEWEST_ROWS, most_calls
from baselines.search.search_course import Search, settings_labels
from baselines.search.search_rows import SearchRows, row_mistakes, search_rows
from baselines.search.selection_figure import selection_figure
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources, Variant

BRIEFLY = 3  # rows on which settings are looked at that bring no further level
NAMED = 2  # settings, where something is said of many


def search_mistakes(own: Search, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
    """One line a mistake; what is wrong with several settings is said once."""
    if selection_figure(task.name, resources) is None:
        return ["all metrics ask models themselves, and settings cannot be chosen by them; add one that does not"]
    faults = row_mistakes(task, own.candidates, resources, models)
    if faults:
        return faults
    rows = search_rows(task, 0)
    chosen_by = replace(rows.task, data=replace(rows.task.data, test=rows.rows, validation=()))
    problems = setting_mistakes(own, [task, chosen_by], resources, models)
    if own.rewrite is not None and (rewriting := own.rewrite.model) in models and not models[rewriting].generates:
        problems.append(f"rewrite: model {rewriting} writes no text")
    least = least_budget(own, rows)
    if own.budget < least:
        count = len(settings_labels(own))
        problems.append(
            f"budget: {own.budget:,} calls are less than one round of {count:,} settings on {FEWEST_ROWS} rows each; "
            f"give at least {least:,} calls, or leave out settings"
        )
    return problems


def least_budget(own: Search, rows: SearchRows) -> int:
    """The calls that a rewriting and the first round take at most, with the fewest rows."""
    task, candidates = rows.task, own.candidates
    rounds = own.rewrite.rounds if own.rewrite is not None else 0
    proposals = len(settings_labels(own)) - len(candidates)
    most = [most_calls(candidate, task, rows.rows, FEWEST_ROWS) for candidate in candidates]
    total = sum(most) + proposals * max(most)
    compared = [min(ROWS * number, len(rows.rows)) for number in range(1, rounds + 1)]
    further = [count - FEWEST_ROWS for count in (*compared, *compared[-1:]) if count > FEWEST_ROWS]
    return total + rounds + most_calls(candidates[0], task, rows.rows, sum(further))


def setting_mistakes(
    own: Search, tasks: Sequence[Task], resources: Resources, models: Mapping[str, Model]
) -> list[str]:
    """The problems of each candidate on the test rows of some tasks.

    Each level is looked at on all rows once, in the first candidate that has it; what else is combined only briefly.
    """
    looked_at: set[tuple[str, str]] = set()
    subjects: dict[str, list[str]] = {}
    for candidate, levels in zip(own.candidates, own.levels, strict=True):
        is_new = not looked_at >= set(levels.items()) or not looked_at
        looked_at |= set(levels.items())
        for problem in _problems(candidate, tasks, resources, models, None if is_new else BRIEFLY):
            subjects.setdefault(problem, []).append(", ".join(f"{name}: {level}" for name, level in levels.items()))
    return [f"with {_listed(names)}: {problem}" for problem, names in subjects.items()]


def _problems(
    candidate: Variant, tasks: Sequence[Task], resources: Resources, models: Mapping[str, Model], most: int | None
) -> list[str]:
    """What keeps one setting from answering; `most` rows of each kind are looked at, None: all."""
    problems: dict[str, None] = {}
    for task in tasks:
        data = replace(task.data, test=task.data.test[:most], validation=task.data.validation[:most])
        problems |= dict.fromkeys(candidate.check(replace(task, data=data), resources, models))
    return list(problems)


def _listed(names: Sequence[str]) -> str:
    more = f"; and {len(names) - NAMED} more settings" if len(names) > NAMED else ""
    return f"({'; '.join(names[:NAMED])}{more})"
