"""What a tuned model learns from: train rows of tasks, mixed with general data, or the texts of knowledge bases."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.training.encoding import Example
from harness.errors import ModelError
from harness.records.inputs import JSON, Message, Sample
from harness.text.normalise import whole_question

if TYPE_CHECKING:
    from harness.components.task import Task
    from harness.suite.suite import Suite

Rows = Sequence[tuple[str, str]]  # (place, text)


@dataclass(frozen=True)
class Lessons:
    """The rows of a training, and where they come from."""

    examples: tuple[Example, ...] | tuple[str, ...]
    validation: tuple[Example, ...] | tuple[str, ...]
    composition: tuple[dict[str, JSON], ...]  # source, rows taken, rows there are
    asked: Mapping[str, Rows] = field(default_factory=dict)  # by source: what each row asks
    texts: Mapping[str, Rows] = field(default_factory=dict)  # by source: plain texts

    @property
    def rows(self) -> int:
        """Rows of the tasks or texts, mixed-in ones not counted: what a learning curve is drawn over."""
        own = [part for part in self.composition if part["kind"] != "mix"]
        return sum(int(part["rows"]) for part in own)


@dataclass(frozen=True)
class _Row:
    source: str
    kind: str
    sample: Sample
    example: Example

    @property
    def asked(self) -> tuple[str, str]:
        return self.sample.id, whole_question(self.sample)


def from_tasks(
    suite: "Suite", tasks: "Mapping[str, Task]", on: Sequence[str], mix: Mapping[str, float],
    most: int | None, held_out: float,
) -> Lessons:  # fmt: skip
    """The train rows of tasks as they are asked at inference, `most` of them, and general data beside.

    Which rows are taken depends on the suite's seed alone: more rows contain the fewer, and trainings that differ in
    their own seed see the same. Raises ModelError.
    """
    own = [row for name in on for row in _rows(tasks[name], "train")]
    chance = random.Random(f"{suite.seed}|rows")
    chance.shuffle(own)
    watched = [row for name in on for row in _rows(tasks[name], "validation")]
    if not watched and held_out:
        count = math.ceil(held_out * len(own))
        watched, own = own[:count], own[count:]
        if not own:
            raise ModelError(f"validation: {held_out} keeps all {count} rows back and leaves none to learn; lower it")
    if most is not None and most > len(own):
        raise ModelError(f"{most} rows are asked for, but {' and '.join(on)} has {len(own)} to train on")
    taken = own[:most]
    mixed = [row for name, ratio in mix.items() for row in _mixed(suite, name, round(ratio * len(taken)))]
    rows = [*taken, *mixed]
    there = {f"train rows of {name}": len(tasks[name].data.train) for name in on}
    there |= {f"mix {name}": len(_all(suite, name)) for name in mix}
    return Lessons(
        tuple(row.example for row in rows),
        tuple(row.example for row in watched),
        tuple(_parts(rows, there)),
        asked=_asked([*rows, *watched]),
    )


def from_texts(suite: "Suite", names: Sequence[str], most: int | None) -> Lessons:
    """The passages of knowledge bases as plain texts, for continued pretraining."""
    passages = [(name, passage) for name in names for passage in suite.knowledge[name].passage_set().passages]
    random.Random(f"{suite.seed}|rows").shuffle(passages)
    taken = passages[:most]
    composition = [
        {"source": f"texts of {name}", "kind": "texts", "rows": sum(own == name for own, _ in taken),
         "of": sum(own == name for own, _ in passages)}
        for name in names
    ]  # fmt: skip
    texts = {f"texts of {name}": [(p.id, p.text) for own, p in taken if own == name] for name in names}
    return Lessons(tuple(passage.text for _, passage in taken), (), tuple(composition), texts=texts)


def _parts(rows: Sequence[_Row], there: Mapping[str, int]) -> list[dict[str, JSON]]:
    """How many rows of each source, of how many that there are."""
    return [
        {"source": source, "kind": "mix" if source.startswith("mix ") else "task",
         "rows": sum(row.source == source for row in rows), "of": count}
        for source, count in there.items()
    ]  # fmt: skip


def _asked(rows: Sequence[_Row]) -> dict[str, Rows]:
    """What the rows of each source ask; those that choose the checkpoint among them."""
    asked: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        asked.setdefault(row.source, []).append(row.asked)
    return dict(asked)


def _rows(task: "Task", split: str) -> list[_Row]:
    samples: Sequence[Sample] = getattr(task.data, split)
    if not samples and split == "train":
        raise ModelError(f"on: task {task.name} has no train rows; give its data a train split")
    blank = [sample.id for sample in samples if not any(target.strip() for target in sample.targets)]
    if blank:
        raise ModelError(
            f"on: {len(blank)} of {len(samples)} {split} rows of task {task.name} have no target "
            f"(first: {blank[0]}); name the column that holds it"
        )
    return [
        _Row(f"{split} rows of {task.name}", "task", one, Example(task.prompt(one), task.answer.example(one)))
        for one in samples
    ]


def _mixed(suite: "Suite", name: str, count: int) -> list[_Row]:
    """`count` rows of a data set, or all if it has fewer; as a conversation that knows nothing of our tasks."""
    samples = [sample for sample in _all(suite, name) if any(target.strip() for target in sample.targets)]
    if not samples:
        raise ModelError(f"mix: data set {name} has no row with an answer")
    if any(sample.options for sample in samples):
        raise ModelError(f"mix: data set {name} has options to choose from, which only a task shows; name it in on")
    random.Random(f"{suite.seed}|mix {name}").shuffle(samples)
    return [_Row(f"mix {name}", "mix", sample, _conversation(sample)) for sample in samples[:count]]


def _all(suite: "Suite", name: str) -> list[Sample]:
    data = suite.dataset(name)
    return [*data.train, *data.validation, *data.test]


def _conversation(sample: Sample) -> Example:
    system = sample.meta.get("system")
    opening = (Message("system", str(system)),) if system else ()
    history = tuple(
        turn for asked, said in sample.history for turn in (Message("user", asked), Message("assistant", said))
    )
    return Example((*opening, *history, Message("user", sample.input)), sample.targets[0])
