"""What a kind of answer owes: how it is asked for, written in an example, and read back."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from harness.components.calls import Calls
from harness.components.component import Component
from harness.components.model import Model
from harness.errors import HarnessError
from harness.records.inputs import JSON, Generation, Language, Prompt, Sample
from harness.records.outputs import Completion, Reading


class Answer(Component):
    """How a task's answer is asked for, written in an example, and read back from a reply."""

    default_prompt: ClassVar[str] = "{{ input }}"
    needs_question: ClassVar[bool] = True  # its prompt must say something, and not the same for all samples

    @property
    def marker(self) -> str | None:
        """What the answer stands behind in a reply; None where the whole reply is the answer."""
        return None

    def prompt_in(self, language: Language) -> str:
        """The prompt of a task that has none of its own, in a language."""
        return self.default_prompt

    def options(self, sample: Sample) -> tuple[str, ...]:
        """The texts to choose among by their probability; empty when the answer is generated text."""
        return ()

    @property
    def is_first_token(self) -> bool:
        """Whether its options are read from the first token of a reply, rather than scored as continuations."""
        return False

    def unfit_model(self, sample: Sample, model: Model) -> str | None:
        """Why a model of its kind cannot answer such a sample as this asks it to; None where it can."""
        if not self.options(sample) or not model.generates:
            return None
        if model.tells_first_token if self.is_first_token else model.scores_options:
            return None
        if self.is_first_token:
            return "does not tell its first tokens; use answer: {choice: {by: generation}}"
        way = "first_token" if model.tells_first_token else "generation"
        return f"cannot score options; use answer: {{choice: {{by: {way}}}}}"

    def remedy_for_scoring(self) -> str:
        """What to do where a model's server does not score options."""
        return "use answer: {choice: {by: first_token}}"

    def refused_parameters(self, sample: Sample) -> Mapping[str, str]:
        """The parameters of variants that have no place with it, each with what to do instead."""
        return {}

    def system_turn(self, sample: Sample, stated: str | None) -> str | None:
        """The system turn of a sample, where the task, a variant or the row states one or none."""
        return stated

    def complete(
        self,
        calls: Calls,
        model: str,
        samples: Sequence[Sample],
        prompts: Sequence[Prompt],
        generation: Generation,
    ) -> list[Completion]:
        """One completion a sample: the likeliest option where there are options to choose from, else generated text."""
        options = [self.options(sample) for sample in samples]
        if any(options) and self.is_first_token:
            return calls.first_token(model, prompts, options)
        if any(options):
            return calls.score_options(model, prompts, options)
        return calls.generate(model, prompts, generation)

    def example(self, sample: Sample) -> str:
        """The right answer as an assistant would write it, for few-shot examples and training."""
        return sample.targets[0]

    def reply_schema(self, samples: Sequence[Sample]) -> dict[str, JSON]:
        """JSON schema of a reply, with values of the types that these samples' targets have.

        Raises HarnessError where an answer of this kind has none.
        """
        raise HarnessError(
            f"an answer of the kind {type(self).__name__.lower()} has no JSON schema; ask for "
            "answer: {json: {fields: […]}}, or leave out constrained"
        )

    def as_target(self, reply: str, reading: Reading) -> str:
        """The answer that was read from a reply, written as data write a right one."""
        answer = reading.answer
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)

    @abstractmethod
    def read(self, sample: Sample, reply: str) -> Reading:
        """The answer in `reply`; a reason instead of an answer when there is none."""

    def read_foreign(self, sample: Sample, reply: str) -> Reading:
        """The answer in a reply that another tool got, which may have asked for it in another way."""
        return self.read(sample, reply)

    def check(self, sample: Sample) -> str | None:
        """What is wrong with a sample for this kind of answer, e.g. a choice without options; None if nothing."""
        return None
