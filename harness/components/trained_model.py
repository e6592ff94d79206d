"""What a model owes that a run makes of another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.components.display import Display
from harness.components.model import Model
from harness.records.inputs import JSON

if TYPE_CHECKING:
    from harness.components.task import Task
    from harness.suite.suite import Suite


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a run has to do before a model can answer, as a plan shows it."""

    what: str  # e.g. "lora on 400 rows, 50 steps"
    done: bool
    needs: int | None = None  # bytes at the highest point, estimated
    has: int | None = None  # bytes that there are


class DerivedModel(Model):
    """A model that is made of another one of the suite.

    Its base is named in a field with a Reference to models. `join` is called once the tasks are read, before anything
    else is asked of it.
    """

    def join(self, suite: "Suite", tasks: "Mapping[str, Task]") -> None:
        """Learn what it is made of and from."""
        raise NotImplementedError

    def several(self, seed: int) -> "Mapping[str, DerivedModel]":
        """The models that this entry stands for, by the suffix of their names; `seed` is the suite's."""
        return {"": self}

    def lessons(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """What it learns from, by source: (place, text) of each row. The text is what a test item must not equal."""
        return {}

    def documents(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Plain texts that it learns from, by source: (place, text) of each."""
        return {}

    def preparation(self) -> Preparation | None:
        """What `make` would do; None when there is nothing to do. Loads no weights."""
        return None

    def make(self, name: str, display: Display) -> dict[str, JSON] | None:
        """Do it, or take what was made before; returns the record of it for run.json. `name` is the suite's for it."""
        return None
