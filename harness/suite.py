"""suite.yaml → Suite: the only reader of suite files, and the place where every mistake is found at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ConfigDict, Field

from harness.build import NAME, Builder
from harness.component import Answer, Component, Knowledge, Metric, Model, Reader, Variant
from harness.errors import nearest
from harness.markers import Reference, marks
from harness.prompts import Template
from harness.source import Where, read_source
from harness.types import JSON, Generation


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GenerationOptions(_Strict):
    """How text is generated for a task; every variant of the task shares it."""

    max_tokens: int = Field(256, ge=1)
    temperature: float = Field(0.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    stop: list[str] = []


class Compare(_Strict):
    """Which variant the others are measured against, and which figures the verdict rests on."""

    reference: str | None = None
    headline: list[str] = []


@dataclass(frozen=True)
class TaskSpec:
    """A task as declared; its data is not read yet."""

    data: Reader
    answer: Answer
    prompt: Template
    system: Template | None
    metrics: Mapping[str, Metric]
    generation: Generation


@dataclass(frozen=True)
class Suite:
    """A suite file, checked."""

    name: str
    seed: int
    models: Mapping[str, Model]
    tasks: Mapping[str, TaskSpec]
    variants: Mapping[str, Variant]
    compare: Compare
    path: Path
    text: str
    prompts: Mapping[str, str] = field(default_factory=dict)  # prompt files by name
    knowledge: Mapping[str, Knowledge] = field(default_factory=dict)


def load_suite(path: Path) -> Suite:
    """Read and check a suite file. Raises SuiteError with every mistake, one line each."""
    source = read_source(path)
    suite = _Parser(source).suite()
    source.raise_mistakes()
    return cast(Suite, suite)


SECTIONS = ("name", "seed", "models", "knowledge", "tasks", "variants", "compare")
ABILITIES = {
    "generates": "generate text", "embeds": "embed texts", "ranks": "rank passages",
    "single": "be a step of another variant",
}  # fmt: skip
RESERVED = ("retrieval", "stale")  # metrics that join by themselves
TASK_KEYS = ("data", "prompt", "system", "answer", "metrics", "generation")


class _Parser(Builder):
    """Builds a Suite; every problem goes to the source's list instead of being raised."""

    def suite(self) -> Suite | None:
        data = self.source.data
        if not isinstance(data, dict):
            self.source.complain((), "a suite is a mapping with models, tasks and variants")
            return None
        self.known_keys(data, SECTIONS, ())
        for section in ("tasks", "variants"):
            if not data.get(section):
                place, subject = ((section,), "") if section in data else ((), f"{section}: ")
                self.source.complain(place, f"{subject}at least one entry is needed")
        models = self.components("model", "models", data)
        knowledge = self.components("knowledge", "knowledge", data)
        tasks = {name: self.task(value, ("tasks", name)) for name, value in self.mapping(data, ("tasks",)).items()}
        variants = self.components("variant", "variants", data)
        compare = self.options(Compare, _given(data, "compare"), ("compare",))
        name = data.get("name", self.folder.name)
        if not isinstance(name, str) or not NAME.fullmatch(name):
            self.source.complain(("name",), "must be text, more than dots and without spaces, colons or slashes")
        seed = data.get("seed", 42)
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            self.source.complain(("seed",), "must be a whole number, 0 or more")
        self.references({"models": models, "knowledge": knowledge, "variants": variants})
        if self.source.mistakes:
            return None
        suite = Suite(
            name, seed, cast(dict[str, Model], models), cast(dict[str, TaskSpec], tasks),
            cast(dict[str, Variant], variants), cast(Compare, compare), self.source.path, self.source.text,
            self.prompts, cast(dict[str, Knowledge], knowledge),
        )  # fmt: skip
        self.agreement(suite)
        return suite

    # -- sections ---------------------------------------------------------------------------------------------------

    def components(self, kind: str, section: str, data: dict[str, JSON]) -> dict[str, Component | None]:
        entries = self.mapping(data, (section,))
        return {name: self.component(kind, value, (section, name)) for name, value in entries.items()}

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
        options = self.options(GenerationOptions, _given(value, "generation"), (*where, "generation"))
        default = answer.default_prompt if isinstance(answer, Answer) else ""
        prompt = self.template(value.get("prompt"), (*where, "prompt"), default)
        system = self.template(value["system"], (*where, "system"), "") if "system" in value else None
        if data is None or answer is None or options is None or prompt is None or None in metrics.values():
            return None
        return TaskSpec(
            cast(Reader, data), cast(Answer, answer), prompt, system, cast(dict[str, Metric], metrics),
            Generation(options.max_tokens, options.temperature, options.top_p, tuple(options.stop)),
        )  # fmt: skip

    # -- agreement --------------------------------------------------------------------------------------------------

    def references(self, sections: Mapping[str, Mapping[str, Component | None]]) -> None:
        """Names that point into another section must exist there, and what they name must be able to serve."""
        for component, place in self.places:
            for name, info in type(component).model_fields.items():
                for mark in marks(info):
                    if isinstance(mark, Reference):
                        value = getattr(component, name)
                        several = (
                            [(v, (*place, name, i)) for i, v in enumerate(value)] if isinstance(value, list) else []
                        )
                        for entry, where in several or [(value, (*place, name))]:
                            if entry is not None and (problem := _reference_problem(entry, mark, sections)):
                                self.source.complain(where, problem)

    def agreement(self, suite: Suite) -> None:
        """What only shows when all parts are known: headline, reference, metric against answer."""
        for index, figure in enumerate(suite.compare.headline):
            problem = _figure_problem(figure, suite)
            if problem:
                self.source.complain(("compare", "headline", index), problem)
        reference = suite.compare.reference
        if reference is not None and reference not in suite.variants:
            known = nearest(reference, suite.variants)
            self.source.complain(("compare", "reference"), f"'{reference}' is not among variants ({known})")
        for name, spec in suite.tasks.items():
            kind = type(spec.answer).__name__.lower()
            for metric_name, metric in spec.metrics.items():
                if metric_name in RESERVED and type(metric).__name__.lower() != metric_name:
                    self.source.complain(
                        ("tasks", name, "metrics", metric_name),
                        f"the name {metric_name} belongs to the metric of that name; choose another",
                    )
                if metric.answers and kind not in metric.answers:
                    self.source.complain(
                        ("tasks", name, "metrics", metric_name),
                        f"{type(metric).__name__} scores {' or '.join(metric.answers)} answers, "
                        f"but this task's answer is {kind}",
                    )


