"""The parameters of a training that say what is learnt: tasks, texts, general data, and who writes the answers."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.training.distillation import Teacher
from adapters.training.mixing import Mix, Share, mixing_mistake
from adapters.training.row_choice import RowChoice
from adapters.training.task_rows import TaskRows
from harness.components.fields import Reference


class LearntRows(BaseModel):
    """What a training learns."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    on: list[Annotated[str, Reference("tasks")] | TaskRows] = Field([])
    """Tasks whose train rows are learnt, each by its name, or as {task: NAME, as: VARIANT} the way that variant asks
    for them."""
    texts: list[Annotated[str, Reference("knowledge")]] = Field([])
    """Knowledge bases whose passages are read as plain text (continued pretraining), alone or beside `on`."""
    mix: dict[Annotated[str, Reference("datasets")], Mix] = Field({})
    """General data beside the rows of tasks and texts, by the names in `datasets`: a ratio (0.5, or domain:general such
    as 1:1), or {ratio: 0.5, max_samples: 500}."""
    max_samples: int | None = Field(None, ge=1)
    """Most rows of tasks and texts together; null: all."""
    validation: float = Field(0.0, ge=0, lt=1)
    """Share of the tasks' train rows that is kept back to watch the loss, where no task has validation rows."""
    answers: Teacher | None = None
    """The teacher: {from: MODEL} writes the answers to the tasks' train rows, which are learnt instead of the targets;
    null: the targets."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        has_domain = bool(self.on or self.texts)
        if not (has_domain or self.mix):
            raise ValueError("name tasks to learn (on: [...]), knowledge to read (texts: [...]) or general data (mix)")
        if not self.on and (self.validation or self.answers):
            raise ValueError("validation and answers belong to training on tasks (on: [...])")
        if not has_domain and self.max_samples:
            raise ValueError("max_samples counts rows of tasks and texts; write mix: {NAME: {max_samples: N}}")
        if mistake := mixing_mistake(self.mix, has_domain):
            raise ValueError(mistake)
        if self.answers and not all(share.keeps_domain for share in self.shares.values()):
            raise ValueError("answers: mix leaves out the rows of the tasks (0:…), so there is nothing to be answered")
        for name, entries in (("on", [rows.key for rows in self.task_rows]), ("texts", self.texts)):
            if len(set(entries)) < len(entries):
                raise ValueError(f"{name} names an entry twice")
        return self

    @property
    def task_rows(self) -> list[TaskRows]:
        """The tasks that it learns, and how their rows are asked for."""
        return [TaskRows(task=entry) if isinstance(entry, str) else entry for entry in self.on]

    @property
    def shares(self) -> dict[str, Share]:
        """How much of each data set is mixed in."""
        return {name: Share.of(mix) for name, mix in self.mix.items()}

    @property
    def choice(self) -> RowChoice:
        """The rows that are learnt."""
        return RowChoice(
            on=self.task_rows,
            mix=self.shares,
            max_samples=self.max_samples,
            validation=self.validation,
            answers=self.answers,
        )
