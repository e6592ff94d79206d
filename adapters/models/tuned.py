"""A model that the run trains: its base, the method, what it learns from, and how the training goes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from adapters.export.merging import merged
from adapters.memory.machine import return_freed_memory
from adapters.memory.requirement import Requirement, required
from adapters.methods.base.network import trained_files
from adapters.methods.base.peft import BRIDGE
from adapters.models.base.derived import Derived
from adapters.models.base.engines import Alteration, altered, like, wearing
from adapters.models.quantised import check_bitsandbytes
from adapters.training.distributed import check_devices
from adapters.training.examples import Lessons, from_tasks, from_texts
from adapters.training.record import FILE
from adapters.training.settings import Recipe
from harness.components.display import Display
from harness.components.fields import Part, Reference, written
from harness.components.method import Method
from harness.components.trained_model import DerivedModel, Preparation
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.weights import file_digest
from harness.records.inputs import JSON
from harness.runtime.cache import cache_root
from harness.text.canonical import digest

if TYPE_CHECKING:
    from adapters.training.trainer import Progress

TIGHT = 3  # a training that needs more than so much of the memory gives freed memory back at once, which takes time


class Tuned(Derived, Recipe):
    """A model trained by the run on a task's train rows: full, freeze, LoRA, QLoRA and others."""

    method: Annotated[Method, Part("method")]
    on: list[Annotated[str, Reference("tasks")]] = Field([])  # tasks whose train rows it learns
    texts: list[Annotated[str, Reference("knowledge")]] = Field([])  # instead: texts to go on pretraining with
    mix: dict[Annotated[str, Reference("datasets")], float] = Field(
        {}
    )  # general data beside, as a ratio to the tasks' rows
    max_samples: int | None = Field(None, ge=1)  # of the tasks' rows or texts; None: all
    sizes: list[Annotated[int, Field(ge=1)] | Literal["all"]] = Field([])  # one model for each number of rows
    seeds: int = Field(1, ge=1, le=20)  # so many trainings, whose spread goes into the intervals
    validation: float = Field(0.0, ge=0, lt=1)  # part of the rows kept to watch the loss, if tasks have no such split

    _record: dict[str, JSON] | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _one_source(self) -> "Tuned":
        if bool(self.on) == bool(self.texts):
            raise ValueError("name either tasks to learn (on: [...]) or knowledge to read (texts: [...])")
        if self.texts and (self.mix or self.validation or self.patience):
            raise ValueError("mix, validation and patience belong to training on tasks, not on texts")
        if self.max_samples and self.sizes:
            raise ValueError("give max_samples or sizes, not both")
        for name, several in (("on", self.on), ("texts", self.texts), ("sizes", self.sizes)):
            if len(set(several)) < len(several):
                raise ValueError(f"{name} names something twice")
        if any(ratio <= 0 for ratio in self.mix.values()):
            raise ValueError("the ratios of mix must be more than 0")
        return self

    # -- what it is ---------------------------------------------------------------------------------------------------

    def several(self, seed: int) -> Mapping[str, DerivedModel]:
        first = seed if self.seed is None else self.seed
        plain = self.model_copy(update={"sizes": [], "seeds": 1})
        sized = {f"-{size}": None if size == "all" else size for size in self.sizes} or {"": self.max_samples}
        return {
            suffix + (f"~{number + 1}" if self.seeds > 1 else ""): plain.model_copy(
                update={"max_samples": most, "seed": first + number}
            )
            for suffix, most in sized.items()
            for number in range(self.seeds)
        }

    @cached_property
    def recipe(self) -> Recipe:
        """How the training goes."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.model_fields})

    @cached_property
    def data(self) -> Lessons:
        """What it learns from. Raises ModelError."""
        if self.texts:
            return from_texts(self._suite, self.texts, self.max_samples)
        return from_tasks(self._suite, self._tasks, self.on, self.mix, self.max_samples, self.validation)

    @property
    def method_name(self) -> str:
        """The method as a suite names it."""
        return next(iter(written(self.method)))

    def lessons(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        return self.data.asked

    def documents(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        return self.data.texts

    def describe(self) -> str:
        return f"{self.origin().describe()}, {self.method_name} on {self.data.rows} rows"

    # -- answering ----------------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> HuggingFace:
        base, method, folder = self.source(), self.method, self.folder
        contents = {file.name: file_digest(file) for file in trained_files(folder)}
        packages = ["bitsandbytes"] if method.quantises else []
        identity = {
            "component": "tuned", "method": written(method), "trained": digest(contents),
            "packages": ["peft", *packages], **({"prefix": BRIDGE} if method.virtual_prefix else {}),
        }  # fmt: skip
        if not method.shares_base:
            return altered(base, Alteration(identity, {}, lambda network: method.load(network, folder)))

        def put_on(network: Any) -> tuple[Any, Any]:
            adapted = method.load(network, folder)
            return adapted, lambda: method.remove(adapted)

        return wearing(method.carrier(base), identity, str(folder), put_on)

    def at_hand(self) -> bool:
        return super().at_hand() and (self.folder / FILE).is_file()

    def is_base(self) -> bool:
        return self.checkpoint.is_dir()

    @property
    def checkpoint(self) -> Path:
        """Where its merged weights are, once it is the base of another model."""
        return self.folder.with_name(f"{self.folder.name}.merged")

    def as_base(self) -> HuggingFace:
        return self._plain

    @cached_property
    def _plain(self) -> HuggingFace:
        """The merged weights, loaded once for all that are made of them."""
        place = merged(self.source(), self.method, self.folder, self.checkpoint)
        return like(self.source(), HuggingFace, path=str(place), revision=None)

    def check_as_base(self) -> None:
        if not self.method.mergeable:
            raise ModelError(f"it is trained by {self.method_name}, which cannot be merged into a base")

    # -- training -----------------------------------------------------------------------------------------------------

    @cached_property
    def folder(self) -> Path:
        """Where the trained weights are, by the content of all that they depend on. Nothing is merged to tell it."""
        from adapters.training.train import inputs_digest

        data, origin = self.data, self.origin()
        identity = {"merged": origin.identity()} if isinstance(origin, Tuned) else None
        inputs = inputs_digest(
            self.root(), self.method, self.recipe, data.examples, data.validation, self._suite.seed, identity
        )
        return cache_root() / "trained" / inputs

    def check(self) -> None:
        super().check()
        root = self.root()
        self.method.needs(root)
        check_devices(self.recipe, root)
        if (self.optimiser or "").endswith("8bit"):
            check_bitsandbytes(root)
        data = self.data
        if self.patience and not data.validation:
            raise ModelError("patience needs validation rows: give the task a validation split, or validation: 0.1")
        if root.is_here():
            needed = self.requirement
            if not self.at_hand() and needed.refusal:
                raise ModelError(needed.refusal)

    @cached_property
    def requirement(self) -> Requirement:
        """What the training needs of this machine."""
        return required(self.root(), self.method, self.recipe, self.data)

    def preparation(self) -> Preparation:
        what = f"{self.method_name} on {self.data.rows} rows"
        if not self.root().is_here():
            return Preparation(what, done=False)
        needed = self.requirement
        return Preparation(f"{what}, {needed.steps} steps", self.at_hand(), needed.memory.total, needed.room)

    def make(self, name: str, display: Display) -> dict[str, JSON]:
        from adapters.training.train import train

        display.begin(f"train {name}")
        data, reused = self.data, self.at_hand()
        if self.requirement.memory.total > self.requirement.room / TIGHT:
            return_freed_memory()
        record = train(
            self.source(), self.method, self.recipe, data.examples, data.validation, self.folder, self._suite.seed,
            shown_on(display),
        )  # fmt: skip
        how = "trained before" if reused else f"{record.steps} steps, {record.seconds:.0f} s"
        display.finish(f"{how}, loss {record.loss[-1][1]:.3f}")
        stage = {
            "stage": "pretrain" if self.texts else "sft",
            "record": asdict(record),
            "reused": reused,
            "composition": list(data.composition),
            "estimate": asdict(self.requirement.memory),
        }
        origin = self.origin()
        earlier = origin._record["stages"] if isinstance(origin, Tuned) and origin._record else []
        self._record = {"base": self.base, "rows": data.rows, "seed": record.seed, "stages": [*earlier, stage]}
        return self._record


def shown_on(display: Display) -> "Progress":
    """What a training reports each step to, as progress on a display."""
    seen = (0, 0)  # steps, tokens

    def progress(done: int, total: int, loss: float, tokens: int) -> None:
        nonlocal seen
        if seen == (0, 0):
            display.expect(total)
        display.advance(done - seen[0], tokens - seen[1])
        seen = (done, tokens)

    return progress
