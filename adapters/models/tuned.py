"""A model that the run trains: its base, the method, what it learns from, and how the training goes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, model_validator

from adapters.export.merging import MERGED, merge_weights
from adapters.memory.machine import return_freed_memory
from adapters.models.base.engines import copy_settings, plain_weights
from adapters.models.base.offline_engine import alters_weights, expect_method
from adapters.models.base.trained import merged_subject, trained_engine
from adapters.models.quantised import check_bitsandbytes
from adapters.training.device_count import check_devices
from adapters.training.distillation import check_teacher
from adapters.training.learnt_rows import LearntRows
from adapters.training.record import FILE
from adapters.training.settings import Recipe
from adapters.training.training_candidates import TrainingCandidate, candidates, check_choice, space_mistake
from adapters.training.training_data import TrainingData, read_training_data
from harness.components.calls import Calls
from harness.components.display import Display
from harness.components.fields import Part, written
from harness.components.method import Method
from harness.components.model import Model, Rows
from harness.components.preparation import Preparation
from harness.components.prompt_shape import PromptShape
from harness.components.trained_model import DerivedModel
from harness.components.variant import Resources
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.records.derived_names import seed_suffix
from harness.records.inputs import JSON
from harness.runtime.cache import cache_root

if TYPE_CHECKING:
    from adapters.training.training_choice import TrainingChoice

TIGHT = (
    3  # a training that needs more than this part of the memory (1 / 3) gives freed memory back at once, which is slow
)


class Tuned(DerivedModel, Recipe, LearntRows):
    """A model trained by the run on a task's train rows: full, freeze, LoRA, QLoRA and others."""

    is_tuned: ClassVar[bool] = True

    method: Annotated[Method, Part("method")]
    """How it is trained: which weights change."""
    sizes: list[Annotated[int, Field(ge=1)] | Literal["all"]] = Field([])
    """One model for each number of rows, e.g. [100, 500, all], for a learning curve; empty: one model of all rows."""
    seeds: int = Field(1, ge=1, le=20)
    """Number of trainings that differ in their seed; their spread goes into the intervals."""

    _record: dict[str, JSON] | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _check_sizes(self) -> "Tuned":
        if (self.patience or self.goes_by_validation) and not self.on:
            name = "patience" if self.patience else "schedule: reduce_lr_on_plateau"
            raise ValueError(f"{name} belongs to training on tasks (on: [...]), which have validation rows")
        if self.sizes and (self.max_samples or not (self.on or self.texts)):
            raise ValueError("sizes count the rows of tasks and texts: name these, and no max_samples")
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError("sizes names an entry twice")
        if mistake := space_mistake(self.method, self):
            raise ValueError(mistake)
        return self

    def __getstate__(self) -> dict[Any, Any]:
        """With the rows that it learns."""
        state = super().__getstate__()
        if self._inputs is not None:
            state["__dict__"]["data"] = self.data
        return state

    # -- settings and data --------------------------------------------------------------------------------------------

    def expand(self, seed: int) -> Mapping[str, Model]:
        first = seed if self.seed is None else self.seed
        single = self.model_copy(update={"sizes": [], "seeds": 1})
        sizes = {f"-{size}": None if size == "all" else size for size in self.sizes} or {"": self.max_samples}
        return {
            suffix + (seed_suffix(number + 1) if self.seeds > 1 else ""): single.model_copy(
                update={"max_samples": size, "seed": first + number}
            )
            for suffix, size in sizes.items()
            for number in range(self.seeds)
        }

    @cached_property
    def candidates(self) -> tuple[TrainingCandidate, ...]:
        """How the training may go: one way for each combination of the settings that are lists."""
        return candidates(self.method, self)

    @cached_property
    def trainings(self) -> "TrainingChoice":
        """The training that it is, or those of which one is chosen. Raises ModelError."""
        from adapters.training.training_choice import TrainingChoice

        return TrainingChoice(
            root=plain_weights(self.root()),
            origin=self.origin(),
            candidates=self.candidates,
            data=self.data,
            seed=self.inputs.seed,
            store=cache_root() / "trained",
        )

    @property
    def chosen(self) -> TrainingCandidate:
        """How the training goes; the first of its candidates as long as none was chosen."""
        return self.candidates[self.trainings.place if len(self.candidates) > 1 else 0]

    def asked_as(self) -> list[tuple[str, str]]:
        teaching = self.answers.as_ if self.answers else None
        pairs = [(rows.task, variant) for rows in self.task_rows for variant in (rows.as_, teaching) if variant]
        return list(dict.fromkeys(pairs))

    def mixes_passages(self, variant: str) -> bool:
        return any(rows.as_ == variant and (rows.gold is not None or rows.distractors) for rows in self.task_rows)

    def gather(self, calls: Calls, resources: Resources) -> None:
        super().gather(calls, resources)
        if self.asked_as() or self.answers:
            for name in ("data", "trainings", "engine", "_merged"):
                self.__dict__.pop(name, None)
        self.data  # noqa: B018  asks whatever has to be asked

    @cached_property
    def data(self) -> TrainingData:
        """What it learns from. Raises ModelError."""
        return read_training_data(self.inputs, self.base, self.choice)

    @property
    def method_name(self) -> str:
        """The method as a suite names it."""
        return next(iter(written(self.method)))

    def training_questions(self) -> Mapping[str, Rows]:
        return self.data.questions

    def training_texts(self) -> Mapping[str, Rows]:
        return self.data.texts

    def training_prompts(self) -> Mapping[str, Sequence[PromptShape]]:
        own: dict[str, tuple[PromptShape, ...]] = {}
        for rows in self.task_rows:
            task = self.inputs.tasks[rows.task]
            shape = task.prompt_shape if rows.as_ is None else self.inputs.variants[rows.as_].prompt_shape(task)
            own[rows.task] = (*own.get(rows.task, ()), *([shape] if shape else []))
        return {**super().training_prompts(), **own}

    def describe(self) -> str:
        return f"{self.origin().describe()}, {self.method_name} on {self.data.rows} rows"

    # -- answers ------------------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> HuggingFace:
        return trained_engine(plain_weights(self.origin()), self.chosen.method, self.folder)

    def altered_weights(self) -> tuple[str, ...] | None:
        return alters_weights(self.root(), self.candidates[0].method)

    def rests_on(self) -> tuple[str, ...]:
        return (*super().rests_on(), "tuned", *self.method.subjects())

    def at_hand(self) -> bool:
        is_known = not self.data.unknown or self.data.is_possible
        return super().at_hand() and is_known and self.trainings.is_decided and (self.folder / FILE).is_file()

    # -- as a base ----------------------------------------------------------------------------------------------------

    def is_base(self) -> bool:
        return not self.data.unknown and self.trainings.is_decided and self.checkpoint.is_dir()

    @property
    def checkpoint(self) -> Path:
        """Where its merged weights are, once it is the base of another model."""
        return self.folder.with_name(f"{self.folder.name}{MERGED}")

    def rests_on_as_base(self) -> tuple[str, ...]:
        return (*self.rests_on(), *map(merged_subject, self.method.subjects()))

    def as_base(self) -> HuggingFace:
        return self._merged

    @cached_property
    def _merged(self) -> HuggingFace:
        """The merged weights, loaded once for all that are made of them."""
        base = plain_weights(self.origin())
        path = merge_weights(base, self.chosen.method, self.folder, self.checkpoint)
        return copy_settings(base, HuggingFace, path=str(path), revision=None)

    def check_as_base(self) -> None:
        if not self.method.mergeable:
            raise ModelError(f"it is trained by {self.method_name}, which cannot be merged into a base")

    # -- training -----------------------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where the trained weights are, by the content of all that they depend on. Nothing is merged for it."""
        return self.trainings.folders[self.trainings.place]

    def check(self) -> None:
        super().check()
        root = plain_weights(self.root())
        self.method.needs(root)
        for candidate in self.candidates:
            check_devices(candidate.recipe, root)
            expect_method(root, candidate.method)
        if (self.optimiser or "").endswith("8bit"):
            check_bitsandbytes(root)
        if self.answers:
            check_teacher(self.answers, self.inputs)
        data = self.data  # whatever is wrong with the rows is raised here
        if self.patience and not data.validation:
            raise ModelError("patience needs validation rows: give the task a validation split, or validation: 0.1")
        check_choice(self.method, self, bool(data.validation))
        if root.is_here() and (refusal := self.trainings.requirement.refusal) and not self.at_hand():
            raise ModelError(refusal)

    def preparation(self) -> Preparation:
        training = f"{self.method_name} on {self.data.rows} rows"
        if len(self.candidates) > 1:
            training += f", {len(self.candidates)} settings to choose from"
        done = self.is_here() and self.at_hand()
        if self.data.unknown and not done:
            training += f", after {self.data.unknown}"
        if not self.is_here():
            return Preparation(what=training, done=False)
        needs = self.trainings.requirement
        twice = ", activations computed twice to save memory" if needs.checkpoints else ""
        return Preparation(
            what=f"{training}, {self.trainings.steps} steps{twice}",
            done=done,
            needs=needs.memory.total,
            has=needs.available,
            seconds=None if done else self.trainings.estimate_seconds(),
            measured=self.trainings.measured_seconds() if done else None,
        )

    def make(self, name: str, display: Display) -> dict[str, JSON]:
        data, reused, needs = self.data, self.at_hand(), self.trainings.requirement
        if needs.memory.total > needs.available / TIGHT:
            return_freed_memory()
        record, search = self.trainings.train(plain_weights(self.origin()), name, display)
        stage = {
            "stage": "pretrain" if self.texts else "sft",
            "record": asdict(record),
            "reused": reused,
            "composition": list(data.composition),
            "estimate": asdict(self.trainings.requirements[self.trainings.place].memory),
            **({"search": asdict(search)} if search else {}),
        }
        origin = self.origin()
        earlier = origin._record["stages"] if isinstance(origin, Tuned) and origin._record else []
        self._record = {"base": self.base, "rows": data.rows, "seed": record.seed, "stages": [*earlier, stage]}
        return self._record
