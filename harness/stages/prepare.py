"""Before any model is asked: read the data, check every sample and variant, and say all that is wrong at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from harness.components.component import named
from harness.components.knowledge import Knowledge
from harness.components.metric import Metric
from harness.components.registry import find
from harness.components.task import Task
from harness.components.trained_model import DerivedModel, TrainingInputs
from harness.components.variant import Variant
from harness.errors import DataError, HarnessError, SuiteError
from harness.records.inputs import Prompt, Sample
from harness.stages.freshness_probes import probes
from harness.suite.suite import Suite, TaskSpec
from harness.text.templates import LETTERS


def prepare(suite: Suite, models: Sequence[str] = ()) -> dict[str, Task]:
    """The suite's tasks with their data. Raises SuiteError with one line for each mistake found.

    `models` are those that will be asked: they must be there, and a server of theirs must answer.
    """
    mistakes: list[str] = []
    tasks: dict[str, Task] = {}
    for name, spec in suite.tasks.items():
        try:
            tasks[name] = _task(name, spec, suite.seed)
            mistakes += _sample_mistakes(tasks[name]) + _prompt_mistakes(tasks[name])
        except HarnessError as error:
            mistakes += str(error).splitlines()
    mistakes += _metric_mistakes(tasks)
    unread = _knowledge_mistakes(suite, tasks)
    mistakes += unread.values()
    mistakes += _variant_mistakes(suite, tasks, unread)
    _refuse(mistakes)
    bind_models(suite, tasks)
    _refuse(_model_mistakes(suite, models))
    _refuse(_asking_mistakes(suite, tasks))
    specific = {name: task for name, task in tasks.items() if name not in suite.general}
    return with_retrieval(suite, {**tasks, **probes(suite, specific, used_knowledge(suite))})


def bind_models(suite: Suite, tasks: Mapping[str, Task]) -> None:
    """Give each derived model what it is made of and learns from."""
    for model in suite.models.values():
        if isinstance(model, DerivedModel):
            inputs = TrainingInputs(
                base=suite.models[model.base],
                seed=suite.seed,
                tasks={name: tasks[name] for name in named(model, "tasks")},
                knowledge={name: suite.knowledge[name] for name in named(model, "knowledge")},
                read_dataset=suite.dataset,
            )
            model.bind(inputs)


def _refuse(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise SuiteError(mistakes)


def _variant_mistakes(suite: Suite, tasks: Mapping[str, Task], unread: Mapping[str, str]) -> list[str]:
    """What keeps variants from answering tasks, but for those whose knowledge base could not be read."""
    mistakes = []
    for variant_name, variant in suite.variants.items():
        if unread.keys() & _reached(suite, variant, "knowledge"):
            continue
        for name, task in tasks.items():
            if name in suite.general:
                continue
            problems = variant.check(task, suite.knowledge) + _step_problems(suite, variant, task)
            mistakes += [f"variants.{variant_name} on tasks.{name}: {problem}" for problem in problems]
            mistakes += _option_mistakes(suite, variant_name, variant, task)
    return mistakes


def _model_mistakes(suite: Suite, models: Sequence[str]) -> list[str]:
    mistakes = []
    for name in models:
        try:
            suite.models[name].check()
        except HarnessError as error:
            mistakes += [f"models.{name}: {line}" for line in str(error).splitlines()]
    return mistakes


def _metric_mistakes(tasks: Mapping[str, Task]) -> list[str]:
    """What keeps metrics from scoring their tasks: what they need, and their samples."""
    mistakes = []
    for name, task in tasks.items():
        for metric_name, metric in task.metrics.items():
            try:
                metric.check()
                problem = metric.check_task(task)
            except HarnessError as error:
                problem = str(error)
            mistakes += [f"tasks.{name}.metrics.{metric_name}: {line}" for line in (problem or "").splitlines()]
    return mistakes


def _asking_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> list[str]:
    """What keeps the models that metrics ask from judging the tasks."""
    return [
        f"tasks.{name}.metrics.{metric_name}: {problem}"
        for name, task in tasks.items()
        for metric_name, metric in task.metrics.items()
        if (problem := metric.check_models(task, suite.models))
    ]


def used_models(suite: Suite) -> list[str]:
    """The models that variants ask, in the order of the suite."""
    asked = {name for variant in suite.answering().values() for name in models_of(variant, suite)}
    return [name for name in suite.models if name in asked]


def judges(suite: Suite) -> list[str]:
    """The models that metrics name, in the order of the suite."""
    asked = {
        name for spec in suite.tasks.values() for metric in spec.metrics.values() for name in named(metric, "models")
    }
    return [name for name in suite.models if name in asked]


def needed_models(suite: Suite, start: str) -> list[str]:
    """The models that a run asks from a stage on."""
    metrics = [metric for spec in suite.tasks.values() for metric in spec.metrics.values()]
    again = start == "score" and any(metric.asks_answerers for metric in metrics)
    answerers = used_models(suite) if start == "predict" or again else []
    return [*answerers, *(name for name in judges(suite) if name not in answerers and start in ("predict", "score"))]


def answering_models(suite: Suite) -> dict[str, str | None]:
    """The model that answers for each variant; None where several do, or none."""
    found: dict[str, str | None] = {}
    for name, variant in suite.answering().items():
        models = [model for model in models_of(variant, suite) if suite.models[model].generates]
        found[name] = models[0] if len(set(models)) == 1 else None
    return found


def making(suite: Suite) -> list[str]:
    """The models that must be made for those that variants ask, each after the one it is made of."""
    order: dict[str, None] = {}
    for name in [*used_models(suite), *judges(suite)]:
        chain = []
        while (base := suite.models[name].base_name) is not None:
            chain.append(name)
            name = base
        order.update(dict.fromkeys(reversed(chain)))
    return list(order)


def used_knowledge(suite: Suite) -> list[str]:
    """The knowledge bases that variants search, in the order of the suite."""
    asked = {name for variant in suite.variants.values() for name in named(variant, "knowledge")}
    return [name for name in suite.knowledge if name in asked]


def models_of(variant: Variant, suite: Suite) -> list[str]:
    """The models that a variant names, itself, in its parts, or through the variants that it names."""
    return _reached(suite, variant, "models")


def _reached(suite: Suite, variant: Variant, section: str) -> list[str]:
    steps = [suite.variants[name] for name in named(variant, "variants")]
    return [name for one in (variant, *steps) for name in named(one, section)]


def _step_problems(suite: Suite, variant: Variant, task: Task) -> list[str]:
    """What keeps the variants that a variant names from serving as its steps."""
    steps = {name: suite.variants[name] for name in named(variant, "variants")}
    return variant.check_steps(task, steps, suite) if steps else []


def with_retrieval(suite: Suite, tasks: Mapping[str, Task]) -> dict[str, Task]:
    """The tasks, scored also by how well retrieval did where a variant retrieves."""
    searching = [variant for variant in suite.variants.values() if named(variant, "knowledge") and not variant.floor]
    metric = find("metric", "retrieval")
    scored = dict(tasks)
    for name, task in tasks.items():
        if searching and not any(isinstance(one, metric) for one in task.metrics.values()):
            scored[name] = replace(task, metrics={**task.metrics, "retrieval": cast(Metric, metric())})
    return scored


def token_counter(suite: Suite) -> Callable[[str], int] | None:
    """Counts tokens as the first model of the suite with a tokenizer at hand does."""
    for name in used_models(suite):
        model = suite.models[name]
        if model.count_tokens("") is not None:
            return lambda text: model.count_tokens(text) or 0
    return None


def _knowledge_mistakes(suite: Suite, tasks: Mapping[str, Task]) -> dict[str, str]:
    """What keeps a knowledge base that is searched from being read, or from fitting any task, by its name."""
    mistakes = {}
    for name in used_knowledge(suite):
        knowledge = suite.knowledge[name]
        try:
            knowledge.corpus()
            knowledge.corpus(updated=True)
            _refuse_unfit(knowledge, list(tasks.values()))
        except HarnessError as error:
            mistakes[name] = "\n".join(f"knowledge.{name}: {line}" for line in str(error).splitlines())
    return mistakes


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


def _task(name: str, spec: TaskSpec, seed: int) -> Task:
    data = spec.data.read(name, seed)
    if not data.test:
        raise DataError(f"tasks.{name}.data: there is no test sample; check path, split and limit")
    _refuse_equal_ids(name, data.test)
    return Task(name, data, spec.prompt, spec.system, spec.answer, spec.metrics, spec.generation)


def _refuse_equal_ids(name: str, samples: Sequence[Sample]) -> None:
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise DataError(f"tasks.{name}.data: two samples have the id {sample.id}; ids must differ")
        seen.add(sample.id)


def _sample_mistakes(task: Task) -> list[str]:
    """The first sample that is unfit for the answer or whose options have no letters left."""
    for sample in (*task.data.test, *task.data.train):
        problem = task.answer.check(sample)
        if problem is None and len(sample.options) > len(LETTERS):
            problem = f"{len(sample.options)} options, but letters for {len(LETTERS)}"
        if problem:
            return [f"tasks.{task.name}: sample {sample.id}: {problem}"]
    return []


def _prompt_mistakes(task: Task) -> list[str]:
    """The first sample, or train row shown as an example, without a proper prompt; or the same prompt for all."""
    place = f"tasks.{task.name}.prompt"
    prompts: set[Prompt] = set()
    try:
        for sample in task.data.test:
            prompts.add(task.prompt(sample))
            _refuse_blank(task, sample, task.ask(sample).content)
        for row in task.data.train:
            _refuse_blank(task, row, task.template.render(row))
    except HarnessError as error:
        return [f"{place}: {error}"]
    if len(prompts) == 1 and len({sample.input for sample in task.data.test}) > 1:
        return [f"{place}: {task.template.origin}: the prompt is the same for every sample; use {{{{ input }}}}"]
    return []


def _refuse_blank(task: Task, sample: Sample, question: str) -> None:
    if not question.strip():
        raise HarnessError(f"{task.template.origin}: sample {sample.id}: the prompt is empty; use {{{{ input }}}}")


def _option_mistakes(suite: Suite, variant_name: str, variant: Variant, task: Task) -> list[str]:
    if not task.answer.options(task.data.test[0]):
        return []
    return [
        f"variants.{variant_name} on tasks.{task.name}: model {name} cannot score options; "
        "use answer: {choice: {by: generation}}"
        for name in models_of(variant, suite)
        if suite.models[name].generates and not suite.models[name].scores_options
    ]
