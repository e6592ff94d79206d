"""The one door to models as variants, retrievers and metrics see it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.components.display import Display
from harness.components.model import Model, Use
from harness.records.call_counts import CallCounts
from harness.records.inputs import Cell, Generation, Prompt
from harness.records.outputs import Completion

if TYPE_CHECKING:
    from harness.components.model import Vector


class NotPlannableError(Exception):
    """A plan depends on what only a run computes, e.g. vectors; `calls` is how many calls of models that takes."""

    def __init__(self, missing: str, calls: int = 0) -> None:
        super().__init__(missing)
        self.calls = calls


class Calls(Protocol):
    """Calls models by the names of the suite; every call is cached by content, counted and shown.

    While a run is only planned, nothing is computed: missing completions come back with an error, and missing vectors
    raise NotPlannableError.
    """

    display: Display
    seed: int
    cell: Cell  # the task and the variant, or the metric, that the calls are counted for
    counts: CallCounts

    @property
    def planning(self) -> bool:
        """Whether calls are only counted; then nothing may be built or written either."""

    @property
    def artefacts(self) -> Path:
        """The folder for what is built from calls and kept between runs, e.g. indexes."""

    def artefact(self, kind: str, name: str) -> Path:
        """The place of one of them, be it in a cache that machines share: then it is only read."""

    def model(self, name: str) -> Model:
        """A model of the suite, to see what it can do. Raises HarnessError for an unknown name."""

    def model_digest(self, name: str) -> str:
        """sha256 over everything that determines a model's output besides prompt and options."""

    def generate(
        self, model: str, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int] | None = None
    ) -> list[Completion]:
        """One completion a prompt, in their order. `repeats` numbers equal prompts that are sampled several times."""

    def score_options(
        self, model: str, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> list[Completion]:
        """Log-probabilities of each prompt's options; `text` is the likeliest option."""

    def first_token(
        self, model: str, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> list[Completion]:
        """How likely each prompt's options are as the reply's first token, as `Model.first_token_each` returns it."""

    def likelihood(self, model: str, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        """The log-probability of each continuation after its prompt, as `Model.likelihood` returns it."""

    def embed(self, model: str, texts: Sequence[str], use: Use) -> "Vector":
        """Vectors of the texts, shape (texts, dimensions). Raises NotFiniteError for NaN or infinity."""

    def token_matches(self, engine: Model, pairs: Sequence[tuple[str, str]]) -> "Vector":
        """How the tokens of each (answer, reference) match by a model that a metric brings; as Model.token_matches."""

    def relevance(self, model: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """A ranking model's score of each (query, passage) pair; higher is better."""

    def context_length(self, model: str) -> int | None:
        """The most tokens of a prompt and its answer together, where it is known without loading weights."""

    def token_counter(self, model: str) -> Callable[[str], int] | None:
        """Counts the tokens of a text; None where the model's tokenizer is out of reach."""
