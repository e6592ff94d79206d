"""Prompting: ask the model directly, with worked examples, with reasoning first, or several times with a vote."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Annotated

from pydantic import Field, model_validator

from baselines.support.built_in_wordings import MARKERS, built_in
from baselines.support.constraints import constraint_mistakes
from baselines.support.option_orders import agreed, orders_problem, rotations
from baselines.support.predicting import after_reasoning, predict, reasoning_mistakes
from baselines.support.voting import vote
from baselines.support.worked_examples import Selection, select_examples, smallest_pool
from harness.components.calls import Calls
from harness.components.completing import ReadReply, for_model
from harness.components.fields import MOST_TOKENS, ModelName, Needs, PromptText
from harness.components.model import Model
from harness.components.prompt_shape import PromptShape
from harness.components.target_limits import target_limit
from harness.components.task import Task
from harness.components.variant import PassageMix, Resources, TrainingPair, Variant
from harness.errors import HarnessError
from harness.records.inputs import Generation, Message, Prompt, Sample
from harness.records.outputs import Prediction
from harness.text.replies import has_marker
from harness.text.templates import Template

Frame = Callable[[Sample, Message], Message]  # what is sent in place of a sample's plain question


def unframed(sample: Sample, question: Message) -> Message:
    """The question as it is."""
    return question


@dataclass(frozen=True)
class Framing:
    """How the questions of samples and of their worked examples are put."""

    sample: Frame = unframed
    example: Frame = unframed
    example_beside: Callable[[Sample], Frame] | None = None  # instead, where it depends on the sample that is asked


class Prompting(Variant):
    """Asks the model directly: zero-shot, few-shot, chain of thought, self-consistency."""

    model: ModelName
    """The model in `models` that is asked."""
    shots: int = Field(0, ge=0)
    """Worked examples from the train rows; 0: none."""
    pick: Annotated[Selection, Needs("shots")] = "fixed"
    """Which examples: the first rows, random ones for each item, or those nearest to it."""
    system: Annotated[str | None, PromptText()] = None
    """This variant's system turn, a template or a .j2 file; null: the task's, "" sends an empty one."""
    chain_of_thought: bool = False
    """Whether the model is asked to reason first and to answer behind a marker."""
    instruction: Annotated[str | None, PromptText(), Needs("chain_of_thought")] = None
    """What asks for the reasoning, a template or a .j2 file; null: a built-in wording."""
    marker: Annotated[str | None, Needs("chain_of_thought")] = Field(None, min_length=1, pattern=r"\S")
    """What the answer follows; null: 答案： or Answer:, by the language."""
    rationale: Annotated[str | None, Needs("chain_of_thought")] = None
    """The train column with worked reasoning, which examples then show; null: none."""
    circular: bool = False
    """Whether a choice is asked in every rotation of its options; it is right only when right in all."""
    samples: int = Field(1, ge=1, le=1000)
    """Sampled answers of which the majority counts (self-consistency); 1: one answer."""
    temperature: float | None = Field(None, ge=0)
    """Temperature instead of the task's; null: the task's."""
    max_tokens: int | None = Field(None, ge=1, le=MOST_TOKENS)
    """Most tokens of the answer instead of the task's; null: the task's."""
    reasoning_tokens: int | None = Field(None, ge=0, le=MOST_TOKENS)
    """Most tokens of what comes before the answer instead of the task's; null: the task's."""
    constrained: bool = False
    """Whether the model can write nothing but the JSON that the answer asks for."""

    @model_validator(mode="after")
    def _sampling(self) -> "Prompting":
        if self.samples > 1 and not self.temperature:
            raise ValueError("samples above 1 need a temperature above 0, or all answers are the same (try 0.7)")
        if self.samples > 1 and self.circular:
            raise ValueError("samples and circular each ask several times; give one of the two")
        for name in ("rationale", "instruction"):
            if getattr(self, name) is not None and not self.chain_of_thought:
                raise ValueError(f"{name} belongs to chain_of_thought: true")
        return self

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        problems = []
        rows = smallest_pool(task.data.train, task.data.test)
        if self.shots > rows:
            problems.append(f"shots: {self.shots} examples are asked for but train has {rows} rows to choose from")
        if refused := self._refused(task):
            return refused
        scored = any(task.answer.options(sample) for sample in task.data.test[:1])
        if scored and (self.chain_of_thought or self.samples > 1):
            means = "the first token" if task.answer.is_first_token else "log-likelihood"
            problems.append(f"options scored by {means} leave no room for reasoning or votes; use by: generation")
        if self.constrained:
            problems += constraint_mistakes(task, self.model, models, self.chain_of_thought)
        if not scored:
            problems += reasoning_mistakes(self._unconstrained(task), self.model, models)
        try:
            for sample in task.data.test:
                self._system(sample)
            problems += filter(None, [self._instruction_problem(task), orders_problem(task) if self.circular else None])
        except HarnessError as error:
            problems.append(str(error))
        return problems

    def _refused(self, task: Task) -> list[str]:
        """The parameters that have no place with the task's kind of answer."""
        refused, fields = task.answer.refused_parameters(task.data.test[0]), type(self).model_fields
        stated = (name for name in refused if name in fields and getattr(self, name) != fields[name].default)
        return [f"{name}: {refused[name]}" for name in stated]

    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        return self.answer_framed(task, samples, calls, Framing())

    def calls(self, task: Task, samples: Sequence[Sample]) -> int:
        if self.circular:
            return sum(len(sample.options) for sample in samples)
        return self.samples * len(samples)

    def answer_framed(self, task: Task, samples: Sequence[Sample], calls: Calls, framing: Framing) -> list[Prediction]:
        """Answer with the questions put into frames, e.g. behind passages."""
        if self.circular:
            orders = [rotations(sample) for sample in samples]
            once = self.model_copy(update={"circular": False})
            turns = iter(once.answer_framed(task, list(chain.from_iterable(orders)), calls, framing))
            return [agreed(list(islice(turns, len(rotated)))) for rotated in orders]
        prompts = self.prompts(task, samples, calls.seed, framing)
        options = self.limited_generation(task, calls)
        generation = for_model(options, calls.model(self.model), self.max_tokens is not None)
        read = self.reader(task)
        if self.samples == 1:
            completions = task.answer.complete(calls, self.model, samples, prompts, generation)
            return predict(calls, samples, prompts, completions, read)
        numbers = list(range(self.samples)) * len(samples)
        repeated = [prompt for prompt in prompts for _ in range(self.samples)]
        completions = calls.generate(self.model, repeated, generation, numbers)
        repeated_samples = [sample for sample in samples for _ in range(self.samples)]
        ballots = predict(calls, repeated_samples, repeated, completions, read)
        return [vote(ballots[start : start + self.samples]) for start in range(0, len(ballots), self.samples)]

    def prompts(self, task: Task, samples: Sequence[Sample], seed: int, framing: Framing) -> list[Prompt]:
        """The messages for each sample, its worked examples in front."""
        examples = self.examples(task, samples, seed)
        rows = {row.id: row for shots in examples for row in shots}
        turns = {row_id: self._demonstrate(task, row, framing.example) for row_id, row in rows.items()}

        def demonstrations(sample: Sample, shots: Sequence[Sample]) -> Prompt:
            if framing.example_beside is None:
                return tuple(chain.from_iterable(turns[row.id] for row in shots))
            frame = framing.example_beside(sample)
            return tuple(chain.from_iterable(self._demonstrate(task, row, frame) for row in shots))

        return [
            self._prompt(task, sample, demonstrations(sample, shots), framing.sample)
            for sample, shots in zip(samples, examples, strict=True)
        ]

    def training_pairs(
        self, task: Task, rows: Sequence[Sample], model: str, mix: PassageMix, calls: Calls, resources: Resources
    ) -> list[TrainingPair]:
        prompts = self.prompts(task, rows, calls.seed, Framing())
        return [
            TrainingPair(prompt=prompt, reply=self._reply(task, row)) for row, prompt in zip(rows, prompts, strict=True)
        ]

    def examples(self, task: Task, samples: Sequence[Sample], seed: int) -> list[list[Sample]]:
        """The train rows that are worked examples for each sample."""
        return select_examples(self.pick, task.data.train, samples, self.shots, seed)

    def reader(self, task: Task) -> ReadReply:
        return after_reasoning(task.answer, self._marker(task)) if self.chain_of_thought else task.answer.read

    def labelled_rows(self, task: Task) -> Sequence[Sample]:
        """The rows that are shown, where they are the same for all questions; else all that they are picked from."""
        if self.pick != "fixed":
            return task.data.train if self.shots else ()
        shown = {row.id: row for rows in self.examples(task, task.data.test, 0) for row in rows}
        return tuple(shown.values())

    def generation(self, task: Task) -> Generation:
        """The task's options of generation, with this variant's own in their place."""
        options = self._unconstrained(task)
        return replace(options, schema=task.reply_schema, strict=True) if self.constrained else options

    def limited_generation(self, task: Task, calls: Calls) -> Generation:
        """The same, with the limit of the answers in tokens of the model where it follows from the train rows."""
        options = self.generation(task)
        if self.max_tokens is not None or not task.is_limited_by_targets:
            return options
        calls.counts.max_tokens = target_limit(task, calls.token_counter(self.model) or len)
        return replace(options, max_tokens=calls.counts.max_tokens)

    def rests_on(self) -> tuple[str, ...]:
        return ("constrained",) if self.constrained else ()

    def _unconstrained(self, task: Task) -> Generation:
        options, tokens = task.generation, self.reasoning_tokens
        return replace(
            options,
            temperature=options.temperature if self.temperature is None else self.temperature,
            max_tokens=self.max_tokens or options.max_tokens,
            marker=self._marker(task) if self.chain_of_thought else task.answer.marker,
            reasoning_tokens=options.reasoning_tokens if tokens is None else tokens,
        )

    def prompt_shape(self, task: Task) -> PromptShape:
        bare = task.prompt_shape
        return replace(
            bare,
            system=bare.system if self.system is None else self.system,
            examples=self.shots > 0,
            reasoning=self._instruction(task).text if self.chain_of_thought else "",
        )

    def _system(self, sample: Sample) -> str | None:
        return None if self.system is None else Template(self.system, "system").render(sample)

    def _prompt(self, task: Task, sample: Sample, demonstrations: Prompt, frame: Frame) -> Prompt:
        *opening, question = task.prompt(sample, demonstrations, self._system(sample))
        return (*opening, self._reasoned(task, sample, frame(sample, question)))

    def _demonstrate(self, task: Task, example: Sample, frame: Frame) -> Prompt:
        question = self._reasoned(task, example, frame(example, task.ask(example)))
        return question, Message("assistant", self._reply(task, example))

    def _reply(self, task: Task, example: Sample) -> str:
        """The right reply to an example: where reasoning is asked for, what the row has of it, and the marker."""
        reply = task.answer.example(example)
        if not self.chain_of_thought:
            return reply
        reasoning = str(example.meta.get(self.rationale, "")) if self.rationale else ""
        return "\n".join(part for part in (reasoning.strip(), f"{self._marker(task)}{reply}") if part)

    def _marker(self, task: Task) -> str:
        """What the final answer follows."""
        return self.marker or MARKERS[task.language]

    def _instruction(self, task: Task) -> Template:
        """The template that asks for reasoning first; it stands below the question."""
        if self.instruction is None:
            return built_in("chain_of_thought", task.language)
        return Template(self.instruction, "instruction")

    def _reasoned(self, task: Task, row: Sample, question: Message) -> Message:
        if not self.chain_of_thought:
            return question
        instruction = self._instruction(task).render(row, marker=self._marker(task))
        return Message("user", f"{question.content}\n\n{instruction}")

    def _instruction_problem(self, task: Task) -> str | None:
        """An instruction that lets no reply be read, because it never tells what the answer is to follow."""
        marker, sample = self._marker(task), task.data.test[0]
        if not self.chain_of_thought or has_marker(self._instruction(task).render(sample, marker=marker), marker):
            return None
        return (
            f"instruction: the marker “{marker.strip()}”, which the answer follows, is not in it; "
            "write {{ marker }} there"
        )
