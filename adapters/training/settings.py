"""How a training goes: everything that is not the model, the method or the data."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.components.fields import LocalPath
from harness.errors import ModelError
from harness.records.inputs import JSON

Precision = Literal["float32", "bfloat16", "float16"]


class Recipe(BaseModel):
    """The settings of a training. One step is `batch_size` × `accumulation` rows, on however many devices.

    Several devices share the rows of each step: `accumulation` is divided by their number as far as it goes, then the
    rows at a time. So the training is the same one, and their number is no part of its identity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: float = Field(3.0, gt=0)
    max_steps: int | None = Field(None, ge=1)  # ends earlier than the epochs would
    learning_rate: float | None = Field(None, gt=0)  # the method's own when not given
    batch_size: int = Field(16, ge=1)  # rows at a time on a device, at most; halved when memory runs out
    accumulation: int = Field(1, ge=1)  # batches a step
    cutoff: int = Field(2048, ge=8)  # tokens; a longer row loses its oldest turns, and is left out if still too long
    schedule: Literal["linear", "cosine", "constant"] = "cosine"
    warmup: float = Field(0.05, ge=0, lt=1)  # part of the steps
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    loss: Literal["answer", "all"] = "answer"  # which tokens are learnt: the answer's, or the prompt's too
    precision: Literal["auto"] | Precision = "auto"  # auto: as the base computes, which goes by the hardware
    packing: bool = False  # join short rows up to the cutoff; they do not see each other
    group_by_length: bool = True  # rows of similar length together: less padding
    gradient_checkpointing: bool = False  # compute activations twice: less memory, a third more time
    optimiser: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"] | None = None
    evaluate_every: int | None = Field(None, ge=1)  # steps between evaluations on the validation rows; None: each epoch
    patience: int | None = Field(None, ge=1)  # stop after so many evaluations without a better loss; None: never
    save_every: int | None = Field(None, ge=1)  # steps between checkpoints; None: at each evaluation, at least ten
    seed: int | None = Field(None, ge=0)  # the suite's when not given
    devices: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"  # auto: all CUDA devices, else the CPU
    accelerate_config: Annotated[str | None, LocalPath()] = None  # a file of `accelerate config`, e.g. for FSDP or
    # DeepSpeed; used where there is more than one device

    def content(self, devices: int) -> dict[str, JSON]:
        """The settings that the weights depend on: how many devices share a step is not among them.

        But accelerate's configuration is, where it is used: it may choose another precision or optimiser. Raises
        ModelError if it cannot be read.
        """
        settings = self.model_dump(mode="json", exclude={"devices", "accelerate_config"})
        if self.accelerate_config is None:
            return settings
        try:
            config = Path(self.accelerate_config).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"accelerate_config: {self.accelerate_config} cannot be read: {error}; `accelerate config` makes one"
            ) from error
        return settings if devices == 1 else {**settings, "devices": devices, "accelerate_config": config}
