"""Before any model is asked: read the data, check every sample and component, and say all that is wrong at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.checks.components import (
    judge_mistakes,
    knowledge_mistakes,
    metric_mistakes,
    model_mistakes,
    path_mistakes,
    server_mistakes,
    training_mistakes,
    variant_mistakes,
)
from harness.checks.data import column_mistakes, data_mistakes, refuse_equal_ids, with_remedy
from harness.checks.generation import generation_mistakes
from harness.checks.option_scoring import scoring_mistakes
from harness.components.calls import Calls
from harness.components.component import named
from harness.components.display import Display
from harness.components.indexes import Indexes
from harness.components.model import Model
from harness.components.target_limits import target_limit
from harness.components.task import Task
from harness.components.trained_model import DerivedModel, TrainingInputs
from harness.components.variant import Resources
from harness.errors import DataError, HarnessError, SuiteError
from harness.records.figure_names import FigureName
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context
from harness.runtime.dry_context import DryContext
from harness.stages.equal_questions import grouped
from harness.stages.freshness_probes import freshness_probes
from harness.stages.item_sample import sampled
from harness.stages.name_learning import learn_names
from harness.suite.data_at_hand import missing_data
from harness.suite.expansion import root_of
from harness.suite.suite import Suite, TaskSpec
from harness.suite.task_language import task_language
from harness.text.templates import Template


def prepare(suite: Suite, models: Sequence[str] = (), calls: Calls | None = None) -> dict[str, Task]:
    """The suite's tasks with their data. Raises SuiteError with one line for each mistake.

    `models` are those that will be asked: they must be there, and a server of theirs must answer. `calls` only plans:
    through it trained models see how variants would ask for the rows that they learn, as far as that is known.
    """
    _refuse(missing_data(suite))  # of a data set that is not there, nothing else can be said
    mistakes: list[str] = []
    read = _read_tasks(suite, mistakes)
    tasks = {name: task for name, task in read.items() if name in suite.tasks}
    mistakes += metric_mistakes(suite, tasks)
    mistakes += column_mistakes(suite.compare.by or (), tasks.values()) if len(tasks) == len(suite.tasks) else []
    mistakes += learn_names(suite, read)
    unread = knowledge_mistakes(suite, tasks)
    mistakes += [line for lines in unread.values() for line in lines]
    resources = resources_of(suite, read)
    mistakes += variant_mistakes(suite, tasks, resources, unread)
    mistakes += training_mistakes(suite, read, resources, unread)
    _refuse(mistakes)
    bind_models(suite, read, calls, resources)
    _refuse(model_mistakes(suite, models))
    _refuse([*scoring_mistakes(suite, tasks), *generation_mistakes(suite, tasks), *judge_mistakes(suite, tasks)])
    return {**tasks, **freshness_probes(suite, tasks)}


def _read_tasks(suite: Suite, mistakes: list[str]) -> dict[str, Task]:
    """The tasks that are asked, with the sample of their items that the run is limited to, and those that are learnt.

    What is wrong with their data is added to `mistakes`, also of rows that are not drawn.
    """
    tasks: dict[str, Task] = {}
    for name, spec in {**suite.tasks, **suite.learned}.items():
        try:
            tasks[name] = _read_task(name, spec, suite)
            faults = [with_remedy(mistake, spec.data) for mistake in data_mistakes(tasks[name])]
            mistakes += faults
            if not faults:
                tasks[name] = sampled(grouped(tasks[name]), suite.scope.limit, suite.seed)
        except HarnessError as error:
            mistakes += error.lines
    return tasks


def check(suite: Suite) -> dict[str, Task]:
    """The suite's tasks. Raises SuiteError, one line a mistake, for what a run would refuse; no model is opened.

    A server that answers is asked what its models can; one that does not is no mistake here.
    """
    try:
        tasks = prepare(suite)
        _refuse([*path_mistakes(suite), *server_mistakes(suite)])
        return tasks
    finally:
        for model in suite.models.values():
            model.close()


def resources_of(suite: Suite, tasks: Mapping[str, Task]) -> Resources:
    """What the suite's variants answer with besides models; no index is built yet."""
    metrics = {name: suite.metrics_of(task) for name, task in tasks.items()}
    figures = {figure.task: figure.full_metric for figure in map(FigureName.parse, reversed(suite.compare.headline))}
    return Resources(indexes=Indexes(suite.knowledge), variants=suite.variants, metrics=metrics, headlines=figures)


def token_counter(suite: Suite) -> Callable[[str], int] | None:
    """Counts tokens as the first model of the suite with a tokenizer at hand does."""
    for name in suite.usage.answerers:
        model = suite.models[name]
        if model.count_tokens("") is not None:
            return lambda text: model.count_tokens(text) or 0
    return None


def planning_door(suite: Suite, cache: Cache | None = None, display: Display | None = None) -> Calls:
    """A door that answers from the cache, and computes, changes and shows nothing; models go on to report as before."""
    cache = cache or Cache(cache_root() / "calls.sqlite", read_only=True)
    door = DryContext(suite.models, cache, Display(), suite.seed)
    for model in suite.models.values():
        model.report_to(display or Display())
    return door


def bind_models(
    suite: Suite, tasks: Mapping[str, Task], calls: Calls | None = None, resources: Resources | None = None
) -> None:
    """Give each derived model what it is made of and learns from; without a door, one that only plans."""
    calls, resources = calls or planning_door(suite), resources or resources_of(suite, tasks)
    for model in suite.models.values():
        if isinstance(model, DerivedModel):
            inputs = TrainingInputs(
                base=suite.models[model.base],
                seed=suite.seed,
                tasks={name: tasks[name] for name in named(model, "tasks")},
                knowledge={name: suite.knowledge[name] for name in named(model, "knowledge")},
                read_dataset=suite.dataset,
                variants={name: suite.variants[name] for name in named(model, "variants")},
                calls=calls,
                resources=resources,
            )
            model.bind(inputs)


def _refuse(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise SuiteError(mistakes)


def _read_task(name: str, spec: TaskSpec, suite: Suite) -> Task:
    data = spec.data.read(name, suite.seed)
    if not data.test:
        raise DataError(f"tasks.{name}.data: there is no test sample; check path, split and limit")
    refuse_equal_ids(name, data.test)
    language = task_language(suite.language, data, [spec.prompt, spec.system])
    if spec.is_limited_by_targets and not data.train:
        raise DataError(f"tasks.{name}.generation.max_tokens: auto needs train rows with right answers; state a number")
    task = Task(
        name=name,
        data=data,
        template=spec.prompt or Template(spec.answer.prompt_in(language), "default prompt"),
        system=spec.system,
        answer=spec.answer,
        generation=spec.generation,
        language=language,
        is_limited_by_targets=spec.is_limited_by_targets,
    )
    if not spec.is_limited_by_targets:
        return task
    # a character counts as a token, as it does wherever no tokenizer is at hand; who asks a model counts again
    return replace(task, generation=replace(task.generation, max_tokens=target_limit(task, len)))


def unasked_roots(suite: Suite, start: str, context: Context) -> list[Model]:
    """The models below those that are asked, of which no answer is stored: a run cannot do without their weights."""
    asked = suite.usage.asked_from(start)
    known = {root_of(name, suite.models) for name in asked if context.has_answered(name)}
    roots = dict.fromkeys(root_of(name, suite.models) for name in asked)
    return [suite.models[name] for name in roots if name not in known]
