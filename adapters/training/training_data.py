"""What a tuned model learns from: train rows of tasks, texts of knowledge bases, and general data mixed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.training.distillation import teach
from adapters.training.encoding import Example
from adapters.training.row_choice import MIXED, TEXTS, RowChoice, TextRow, draw
from adapters.training.row_prompts import TrainRow, ask_for
from harness.components.model import Rows
from harness.components.trained_model import TrainingInputs
from harness.records.inputs import JSON
from harness.text.normalise import whole_question


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The rows of a training, and where they come from."""

    examples: tuple[Example | str, ...]  # conversations, of which the answer is learnt, and plain texts
    validation: tuple[Example, ...] = ()
    composition: tuple[dict[str, JSON], ...]  # source, kind, rows used, rows that the source has
    questions: Mapping[str, Rows] = field(default_factory=dict)  # by source: what the rows ask
    texts: Mapping[str, Rows] = field(default_factory=dict)  # by source: plain texts
    unknown: str = ""  # what only a run computes before the rows are known: until then the examples are plainer
    is_possible: bool = True  # whether a run may have learnt just these rows: what is unknown may have failed then

    @property
    def rows(self) -> int:
        """Rows of tasks and texts, which a learning curve is drawn over; mixed-in ones where there is nothing else."""
        own = sum(int(part["rows"]) for part in self.composition if part["kind"] != "mix")
        return own or sum(int(part["rows"]) for part in self.composition)


def read_training_data(inputs: TrainingInputs, base: str, choice: RowChoice) -> TrainingData:
    """The rows of a training of `base`, each with its prompt and answer. Raises ModelError."""
    drawn = draw(inputs, choice)
    texts = [row for row in drawn.train if isinstance(row, TextRow)]
    rows = [row for row in drawn.train if isinstance(row, TrainRow)]
    taught = teach(choice.answers, rows, inputs)
    validation = [replace(row, rows=row.rows and row.rows.as_deployed()) for row in drawn.validation]
    prompts, validation_prompts = ask_for(inputs, base, taught.rows), ask_for(inputs, base, validation)
    notes = {source: {**prompts.notes.get(source, {}), **taught.notes.get(source, {})} for source in drawn.sizes}
    unknown = [reason for reason in (taught.unknown, prompts.unknown or validation_prompts.unknown) if reason]
    return TrainingData(
        examples=(*prompts.examples, *(row.text for row in texts)),
        validation=validation_prompts.examples,
        composition=tuple(
            {**_part(source, [*taught.rows, *texts], size), **notes[source]} for source, size in drawn.sizes.items()
        ),
        questions=_questions([*rows, *drawn.validation]),
        texts=_texts(texts),
        unknown=" and ".join(unknown),
        is_possible=taught.is_possible and not (prompts.unknown or validation_prompts.unknown),
    )


def _part(source: str, rows: Sequence[TrainRow | TextRow], size: int) -> dict[str, JSON]:
    """How many of a source's rows are used."""
    kind = "mix" if source.startswith(MIXED) else "texts" if source.startswith(TEXTS) else "task"
    return {"source": source, "kind": kind, "rows": sum(row.source == source for row in rows), "of": size}


def _questions(rows: Sequence[TrainRow]) -> dict[str, Rows]:
    """What the rows of each source ask."""
    questions: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        questions.setdefault(row.source, []).append((row.sample.id, whole_question(row.sample)))
    return dict(questions)


def _texts(rows: Sequence[TextRow]) -> dict[str, Rows]:
    """The texts of each source."""
    texts: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        texts.setdefault(row.source, []).append((row.id, row.text))
    return dict(texts)
