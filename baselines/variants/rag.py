"""Retrieval-augmented generation: look up passages for every sample, put them before the question, ask the model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field, model_validator

from baselines.grounding.passages import (
    Evidence,
    PassageFinder,
    PassageSettings,
    PromptPassage,
    prompt_passage,
    refuse_excess_distractors,
)
from baselines.grounding.search import conditions_of, refuse_unknown_fields
from baselines.grounding.token_budget import OPTION_TOKENS, TokenBudget
from baselines.retrievers.lexical import Lexical
from baselines.support.built_in_wordings import built_in
from baselines.support.predicting import with_notes
from baselines.variants.prompting import Frame, Framing, Prompting, unframed
from harness.components.calls import Calls
from harness.components.fields import KnowledgeName, Needs, Part, PromptText
from harness.components.indexes import IndexRequest
from harness.components.model import Model
from harness.components.prompt_shape import PromptShape
from harness.components.retriever import Retriever
from harness.components.task import Task
from harness.components.variant import PassageMix, Resources, TrainingPair
from harness.errors import HarnessError
from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction
from harness.text.templates import Template

OPEN_BOOK = Needs("closed_book", False)


class Rag(Prompting):
    """Retrieves passages, then asks: with any retriever, worked examples, or the gold passage as an upper bound."""

    knowledge: KnowledgeName
    """The knowledge base in `knowledge` that is searched."""
    retriever: Annotated[Retriever, Part("retriever"), OPEN_BOOK] = Field(default_factory=Lexical)
    """How passages are found."""
    k: Annotated[int, OPEN_BOOK] = Field(5, ge=1)
    """Passages that are shown."""
    query: Annotated[str, PromptText(), OPEN_BOOK] = "{{ input }}"
    """What is searched for, a template over the row or a .j2 file."""
    threshold: Annotated[float | None, OPEN_BOOK] = None
    """Passages with a lower score are not shown; null: all are."""
    filter: Annotated[dict[str, str], OPEN_BOOK] = Field(default_factory=dict)
    """Only passages whose field (source, title, id or a further column) equals a template, as {field: template}."""
    budget: Annotated[int | None, OPEN_BOOK] = Field(None, ge=1)
    """Most tokens of all passages together; null: as many as fit beside the prompt in the context window."""
    prompt: Annotated[str | None, PromptText()] = None
    """The template around the question, with {{ question }}, {{ passages }} and columns of the row; null: a built-in
    one."""
    example_k: Annotated[int, Needs("shots")] = Field(0, ge=0)
    """Passages that are shown with each worked example; 0: examples stand without."""
    oracle: bool = False
    """Whether the gold passages are shown instead of retrieved ones: what perfect retrieval would reach."""
    distractors: int = Field(0, ge=0)
    """Irrelevant passages that are mixed in: how easily the model is led astray."""
    closed_book: bool = False
    """Whether the same prompt is sent without passages: what retrieval adds beyond the prompt."""

    @model_validator(mode="after")
    def _settings_fit(self) -> "Rag":
        if self.closed_book and (self.oracle or self.distractors):
            raise ValueError("closed_book shows no passages, so oracle and distractors have no place beside it")
        if self.example_k and not self.shots:
            raise ValueError("example_k is for worked examples; give shots as well")
        return self

    def is_bound(self) -> bool:
        return self.oracle

    @property
    def retrieves(self) -> bool:
        """Whether it searches its knowledge base."""
        return not (self.closed_book or self.oracle)

    def indexes(self, task: Task) -> list[IndexRequest]:
        return [self._request(task)] if self.retrieves else []

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        problems = super().check(task, resources, models)
        knowledge = resources.knowledge[self.knowledge]
        try:
            first, second = (knowledge.passage_set(updated) for updated in (False, True))
            refuse_unknown_fields(first, self.filter)
            refuse_unknown_fields(second, self.filter)
            refuse_excess_distractors(first, self.distractors)
            if self.oracle and not any(knowledge.gold_places(task.data.test, first)):
                problems.append("oracle: no sample's gold passage is known; say how it is known by gold: in knowledge")
            for sample in (*task.data.test, *task.data.validation):
                Template(self.query, "query").render(sample)
                conditions_of(self.filter, sample)
                self._grounded_question(task, sample, Message("user", "?"), (), False)
            kinds = {frozenset(passage.meta): passage for passage in (*first.passages, *second.passages)}
            for passage in kinds.values():  # a prompt may use columns that not all passages have
                example = prompt_passage(1, passage, 1.0, False, 1)
                self._grounded_question(task, task.data.test[0], Message("user", "?"), (example,), False)
        except HarnessError as error:
            problems.append(str(error))
        return problems

    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        if self.closed_book:
            return self.answer_framed(task, samples, calls, self._bare_framing(task))
        finder = self._finder(task, calls, resources)
        framing, evidence = self._grounded_framing(task, samples, finder)
        predictions = self.answer_framed(task, samples, calls, framing)
        return [_grounded(prediction, evidence[prediction.sample_id]) for prediction in predictions]

    def training_pairs(
        self, task: Task, rows: Sequence[Sample], model: str, mix: PassageMix, calls: Calls, resources: Resources
    ) -> list[TrainingPair]:
        asker = self.model_copy(update={"model": model})
        if self.closed_book:
            prompts = asker.prompts(task, rows, calls.seed, self._bare_framing(task))
            return [TrainingPair(prompt=p, reply=self._reply(task, row)) for row, p in zip(rows, prompts, strict=True)]
        framing, evidence = asker._grounded_framing(task, rows, self._finder(task, calls, resources, mix))
        prompts = asker.prompts(task, rows, calls.seed, framing)
        return [
            TrainingPair(
                prompt=prompt,
                reply=self._reply(task, row),
                passages=len(evidence[row.id].passages),
                has_gold=any(passage["gold"] for passage in evidence[row.id].passages),
            )
            for row, prompt in zip(rows, prompts, strict=True)
        ]

    def _bare_framing(self, task: Task) -> Framing:
        """The same prompt without passages."""
        bare: Frame = lambda row, question: self._grounded_question(task, row, question, (), False)  # noqa: E731
        return Framing(bare, bare if self.example_k else unframed)

    def _finder(self, task: Task, calls: Calls, resources: Resources, mix: PassageMix | None = None) -> PassageFinder:
        """Finds passages for test items or, with a mix, for train rows."""
        settings = PassageSettings(
            query=self.query,
            filter=self.filter,
            threshold=self.threshold,
            oracle=self.oracle,
            distractors=self.distractors + (mix.distractors if mix else 0),
        )
        return PassageFinder(self._request(task), settings, calls, resources, mix)

    def _grounded_framing(
        self, task: Task, samples: Sequence[Sample], finder: PassageFinder
    ) -> tuple[Framing, Mapping[str, Evidence]]:
        """How questions are put behind their passages, as many as the context window has room for; and these."""
        evidence = {item.sample.id: item for item in finder.find(samples, self.k)}
        framing = self._framing(task, samples, evidence, finder)
        self._fit_budget(task, samples, finder.calls, evidence, framing)
        return framing, evidence

    def _request(self, task: Task) -> IndexRequest:
        return IndexRequest(self.knowledge, self.retriever, task.updated == self.knowledge)

    def _framing(
        self, task: Task, samples: Sequence[Sample], evidence: Mapping[str, Evidence], finder: PassageFinder
    ) -> Framing:
        """Questions behind their passages; worked examples without, or with those that would be found for them.

        Beside a train row that is learnt, examples show no passage that the row itself has made or lent its name.
        """
        sample_frame = self._frame(task, evidence, finder)
        if not self.example_k:
            return Framing(sample_frame)
        rows = {row.id: row for examples in self.examples(task, samples, finder.calls.seed) for row in examples}
        of_examples = {item.sample.id: item for item in finder.find_for_examples(list(rows.values()), self.example_k)}
        example_frame = self._frame(task, of_examples, finder)
        if finder.mix is None:
            return Framing(sample_frame, example_frame)

        def beside(sample: Sample) -> Frame:
            return lambda row, question: self._grounded_question(
                task, row, question, finder.foreign(of_examples[row.id], sample), finder.has_several_sources
            )

        return Framing(sample_frame, example_frame, beside)

    def _frame(self, task: Task, evidence: Mapping[str, Evidence], finder: PassageFinder) -> Frame:
        return lambda row, question: self._grounded_question(
            task, row, question, evidence[row.id].passages, finder.has_several_sources
        )

    def _fit_budget(
        self, task: Task, samples: Sequence[Sample], calls: Calls, evidence: Mapping[str, Evidence], framing: Framing
    ) -> None:
        """Leave out and cut passages until the budget and the context window hold the prompt and its answer."""
        scored = any(task.answer.options(sample) for sample in samples[:1])  # options are a few tokens, not max_tokens
        generation = self.limited_generation(task, calls)
        answer = OPTION_TOKENS if scored else generation.max_tokens + (generation.reasoning_tokens or 0)
        budget = TokenBudget(calls, self.model, answer, self.budget)
        if not budget.is_bounded:
            return
        passages = {sample_id: item.passages for sample_id, item in evidence.items()}
        for item in evidence.values():
            item.passages = ()
        bare = self.prompts(task, samples, calls.seed, framing)
        for sample, prompt in zip(samples, bare, strict=True):
            evidence[sample.id].fit(passages[sample.id], budget, prompt)

    def prompt_shape(self, task: Task) -> PromptShape:
        return replace(super().prompt_shape(task), passages=not self.closed_book, frame=self.prompt or "")

    def _grounded_question(
        self, task: Task, row: Sample, question: Message, passages: Sequence[PromptPassage], several_sources: bool
    ) -> Message:
        template = Template(self.prompt, "prompt") if self.prompt else built_in("rag", task.language)
        values = {"question": question.content, "passages": list(passages), "several_sources": several_sources}
        return Message("user", template.render(row, **values))


def _grounded(prediction: Prediction, evidence: Evidence) -> Prediction:
    """The prediction with its passages, and how sure retrieval was."""
    confidence = {} if evidence.best_score is None else {"retrieval": evidence.best_score}
    grounded = replace(
        prediction,
        passages=evidence.passages,
        retrieval=evidence.retrieval,
        confidence={**prediction.confidence, **confidence},
    )
    return with_notes(grounded, *evidence.notes)
