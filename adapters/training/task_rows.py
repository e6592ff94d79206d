"""The train rows of a task as a model learns them: by the task's own prompt, or as a variant would ask for them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.components.fields import Reference
from harness.components.variant import PassageMix


class TaskRows(BaseModel):
    """The train rows of a task, asked as a variant asks: its examples, passages and template, whatever its model."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, serialize_by_alias=True, title="task rows",
    )  # fmt: skip

    task: Annotated[str, Reference("tasks")]
    """The task whose train rows are learnt."""
    as_: Annotated[str | None, Reference("variants")] = Field(None, alias="as")
    """The variant as which the rows are asked: its examples, passages and template; null: by the task's own prompt."""
    gold: float | None = Field(None, ge=0, le=1)
    """Share of the rows that see their right passage, while the others see none that is right; null: as retrieved."""
    distractors: int = Field(0, ge=0)
    """Irrelevant passages that are mixed into each row's."""
    max_samples: int | None = Field(None, ge=1)
    """Most rows of this task; null: all."""

    @model_validator(mode="after")
    def _passages_fit(self) -> "TaskRows":
        if self.as_ is None and (self.gold is not None or self.distractors):
            raise ValueError("gold and distractors are about passages; name the variant that shows them, e.g. as: rag")
        return self

    @property
    def key(self) -> tuple[str, str | None]:
        """No two entries of a model may have the same task and variant."""
        return self.task, self.as_

    @property
    def mix(self) -> PassageMix:
        """The passages that its rows are shown."""
        return PassageMix(gold=self.gold, distractors=self.distractors)

    def as_deployed(self) -> "TaskRows":
        """The same rows with the passages that retrieval gives, as test items are asked."""
        return self.model_copy(update={"gold": None, "distractors": 0})
