"""Train answers written by a stronger model of the suite: asked through the one door, read, counted, marked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.components.calls import Calls, NotPlannableError
from harness.components.completing import complete, for_model, reading_of
from harness.components.fields import ModelName, Reference
from harness.components.task import Task
from harness.components.trained_model import TrainingInputs
from harness.components.variant import PassageMix, Variant
from harness.errors import ModelError
from harness.records.inputs import JSON, Generation, Prompt, Sample
from harness.records.outputs import Completion, Reading
from harness.text.excerpts import shortened
from harness.text.normalise import normalise

Outcome = Literal["used", "unreadable", "failed", "cut", "wrong"]
QUOTED = 120  # characters of a reason


class Teacher(BaseModel):
    """The model whose answers to the train rows are learnt instead of their targets."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True, title="answers")

    from_: ModelName = Field(alias="from")  # writes the answers
    as_: Annotated[str | None, Reference("variants")] = Field(None, alias="as")  # asked as this variant asks; None: by
    # the task's own prompt
    keep: Literal["all", "right"] = "all"  # right: only answers that a row's targets confirm

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


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """The rows of a task with a teacher's answers, in their order, and what became of all that were asked."""

    by_id: dict[str, Sample] = field(default_factory=dict)  # only those that are used
    record: dict[str, JSON] = field(default_factory=dict)


def write_answers(teacher: Teacher, task: Task, samples: Sequence[Sample], inputs: TrainingInputs) -> Lessons:
    """Ask the teacher each sample, whose answer becomes its target; those that cannot be learnt are left out.

    Raises NotPlannableError while only planned and not all answers are stored, ModelError where none can be used.
    """
    calls = inputs.calls
    if calls is None:
        raise NotPlannableError(f"{len(samples):,} answers to be written by {teacher.from_}")
    variant = inputs.variants[teacher.as_] if teacher.as_ else None
    prompts = _prompts(teacher, task, samples, calls, inputs)
    generation = for_model(_generation(task, variant), calls.model(teacher.from_), is_total=False)
    completions = complete(calls, teacher.from_, task, samples, prompts, generation)
    missing = sum(completion.finish == "error" for completion in completions)
    if calls.planning and missing:
        raise NotPlannableError(f"{missing:,} answers to be written by {teacher.from_}")
    lessons = [
        _lesson(teacher, task, variant, sample, completion)
        for sample, completion in zip(samples, completions, strict=True)
    ]
    if samples and not any(lesson.outcome == "used" for lesson in lessons):
        raise ModelError(_nothing_to_learn(teacher, task, lessons))
    return Lessons(
        by_id={lesson.sample.id: lesson.sample for lesson in lessons if lesson.outcome == "used"},
        record=_record(teacher, prompts, lessons),
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
