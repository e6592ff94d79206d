"""Answers that another tool made, so that its runs are compared with ours on the same items by the same metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from baselines.foreign_answers.answer_file import FileFormat, pairing_with
from baselines.foreign_answers.answer_rows import AnswerColumns, AnswerRow
from baselines.foreign_answers.pairing import PairedAnswers, listed
from harness.components.calls import Calls
from harness.components.fields import LocalPath
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.errors import HarnessError, nearest
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.text.counting import counted


class Answers(Variant):
    """Answers that another tool made, from a file: scored like all others, at a cost that is not known here.

    A jsonl, json, csv, tsv or xlsx table, lm-eval's samples_*.jsonl, LLaMA-Factory's generated_predictions.jsonl, or a
    log of inspect (.json, .eval). Each answer is paired with its item by id, or else by the item's input, never by its
    place alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, serialize_by_alias=True)
    is_foreign: ClassVar[bool] = True

    from_: Annotated[str | dict[str, str], LocalPath()] = Field(alias="from")
    """The file with the answers; in a suite of several tasks {TASK: file}."""
    format: FileFormat = "auto"
    """The form of the file; auto: by its suffix and its columns."""
    id: str | None = None
    """The column with the ids of the items; null: id, sample_id or item_id."""
    answer_column: str | None = Field(None, alias="answer")
    """The column of the replies; null: prediction, response, reply and the like."""
    input: str | None = None
    """The column with what was asked, for a file without ids; null: the one that fits."""
    target: str | None = None
    """A column with the right answers, which then have to be the task's; null: none is compared."""
    missing: Literal["error", "unknown"] = "error"
    """An item without an answer is refused, or has unknown scores, which lowers coverage."""

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        """What keeps the file from being this task's: another test set, items that are missing or stand twice."""
        unknown = [name for name in self._files if name and name not in resources.metrics]
        if unknown:
            return [f"from: there is no task '{name}' ({nearest(name, resources.metrics)})" for name in unknown]
        path = self._path(task)
        if path is None:
            return []
        try:
            missing = self._paired(path, task).missing
        except HarnessError as error:
            return list(error.lines)
        if not missing or self.missing == "unknown":
            return []
        return [
            f"{Path(path).name} has no answer to {counted(len(missing), 'item')} of {len(task.data.whole_test):,} "
            f"({listed(missing)}); add them, or set missing: unknown, which counts them as unknown"
        ]

    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        path = self._path(task)
        if path is None:
            why = f"no file of answers is named for the task {task.name}"
            return [_unanswered(sample, task, calls, why) for sample in samples]
        answers, name = self._paired(path, task), Path(path).name
        if answers.extra and not calls.planning:
            calls.display.note(
                f"{task.name} × {calls.cell.variant}: {name} answers {counted(len(answers.extra), 'further item')} "
                f"that the task does not have ({listed(answers.extra)}): left out"
            )
        return [self._prediction(sample, task, calls, answers, name) for sample in samples]

    def sources(self) -> tuple[str, ...]:
        return tuple(self._files.values())

    @property
    def _files(self) -> Mapping[str, str]:
        """By task; a single file is under no name."""
        return self.from_ if isinstance(self.from_, dict) else {"": self.from_}

    def _path(self, task: Task) -> str | None:
        """The file for a task; none for a probe of what a knowledge base changes, which nobody asked elsewhere."""
        return None if task.origin else self._files.get(task.name) or self._files.get("")

    def _paired(self, path: str, task: Task) -> PairedAnswers:
        columns = AnswerColumns(id=self.id, answer=self.answer_column, input=self.input, target=self.target)
        return pairing_with(path, self.format, columns, task.data.whole_test)

    def _prediction(self, sample: Sample, task: Task, calls: Calls, answers: PairedAnswers, name: str) -> Prediction:
        row = answers.rows.get(sample.id)
        if row is None:
            return _unanswered(sample, task, calls, f"{name} has no answer to this item")
        if row.text is None or row.error is not None:
            reason = row.error or "it holds no text"
            return _unanswered(sample, task, calls, f"{name}, line {row.line}: {reason}")
        return Prediction(
            sample_id=sample.id,
            task=task.name,
            variant=calls.cell.variant,
            messages=(),
            text=row.text,
            reading=task.answer.read_foreign(sample, row.text),
            logprobs=_logprobs(row, sample),
            notes=(f"made elsewhere: {name}, line {row.line}, paired {answers.way}",),
        )


def _logprobs(row: AnswerRow, sample: Sample) -> tuple[float, ...] | None:
    return row.logprobs if row.logprobs is not None and len(row.logprobs) == len(sample.options) else None


def _unanswered(sample: Sample, task: Task, calls: Calls, reason: str) -> Prediction:
    return Prediction(
        sample_id=sample.id,
        task=task.name,
        variant=calls.cell.variant,
        messages=(),
        text="",
        reading=Reading(),
        finish="error",
        error=reason,
    )
