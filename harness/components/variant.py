"""What a variant owes: one prediction a sample."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from harness.records.inputs import Sample
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    from harness.components.knowledge import Knowledge
    from harness.components.task import Task
    from harness.runtime.context import Context
    from harness.suite.suite import Suite
from harness.components.component import Component


class Variant(Component):
    """A way of answering: how a model is asked."""

    floor: ClassVar[bool] = False  # asks no model: what every other variant has to beat
    single: ClassVar[bool] = True  # asks by itself, not through other variants

    def answer(self, task: "Task", samples: Sequence[Sample], context: "Context") -> list[Prediction]:
        """One prediction a sample, in their order. Failures are predictions with `error`, not exceptions."""
        raise NotImplementedError

    def is_bound(self) -> bool:
        """Whether it is told what only the answer's author knows: an upper bound, never a recommendation."""
        return False

    def check_steps(self, task: "Task", steps: "Mapping[str, Variant]", suite: "Suite") -> list[str]:
        """What makes the variants that it names unfit to be its steps on this task."""
        return []

    def check(self, task: "Task", knowledge: "Mapping[str, Knowledge]") -> list[str]:
        """What makes this variant impossible on this task, e.g. more shots than train rows."""
        return []
