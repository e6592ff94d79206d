"""What a knowledge base owes: passages, and which of them are right for an item."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, SerializerFunctionWrapHandler, model_serializer, model_validator

from harness.components.component import Component
from harness.components.fields import Reference
from harness.components.learned_names import NameCoverage, in_learning_order, rows_digest, with_names
from harness.errors import DataError
from harness.records.inputs import PassageSet, Sample
from harness.records.outputs import Alternatives, RightAnswer
from harness.statistics.right_answers import places_of

_YOUNGER = ("examples", "max_examples", "sizes")  # parameters that records leave out where they are not given


class Knowledge(Component):
    """A knowledge base: its passages, and which of them are right for an item.

    With `examples` the inputs of a task's train rows are names by which the passages are found that answer them.
    """

    examples: Annotated[str | None, Reference("tasks")] = None
    """A task whose train rows lend their inputs as names to the passages that are their targets; null: none."""
    max_examples: int | None = Field(None, ge=1)
    """Most of these rows; null: all."""
    sizes: list[Annotated[int, Field(ge=1)] | Literal["all"]] = Field([])
    """One knowledge base for each number of these rows, e.g. [250, 1000, all]; empty: one of all."""

    _named_rows: tuple[Sample, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _examples_fit(self) -> "Knowledge":
        if self.examples is None and (self.max_examples or self.sizes):
            raise ValueError("max_examples and sizes need examples, the task whose train rows are names")
        if self.max_examples and self.sizes:
            raise ValueError("give max_examples or sizes, not both")
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError("sizes names an entry twice")
        return self

    @model_serializer(mode="wrap")
    def _as_recorded(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        return {name: value for name, value in values.items() if value or name not in _YOUNGER}

    def expand(self) -> Mapping[str, "Knowledge"]:
        """What the entry stands for, by what the name gains: itself, or one knowledge base for each size."""
        members = {f"-{size}": None if size == "all" else size for size in self.sizes} or {"": self.max_examples}
        return {suffix: self.model_copy(update={"sizes": [], "max_examples": size}) for suffix, size in members.items()}

    # -- passages -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def read(self) -> PassageSet:
        """The passages. Raises DataError with `file:line: reason`."""

    def read_update(self) -> PassageSet | None:
        """The passages of its second version, where it has one. Raises DataError."""
        return None

    def passage_set(self, updated: bool = False) -> PassageSet:
        """The passages of the first or second version, read once."""
        return self._second if updated else self._first

    @cached_property
    def _first(self) -> PassageSet:
        return self._named_first[0]

    @cached_property
    def _second(self) -> PassageSet:
        second = self.read_update()
        return self._first if second is None else self._with_names(second)[0]

    # -- names that are learnt from train rows ------------------------------------------------------------------------

    def learn(self, rows: Sequence[Sample], seed: int) -> None:
        """Take the train rows of the task that `examples` names, before the passages are read. Raises DataError."""
        if not rows:
            raise DataError(f"examples: task {self.examples} has no train rows; give its data a train split")
        if self.max_examples is not None and self.max_examples > len(rows):
            raise DataError(
                f"examples: {self.max_examples:,} rows are asked for, but task {self.examples} has {len(rows):,} "
                "train rows"
            )
        chosen = tuple(in_learning_order(rows, seed)[: self.max_examples])
        before, self._named_rows = self._named_rows, chosen  # those of this reading: labels are counted by row
        if chosen != before:
            for name in ("_named_first", "_first", "_second", "learned_digest"):
                self.__dict__.pop(name, None)

    @property
    def learned_rows(self) -> tuple[Sample, ...]:
        """The train rows whose inputs are names: labels that this knowledge base has used."""
        return self._named_rows

    @cached_property
    def learned_digest(self) -> str:
        """sha256 of the rows whose inputs are names."""
        return rows_digest(self._named_rows)

    @property
    def name_coverage(self) -> NameCoverage:
        """How many of the rows became names of passages of the first version."""
        return self._named_first[1]

    def is_clear(self, answer: RightAnswer) -> bool:
        """Whether all passages that hold a right answer of a train row may have its input as a name."""
        return True

    @cached_property
    def _named_first(self) -> tuple[PassageSet, NameCoverage]:
        named = self._with_names(self.read())
        if self._named_rows and not named[1].named:
            row = self._named_rows[0]
            target = next(iter(row.targets), "")
            raise DataError(
                f"examples: none of the {len(self._named_rows):,} train rows of task {self.examples} has a target that "
                f"names a passage (e.g. {target[:60]!r}); mend gold, or its separator, or leave examples out"
            )
        return named

    def _with_names(self, passage_set: PassageSet) -> tuple[PassageSet, NameCoverage]:
        right = self.right_answers(self._named_rows, passage_set) if self._named_rows else []
        return with_names(passage_set, self._named_rows, right, self.is_clear)

    # -- what is right for an item ------------------------------------------------------------------------------------

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError if the samples of a task have not what this knowledge base names, e.g. a column."""

    @abstractmethod
    def right_answers(self, samples: Sequence[Sample], passage_set: PassageSet) -> list[Alternatives]:
        """For each sample what is right, with the places in `passage_set.passages` that hold it; nothing if not known.

        A right answer that no passage holds has no places: it counts as not found.
        """

    def gold_places(self, samples: Sequence[Sample], passage_set: PassageSet) -> list[tuple[int, ...]]:
        """For each sample the places of all passages that hold a right answer, ascending."""
        return [places_of(alternatives) for alternatives in self.right_answers(samples, passage_set)]

    def affected(self, samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
        """The samples whose fact differs in the second version: as they were, and with the answers that hold then."""
        return []

    def withdrawn(self, samples: Sequence[Sample]) -> list[Sample]:
        """The samples whose fact the second version no longer has; their column `stale` holds the old answers."""
        return []

    def sources(self) -> tuple[str, ...]:
        """The local files that the passages depend on, for the digest in run.json."""
        return ()
