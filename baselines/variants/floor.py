"""Answers without any model: what is not clearly above them is not worth deploying."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from baselines.grounding.passages import Evidence, PassageFinder, PassageSettings
from baselines.retrievers.lexical import Lexical
from baselines.support.worked_examples import select_examples
from harness.components.calls import Calls
from harness.components.fields import KnowledgeName, Part
from harness.components.indexes import IndexRequest
from harness.components.model import Model
from harness.components.retriever import Retriever
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.records.inputs import Sample
from harness.records.outputs import Prediction


class Floor(Variant):
    """Answers without a model: the commonest, the nearest row's, or the first passage found."""

    floor: ClassVar[bool] = True

    by: Literal["majority", "nearest", "top_passage"] = "nearest"
    """The answer: the train rows' commonest, that of the lexically nearest train row, or the first passage found."""
    knowledge: KnowledgeName | None = None
    """The knowledge base that top_passage searches; null: none, with the others."""
    retriever: Annotated[Retriever, Part("retriever")] = Field(default_factory=Lexical)
    """How top_passage searches."""

    @model_validator(mode="after")
    def _knowledge_fits(self) -> "Floor":
        if (self.by == "top_passage") != (self.knowledge is not None):
            raise ValueError("by: top_passage needs knowledge, and nothing else does")
        return self

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        if self.by != "top_passage" and not task.data.train:
            return [f"by: {self.by} takes its answers from train rows, and there are none"]
        if self.by == "top_passage" and any(task.answer.options(sample) for sample in task.data.test[:1]):
            return ["by: top_passage answers with a passage's text, which is no letter of an option"]
        return []

    def labelled_rows(self, task: Task) -> Sequence[Sample]:
        return () if self.by == "top_passage" else task.data.train

    def indexes(self, task: Task) -> list[IndexRequest]:
        if self.knowledge is None:
            return []
        return [IndexRequest(self.knowledge, self.retriever, task.updated == self.knowledge)]

    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        replies = {"majority": self._commonest, "nearest": self._nearest, "top_passage": self._first}[self.by]
        return [
            Prediction(
                sample_id=sample.id,
                task=task.name,
                variant=calls.cell.variant,
                messages=(),
                text=reply.text,
                reading=task.answer.read(sample, reply.text),
                passages=reply.evidence.passages if reply.evidence else (),
                retrieval=reply.evidence.retrieval if reply.evidence else None,
                notes=(reply.note,),
            )
            for sample, reply in zip(samples, replies(task, samples, calls, resources), strict=True)
        ]

    def _commonest(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> "list[Reply]":
        """The answer that most train rows have; of equals, the one that comes first in the file."""
        counts = Counter(task.answer.example(row) for row in task.data.train)
        reply, times = counts.most_common(1)[0]
        return [Reply(reply, f"the answer of {times} of {len(task.data.train)} train rows")] * len(samples)

    def _nearest(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> "list[Reply]":
        """The answer of the lexically nearest train row: cosine of character 1–2-gram tf-idf."""
        chosen = select_examples("nearest", task.data.train, samples, 1, calls.seed)
        return [
            Reply(task.answer.example(rows[0]), f"the answer of train row {rows[0].id}: {rows[0].input[:80]}")
            if rows
            else Reply("", "no train row to take the answer from")
            for rows in chosen
        ]

    def _first(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> "list[Reply]":
        """The text of the first passage found for the input."""
        (request,) = self.indexes(task)
        finder = PassageFinder(request, PassageSettings(), calls, resources)
        replies = []
        for evidence in finder.find(samples, 1):
            if evidence.passages:
                (passage,) = evidence.passages
                note = f"passage {passage['id']}, score {evidence.best_score:.3g}"
                replies.append(Reply(str(passage["text"]), note, evidence))
            else:
                replies.append(Reply("", "nothing was found for the input", evidence))
        return replies


@dataclass(frozen=True)
class Reply:
    """An answer, a note on where it comes from, and what was looked up for it."""

    text: str
    note: str
    evidence: Evidence | None = None
