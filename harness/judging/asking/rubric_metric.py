"""What the metrics share that ask a judge by a rubric: which one, and what it makes impossible."""

from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Self

from pydantic import computed_field, field_serializer, model_validator

from harness.components.fields import LocalPath
from harness.components.metric import Scale
from harness.components.task import Task
from harness.errors import HarnessError
from harness.judging.asking.judge_metric import JudgeMetric
from harness.judging.rubric import rubric as rubrics
from harness.judging.rubric.rubric import Rubric
from harness.judging.rubric.rubric_check import LANGUAGES
from harness.records.inputs import Language, Prompt


class RubricMetric(JudgeMetric):
    """Base of metrics that ask judges by a rubric."""

    rubric: Annotated[str, LocalPath(or_name=True)] = "score100"
    """A shipped rubric (score100, five_dimensions, clinical), or the path of a YAML file."""

    @field_serializer("rubric")
    def _rubric_name(self, value: str) -> str:
        return Path(value).name  # a path of one machine says nothing on another

    @computed_field  # type: ignore[prop-decorator]
    @property
    def rubric_sha256(self) -> str:
        """Of the rubric as it was used."""
        return sha256(self.rules.text.encode()).hexdigest()

    @model_validator(mode="after")
    def _with_a_rubric(self) -> Self:
        try:
            _ = self.rules
        except HarnessError as error:
            raise ValueError("; ".join(error.lines)) from error
        return self

    @cached_property
    def rules(self) -> Rubric:
        """The rubric. Where the task is to say in which language, and none has yet, the first that it has.

        Raises HarnessError with its mistakes.
        """
        if self.language != "auto":
            return rubrics.load(self.rubric, self.language)
        return rubrics.load(self.rubric, next(iter(rubrics.languages(self.rubric)), LANGUAGES[0]))

    def languages(self) -> tuple[Language, ...]:
        return rubrics.languages(self.rubric)

    def longest_prompt(self, question: str, reference: str | None) -> Prompt:
        if self.pairwise:
            return self.rules.comparison(question, "", "", reference)
        return self.rules.messages(question, "", reference)

    def check_task(self, task: Task) -> str | None:
        if not self.rules.needs_reference():
            return None
        blank = [sample.id for sample in task.data.test if not self.reference(task, sample)]
        return f"rubric {self.rules.name} needs a reference answer, {blank[0]} has none" if blank else None


def scale(rubric: Rubric) -> Scale:
    """The scale of a rubric's scores."""
    return Scale(rubric.low, rubric.high, "higher")
