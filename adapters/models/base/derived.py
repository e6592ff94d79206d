"""What models made of another one share: they ask as their base does, with a network of their own."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import PrivateAttr

from harness.components.fields import Reference
from harness.components.model import Model
from harness.components.trained_model import DerivedModel
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion

if TYPE_CHECKING:
    from harness.components.task import Task
    from harness.suite.suite import Suite


class Derived(DerivedModel):
    """A model made of another one of the suite; a subclass says by `engine` what answers."""

    local: ClassVar[bool] = True
    trainable: ClassVar[bool] = True
    scores_options: ClassVar[bool] = True
    tells_likelihood: ClassVar[bool] = True
    tells_logprob: ClassVar[bool] = True

    base: Annotated[str, Reference("models", "trainable")]

    _suite: Any = PrivateAttr(None)
    _tasks: Any = PrivateAttr(None)

    def join(self, suite: "Suite", tasks: "Mapping[str, Task]") -> None:
        self._suite, self._tasks = suite, tasks

    def origin(self) -> Model:
        """The model of the suite that `base` names."""
        found: Model = self._suite.models[self.base]
        return found

    def source(self) -> HuggingFace:
        """What it is made of, as plain weights."""
        origin = self.origin()
        if isinstance(origin, Derived):
            return origin.as_base()
        if not isinstance(origin, HuggingFace):
            raise ModelError(f"base: {type(origin).__name__} has no weights here; name a huggingface model")
        return origin

    def as_base(self) -> HuggingFace:
        """This model as plain weights, for others that are made of it. Raises ModelError where it has none."""
        raise ModelError(
            f"base: a {type(self).__name__.lower()} model cannot be one; name the model that it is made of"
        )

    @cached_property
    def engine(self) -> HuggingFace:
        """What answers; its weights are loaded when it is first asked."""
        raise NotImplementedError

    def root(self) -> HuggingFace:
        """The model at the end of the chain of bases. Raises ModelError if its weights are not in this process."""
        origin = self.origin()
        return origin.root() if isinstance(origin, Derived) else self.source()

    # -- asked as the engine ----------------------------------------------------------------------------------------

    def identity(self) -> dict[str, JSON]:
        return self.engine.identity()

    def carrier(self) -> Model:
        return self.engine.carrier()

    def check(self) -> None:
        origin = self.origin()
        origin.check()
        if isinstance(origin, Derived):
            try:
                origin.check_as_base()
            except ModelError as error:
                raise ModelError(f"base: {self.base} cannot be one: {error}") from error

    def check_as_base(self) -> None:
        """Raise ModelError if nothing can be made of this model."""
        raise ModelError(f"a {type(self).__name__.lower()} model has no plain weights; name the one it is made of")

    def at_hand(self) -> bool:
        origin = self.origin()
        return origin.at_hand() and (not isinstance(origin, Derived) or origin.is_base())

    def is_base(self) -> bool:
        """Whether `as_base` has nothing left to make."""
        return False

    def is_here(self) -> bool:
        return self.root().is_here()

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        return self.engine.plan(prompts, generation)

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        return self.engine.generate(prompts, generation, repeats)

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        return self.engine.score_options(prompts, options)

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        return self.engine.likelihood(prompts, continuations)

    def weights_bytes(self) -> int | None:
        return self.engine.weights_bytes()

    def memory(self, tokens: int) -> tuple[int, int] | None:
        return self.engine.memory(tokens) if self.at_hand() else self.root().memory(tokens)

    def context_length(self) -> int | None:
        return self.root().context_length()

    def count_tokens(self, text: str) -> int | None:
        return self.root().count_tokens(text)

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.close()
