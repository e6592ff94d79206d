"""A suite file, checked: the record that everything else reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.knowledge import Knowledge
from harness.components.metric import Metric
from harness.components.model import Model
from harness.components.reader import Reader
from harness.components.registry import find
from harness.components.task import Task
from harness.components.trained_model import DerivedModel
from harness.components.variant import Variant
from harness.records.deployment_terms import DeploymentTerms
from harness.records.grouped_tasks import TaskGroup
from harness.records.inputs import Generation
from harness.records.run_scopes import RunScope
from harness.records.searches import SearchRecord
from harness.suite.expansion import Expansion
from harness.suite.options import Compare, LatencyOptions, Leakage, Trust
from harness.suite.task_language import LanguageSetting
from harness.suite.usage import ComponentUsage
from harness.text.templates import Template


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A task as declared; its data is not read yet."""

    data: Reader
    answer: Answer
    prompt: Template | None  # None: the default of its kind of answer, in the language of the task
    system: Template | None
    metrics: Mapping[str, Metric]
    generation: Generation
    is_limited_by_targets: bool = False  # its most tokens follow from the right answers of its train rows


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A suite file, checked."""

    name: str
    seed: int
    language: LanguageSetting  # of what the product itself writes into prompts
    models: Mapping[str, Model]
    tasks: Mapping[str, TaskSpec]
    variants: Mapping[str, Variant]
    compare: Compare
    path: Path
    text: str
    prompts: Mapping[str, str]  # prompt files by name
    knowledge: Mapping[str, Knowledge]
    datasets: Mapping[str, Reader]  # general data to mix into a training
    general: tuple[str, ...]  # tasks that only tell what training made a model forget
    probes: Mapping[str, Variant]  # how they are asked: each derived model and its base
    leakage: Leakage
    expansion: Expansion
    trust: Trust
    usage: ComponentUsage
    grid: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of its variants: factor → level
    task_groups: tuple[TaskGroup, ...] = ()  # of tasks that their benchmark counts as one
    latency: LatencyOptions = field(default_factory=LatencyOptions)
    terms: DeploymentTerms = field(default_factory=DeploymentTerms)
    scope: RunScope = field(default_factory=RunScope)  # how far a run of it reaches
    learned: Mapping[str, TaskSpec] = field(default_factory=dict)  # tasks that are not asked, and whose rows are learnt
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # values that no file may hold, by name
    _read: dict[str, Dataset] = field(default_factory=dict, repr=False, compare=False)

    def dataset(self, name: str) -> Dataset:
        """A data set of the section `datasets`, read once. Raises DataError."""
        if name not in self._read:
            self._read[name] = self.datasets[name].read(name, self.seed)
        return self._read[name]

    def metrics_of(self, task: Task) -> Mapping[str, Metric]:
        """The metrics as they score a task; a freshness probe is also scored by who says what no longer holds."""
        name = task.origin or task.name
        declared = (self.tasks.get(name) or self.learned[name]).metrics
        metrics = {name: metric.for_task(task) for name, metric in declared.items()}
        if task.version not in ("after", "withdrawn"):
            return metrics
        retrieval = {
            name: metric for name, metric in metrics.items() if isinstance(metric, find("metric", "retrieval"))
        }
        answers = {name: metric for name, metric in metrics.items() if name not in retrieval}
        stale = {"stale": cast(Metric, find("metric", "stale")())}
        return {**(answers if task.version == "after" else {}), **stale, **retrieval}

    def settled(self, searches: Mapping[tuple[str, str], SearchRecord]) -> "Suite":
        """The suite with each variant as the searches of a run, by variant and task, have settled it.

        Models that learn their rows as such a variant asks for them go by what it turned out to be.
        """
        own = {name: {task: record for (of, task), record in searches.items() if of == name} for name in self.variants}
        variants = {name: variant.settled(own[name]) for name, variant in self.variants.items()}
        models = {
            name: model.settled(variants) if searches and isinstance(model, DerivedModel) else model
            for name, model in self.models.items()
        }
        return replace(self, variants=variants, models=models)

    def asked(self, task: str) -> Mapping[str, Variant]:
        """The variants that answer a task."""
        return self.probes if task in self.general else self.variants

    def answering(self) -> Mapping[str, Variant]:
        """All variants, those that ask general tasks among them."""
        return {**self.variants, **self.probes}
