"""The prompts that train rows are learnt with: the task's own, or those of a variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.training.encoding import Example
from adapters.training.task_rows import TaskRows
from harness.components.calls import NotPlannableError
from harness.components.task import Task
from harness.components.trained_model import TrainingInputs
from harness.components.variant import TrainingPair
from harness.errors import ModelError
from harness.records.inputs import JSON, Message, Sample


@dataclass(frozen=True)
class TrainRow:
    """A row of a task or a data set that is to be learnt."""

    source: str
    sample: Sample
    rows: TaskRows | None = None  # how it is asked for; None: a conversation of a data set


@dataclass(frozen=True)
class RowPrompts:
    """Rows with their prompts, in the rows' order."""

    examples: tuple[Example, ...]
    notes: Mapping[str, dict[str, JSON]] = field(default_factory=dict)  # by source: what the prompts show
    unknown: str = ""  # what only a run computes before they are known; until then they are the task's own


def ask_for(inputs: TrainingInputs, base: str, rows: Sequence[TrainRow]) -> RowPrompts:
    """The prompts of rows for a model made of `base`. Rows asked as one variant are asked together.

    Raises ModelError where a share of gold passages is asked for and none is known.
    """
    examples: dict[int, Example] = {}
    notes: dict[str, dict[str, JSON]] = {}
    unknown = ""
    for own in dict.fromkeys(row.rows for row in rows):
        numbers = [number for number, row in enumerate(rows) if row.rows == own]
        samples = [rows[number].sample for number in numbers]
        if own is None:
            pairs = [conversation(sample) for sample in samples]
        elif own.as_ is None:
            pairs = _plain(inputs.tasks[own.task], samples)
        else:
            try:
                training_pairs = _pairs_of(inputs, base, own, samples)
                notes[rows[numbers[0]].source] = _note(own, training_pairs)
                pairs = [
                    Example(pair.prompt, pair.reply, len(sample.history))
                    for sample, pair in zip(samples, training_pairs, strict=True)
                ]
            except NotPlannableError as error:
                unknown, pairs = str(error), _plain(inputs.tasks[own.task], samples)
        examples.update(zip(numbers, pairs, strict=True))
    return RowPrompts(tuple(examples[number] for number in range(len(rows))), notes, unknown)


def _plain(task: Task, samples: Sequence[Sample]) -> list[Example]:
    return [Example(task.prompt(sample), task.answer.example(sample), len(sample.history)) for sample in samples]


def _pairs_of(inputs: TrainingInputs, base: str, own: TaskRows, samples: Sequence[Sample]) -> list[TrainingPair]:
    if inputs.calls is None:
        raise NotPlannableError(f"the prompts of {own.as_}")
    variant, task = inputs.variants[str(own.as_)], inputs.tasks[own.task]
    pairs = variant.training_pairs(task, samples, base, own.mix, inputs.calls, inputs.resources)
    if own.gold and samples and not any(pair.has_gold for pair in pairs):
        raise ModelError(
            f"on: gold: {own.gold:g}: {own.as_} knows the right passage of no {own.task} row; say by gold: in "
            "knowledge how it is known, or leave gold out"
        )
    return pairs


def _note(own: TaskRows, pairs: Sequence[TrainingPair]) -> dict[str, JSON]:
    """What the rows of a source were shown, for the record of the training."""
    passages = [pair.passages for pair in pairs]
    if not any(passages):
        return {"as": own.as_}
    return {
        "as": own.as_,
        "without_passages": passages.count(0),
        "with_gold": sum(pair.has_gold for pair in pairs),
        "gold": own.gold,
        "distractors": own.distractors,
    }


def conversation(sample: Sample) -> Example:
    """A row of a data set, which knows nothing of the suite's tasks."""
    system = sample.system or sample.meta.get("system")
    opening = (Message("system", str(system)),) if system else ()
    history = tuple(
        turn for user, assistant in sample.history for turn in (Message("user", user), Message("assistant", assistant))
    )
    return Example((*opening, *history, Message("user", sample.input)), sample.targets[0], len(sample.history))
