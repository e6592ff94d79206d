"""What keeps the components of a suite from working together on its data, found before any model is asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from harness.checks.data import with_remedy
from harness.components.component import named
from harness.components.knowledge import Knowledge
from harness.components.task import Task
from harness.components.trained_model import DerivedModel
from harness.components.variant import Resources, Variant
from harness.errors import DataError, HarnessError
from harness.suite.grid import GRID
from harness.suite.suite import Suite

NAMED_CELLS = 3  # of a grid, where something is said of many


def metric_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> list[str]:
    """What keeps metrics from scoring their tasks: what they need, and their samples."""
    mistakes = []
    for name, task in tasks.items():
        for metric_name, metric in suite.metrics_of(task).items():
            try:
                metric.check()
                scales = [metric.scale_of(part) for part in ("", *(metric.parts() or ()))]
                problems = list(filter(None, [metric.check_task(task), *(scale.mistake() for scale in scales)]))
            except HarnessError as error:
                problems = list(error.lines)
            mistakes += [f"tasks.{name}.metrics.{metric_name}: {line}" for line in problems]
    return mistakes


def knowledge_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> dict[str, list[str]]:
    """What keeps a knowledge base that is searched from being read, or from fitting any task, by its name."""
    mistakes: dict[str, list[str]] = {}
    for name in suite.usage.knowledge:
        knowledge = suite.knowledge[name]
        try:
            knowledge.passage_set()
            knowledge.passage_set(updated=True)
            _refuse_unfit(knowledge, list(tasks.values()))
        except HarnessError as error:
            mistakes[name] = [f"knowledge.{name}: {line}" for line in error.lines]
    return mistakes


def variant_mistakes(
    suite: Suite, tasks: Mapping[str, Task], resources: Resources, unread: Collection[str]
) -> list[str]:
    """What keeps variants from answering tasks, but for those whose knowledge base could not be read.

    What is said of several cells of a grid is said once.
    """
    subjects: dict[tuple[str, str], list[str]] = {}
    cells = {member for cell in suite.grid for member in suite.expansion.members.get(cell, (cell,))}
    for variant_name, variant in suite.variants.items():
        if any(name in unread for name in suite.usage.knowledge_of[variant_name]):
            continue
        for name, task in tasks.items():
            if name in suite.general:
                continue
            problems = variant.check(task, resources, suite.models)
            remedied = [with_remedy(problem, suite.tasks[name].data) for problem in problems]
            for problem in (*remedied, *_option_problems(suite, variant_name, task)):
                owner = GRID if variant_name in cells else variant_name
                subjects.setdefault((owner, f"on tasks.{name}: {problem}"), []).append(variant_name)
    return [
        f"variants.{owner}{f' ({_listed(names)})' if owner == GRID else ''} {problem}"
        for (owner, problem), names in subjects.items()
    ]


def training_mistakes(
    suite: Suite, tasks: Mapping[str, Task], resources: Resources, unread: Collection[str]
) -> list[str]:
    """What keeps the rows that models learn from being asked for as the variants that they name would ask for them."""
    mistakes = []
    for name in suite.usage.trained:
        model = suite.models[name]
        if not isinstance(model, DerivedModel):
            continue
        for task_name, variant_name in model.asked_as():
            variant, task = suite.variants[variant_name], tasks.get(task_name)
            if task is None or any(base in unread for base in suite.usage.knowledge_of[variant_name]):
                continue
            problems = [_no_teacher(variant)]
            if not problems[0] and model.mixes_passages(variant_name) and not variant.retrieves:
                problems = ["shows no passages, so gold and distractors have no place; leave them out"]
            elif not problems[0]:
                problems = _row_problems(suite, variant, task, resources)
            mistakes += [f"models.{name}: as: {variant_name}: {problem}" for problem in problems if problem]
    return mistakes


def _no_teacher(variant: Variant) -> str:
    """Why a model cannot learn prompts as a variant asks them; empty where it can."""
    if variant.floor:
        return "is a floor, which asks no model; name a variant that does"
    if variant.is_foreign:
        return "was made elsewhere, so nobody can ask for train rows as it did; name a variant that asks a model"
    if variant.is_bound():
        return (
            "shows every item its right passage, which no deployment can; name a variant that retrieves, and gold: 0.8"
        )
    if not variant.single:
        return "asks through other variants; name the step whose prompts are to be learnt"
    return ""


def _row_problems(suite: Suite, variant: Variant, task: Task, resources: Resources) -> list[str]:
    """What keeps the train rows of a task from being put as a variant puts its items."""
    rows = replace(task, data=replace(task.data, test=task.data.train, validation=()))
    before = set(variant.check_rows(task, resources, suite.models)) if task.data.test else set()
    return [
        f"on train rows: {problem}"
        for problem in variant.check_rows(rows, resources, suite.models)
        if problem not in before
    ]


def _listed(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - NAMED_CELLS} more" if len(names) > NAMED_CELLS else ""
    return f"{', '.join(names[:NAMED_CELLS])}{more}"


def model_mistakes(suite: Suite, models: Sequence[str]) -> list[str]:
    """What keeps models from being asked: files that are not there, a server that does not answer."""
    mistakes = []
    for name in models:
        try:
            suite.models[name].check()
        except HarnessError as error:
            mistakes += [f"models.{name}: {line}" for line in error.lines]
    return mistakes


def server_mistakes(suite: Suite) -> list[str]:
    """What servers that answer say against the models that a run would ask of them."""
    mistakes = []
    for name in suite.usage.asked_from("train"):
        try:
            suite.models[name].check_server()
        except HarnessError as error:
            mistakes += [f"models.{name}: {line}" for line in error.lines]
    return mistakes


def path_mistakes(suite: Suite) -> list[str]:
    """The models that a run would ask, or make others of, whose path leads nowhere."""
    mistakes: list[str] = []
    names = suite.usage.asked_from("train")
    for name in names:
        names += [base for base in named(suite.models[name], "models") if base not in names]
        try:
            suite.models[name].check_path()
        except HarnessError as error:
            mistakes += [f"models.{name}: {line}" for line in error.lines]
    return mistakes


def judge_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> list[str]:
    """What keeps the models that metrics ask from judging the tasks."""
    return [
        f"tasks.{name}.metrics.{metric_name}: {problem}"
        for name, task in tasks.items()
        for metric_name, metric in suite.metrics_of(task).items()
        if (problem := metric.check_models(task, suite.models))
    ]


def _refuse_unfit(knowledge: Knowledge, tasks: Sequence[Task]) -> None:
    """Raise the first task's DataError if the knowledge base fits none of them."""
    problems = []
    for task in tasks:
        try:
            knowledge.check(task.data.test)
        except DataError as error:
            problems.append(error)
    if problems and len(problems) == len(tasks):
        raise problems[0]


def _option_problems(suite: Suite, variant: str, task: Task) -> list[str]:
    """The models that cannot choose among the options of a task in the way that it asks for."""
    return [
        f"model {name} {problem}"
        for name in suite.usage.writers_of[variant]
        if (problem := task.answer.unfit_model(task.data.test[0], suite.models[name])) is not None
    ]
