"""Which rows a training takes: drawn by the suite's seed, before anybody is asked anything."""

import math
import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from adapters.training.distillation import Teacher
from adapters.training.mixing import Share
from adapters.training.row_prompts import TrainRow
from adapters.training.task_rows import TaskRows
from harness.components.task import Task
from harness.components.trained_model import TrainingInputs
from harness.errors import ModelError
from harness.records.inputs import Sample
from harness.text.counting import counted

MIXED, TEXTS = "mix ", "texts of "  # how sources begin that are no rows of tasks


@dataclass(frozen=True, kw_only=True)
class RowChoice:
    """Which rows a training learns, as the suite says it."""

    on: Sequence[TaskRows] = ()
    mix: Mapping[str, Share] = field(default_factory=dict)  # by data set
    max_samples: int | None = None  # of the rows of tasks and texts together
    validation: float = 0.0  # part of the tasks' rows to keep back, where no task has the split
    answers: Teacher | None = None  # who writes the answers of the tasks' train rows; None: they are the targets


@dataclass(frozen=True)
class TextRow:
    """A passage that is learnt whole, as plain text."""

    source: str
    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class DrawnRows:
    """The rows of a training."""

    train: tuple[TrainRow | TextRow, ...]
    validation: tuple[TrainRow, ...]  # they choose the checkpoint
    sizes: Mapping[str, int]  # rows that each source has


def draw(inputs: TrainingInputs, choice: RowChoice) -> DrawnRows:
    """The rows of tasks and texts, at most as many as the choice says, and general data beside.

    Which rows are used depends on the suite's seed alone: more rows contain the fewer, and trainings that differ in
    their own seed see the same. Raises ModelError.
    """
    own = [row for rows in choice.on for row in _task_rows(inputs.tasks[rows.task], rows, "train")]
    passages = _passages(inputs)
    sizes = {_source(rows, "train"): len(inputs.tasks[rows.task].data.train) for rows in choice.on}
    sizes |= {f"{TEXTS}{name}": sum(row.source == f"{TEXTS}{name}" for row in passages) for name in inputs.knowledge}
    domain: list[TrainRow | TextRow] = [*own, *passages]
    random.Random(f"{inputs.seed}|rows").shuffle(domain)
    validation = [row for rows in choice.on for row in _task_rows(inputs.tasks[rows.task], rows, "validation")]
    if not validation and choice.validation:
        validation = _rows_to_watch(domain, choice.validation)
        watched = {(row.rows.task, row.sample.id) for row in validation if row.rows}
        domain = [row for row in domain if not _is_of(row, watched)]
    domain = _limited(domain, inputs, choice)
    mixed: list[TrainRow] = []
    for name, share in choice.mix.items():
        if not share.is_empty:
            rows, sizes[f"{MIXED}{name}"] = _mixed_rows(name, share, len(domain), inputs)
            mixed += rows
    remaining = domain if all(share.keeps_domain for share in choice.mix.values()) else []
    return DrawnRows(train=(*remaining, *mixed), validation=tuple(validation), sizes=sizes)


def _rows_to_watch(domain: Sequence[TrainRow | TextRow], part: float) -> list[TrainRow]:
    """The last of the tasks' rows, which are watched instead of learnt, each in all the ways in which it is asked.

    The first are learnt: those that a knowledge base of as many rows has as names.
    """
    own = [row for row in domain if isinstance(row, TrainRow)]
    rows = list(dict.fromkeys((row.rows.task, row.sample.id) for row in own if row.rows))
    count = math.ceil(part * len(rows))
    if count >= len(rows):
        raise ModelError(f"validation: {part} keeps all {count} rows and leaves none to train on; lower it")
    watched = set(rows[-count:])
    return [row for row in own if _is_of(row, watched)]


def _is_of(row: TrainRow | TextRow, rows: Set[tuple[str, str]]) -> bool:
    """Whether it is one of the rows of tasks, however it is asked."""
    return isinstance(row, TrainRow) and row.rows is not None and (row.rows.task, row.sample.id) in rows


def _limited(
    domain: Sequence[TrainRow | TextRow], inputs: TrainingInputs, choice: RowChoice
) -> list[TrainRow | TextRow]:
    """The first rows in their order: of a task with a number of its own so many, then of all together."""
    remaining: list[TrainRow | TextRow] = list(domain)
    for rows in choice.on:
        own = [row for row in remaining if isinstance(row, TrainRow) and row.rows == rows]
        if rows.max_samples is not None:
            _refuse_more(rows.max_samples, [rows.task], len(own))
            surplus = set(map(id, own[rows.max_samples :]))
            remaining = [row for row in remaining if id(row) not in surplus]
    if choice.max_samples is not None:
        _refuse_more(choice.max_samples, [*inputs.tasks, *inputs.knowledge], len(remaining))
    return remaining[: choice.max_samples]


def _refuse_more(count: int, names: Sequence[str], available: int) -> None:
    if count > available:
        verb = "has" if len(names) == 1 else "have"
        raise ModelError(f"{count} rows are asked for, but {' and '.join(names)} {verb} {available} to train on")


def _passages(inputs: TrainingInputs) -> list[TextRow]:
    return [
        TextRow(f"{TEXTS}{name}", passage.id, passage.text)
        for name, knowledge in inputs.knowledge.items()
        for passage in knowledge.passage_set().passages
    ]


def _task_rows(task: Task, rows: TaskRows, split: str) -> list[TrainRow]:
    samples: Sequence[Sample] = getattr(task.data, split)
    if not samples and split == "train":
        raise ModelError(f"on: task {task.name} has no train rows; give its data a train split")
    blank = [sample.id for sample in samples if not any(target.strip() for target in sample.targets)]
    if blank:
        raise ModelError(
            f"on: {len(blank)} of {len(samples)} {split} rows of task {task.name} have no target "
            f"(first: {blank[0]}); name the column that holds it"
        )
    return [TrainRow(_source(rows, split), sample, rows) for sample in samples]


def _source(rows: TaskRows, split: str) -> str:
    """The rows as the record of a training and the check of leakage name them."""
    return f"{split} rows of {rows.task}" + (f", asked as {rows.as_}" if rows.as_ else "")


def _mixed_rows(name: str, share: Share, domain: int, inputs: TrainingInputs) -> tuple[list[TrainRow], int]:
    """Rows of a data set, as conversations that know nothing of the suite's tasks; and how many rows it has."""
    data = inputs.read_dataset(name)
    samples = [*data.train, *data.validation, *data.test]
    answered = [sample for sample in samples if any(target.strip() for target in sample.targets)]
    if not answered:
        raise ModelError(f"mix: data set {name} has no row with an answer")
    if any(sample.options for sample in answered):
        raise ModelError(f"mix: data set {name} has options to choose from, which only a task shows; name it in on")
    with_tools = [sample.id for sample in answered if sample.tools]
    if with_tools:
        raise ModelError(
            f"mix: data set {name}: {counted(len(with_tools), 'row')}, the first {with_tools[0]}, with tools, which "
            "only the prompt of a task can show; leave them out, or name a task with {{ tools }} in its prompt in on"
        )
    if share.most is not None and share.most > len(answered):
        raise ModelError(
            f"mix: max_samples: {share.most} rows are asked for, but data set {name} has {len(answered)} with an answer"
        )
    random.Random(f"{inputs.seed}|mix {name}").shuffle(answered)
    count = share.count(domain, len(answered))
    return [TrainRow(f"{MIXED}{name}", sample) for sample in answered[:count]], len(samples)