def _given(parent: Mapping[str, JSON], key: str) -> JSON:
    """What stands at a key; nothing is the empty mapping, and anything else is for the validation to judge."""
    return {} if parent.get(key) is None else parent[key]


def _reference_problem(
    name: str, mark: Reference, sections: Mapping[str, Mapping[str, Component | None]]
) -> str | None:
    """Why a name cannot stand where a reference is marked."""
    entries = sections.get(mark.section, {})
    if name not in entries:
        return f"'{name}' is not among {mark.section} ({nearest(name, entries)})"
    found = entries[name]
    if mark.ability and found is not None and not getattr(found, mark.ability, True):
        able = [other for other, entry in entries.items() if getattr(entry, mark.ability, False)]
        known = f"these can: {', '.join(able)}" if able else f"none of the {mark.section} can"
        return f"'{name}' is {type(found).__name__}, which cannot {ABILITIES[mark.ability]}; {known}"
    return None


def _figure_problem(figure: str, suite: Suite) -> str | None:
    """Why `task.metric` or `task.metric.part` names no figure of the suite; None if it does, or may by the data."""
    figures = {f"{task}.{name}": metric for task, spec in suite.tasks.items() for name, metric in spec.metrics.items()}
    task, _, rest = figure.partition(".")
    name, dot, part = rest.partition(".")
    metric = figures.get(f"{task}.{name}")
    if metric is None:
        return f"'{figure}' is not a metric ({nearest(figure, figures)})"
    parts = metric.parts()
    if not dot or (part and (parts is None or part in parts)):
        return None
    known = [f"{task}.{name}", *(f"{task}.{name}.{known}" for known in parts or ())]
    none = "" if known[1:] else ", whose parts() names none"
    return f"'{figure}' is not a part of {type(metric).__name__}{none} ({nearest(figure, known)})"
