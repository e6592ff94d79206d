"""What a variant owes: one prediction a sample; and what it answers with besides models."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.components.calls import Calls
from harness.components.component import Component, named
from harness.components.indexes import Indexes, IndexRequest
from harness.components.knowledge import Knowledge
from harness.components.metric import Metric
from harness.components.model import Model
from harness.components.prompt_shape import PromptShape
from harness.components.task import Task
from harness.records.inputs import Generation, Sample
from harness.records.outputs import Prediction


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the variants of a suite answer with besides models, by the names of the suite.

    Indexes and thresholds are filled in the course of a run: the first variant that needs one makes it for all.
    """

    indexes: Indexes = field(default_factory=Indexes)
    variants: Mapping[str, "Variant"] = field(default_factory=dict)  # the steps of cascades
    metrics: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)  # by task
    thresholds: dict[tuple[str, str], list[float]] = field(default_factory=dict, compare=False)  # by variant and task

    @property
    def knowledge(self) -> Mapping[str, Knowledge]:
        """The knowledge bases."""
        return self.indexes.knowledge


class Variant(Component):
    """A way of answering: how a model is asked."""

    floor: ClassVar[bool] = False  # asks no model: what every other variant has to beat
    single: ClassVar[bool] = True  # asks by itself, not through other variants

    @abstractmethod
    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        """One prediction a sample, in their order. Failures are predictions with `error`, not exceptions."""

    def indexes(self, task: Task) -> list[IndexRequest]:
        """The indexes that it searches for a task, so that they can be built before anything is asked."""
        return []

    def generation(self, task: Task) -> Generation:
        """The options of generation of a task, with the variant's own in their place."""
        return task.generation

    def prompt_shape(self, task: Task) -> PromptShape | None:
        """Of what kind the prompts are through which it asks its model; None where it asks none itself."""
        return None

    @property
    def retrieves(self) -> bool:
        """Whether what it asks with is looked up: unless it says otherwise, where it names knowledge."""
        return bool(named(self, "knowledge"))

    def rests_on(self) -> tuple[str, ...]:
        """The subjects of the self-test that its answers rest on beside its model's."""
        return ()

    def asked_before(self, task: Task) -> Sequence[Sample]:
        """Rows beside the test items that it asks before it answers, e.g. to learn a threshold from."""
        return ()

    def labelled_rows(self, task: Task) -> Sequence[Sample]:
        """The train and validation rows whose answers it needs, beside those that its models learn from."""
        return ()

    def is_bound(self) -> bool:
        """Whether it sees what only the author of the answers knows: an upper bound, never a recommendation."""
        return False

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        """What makes this variant impossible on this task, e.g. more shots than train rows or an unfit step."""
        return []
