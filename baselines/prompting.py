"""Prompting: ask the model directly, with worked examples, with reasoning first, or several times with a vote."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import chain

from pydantic import Field, field_validator, model_validator

from baselines.examples import Pick, choose, fewest
from harness.component import Variant
from harness.context import Context
from harness.errors import HarnessError
from harness.markers import ModelName
from harness.prompts import Template
from harness.tasks.ask import after_reasoning, ask, predict, with_notes
from harness.tasks.task import Task
from harness.types import Generation, Message, Prediction, Prompt, Sample


class Prompting(Variant):
    """Asks the model directly: zero-shot, few-shot, chain of thought, self-consistency."""

    model: ModelName
    shots: int = Field(0, ge=0)
    pick: Pick = "fixed"
    system: str | None = None  # a template of this variant's system turn; the task's own otherwise
    chain_of_thought: bool = False
    marker: str = Field("答案：", min_length=1, pattern=r"\S")  # what the final answer follows under chain of thought
    rationale: str | None = None  # the train column with the reasoning of worked examples
    samples: int = Field(1, ge=1)  # self-consistency: the majority of so many sampled answers
    temperature: float | None = Field(None, ge=0)  # instead of the task's
    max_tokens: int | None = Field(None, ge=1)  # instead of the task's

    @field_validator("system")
    @classmethod
    def _system_compiles(cls, system: str | None) -> str | None:
        if system is not None:
            try:
                Template(system, "system").check()
            except HarnessError as error:
                raise ValueError(str(error)) from error
        return system

    @model_validator(mode="after")
    def _sampling(self) -> "Prompting":
        if self.samples > 1 and not self.temperature:
            raise ValueError("samples above 1 need a temperature above 0, or all answers are the same (try 0.7)")
        if self.rationale is not None and not self.chain_of_thought:
            raise ValueError("rationale belongs to chain_of_thought: true")
        return self

    def check(self, task: Task) -> list[str]:
        problems = []
        most = fewest(task.data.train, task.data.test)
        if self.shots > most:
            problems.append(f"shots: {self.shots} examples are asked for but train has {most} rows to choose from")
        by_likelihood = any(task.answer.options(sample) for sample in task.data.test[:1])
        if by_likelihood and (self.chain_of_thought or self.samples > 1):
            problems.append("options scored by log-likelihood leave no room for reasoning or votes; use by: generation")
        try:
            for sample in task.data.test:
                self._system(sample)
        except HarnessError as error:
            problems.append(str(error))
        return problems

    def answer(self, task: Task, samples: Sequence[Sample], context: Context) -> list[Prediction]:
        examples = choose(self.pick, task.data.train, samples, self.shots, context.seed)
        rows = {row.id: row for some in examples for row in some}
        shown = {row_id: self._demonstrate(task, row) for row_id, row in rows.items()}
        prompts = [
            self._prompt(task, sample, tuple(chain.from_iterable(shown[row.id] for row in some)))
            for sample, some in zip(samples, examples, strict=True)
        ]
        generation = self._generation(task)
        read = after_reasoning(task.answer, self.marker) if self.chain_of_thought else task.answer.read
        if self.samples == 1:
            return predict(
                context, samples, prompts, ask(context, self.model, task, samples, prompts, generation), read
            )
        numbers = list(range(self.samples)) * len(samples)
        repeated = [prompt for prompt in prompts for _ in range(self.samples)]
        completions = context.generate(self.model, repeated, generation, numbers)
        asked = [sample for sample in samples for _ in range(self.samples)]
        ballots = predict(context, asked, repeated, completions, read)
        return [_vote(ballots[start : start + self.samples]) for start in range(0, len(ballots), self.samples)]

    def _generation(self, task: Task) -> Generation:
        temperature = task.generation.temperature if self.temperature is None else self.temperature
        return replace(
            task.generation, temperature=temperature, max_tokens=self.max_tokens or task.generation.max_tokens
        )

    def _system(self, sample: Sample) -> str | None:
        return None if self.system is None else Template(self.system, "system").render(sample)

    def _prompt(self, task: Task, sample: Sample, demonstrations: Prompt) -> Prompt:
        prompt = task.prompt(sample, demonstrations, self._system(sample))
        return (*prompt[:-1], self._reasoned(prompt[-1])) if self.chain_of_thought else prompt

    def _demonstrate(self, task: Task, example: Sample) -> Prompt:
        question, reply = task.demonstrate(example)
        if not self.chain_of_thought:
            return question, reply
        reasoning = str(example.meta.get(self.rationale, "")) if self.rationale else ""
        worked = "\n".join(part for part in (reasoning.strip(), f"{self.marker}{reply.content}") if part)
        return self._reasoned(question), Message("assistant", worked)

    def _reasoned(self, question: Message) -> Message:
        source = files("baselines").joinpath("prompts/chain_of_thought.j2").read_text(encoding="utf-8")
        template = Template(source, "baselines/prompts/chain_of_thought.j2")
        return Message("user", template.render_values({"question": question.content, "marker": self.marker}))


def _vote(ballots: Sequence[Prediction]) -> Prediction:
    """The majority among the answers that could be read; a tie goes to the answer given first, and is named.

    Where the samples that failed could have changed the majority, the prediction is a failure.
    """
    failed = [ballot for ballot in ballots if ballot.error is not None]
    read = [ballot for ballot in ballots if ballot.error is None and ballot.reading.reason is None]
    counts = Counter(map(_ballot, read))
    ranking = counts.most_common()  # equals in the order of first appearance
    tally = f"votes of {len(ballots)}: {', '.join(f'{answer} × {count}' for answer, count in ranking) or 'none'}"
    most, second = [*(count for _, count in ranking), 0, 0][:2]
    if failed and most - second <= len(failed):
        error = f"{len(failed)} of {len(ballots)} samples failed and could change the vote: {failed[0].error}"
        return _with_cost(replace(failed[0], error=error), ballots, tally)
    if not read:
        return _with_cost(ballots[0], ballots, f"none of {len(ballots)} samples gave a readable answer")
    notes = [tally]
    if failed:
        notes.append(f"{len(failed)} of {len(ballots)} samples failed")
    winners = [answer for answer, count in ranking if count == most]
    if len(winners) > 1:
        notes.append(f"tie between {' and '.join(winners)}; the first given was taken")
    chosen = next(ballot for ballot in read if _ballot(ballot) == winners[0])
    return _with_cost(chosen, ballots, *notes)


def _with_cost(chosen: Prediction, ballots: Sequence[Prediction], *notes: str) -> Prediction:
    """The chosen ballot, which costs what all of them cost."""
    cost = replace(
        chosen,
        tokens_in=sum(ballot.tokens_in for ballot in ballots),
        tokens_out=sum(ballot.tokens_out for ballot in ballots),
        seconds=sum(ballot.seconds for ballot in ballots),
    )
    return with_notes(cost, *notes)


def _ballot(prediction: Prediction) -> str:
    answer = prediction.reading.answer
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, sort_keys=True)
