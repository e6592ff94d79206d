"""What a tuned model learns from: train rows of tasks, mixed with general data, or the texts of knowledge bases."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.training.encoding import Example
from adapters.training.row_prompts import TrainRow, ask_for
from adapters.training.task_rows import TaskRows
from harness.components.model import Rows
from harness.components.task import Task
from harness.components.trained_model import TrainingInputs
from harness.errors import ModelError
from harness.records.inputs import JSON, Sample
from harness.text.counting import counted
from harness.text.normalise import whole_question


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The rows of a training, and where they come from."""

    examples: tuple[Example, ...] | tuple[str, ...]
    validation: tuple[Example, ...] | tuple[str, ...] = ()
    composition: tuple[dict[str, JSON], ...]  # source, kind, rows used, rows that the source has
    questions: Mapping[str, Rows] = field(default_factory=dict)  # by source: what the rows ask
    texts: Mapping[str, Rows] = field(default_factory=dict)  # by source: plain texts
    unknown: str = ""  # what only a run computes before the prompts are known: until then the examples are plainer

    @property
    def rows(self) -> int:
        """Rows of the tasks or texts, mixed-in ones not counted: what a learning curve is drawn over."""
        return sum(int(part["rows"]) for part in self.composition if part["kind"] != "mix")


def read_tasks(
    inputs: TrainingInputs, base: str, on: Sequence[TaskRows], mix: Mapping[str, float], max_samples: int | None,
    validation: float,
) -> TrainingData:  # fmt: skip
    """The train rows of tasks as they are asked at inference, at most `max_samples`, and general data beside.

    Which rows are used depends on the suite's seed alone: more rows contain the fewer, and trainings that differ in
    their own seed see the same. Raises ModelError.
    """
    train = [row for rows in on for row in _task_rows(inputs.tasks[rows.task], rows, "train")]
    random.Random(f"{inputs.seed}|rows").shuffle(train)
    validation_rows = [row for rows in on for row in _task_rows(inputs.tasks[rows.task], rows, "validation")]
    if not validation_rows and validation:
        count = math.ceil(validation * len(train))
        validation_rows, train = train[:count], train[count:]
        if not train:
            raise ModelError(f"validation: {validation} keeps all {count} rows and leaves none to train on; lower it")
    if max_samples is not None and max_samples > len(train):
        names = " and ".join(inputs.tasks)
        verb = "has" if len(inputs.tasks) == 1 else "have"
        raise ModelError(f"{max_samples} rows are asked for, but {names} {verb} {len(train)} to train on")
    train = train[:max_samples]
    sizes = {_source(own, "train"): len(inputs.tasks[own.task].data.train) for own in on}
    rows = list(train)
    for name, ratio in mix.items():
        data = inputs.read_dataset(name)
        samples = [*data.train, *data.validation, *data.test]
        sizes[f"mix {name}"] = len(samples)
        rows += _mixed_rows(name, samples, round(ratio * len(train)), inputs.seed)
    train_prompts, validation_prompts = ask_for(inputs, base, rows), ask_for(inputs, base, validation_rows)
    return TrainingData(
        examples=train_prompts.examples,
        validation=validation_prompts.examples,
        composition=tuple(
            {**_part(source, rows, size), **train_prompts.notes.get(source, {})} for source, size in sizes.items()
        ),
        questions=_questions([*rows, *validation_rows]),  # the validation rows choose the checkpoint
        unknown=train_prompts.unknown or validation_prompts.unknown,
    )


def _part(source: str, rows: Sequence[TrainRow], size: int) -> dict[str, JSON]:
    """How many of a source's rows are used."""
    used = sum(row.source == source for row in rows)
    return {"source": source, "kind": "mix" if source.startswith("mix ") else "task", "rows": used, "of": size}


def _questions(rows: Sequence[TrainRow]) -> dict[str, Rows]:
    """What the rows of each source ask."""
    questions: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        questions.setdefault(row.source, []).append((row.sample.id, whole_question(row.sample)))
    return dict(questions)


def read_texts(inputs: TrainingInputs, max_samples: int | None) -> TrainingData:
    """The passages of knowledge bases as plain texts, for continued pretraining."""
    passages = [(name, passage) for name, base in inputs.knowledge.items() for passage in base.passage_set().passages]
    sizes = {name: sum(owner == name for owner, _ in passages) for name in inputs.knowledge}
    random.Random(f"{inputs.seed}|rows").shuffle(passages)
    passages = passages[:max_samples]
    texts = {
        name: [(passage.id, passage.text) for owner, passage in passages if owner == name] for name in inputs.knowledge
    }
    return TrainingData(
        examples=tuple(passage.text for _, passage in passages),
        composition=tuple(
            {"source": f"texts of {name}", "kind": "texts", "rows": len(texts[name]), "of": size}
            for name, size in sizes.items()
        ),
        texts={f"texts of {name}": rows for name, rows in texts.items()},
    )


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


def _mixed_rows(name: str, samples: Sequence[Sample], count: int, seed: int) -> list[TrainRow]:
    """`count` rows of a data set, or all if it has fewer, as conversations that know nothing of the suite's tasks."""
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
    random.Random(f"{seed}|mix {name}").shuffle(answered)
    return [TrainRow(f"mix {name}", sample) for sample in answered[:count]]
