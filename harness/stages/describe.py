"""What is in a task's data, before anything is paid for: sizes, lengths, duplicates, leaks, and one whole prompt."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.components.task import Task
from harness.records.inputs import Prompt, Sample
from harness.statistics.spreads import Spread, spread_of
from harness.text.counting import counted

_LABELS, _COMMONEST = 30, 5  # so many different answers are all listed; of more, only the commonest


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """A task's data in figures; all but `rows` and `skipped` are about the test split."""

    task: str
    rows: Mapping[str, int]  # by split
    skipped: tuple[str, ...]
    notes: tuple[str, ...]  # how one source was divided, and what becomes of system texts of the rows
    unit: Literal["tokens", "characters"]
    lengths: Mapping[str, Spread]  # of input, prompt (all turns as sent, without the chat template) and target
    duplicates: int  # rows that ask the same as an earlier row
    conflicts: int  # of them, those with other right answers than the earlier row
    in_train: int  # rows that ask the same as some row of train
    targets_per_row: Mapping[int, int]  # number of targets → rows
    answers: int  # different right answers
    commonest: Mapping[str, int]  # of them, the most frequent, with their rows: all where they are few
    prompt: Prompt  # the first row's


def describe(task: Task, count_tokens: Callable[[str], int] | None) -> Description:
    """The figures of a task's data; without a tokenizer lengths are in characters. Renders the prompt of every row."""
    test = task.data.test
    measure = len if count_tokens is None else count_tokens
    prompts = [task.prompt(sample) for sample in test]
    texts: dict[str, Iterable[int]] = {
        "input": (measure(sample.input) for sample in test),
        "prompt": (sum(measure(message.content) for message in prompt) for prompt in prompts),
        "target": (measure(target) for sample in test for target in sample.targets),
    }
    questions = [_question(sample) for sample in test]
    first: dict[Hashable, Sample] = {}
    conflicts = sum(
        set(first.setdefault(question, sample).targets) != set(sample.targets)
        for question, sample in zip(questions, test, strict=True)
    )
    answers = Counter(target for sample in test for target in sample.targets)
    taught = {_question(sample) for sample in task.data.train}
    return Description(
        task=task.name,
        rows={"train": len(task.data.train), "validation": len(task.data.validation), "test": len(test)},
        skipped=task.data.skipped,
        notes=tuple(note for note in (task.data.division, _system_note(task)) if note),
        unit="characters" if count_tokens is None else "tokens",
        lengths={name: spread_of(list(values)) for name, values in texts.items()} if test else {},
        duplicates=len(questions) - len(set(questions)),
        conflicts=conflicts,
        in_train=sum(question in taught for question in questions),
        targets_per_row=dict(sorted(Counter(len(sample.targets) for sample in test).items())),
        answers=len(answers),
        commonest=dict(answers.most_common(_LABELS if len(answers) <= _LABELS else _COMMONEST)),
        prompt=prompts[0] if prompts else (),
    )


def _question(sample: Sample) -> Hashable:
    """What makes two rows the same question: a bare "why?" is another one after another history."""
    return sample.input, sample.options, sample.history, sample.system, sample.tools


def _system_note(task: Task) -> str:
    """Where the rows' own system texts stand in prompts; empty where rows have none."""
    count = sum(bool(sample.system) for sample in task.data.test)
    if not count:
        return ""
    if task.template.names("system"):
        place = "shown by the prompt"
    elif task.system is None:
        place = "sent as the system turn"
    elif task.system.names("system"):
        place = "shown by the task's system turn"
    else:
        place = "not shown, because the task states a system turn of its own: write {{ system }} into it to show them"
    return f"system texts of {counted(count, 'test row')}: {place}"
