"""What a suite can name: the base of each kind of component. A component's fields are its YAML parameters."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from harness.markers import Reference, marks, part_of
from harness.types import JSON, Completion, Generation, Prediction, Prompt, Reading, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.context import Context
    from harness.data.dataset import Dataset
    from harness.figures import Confused
    from harness.retrieval import Knowledge
    from harness.scoring import Scoring
    from harness.suite import Suite
    from harness.tasks.task import Task


class Component(BaseModel):
    """Base of everything a suite can name. Fields are parameters; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Reader(Component):
    """Reads a data source into samples."""

    def read(self, task: str, seed: int) -> "Dataset":
        """The samples of `task`, split. Raises DataError with `file:line: reason`."""
        raise NotImplementedError

    def sources(self) -> tuple[str, ...]:
        """The local files that the samples depend on, for the digest in run.json."""
        return ()


class Answer(Component):
    """How a task's answer is asked for, written in an example, and read back from a reply."""

    default_prompt: ClassVar[str] = "{{ input }}"

    def options(self, sample: Sample) -> tuple[str, ...]:
        """The continuations to score by likelihood; empty when the answer is generated text."""
        return ()

    def example(self, sample: Sample) -> str:
        """The right answer as an assistant would write it, for few-shot examples and training."""
        return sample.targets[0]

    def read(self, sample: Sample, reply: str) -> Reading:
        """The answer in `reply`; a reason instead of an answer when there is none."""
        raise NotImplementedError

    def check(self, sample: Sample) -> str | None:
        """What is wrong with a sample for this kind of answer, e.g. a choice without options; None if nothing."""
        return None


Use = Literal["query", "passage"]


class Model(Component):
    """Turns prompts into text; may score options. Lists in, lists out, order kept.

    A call that fails comes back as a Completion with finish "error"; only what makes every call impossible is raised,
    as ModelError.
    """

    local: ClassVar[bool] = False  # weights in this process: at most one such model is loaded at a time
    trainable: ClassVar[bool] = False  # other models can be made of it: tuned, quantised, with an adapter
    generates: ClassVar[bool] = True
    tells_logprob: ClassVar[bool] = False  # of the text that it generates
    scores_options: ClassVar[bool] = False
    tells_likelihood: ClassVar[bool] = False  # of a text that is given
    embeds: ClassVar[bool] = False
    ranks: ClassVar[bool] = False

    def identity(self) -> dict[str, JSON]:
        """Everything that determines the output besides prompt and generation options, by content."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ModelError if the model cannot be used; cheap, loads no weights."""

    def at_hand(self) -> bool:
        """Whether `identity` is known without a download."""
        return True

    def is_here(self) -> bool:
        """Whether its tokenizer and configuration are read without a download."""
        return self.at_hand()

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        """Indices of `prompts` in the batches in which they are to be run; depends on nothing but the arguments."""
        return [[i] for i in range(len(prompts))]

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        """One completion a prompt; equal prompts differ by their repeat index when sampling."""
        raise NotImplementedError

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        """Log-probabilities (natural) of each prompt's options as its continuation; `text` is the best option."""
        raise NotImplementedError

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        """How likely each continuation is after its prompt: `logprobs` is (the natural log-probability of all of it,).

        `tokens_out` is the number of its tokens, to divide by. What ends a turn is no part of it.
        """
        raise NotImplementedError

    def embed(self, texts: Sequence[str], use: "Use") -> "NDArray[np.float32]":
        """One vector a text, shape (texts, dimensions); some models write queries and passages differently."""
        raise NotImplementedError

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """How well each (query, passage) pair belongs together; higher is better, any range."""
        raise NotImplementedError

    def context_length(self) -> int | None:
        """The most tokens of a prompt and its answer together; None when it is out of reach. Loads no weights."""
        return None

    def count_tokens(self, text: str) -> int | None:
        """Tokens of a text, without chat template; None when the tokenizer is out of reach."""
        return None

    def describe(self) -> str:
        """One line for people: device, dtype, size."""
        return type(self).__name__

    def weights_bytes(self) -> int | None:
        """Bytes of its weights as they lie in memory; None where that is not known without a download."""
        return None

    def memory(self, tokens: int) -> tuple[int, int] | None:
        """Bytes needed to answer a prompt of so many tokens, its answer included, and bytes that there are.

        None where that is not known without a download. Loads no weights.
        """
        return None

    def carrier(self) -> "Model":
        """The model whose weights lie in memory when this one answers; several with one carrier are loaded once."""
        return self

    def close(self) -> None:
        """Release weights and connections."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with the reason for it; value None means unknown."""

    value: float | None
    reason: str | None = None
    counts: Mapping[str, float] | None = None  # of a corpus metric: what the sample adds to the corpus's totals


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of a metric's values and which end is good."""

    low: float = 0.0
    high: float = 1.0
    better: Literal["higher", "lower", "neither"] = "higher"


