"""The section `tasks`: each entry is a task, or stands for all tasks that a reader brings with prompts and metrics."""

from collections.abc import Mapping
from typing import cast

from harness.components.answer import Answer
from harness.components.metric import Metric
from harness.components.reader import Reader
from harness.components.registry import find
from harness.errors import HarnessError
from harness.records.figure_names import FigureName
from harness.records.grouped_tasks import TaskGroup
from harness.records.inputs import JSON, Generation
from harness.suite.component_builder import Builder
from harness.suite.entry_names import name_problem
from harness.suite.options import GenerationOptions
from harness.suite.suite import TaskSpec
from harness.suite.yaml_source import Source, Where

TASK_KEYS = ("data", "prompt", "system", "answer", "metrics", "generation")


class TaskBuilder(Builder):
    """Makes the tasks of a suite; every problem goes to the source's list."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.task_groups: list[TaskGroup] = []  # of tasks that their benchmark counts as one

    def tasks(self, entries: Mapping[str, JSON]) -> dict[str, TaskSpec | None]:
        """The tasks by name; None for one with a mistake. Several that one entry brings are ENTRY-TASK."""
        tasks: dict[str, TaskSpec | None] = {}
        for name, value in entries.items():
            kind = self.bringing(value)
            own = {name: self.task(value, ("tasks", name))} if kind is None else self.brought(name, kind, value)
            for doubled in own.keys() & tasks.keys():
                self.source.complain(
                    ("tasks", name), f"stands for a task {doubled}, and so does another entry; rename it"
                )
            tasks |= own
        return tasks

    def bringing(self, value: JSON) -> str | None:
        """The reader that is written in a task's place; None for a task that is written out."""
        names = [name for name in value if name not in TASK_KEYS] if isinstance(value, dict) else []
        return next((name for name in names if isinstance(name, str) and _brings_tasks(name)), None)

    def brought(self, name: str, kind: str, value: dict[str, JSON]) -> dict[str, TaskSpec | None]:
        """The tasks that a reader brings; the entry itself, as one with a mistake, where it brings none."""
        where = ("tasks", name)
        if len(value) > 1:
            excess = ", ".join(str(key) for key in value if key != kind)
            self.source.complain(where, f"{kind} brings its own prompts and metrics; leave out {excess}")
            return {name: None}
        mistakes = len(self.source.mistakes)
        reader = self.component("reader", value, where)
        if not isinstance(reader, Reader) or len(self.source.mistakes) > mistakes:
            return {name: None}
        try:
            whole, groups = reader.whole_tasks(), reader.whole_groups()
        except HarnessError as error:
            for line in error.lines:
                self.source.complain((*where, kind), line)
            return {name: None}
        specs = {
            own: TaskSpec(
                data=task.data, answer=task.answer, prompt=None, system=None, metrics=task.metrics,
                generation=task.generation,
            )
            for own, task in whole.items()
        }  # fmt: skip
        names = {own: name if len(specs) == 1 else self.entry_name(name, own) for own in specs}
        self.task_groups += [
            TaskGroup(
                name=self.entry_name(name, group.name),
                metric=group.metric,
                figures=tuple(str(FigureName(names[task], metric)) for task, metric in group.figures),
                is_weighted=group.is_weighted,
            )
            for group in groups
        ]
        return {names[own]: spec for own, spec in specs.items()}

    def entry_name(self, entry: str, task: str) -> str:
        """What a task is called that is one of several of an entry."""
        name = f"{entry}-{''.join('_' if sign in './:' or sign.isspace() else sign for sign in task)}"
        if problem := name_problem(name):
            self.source.complain(("tasks", entry), f"the name {name} of one of its tasks {problem}")
        return name

    def task(self, value: JSON, where: Where) -> TaskSpec | None:
        if not isinstance(value, dict):
            self.source.complain(where, f"must be a mapping with {', '.join(TASK_KEYS)}")
            return None
        self.known_keys(value, TASK_KEYS, where)
        for required in ("data", "metrics"):
            if not value.get(required):
                self.source.complain((*where, required) if required in value else where, f"{required} is required")
        data = self.component("reader", value["data"], (*where, "data")) if value.get("data") else None
        answer = self.component("answer", value.get("answer", "text"), (*where, "answer"))
        metrics = {
            name: self.component("metric", metric, (*where, "metrics", name))
            for name, metric in self.mapping(value, (*where, "metrics")).items()
        }
        options = self.options(GenerationOptions, section_of(value, "generation"), (*where, "generation"))
        mistakes = len(self.source.mistakes)
        prompt, system = (
            None if value.get(key) is None else self.template(value[key], (*where, key)) for key in ("prompt", "system")
        )
        has_templates = len(self.source.mistakes) == mistakes
        if data is None or answer is None or options is None or not has_templates or None in metrics.values():
            return None
        return TaskSpec(
            data=cast(Reader, data),
            answer=cast(Answer, answer),
            prompt=prompt,
            system=system,
            metrics=cast(dict[str, Metric], metrics),
            is_limited_by_targets=options.max_tokens == "auto",
            generation=Generation(
                **({} if options.max_tokens == "auto" else {"max_tokens": options.max_tokens}),
                temperature=options.temperature,
                top_p=options.top_p,
                stop=tuple(options.stop),
                reasoning_tokens=options.reasoning_tokens,
                top_k=options.top_k,
                repetition_penalty=options.repetition_penalty,
            ),
        )


def section_of(parent: Mapping[str, JSON], key: str) -> JSON:
    """What stands at a key; nothing is the empty mapping, and anything else is for the validation to judge."""
    return {} if parent.get(key) is None else parent[key]


def _brings_tasks(name: str) -> bool:
    """Whether a name is that of a reader that may be written in a task's place."""
    try:
        return cast(type[Reader], find("reader", name)).brings_tasks
    except LookupError:
        return False
