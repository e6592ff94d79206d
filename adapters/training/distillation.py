"""Train answers written by a stronger model of the suite: asked through the one door, read, counted, marked."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.training.row_prompts import TrainRow
from harness.components.calls import Calls, NotPlannableError
from harness.components.completing import for_model, reading_of
from harness.components.fields import ModelName, Reference
from harness.components.task import Task
from harness.components.trained_model import TrainingInputs
from harness.components.variant import PassageMix, Variant
from harness.errors import ModelError
from harness.records.inputs import JSON, Generation, Prompt, Sample
from harness.records.outputs import Completion, Reading
from harness.text.counting import counted
from harness.text.excerpts import shortened
from harness.text.normalise import normalise

Outcome = Literal["used", "unreadable", "failed", "cut", "wrong"]
QUOTED = 120  # characters of a reason


class Teacher(BaseModel):
    """The model whose answers to the train rows are learnt instead of their targets."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True, title="answers")

    from_: ModelName = Field(alias="from")
    """The model in `models` that writes the answers."""
    as_: Annotated[str | None, Reference("variants")] = Field(None, alias="as")
    """The variant as which the model is asked; null: by the task's own prompt."""
    keep: Literal["all", "right"] = "all"
    """Which answers are learnt: all that can be read, or only those that a row's targets confirm."""

    @property
    def uses_labels(self) -> bool:
        """Whether the targets of the rows decide which answers are learnt."""
        return self.keep == "right"


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What became of one row that a teacher was asked."""

    sample: Sample  # with the teacher's answer as its target, where that is used
    outcome: Outcome
    is_right: bool = False  # whether the answer is one of the row's targets
    reason: str = ""  # why it is not used
    completion: Completion


def check_teacher(teacher: Teacher, inputs: TrainingInputs) -> None:
    """Raise ModelError where the teacher cannot answer a task in the way that the task asks for."""
    for task in inputs.tasks.values():
        if inputs.calls is None or not any(map(task.answer.options, task.data.train)):
            continue
        model, is_first_token = inputs.calls.model(teacher.from_), task.answer.is_first_token
        way = "tell its first tokens" if is_first_token else "score options"
        problem = None if (model.tells_first_token if is_first_token else model.scores_options) else f"it cannot {way}"
        problem = problem or (model.first_token_mistake() if is_first_token else model.scoring_mistake())
        if problem:
            raise ModelError(
                f"answers: {teacher.from_} cannot choose among the options of task {task.name}: {problem}; "
                "use answer: {choice: {by: generation}}, or another model"
            )


@dataclass(frozen=True, kw_only=True)
class TaughtRows:
    """The rows that are learnt, those of tasks with a teacher's answers for targets."""

    rows: tuple[TrainRow, ...]
    notes: Mapping[str, dict[str, JSON]] = field(default_factory=dict)  # by source: the record of its answers
    unknown: str = ""  # what only a run asks before all rows are known
    is_possible: bool = True  # whether a run may have learnt just these rows, because what is unknown failed then


def teach(teacher: Teacher | None, rows: Sequence[TrainRow], inputs: TrainingInputs) -> TaughtRows:
    """Rows of tasks with the teacher's answers; those whose answer cannot be learnt are left out.

    While only planned, rows without a stored answer are left out, or all keep their targets where none has one. Raises
    ModelError where no answer of a task can be used.
    """
    if teacher is None:
        return TaughtRows(rows=tuple(rows))
    answered: dict[int, Sample | None] = {}  # by the row's place
    notes: dict[str, dict[str, JSON]] = {}
    unknown, missing, is_possible = list[str](), 0, True
    for own in dict.fromkeys(row.rows for row in rows if row.rows is not None):
        places = [place for place, row in enumerate(rows) if row.rows == own]
        samples = [rows[place].sample for place in places]
        try:
            lessons = write_answers(teacher, inputs.tasks[own.task], samples, inputs)
        except NotPlannableError as error:
            unknown.append(str(error))
            missing, is_possible = missing + len(samples), False
            continue
        missing += lessons.missing
        if not any(lessons.samples):
            is_possible = False
            continue
        answered.update(zip(places, lessons.samples, strict=True))
        notes[rows[places[0]].source] = {"answers": {"task": own.task, **lessons.record}}
    if missing:
        unknown.append(f"{counted(missing, 'answer')} to be written by {teacher.from_}")
    pairs = [(row, answered.get(place, row.sample)) for place, row in enumerate(rows)]
    return TaughtRows(
        rows=tuple(replace(row, sample=sample) for row, sample in pairs if sample is not None),
        notes=notes,
        unknown=" and ".join(unknown),
        is_possible=is_possible,
    )


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """The rows of a task with a teacher's answers, in their order, and what became of all that were asked."""

    samples: tuple[Sample | None, ...]  # None: the answer cannot be learnt
    record: dict[str, JSON]
    missing: int = 0  # answers that a plan does not have