Marks = float | Mark | Mapping[str, Mark]


class Metric(Component):
    """What makes an answer good. Fields are settings and are shown in the report.

    `score` returns a value, a Mark, or several Marks by part; the part "" is the metric's own value and the others are
    reported as `name.part`. A corpus metric, whose figure is no mean over samples (F1, BLEU), also gives the Mark of
    part "" its sample's counts, and makes the figures from their sums in `aggregate`.
    """

    scale: ClassVar[Scale] = Scale()
    part_scales: ClassVar[Mapping[str, Scale]] = {}  # parts whose scale differs
    answers: ClassVar[tuple[str, ...]] = ()  # the answer kinds it can score; empty: all
    corpus: ClassVar[bool] = False  # whether its figures are made by `aggregate`
    asks_answerers: ClassVar[bool] = False  # whether it asks the models that answered, e.g. for a likelihood

    def parts(self) -> tuple[str, ...] | None:
        """The names of its parts besides its own value; None when they depend on the data."""
        return ()

    def scale_of(self, part: str) -> Scale:
        """The scale of its own value (part "") or of a part."""
        return self.part_scales.get(part, self.scale)

    def resolved(self, task: "Task") -> dict[str, JSON]:
        """What it decides by a task's data, shown with its settings."""
        return {}

    def check(self) -> None:
        """Raise HarnessError if what it needs is not there, e.g. a package or a rubric; cheap."""

    def check_task(self, task: "Task") -> str | None:
        """What makes it impossible on a task, e.g. samples without a reference; None if nothing."""
        return None

    def check_models(self, task: "Task", models: "Mapping[str, Model]") -> str | None:
        """What keeps the models that it asks from scoring a task, e.g. too little context; None if nothing."""
        return None

    def applies(self, prediction: Prediction) -> bool:
        """Whether a prediction, failed or not, can have a value at all; e.g. retrieval where something was searched."""
        return True

    def score(self, sample: Sample, prediction: Prediction) -> Marks:
        """The value for one prediction that did not fail. An answer that could not be read is wrong, not unknown."""
        raise NotImplementedError

    def score_all(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> list[Marks]:
        """The values for many predictions at once, of all variants of a task; for metrics that gain from batches."""
        return [self.score(sample, prediction) for sample, prediction in zip(samples, predictions, strict=True)]

    def evaluate(self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring") -> list[Marks]:
        """As score_all, for metrics that ask models: `scoring` is their door to them."""
        return self.score_all(samples, predictions)

    def aggregate(self, totals: "Mapping[str, NDArray[np.float64]]") -> "Mapping[str, NDArray[np.float64]]":
        """Of a corpus metric: the figure of each part [m] from the sums of its samples' counts [m], one a resample.

        NaN where a figure is not defined for those totals.
        """
        raise NotImplementedError

    def confusion(self, totals: Mapping[str, float]) -> "Confused | None":
        """Of a corpus metric over labels: how often each label was taken for which; None of others."""
        return None


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


def settings(component: Component) -> dict[str, Any]:
    """All parameters with their values, defaults included, as JSON."""
    return component.model_dump(mode="json")


def walk(component: Component) -> Iterator[Component]:
    """The component and all components in its fields."""
    yield component
    for name, info in type(component).model_fields.items():
        if part_of(info) is not None:
            value = getattr(component, name)
            for part in value if isinstance(value, list | tuple) else (value,):
                if isinstance(part, Component):
                    yield from walk(part)


def named(component: Component, section: str) -> list[str]:
    """The entries of a section that a component names in its fields and parts."""
    return [
        name
        for part in walk(component)
        for field, info in type(part).model_fields.items()
        for mark in marks(info)
        if isinstance(mark, Reference) and mark.section == section
        for name in _names(getattr(part, field))
    ]


def _names(value: str | Iterable[str] | None) -> Iterable[str]:
    return () if value is None else [value] if isinstance(value, str) else value
