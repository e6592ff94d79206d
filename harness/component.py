"""Components are found by name: the folder is the registry, and a component's fields are its YAML parameters.

`name` or `{name: {parameters}}` in a suite means the class in the file of that name in the kind's folder;
`package.module.Class` names a user's own component. Modules import nothing heavy at the top, so that listing and
validating stay fast.
"""

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from harness.errors import nearest
from harness.types import JSON, Completion, Generation, Prediction, Prompt, Reading, Sample

if TYPE_CHECKING:
    from harness.context import Context
    from harness.data.dataset import Dataset
    from harness.tasks.task import Task


@dataclass(frozen=True)
class Reference:
    """Marks a text field that names an entry of another mapping of the suite, e.g. a model."""

    section: str


ModelName = Annotated[str, Reference("models")]


@dataclass(frozen=True)
class LocalPath:
    """Marks a text field that is a path: relative ones are taken from the suite's folder."""

    or_name: bool = False  # what is not a path there may be a name elsewhere, e.g. a hub id


FilePath = Annotated[str, LocalPath()]


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


class Model(Component):
    """Turns prompts into text; may score options. Lists in, lists out, order kept.

    A call that fails comes back as a Completion with finish "error"; only what makes every call impossible is raised,
    as ModelError.
    """

    local: ClassVar[bool] = False  # weights in this process: at most one such model is loaded at a time
    scores_options: ClassVar[bool] = False

    def identity(self) -> dict[str, JSON]:
        """Everything that determines the output besides prompt and generation options, by content."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ModelError if the model cannot be used; cheap, loads no weights."""

    def at_hand(self) -> bool:
        """Whether `identity` is known without a download."""
        return True

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        """Indices of `prompts` in the batches in which they are to be run; depends on nothing but the arguments."""
        return [[i] for i in range(len(prompts))]

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        """One completion a prompt; equal prompts differ by their repeat index when sampling."""
        raise NotImplementedError

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        """Log-probabilities (natural) of each prompt's options as its continuation; `text` is the best option."""
        raise NotImplementedError

    def count_tokens(self, text: str) -> int | None:
        """Tokens of a text, without chat template; None when the tokenizer is out of reach."""
        return None

    def describe(self) -> str:
        """One line for people: device, dtype, size."""
        return type(self).__name__

    def close(self) -> None:
        """Release weights and connections."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with the reason for it; value None means unknown."""

    value: float | None
    reason: str | None = None


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
    reported as `name.part`.
    """

    scale: ClassVar[Scale] = Scale()
    part_scales: ClassVar[Mapping[str, Scale]] = {}  # parts whose scale differs
    answers: ClassVar[tuple[str, ...]] = ()  # the answer kinds it can score; empty: all

    def parts(self) -> tuple[str, ...] | None:
        """The names of its parts besides its own value; None when they depend on the data."""
        return ()

    def score(self, sample: Sample, prediction: Prediction) -> Marks:
        """The value for one prediction that did not fail. An answer that could not be read is wrong, not unknown."""
        raise NotImplementedError

    def score_all(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> list[Marks]:
        """The values for many predictions at once; for metrics that gain from batches."""
        return [self.score(sample, prediction) for sample, prediction in zip(samples, predictions, strict=True)]


class Variant(Component):
    """A way of answering: how a model is asked."""

    def answer(self, task: "Task", samples: Sequence[Sample], context: "Context") -> list[Prediction]:
        """One prediction a sample, in their order. Failures are predictions with `error`, not exceptions."""
        raise NotImplementedError

    def check(self, task: "Task") -> list[str]:
        """What makes this variant impossible on this task, e.g. more shots than train rows."""
        return []


@dataclass(frozen=True)
class Kind:
    """A kind of component: its base class and the packages whose files hold it."""

    base: type[Component]
    packages: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "model": Kind(Model, ("harness.models", "adapters")),
    "reader": Kind(Reader, ("harness.data",)),
    "answer": Kind(Answer, ("harness.tasks",)),
    "metric": Kind(Metric, ("harness.metrics",)),
    "variant": Kind(Variant, ("baselines",)),
}


def names(kind: str) -> list[str]:
    """The shipped components of a kind, sorted."""
    return sorted(name for name, _ in components(kind))


def components(kind: str) -> Iterator[tuple[str, type[Component]]]:
    """Name and class of each shipped component of a kind."""
    for package in KINDS[kind].packages:
        for name in _modules(package):
            found = _class_in(f"{package}.{name}", KINDS[kind].base)
            if found is not None:
                yield name, found


def find(kind: str, name: str) -> type[Component]:
    """The class of a component. Raises LookupError with the remedy when there is none of that name."""
    for package in KINDS[kind].packages:
        if name in _modules(package):
            found = _class_in(f"{package}.{name}", KINDS[kind].base)
            if found is not None:
                return found
    if "." in name:
        return _own(kind, name)
    raise LookupError(f"{kind} '{name}' is not known ({nearest(name, names(kind))})")


def _modules(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    paths = spec.submodule_search_locations if spec else None
    return [module.name for module in pkgutil.iter_modules(paths)] if paths else []


def _class_in(module_name: str, base: type[Component]) -> type[Component] | None:
    module = importlib.import_module(module_name)
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module_name
    ]
    named = module_name.rpartition(".")[2].replace("_", "")
    return next((value for value in own if value.__name__.lower() == named), None)


def _own(kind: str, name: str) -> type[Component]:
    """A user's class. Whatever importing a module of theirs raises is the reason why it cannot be had."""
    module_name, _, class_name = name.rpartition(".")
    if not all(part.isidentifier() for part in name.split(".")):
        raise LookupError(f"{kind} '{name}' is not of the form package.module.Class")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise LookupError(f"{kind} '{name}' cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LookupError(f"{kind} '{name}': module {module_name} cannot be imported: {reason}") from error
    base = KINDS[kind].base
    found = getattr(module, class_name, None)
    if found is None:
        own = [name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, base)]
        raise LookupError(f"{kind} '{name}': module {module_name} has no {class_name} ({nearest(class_name, own)})")
    if not (isinstance(found, type) and issubclass(found, base)):
        raise LookupError(f"{kind} '{name}' is not a harness.component.{base.__name__}")
    return found


def summary(component: type[Component]) -> str:
    """The first line of a component's docstring."""
    return (inspect.getdoc(component) or "").partition("\n")[0]


def settings(component: Component) -> dict[str, Any]:
    """All parameters with their values, defaults included, as JSON."""
    return component.model_dump(mode="json")
