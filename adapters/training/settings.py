"""How a training goes: everything that is not the model, the method or the data."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.training.choices import Choices, Values, values_of
from adapters.training.schedules import PLATEAU, Option, ScheduleName, schedule_mistake
from harness.components.fields import LocalPath
from harness.errors import ModelError
from harness.records.inputs import JSON

Precision = Literal["float32", "bfloat16", "float16"]
USUAL: dict[str, tuple[JSON, ...]] = {
    "turns": ("last",), "weights": ("auto", "float32"), "schedule_options": ({},), "compile": ("auto", False),
}  # fmt: skip
# added since trainings are kept: with these values they are no part of the content, and older trainings are the same


class Recipe(BaseModel):
    """The settings of a training. One step is `batch_size` × `accumulation` rows, on however many devices.

    Several devices share the rows of each step: `accumulation` is divided by their number as far as it goes, then the
    rows at a time. So the training is the same one, and their number is no part of its identity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: Annotated[Annotated[float, Field(gt=0)], Choices()] = 3.0
    """How often each row is learnt; parts of an epoch are allowed. In a list: chosen on validation rows."""
    max_steps: int | None = Field(None, ge=1)
    """The training ends after so many steps, if that is earlier than the epochs would; null: the epochs decide."""
    learning_rate: Annotated[Annotated[float, Field(gt=0)] | None, Choices()] = None
    """Highest step size of the optimiser; null: the method's own. In a list: chosen on validation rows."""
    batch_size: Annotated[Annotated[int, Field(ge=1)], Choices()] = 16
    """Rows at a time on a device; halved when memory runs out. In a list: chosen on validation rows."""
    accumulation: int = Field(1, ge=1)
    """Batches that make one step."""
    cutoff: int = Field(2048, ge=8)
    """Most tokens of a row; a longer one loses its oldest turns, and is left out if it is still too long."""
    schedule: Annotated[ScheduleName, Choices()] = "cosine"
    """How the learning rate goes, by transformers' name. In a list: chosen on validation rows."""
    schedule_options: dict[str, Option] = Field({})
    """What the schedule can be told, by transformers' names, e.g. {num_cycles: 3} of cosine_with_restarts."""
    warmup: Annotated[Annotated[float, Field(ge=0, lt=1)], Choices()] = 0.05
    """Share of the steps in which the learning rate rises from 0. In a list: chosen on validation rows."""
    weight_decay: Annotated[Annotated[float, Field(ge=0)], Choices()] = 0.0
    """Pull of the trained weights towards 0 in each step. In a list: chosen on validation rows."""
    max_grad_norm: float = Field(1.0, gt=0)
    """A gradient of greater length is shortened to it."""
    loss: Literal["answer", "all"] = "answer"
    """Which tokens are learnt: the answer's, or all of prompt and answer."""
    turns: Literal["last", "all"] = "last"
    """Which answers of a dialogue are learnt: its last one, or those of the row's earlier turns too."""
    precision: Literal["auto"] | Precision = "auto"
    """What is computed in; auto: as the base computes, which goes by the hardware."""
    weights: Literal["auto", "float32", "bfloat16"] = "auto"
    """In what trained weights, gradients and the optimiser's state are kept; auto: float32; bfloat16: for full and
    freeze, half the memory."""
    packing: bool = False
    """Whether short rows are joined up to the cutoff; they do not see each other."""
    group_by_length: bool = True
    """Whether rows of similar length go together, which saves padding."""
    gradient_checkpointing: Literal["auto"] | bool = "auto"
    """Whether activations are computed twice: less memory, a third more time; auto: where they do not fit otherwise."""
    compile: Literal["auto"] | bool = "auto"
    """Whether layers are compiled for padded batches of few lengths; auto: on a GPU, when the steps repay it."""
    optimiser: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"] | None = None
    """The optimiser; null: paged_adamw_8bit for qlora on CUDA, else adamw. The 8-bit ones need bitsandbytes."""
    evaluate_every: int | None = Field(None, ge=1)
    """Steps between evaluations on the validation rows; null: after each epoch."""
    patience: int | None = Field(None, ge=1)
    """The training stops after so many evaluations without a better loss; null: never."""
    save_every: int | None = Field(None, ge=1)
    """Steps between checkpoints; null: at each evaluation, and after half a minute without one."""
    samples: int = Field(3, ge=0, le=20)
    """Rows that are answered before, during and after the training, to be looked at in the report; 0: none."""
    seed: int | None = Field(None, ge=0)
    """Seed of the training; null: the suite's."""
    devices: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Number of processes, each with a device; auto: all CUDA devices, else one process."""
    accelerate_config: Annotated[str | None, LocalPath()] = None
    """A file of `accelerate config`, e.g. for FSDP or DeepSpeed, used with more than one device; null: none."""

    @model_validator(mode="after")
    def _check_settings(self) -> "Recipe":
        if type(self) is Recipe and values_of(self):  # a tuned model has them, until a search has chosen
            raise ValueError(f"{next(iter(values_of(self)))} is a list: a training has one value for each setting")
        if self.turns == "all" and self.loss == "all":
            raise ValueError("turns: all belongs to loss: answer; loss: all learns every turn already")
        if self.weights == "bfloat16" and self.precision in ("float32", "float16"):
            raise ValueError(f"weights: bfloat16 computes in bfloat16; leave precision: {self.precision} out")
        schedules = self.schedule if isinstance(self.schedule, Values) else (self.schedule,)
        for schedule in schedules:
            if mistake := schedule_mistake(schedule, self.schedule_options):
                raise ValueError(mistake)
        return self

    @property
    def goes_by_validation(self) -> bool:
        """Whether the rate is lowered by the loss on the validation rows."""
        return self.schedule == PLATEAU or (isinstance(self.schedule, Values) and PLATEAU in self.schedule)

    def precision_on(self, dtype: str) -> str:
        """What is computed in, on a base that computes in `dtype`."""
        if self.precision != "auto":
            return self.precision
        return "bfloat16" if self.weights == "bfloat16" else dtype

    def content(self, devices: int) -> dict[str, JSON]:
        """The settings that the weights depend on: how many devices share a step is not among them.

        But accelerate's configuration is, where it is used: it may choose another precision or optimiser. Raises
        ModelError if it cannot be read.
        """
        settings = self.model_dump(mode="json", exclude={"devices", "accelerate_config", "samples"})
        settings = {name: value for name, value in settings.items() if value not in USUAL.get(name, ())}
        if self.gradient_checkpointing == "auto":  # the weights are the same
            settings["gradient_checkpointing"] = False
        if self.accelerate_config is None:
            return settings
        try:
            config = Path(self.accelerate_config).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"accelerate_config: {self.accelerate_config} cannot be read: {error}; `accelerate config` makes one"
            ) from error
        return settings if devices == 1 else {**settings, "devices": devices, "accelerate_config": config}
