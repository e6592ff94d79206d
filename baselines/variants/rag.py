"""Retrieval-augmented generation: look up passages for every sample, put them before the question, ask the model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Annotated

from pydantic import Field, model_validator

from baselines.grounding.passages import Ground, Grounding, record
from baselines.grounding.search import refuse_unknown_fields, wishes
from baselines.grounding.token_budget import AN_OPTION, Room
from baselines.retrievers.lexical import Lexical
from baselines.support.asking import with_notes
from baselines.variants.prompting import Frame, Framing, Prompting, plain
from harness.components.fields import KnowledgeName, Part, PromptText
from harness.components.knowledge import Knowledge
from harness.components.retriever import Retriever
from harness.components.task import Task
from harness.errors import HarnessError
from harness.records.inputs import JSON, Message, Sample
from harness.records.outputs import Prediction
from harness.runtime.context import Context
from harness.text.templates import Template


class Rag(Prompting):
    """Retrieves passages, then asks: with any retriever, worked examples, or the gold passage as an upper bound."""

    knowledge: KnowledgeName
    retriever: Annotated[Retriever, Part("retriever")] = Field(default_factory=Lexical)
    k: int = Field(5, ge=1)  # passages shown
    query: Annotated[str, PromptText()] = "{{ input }}"  # what is searched for
    threshold: float | None = None  # passages with a lower score are not shown
    filter: dict[str, str] = Field(default_factory=dict)  # only passages whose field equals a template
    budget: int | None = Field(None, ge=1)  # tokens of all passages together; the context window bounds them anyway
    prompt: Annotated[str | None, PromptText()] = None  # with {{ question }}, {{ passages }}, columns of the row
    example_k: int = Field(0, ge=0)  # passages shown with each worked example
    oracle: bool = False  # the gold passages instead of retrieved ones: what perfect retrieval would reach
    distractors: int = Field(0, ge=0)  # irrelevant passages mixed in: how easily the model is led astray
    closed_book: bool = False  # the same prompt without passages: what retrieval adds beyond the prompt

    @model_validator(mode="after")
    def _one_purpose(self) -> "Rag":
        if self.closed_book and (self.oracle or self.distractors):
            raise ValueError("closed_book shows no passages, so oracle and distractors have no place beside it")
        if self.example_k and not self.shots:
            raise ValueError("example_k is for worked examples; give shots as well")
        return self

    def is_bound(self) -> bool:
        return self.oracle

    def check(self, task: Task, knowledge: Mapping[str, Knowledge]) -> list[str]:
        problems = super().check(task, knowledge)
        try:
            corpus, second = (knowledge[self.knowledge].corpus(updated) for updated in (False, True))
            refuse_unknown_fields(corpus, self.filter)
            refuse_unknown_fields(second, self.filter)
            gold = knowledge[self.knowledge].gold_places(task.data.test, corpus)
            if self.oracle and not any(gold):
                problems.append("oracle: no sample's gold passage is known; say how it is known by gold: in knowledge")
            for sample in (*task.data.test, *task.data.validation):
                Template(self.query, "query").render(sample)
                wishes(self.filter, sample)
                self._framed(sample, Message("user", "?"), (), False)
            kinds = {frozenset(passage.meta): passage for passage in (*corpus.passages, *second.passages)}
            for passage in kinds.values():  # a prompt may use columns that not all passages have
                self._framed(task.data.test[0], Message("user", "?"), (record(1, passage, 1.0, False, 1),), False)
        except HarnessError as error:
            problems.append(str(error))
        return problems

    def answer(self, task: Task, samples: Sequence[Sample], context: Context) -> list[Prediction]:
        if self.closed_book:
            bare: Frame = lambda row, question: self._framed(row, question, (), False)  # noqa: E731
            return self.ask_framed(task, samples, context, Framing(bare, bare if self.example_k else plain))
        grounding = Grounding(self, task, context)
        grounds = {ground.sample.id: ground for ground in grounding.of(samples, self.k)}
        framing = Framing(self._frame(grounds, grounding.several_sources), self._example_frame(grounding, samples))
        self._make_fit(task, samples, context, grounds, framing)
        predictions = self.ask_framed(task, samples, context, framing)
        return [_grounded(prediction, grounds[prediction.sample_id]) for prediction in predictions]

    def _frame(self, grounds: Mapping[str, Ground], several: bool) -> Frame:
        return lambda row, question: self._framed(row, question, grounds[row.id].shown, several)

    def _example_frame(self, grounding: Grounding, samples: Sequence[Sample]) -> Frame:
        """Worked examples stand without passages, or with those that would be found for them."""
        if not self.example_k:
            return plain
        examples = self.examples(grounding.task, samples, grounding.context.seed)
        rows = {row.id: row for some in examples for row in some}
        grounds = grounding.of(list(rows.values()), self.example_k)
        return self._frame({ground.sample.id: ground for ground in grounds}, grounding.several_sources)

    def _make_fit(
        self, task: Task, samples: Sequence[Sample], context: Context, grounds: dict[str, Ground], framing: Framing
    ) -> None:
        """Leave out and cut passages until the budget and the context window hold the prompt and its answer."""
        scored = any(task.answer.options(sample) for sample in samples[:1])  # options are a few tokens, not max_tokens
        answer = AN_OPTION if scored else self.generation(task).max_tokens
        room = Room(context, self.model, answer, self.budget)
        if not room.bounded:
            return
        full = {sample_id: ground.shown for sample_id, ground in grounds.items()}
        for ground in grounds.values():
            ground.shown = ()
        bare = self.prompts(task, samples, context.seed, framing)
        for sample, prompt in zip(samples, bare, strict=True):
            grounds[sample.id].fit(full[sample.id], room, prompt)

    def _framed(self, row: Sample, question: Message, passages: Sequence[Mapping[str, JSON]], several: bool) -> Message:
        source = self.prompt or files("baselines").joinpath("prompts/rag.j2").read_text(encoding="utf-8")
        template = Template(source, "prompt" if self.prompt else "baselines/prompts/rag.j2")
        values = {"question": question.content, "passages": list(passages), "several_sources": several}
        return Message("user", template.render(row, **values))


def _grounded(prediction: Prediction, ground: Ground) -> Prediction:
    """The prediction with what it was shown, and how sure retrieval was."""
    sure = {} if ground.best is None else {"retrieval": ground.best}
    known = replace(
        prediction, passages=ground.shown, retrieval=ground.retrieval, confidence={**prediction.confidence, **sure}
    )
    return with_notes(known, *ground.notes)
