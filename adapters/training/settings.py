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
USUAL: dict[str, tuple[JSON, ...]] = {"turns": ("last",), "weights": ("auto", "float32"), "schedule_options": ({},)}
# added since trainings are kept: with these values they are no part of the content, and older trainings are the same


class Recipe(BaseModel):
    """The settings of a training. One step is `batch_size` × `accumulation` rows, on however many devices.

    Several devices share the rows of each step: `accumulation` is divided by their number as far as it goes, then the
    rows at a time. So the training is the same one, and their number is no part of its identity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: Annotated[Annotated[float, Field(gt=0)], Choices()] = 3.0
    max_steps: int | None = Field(None, ge=1)  # ends earlier than the epochs would
    learning_rate: Annotated[Annotated[float, Field(gt=0)] | None, Choices()] = None  # the method's own when not given
    batch_size: Annotated[Annotated[int, Field(ge=1)], Choices()] = 16  # rows at a time on a device, at most; halved
    # when memory runs out
    accumulation: int = Field(1, ge=1)  # batches a step
    cutoff: int = Field(2048, ge=8)  # tokens; a longer row loses its oldest turns, and is left out if still too long
    schedule: Annotated[ScheduleName, Choices()] = "cosine"  # how the rate goes, by transformers' name
    schedule_options: dict[str, Option] = Field({})  # what the schedule can be told, by transformers' name
    warmup: Annotated[Annotated[float, Field(ge=0, lt=1)], Choices()] = 0.05  # part of the steps
    weight_decay: Annotated[Annotated[float, Field(ge=0)], Choices()] = 0.0
    max_grad_norm: float = Field(1.0, gt=0)
    loss: Literal["answer", "all"] = "answer"  # which tokens are learnt: the answer's, or the prompt's too
    turns: Literal["last", "all"] = "last"  # which answers of a dialogue are learnt: its last, or the row's earlier too
    precision: Literal["auto"] | Precision = "auto"  # auto: as the base computes, which goes by the hardware
    weights: Literal["auto", "float32", "bfloat16"] = "auto"  # in which trained weights, gradients and the optimiser's
    # state are kept; auto: float32, whatever is computed in; bfloat16: for full and freeze, half the memory
    packing: bool = False  # join short rows up to the cutoff; they do not see each other
    group_by_length: bool = True  # rows of similar length together: less padding
    gradient_checkpointing: bool = False  # compute activations twice: less memory, a third more time
    optimiser: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"] | None = None
    evaluate_every: int | None = Field(None, ge=1)  # steps between evaluations on the validation rows; None: each epoch
    patience: int | None = Field(None, ge=1)  # stop after so many evaluations without a better loss; None: never
    save_every: int | None = Field(None, ge=1)  # steps between checkpoints; None: at each evaluation, at least ten
    samples: int = Field(3, ge=0, le=20)  # rows that are answered before, during and after, to be looked at
    seed: int | None = Field(None, ge=0)  # the suite's when not given
    devices: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"  # auto: all CUDA devices, else the CPU
    accelerate_config: Annotated[str | None, LocalPath()] = None  # a file of `accelerate config`, e.g. for FSDP or
    # DeepSpeed; used where there is more than one device

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
        if self.accelerate_config is None:
            return settings
        try:
            config = Path(self.accelerate_config).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"accelerate_config: {self.accelerate_config} cannot be read: {error}; `accelerate config` makes one"
            ) from error
        return settings if devices == 1 else {**settings, "devices": devices, "accelerate_config": config}
