"""What a variant owes: one prediction a sample; and what it answers with besides models."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.components.calls import Calls
from harness.components.completing import ReadReply
from harness.components.component import Component, named
from harness.components.indexes import Indexes, IndexRequest
from harness.components.knowledge import Knowledge
from harness.components.metric import Metric
from harness.components.model import Model
from harness.components.prompt_shape import PromptShape
from harness.components.task import Task
from harness.errors import HarnessError
from harness.records.inputs import Generation, Prompt, Sample
from harness.records.outputs import Prediction
from harness.records.searches import SearchRecord


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the variants of a suite answer with besides models, by the names of the suite.

    Indexes, thresholds and searches are filled in by a run: the first variant that needs one makes it for all.
    """

    indexes: Indexes = field(default_factory=Indexes)
    variants: Mapping[str, "Variant"] = field(default_factory=dict)  # the steps of cascades
    metrics: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)  # by task
    thresholds: dict[tuple[str, str], list[float]] = field(default_factory=dict, compare=False)  # by variant and task
    searches: dict[tuple[str, str], SearchRecord] = field(default_factory=dict, compare=False)  # likewise
    headlines: Mapping[str, str] = field(default_factory=dict)  # by task: the figure that decides, "metric.part"

    @property
    def knowledge(self) -> Mapping[str, Knowledge]:
        """The knowledge bases."""
        return self.indexes.knowledge


@dataclass(frozen=True, kw_only=True)
class TrainingPair:
    """A train row as a variant would ask for it, and the reply that is right."""

    prompt: Prompt
    reply: str
    passages: int = 0  # shown
    has_gold: bool = False  # whether a right passage is among them


@dataclass(frozen=True, kw_only=True)
class PassageMix:
    """Which passages train rows are shown, as in retrieval-augmented fine-tuning (Zhang et al. 2024, RAFT, section 3).

    With `gold`, that share of the rows is shown the right passages among the retrieved, and the others none that is
    right. Without it, the rows are shown what retrieval gives.
    """

    gold: float | None = None  # share in [0, 1]
    distractors: int = 0  # irrelevant passages mixed in


class Variant(Component):
    """A way of answering: how a model is asked."""

    floor: ClassVar[bool] = False  # asks no model: what every other variant has to beat
    single: ClassVar[bool] = True  # asks by itself, not through other variants
    is_foreign: ClassVar[bool] = False  # its answers come from a file: no calls, and a cost that nobody knows
    asks_to_choose: ClassVar[bool] = False  # how it asks is known only once its models have been asked

    @abstractmethod
    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        """One prediction a sample, in their order. Failures are predictions with `error`, not exceptions."""

    def calls(self, task: Task, samples: Sequence[Sample]) -> int:
        """How many calls of models the answers to some samples take, at most."""
        return 0 if self.floor or self.is_foreign else len(samples)

    def alternatives(self) -> "Sequence[Variant]":
        """The variants of which it turns out to be one: itself, or what a search chooses among."""
        return (self,)

    def settled(self, searches: Mapping[str, SearchRecord]) -> "Variant":
        """Itself as the searches of a run, by task, have settled it; the same where it searches for nothing."""
        return self

    def indexes(self, task: Task) -> list[IndexRequest]:
        """The indexes that it searches for a task, so that they can be built before anything is asked."""
        return []

    def training_pairs(
        self, task: Task, rows: Sequence[Sample], model: str, mix: PassageMix, calls: Calls, resources: Resources
    ) -> list[TrainingPair]:
        """Train rows as it would ask `model` for them, in their order, and the right replies.

        Nothing of a row itself stands in its prompt: no worked example, name or passage that was made of it. Raises
        NotPlannableError for what only a run computes, DataError for a row that cannot be asked so.
        """
        raise HarnessError(
            f"{type(self).__name__} does not say how it would ask for train rows; give it the method training_pairs "
            "(docs/extending.md), or name another variant in as"
        )

    def generation(self, task: Task) -> Generation:
        """The options of generation of a task, with the variant's own in their place."""
        return task.generation

    def reader(self, task: Task) -> ReadReply:
        """Reads the answer out of a reply to one of its prompts."""
        return task.answer.read

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

    def sources(self) -> tuple[str, ...]:
        """The local files that its answers depend on beside data and knowledge, for the digest in run.json."""
        return ()

    def is_bound(self) -> bool:
        """Whether it sees what only the author of the answers knows: an upper bound, never a recommendation."""
        return False

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        """What makes this variant impossible on this task, e.g. more shots than train rows or an unfit step."""
        return []

    def check_rows(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        """What keeps it from asking the test rows of a task, however it comes to ask as it does."""
        return self.check(task, resources, models)