def write_answers(teacher: Teacher, task: Task, samples: Sequence[Sample], inputs: TrainingInputs) -> Lessons:
    """Ask the teacher each sample, whose answer becomes its target.

    Raises NotPlannableError for what else a plan does not have, ModelError where no answer can be used.
    """
    calls = inputs.calls
    if calls is None:
        raise NotPlannableError("the door to models")
    variant = inputs.variants[teacher.as_] if teacher.as_ else None
    prompts = _prompts(teacher, task, samples, calls, inputs)
    generation = for_model(_generation(task, variant), calls.model(teacher.from_), is_total=False)
    if not calls.planning:
        calls.display.begin(f"answers of {teacher.from_} for {task.name}")
    completions = task.answer.complete(calls, teacher.from_, samples, prompts, generation)
    lessons = [
        _lesson(teacher, task, variant, sample, completion)
        for sample, completion in zip(samples, completions, strict=True)
    ]
    used = sum(lesson.outcome == "used" for lesson in lessons)
    if not calls.planning:
        calls.display.finish(f"{used:,} of {len(lessons):,} can be learnt")
    missing = sum(completion.finish == "error" for completion in completions) if calls.planning else 0
    if lessons and not used and not missing:
        raise ModelError(_nothing_to_learn(teacher, task, lessons))
    return Lessons(
        samples=tuple(lesson.sample if lesson.outcome == "used" else None for lesson in lessons),
        record=_record(teacher, prompts, lessons),
        missing=missing,
    )


def _prompts(
    teacher: Teacher, task: Task, samples: Sequence[Sample], calls: Calls, inputs: TrainingInputs
) -> list[Prompt]:
    if teacher.as_ is None:
        return [task.prompt(sample) for sample in samples]
    variant = inputs.variants[teacher.as_]
    pairs = variant.training_pairs(task, samples, teacher.from_, PassageMix(), calls, inputs.resources)
    return [pair.prompt for pair in pairs]


def _generation(task: Task, variant: Variant | None) -> Generation:
    """The task's options, or those of the variant in whose way the teacher is asked."""
    if variant is not None:
        return variant.generation(task)
    return replace(task.generation, marker=task.answer.marker)


def _lesson(teacher: Teacher, task: Task, variant: Variant | None, sample: Sample, completion: Completion) -> Lesson:
    """A reply that was cut is no answer, whatever can be read from it."""
    if completion.finish == "error":
        return Lesson(sample=sample, outcome="failed", reason=completion.error or "", completion=completion)
    if completion.finish == "length":
        reason = f"the reply was cut after {completion.tokens_out:,} tokens"
        return Lesson(sample=sample, outcome="cut", reason=reason, completion=completion)
    read = task.answer.read if variant is None else variant.reader(task)
    reading = reading_of(read, sample, completion)
    if reading.answer is None:
        return Lesson(sample=sample, outcome="unreadable", reason=reading.reason or "", completion=completion)
    target = task.answer.as_target(completion.text, reading)
    taught = replace(sample, targets=(target,))
    if problem := task.answer.check(taught):
        return Lesson(sample=sample, outcome="unreadable", reason=problem, completion=completion)
    is_right = is_confirmed(task, sample, reading)
    outcome: Outcome = "wrong" if teacher.uses_labels and not is_right else "used"
    return Lesson(sample=taught, outcome=outcome, is_right=is_right, completion=completion)


def is_confirmed(task: Task, sample: Sample, reading: Reading) -> bool:
    """Whether an answer is one of the targets, both read by the task, but for width, case, marks and white space."""
    right = [
        task.answer.read(sample, task.answer.example(replace(sample, targets=(target,)))).answer
        for target in sample.targets
    ]
    return any(_plain(reading.answer, answer) == _plain(answer, answer) for answer in right)


def _plain(answer: JSON, right: JSON) -> JSON:
    """An answer in plain writing; of several fields those that a right one has."""
    if isinstance(answer, dict):
        names = right if isinstance(right, dict) else answer
        return {name: normalise(str(answer[name])) if name in answer else None for name in names}
    return None if answer is None else normalise(str(answer))


def _record(teacher: Teacher, prompts: Sequence[Prompt], lessons: Sequence[Lesson]) -> dict[str, JSON]:
    """What the record of the training says of the answers; equal prompts are one call, which cost what it once did."""
    outcomes = Counter(lesson.outcome for lesson in lessons)
    used = [lesson for lesson in lessons if lesson.outcome == "used"]
    calls = list({prompt: lesson.completion for prompt, lesson in zip(prompts, lessons, strict=True)}.values())
    return {
        "from": teacher.from_,
        "as": teacher.as_,
        "keep": teacher.keep,
        "asked": len(lessons),
        **{outcome: outcomes[outcome] for outcome in ("used", "unreadable", "failed", "cut", "wrong")},
        "right": sum(lesson.is_right for lesson in used),
        "calls": len(calls),
        "tokens_in": sum(completion.tokens_in for completion in calls),
        "tokens_out": sum(completion.tokens_out for completion in calls),
        "seconds": round(sum(completion.seconds for completion in calls), 3),
    }


def _nothing_to_learn(teacher: Teacher, task: Task, lessons: Sequence[Lesson]) -> str:
    """Why, with the most frequent reason."""
    outcomes = Counter(lesson.outcome for lesson in lessons)
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
    reasons = Counter(lesson.reason for lesson in lessons if lesson.reason)
    example = f" (e.g. {shortened(reasons.most_common(1)[0][0], QUOTED)})" if reasons else ""
    return (
        f"answers: none of the {len(lessons):,} answers that {teacher.from_} wrote for task {task.name} can be learnt: "
        f"{counts}{example}; try the model on the task first, or ask it otherwise by as: VARIANT"
    )
