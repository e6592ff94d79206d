"""What a model owes that a run makes of another one."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

from pydantic import PrivateAttr

from harness.components.calls import Calls
from harness.components.dataset import Dataset
from harness.components.fields import Reference
from harness.components.knowledge import Knowledge
from harness.components.model import Model
from harness.components.prompt_shape import PromptShape
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.errors import ModelError
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.text.reasoning import TagPair


@dataclass(frozen=True, kw_only=True)
class TrainingInputs:
    """What a model is made of and learns from."""

    base: Model
    seed: int  # the suite's
    tasks: Mapping[str, Task]  # whose rows it learns
    knowledge: Mapping[str, Knowledge]  # whose passages it reads instead
    variants: Mapping[str, Variant] = field(default_factory=dict)  # as which it is asked while it learns
    calls: Calls | None = None  # the door through which rows are put as a variant puts them; None: no model is asked
    resources: Resources = field(default_factory=Resources)
    read_dataset: Callable[[str], Dataset]  # general data to mix in, read once for all models. Raises DataError


class DerivedModel(Model):
    """A model that a run makes of another model of the suite, and that is asked as that one is.

    `bind` is called once the tasks are read, before anything else is asked of it. A subclass provides the `engine`
    that answers.
    """

    imports: ClassVar[tuple[str, ...]] = ("torch", "transformers", "peft")
    local: ClassVar[bool] = True
    trainable: ClassVar[bool] = True
    scores_options: ClassVar[bool] = True
    tells_likelihood: ClassVar[bool] = True
    tells_logprob: ClassVar[bool] = True
    tells_first_token: ClassVar[bool] = True
    bounds_answers: ClassVar[bool] = True

    base: Annotated[str, Reference("models", "trainable")]
    """The model in `models` that it is made of."""

    _inputs: TrainingInputs | None = PrivateAttr(None)

    @classmethod
    def missing_methods(cls) -> list[str]:
        owed = super().missing_methods()
        return [*owed, "engine"] if cls.engine is DerivedModel.engine else owed

    def bind(self, inputs: TrainingInputs) -> None:
        """Give the model what it is made of and learns from."""
        self._inputs = inputs

    def asked_as(self) -> Sequence[tuple[str, str]]:
        """The tasks whose rows it learns as a variant would ask for them, each with the variant."""
        return ()

    def mixes_passages(self, variant: str) -> bool:
        """Whether it wants the passages of rows that it learns as a variant asks mixed in some other way."""
        return False

    def gather(self, calls: Calls, resources: Resources) -> None:
        """Take the door of a run, which computes what a plan could not know: only then `make` knows all rows."""
        self._inputs = replace(self.inputs, calls=calls, resources=resources)

    def settled(self, variants: Mapping[str, Variant]) -> "DerivedModel":
        """Itself, learning as these variants ask: those of the suite as the searches of a run have settled them."""
        own = self.model_copy()
        base = self.inputs.base
        if isinstance(base, DerivedModel):
            base = base.settled(variants)
        own._inputs = replace(self.inputs, base=base, variants=variants)
        return own

    @property
    def inputs(self) -> TrainingInputs:
        """What `bind` was given."""
        if self._inputs is None:
            raise RuntimeError("a derived model is used before it is bound")
        return self._inputs

    @property
    @abstractmethod
    def engine(self) -> Model:
        """The model that answers; its weights are loaded at the first call."""

    # -- the base -----------------------------------------------------------------------------------------------------

    @property
    def base_name(self) -> str | None:
        return self.base

    def origin(self) -> Model:
        """The model of the suite that `base` names."""
        return self.inputs.base

    def root(self) -> Model:
        return self.origin().root()

    def as_base(self) -> Model:
        raise ModelError(
            f"base: a {type(self).__name__.lower()} model cannot be one; name the model that it is made of"
        )

    def check_as_base(self) -> None:
        raise ModelError(f"a {type(self).__name__.lower()} model has no plain weights; name the one it is made of")

    def is_base(self) -> bool:
        return False

    def check(self) -> None:
        self.origin().check()
        try:
            self.origin().check_as_base()
        except ModelError as error:
            raise ModelError(f"base: {self.base} cannot be one: {error}") from error

    def at_hand(self) -> bool:
        return self.origin().at_hand() and self.origin().is_base()

    def is_here(self) -> bool:
        return self.root().is_here()

    def context_length(self) -> int | None:
        return self.root().context_length()

    def count_tokens(self, text: str) -> int | None:
        return self.root().count_tokens(text)

    def training_prompts(self) -> Mapping[str, Sequence[PromptShape]]:
        return self.origin().training_prompts()

    # -- answers ------------------------------------------------------------------------------------------------------

    def identity(self) -> dict[str, JSON]:
        return self.engine.identity()

    def rests_on(self) -> tuple[str, ...]:
        return self.origin().rests_on_as_base()

    def carrier(self) -> Model:
        return self.engine.carrier()

    @property
    def reads_plain_text(self) -> bool:
        return self.root().reads_plain_text

    @property
    def own_reasoning_tags(self) -> tuple[TagPair, ...]:
        return self.root().own_reasoning_tags

    def render(self, prompt: Prompt) -> str | None:
        return self.engine.render(prompt)

    def schema_problem(self) -> str | None:
        return self.root().schema_problem()

    def schema_identity(self) -> dict[str, JSON]:
        return self.root().schema_identity()

    def sampling_identity(self) -> dict[str, JSON]:
        return self.root().sampling_identity()

    def opens_reasoning(self, prompt: Prompt) -> bool:
        return self.root().opens_reasoning(prompt)

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        return self.engine.plan(prompts, generation)

    def plan_scoring(self, prompts: Sequence[Prompt], texts: Sequence[Sequence[str]]) -> list[list[int]]:
        return self.engine.plan_scoring(prompts, texts)

    def scoring_identity(self) -> dict[str, JSON]:
        return self.root().scoring_identity()

    def scoring_remark(self) -> str | None:
        return self.engine.scoring_remark() if "engine" in self.__dict__ else None

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        return self.engine.generate(prompts, generation, repeats)

    def generate_each(
        self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]
    ) -> Iterator[tuple[int, Completion]]:
        return self.engine.generate_each(prompts, generation, repeats)

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        return self.engine.score_options(prompts, options)

    def first_token_mistake(self) -> str | None:
        return self.root().first_token_mistake()

    def first_token_each(
        self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[int, Completion]]:
        return self.engine.first_token_each(prompts, options)

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        return self.engine.likelihood(prompts, continuations)

    def weights_bytes(self) -> int | None:
        return self.engine.weights_bytes()

    def memory(self, tokens: int) -> tuple[int, int] | None:
        return self.engine.memory(tokens) if self.at_hand() else self.root().memory(tokens)

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.close()
