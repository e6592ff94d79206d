"""What all metrics share that ask a judge: which models, how often, and what identifies them."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, PrivateAttr, field_validator

from harness.components.fields import MOST_TOKENS, ModelName
from harness.components.metric import Metric
from harness.components.model import Model
from harness.components.task import Task
from harness.judging.rubric.criteria import Criteria
from harness.records.inputs import JSON, Generation, Language, Prompt, Sample
from harness.records.outputs import Prediction
from harness.suite.task_language import LanguageSetting
from harness.text.canonical import digest
from harness.text.replies import without_reasoning

PROCEDURE = 1  # raise when how a judge is asked, asked again or read changes: its calibrations no longer hold then
CJK_TOKENS, LATIN_TOKENS = 0.6, 0.25  # tokens a character, rather too few: what is refused could not have fitted


class JudgeMetric(Metric):
    """Base of metrics that ask one or several models of the suite."""

    answers: ClassVar[tuple[str, ...]] = ("text", "json")
    pairwise: ClassVar[bool] = False
    needs_passages: ClassVar[bool] = False  # whether an answer is judged by the passages that its variant was shown

    model: ModelName | list[ModelName]
    """The model in `models` that judges; several in a list judge together, as a panel."""
    language: LanguageSetting = "auto"
    """The language in which judges are asked; auto: that of the task."""
    repeats: int = Field(1, ge=1, le=20)
    """Readings of the same answer, whose distance is the noise floor; set a temperature above 0 with it."""
    temperature: float = Field(0.0, ge=0)
    """Temperature of a reply; 0: the likeliest tokens."""
    max_tokens: int = Field(1024, ge=16, le=MOST_TOKENS)
    """Most tokens of one reply."""
    combine: Literal["mean", "majority"] = "mean"
    """What a panel says together: the mean, or what most judges say (else the median)."""

    _spoken: dict[Language, "JudgeMetric"] = PrivateAttr(default_factory=dict)  # the metric by the language of a task

    @field_validator("model")
    @classmethod
    def _judges_are_distinct(cls, value: str | list[str]) -> str | list[str]:
        if isinstance(value, list) and (not value or len(set(value)) < len(value)):
            raise ValueError("must name one judge or several different ones")
        return value

    def calls(self, items: int, variants: int) -> int:
        """How often one judge is asked, at most, if it can be read at once."""
        return items * variants * self.repeats

    @property
    def judges(self) -> tuple[str, ...]:
        """The names of the judges."""
        return (self.model,) if isinstance(self.model, str) else tuple(self.model)

    def for_task(self, task: Task) -> "JudgeMetric":
        if self.language != "auto":
            return self
        if task.language not in self._spoken:
            language = task.language if task.language in self.languages() else self.rules.language
            settings = {name: getattr(self, name) for name in type(self).model_fields}
            self._spoken[task.language] = type(self)(**{**settings, "language": language})
        return self._spoken[task.language]

    @property
    @abstractmethod
    def rules(self) -> Criteria:
        """What the judges go by."""

    @abstractmethod
    def languages(self) -> tuple[Language, ...]:
        """In which languages it can ask."""

    @abstractmethod
    def longest_prompt(self, question: str, reference: str | None) -> Prompt:
        """What a judge is asked about an empty answer."""

    def identity(self, model_digest: str) -> str:
        """sha256 over all that determines what a judge says: another model, rubric or option is another judge."""
        return digest(
            {
                "procedure": PROCEDURE,
                "model": model_digest,
                "rubric": self.rules.text,
                "language": self.rules.language,
                "temperature": self.temperature,
                "max_tokens": self.max_tokens,
                "pairwise": self.pairwise,
            }
        )

    def check_models(self, task: Task, models: Mapping[str, Model]) -> str | None:
        longest = max(
            task.data.test, key=lambda sample: len(self.question(task, sample) + (self.reference(task, sample) or ""))
        )
        for name in self.judges:
            room = models[name].context_length() if models[name].at_hand() else None
            needed = self._tokens(task, longest, models[name]) + self.max_tokens
            if room is not None and needed > room:
                return (
                    f"judge {name} needs about {needed:,} tokens for {longest.id}, its reply included, and has room "
                    f"for {room:,}: raise its num_ctx, lower max_tokens, or take a judge with a longer context"
                )
        return None

    def question(self, task: Task, sample: Sample) -> str:
        """What was asked: the same for all variants, without what a variant adds (examples, passages)."""
        return question_text(task, sample)

    def reference(self, task: Task, sample: Sample) -> str | None:
        """The right answer as it would be written; several are numbered."""
        return reference_answer(task, sample)

    def generation(self, schema: Mapping[str, JSON]) -> Generation:
        """How a judge generates."""
        return Generation(max_tokens=self.max_tokens, temperature=self.temperature, schema=schema)

    def _tokens(self, task: Task, sample: Sample, model: Model) -> int:
        """Of the longest prompt: the rubric, the question, and as much of an answer as the task allows."""
        prompt = self.longest_prompt(self.question(task, sample), self.reference(task, sample))
        return prompt_tokens(prompt, model) + task.generation.max_tokens * (2 if self.pairwise else 1)


def prompt_tokens(prompt: Prompt, model: Model) -> int:
    """Tokens of a prompt, without a chat template; rather too few where its tokenizer is out of reach."""
    text = "\n".join(message.content for message in prompt)
    counted = model.count_tokens(text) if model.is_here() else None
    if counted is None:
        wide = sum("\u2e80" <= character <= "\uffef" for character in text)
        counted = round(CJK_TOKENS * wide + LATIN_TOKENS * (len(text) - wide))
    return counted


def question_text(task: Task, sample: Sample) -> str:
    """What was asked, as judges and people are shown it."""
    return "\n\n".join(message.content for message in task.prompt(sample))


def reference_answer(task: Task, sample: Sample) -> str:
    """The right answer as judges and people are shown it; several are numbered, without one it is empty."""
    written = [task.answer.example(replace(sample, targets=(target,))).strip() for target in sample.targets]
    written = [text for text in written if text]
    return "\n".join(f"{i}. {text}" for i, text in enumerate(written, 1)) if len(written) > 1 else "".join(written)


def judged_text(prediction: Prediction) -> str:
    """The answer as a judge sees it: the reply as it was written, without its reasoning."""
    return without_reasoning(prediction.text)[0].strip()


def passage_texts(prediction: Prediction) -> tuple[str, ...]:
    """The passages that an answer was written from, each with its title, without the blank ones."""
    texts = (
        "\n".join(filter(None, (str(passage.get(part) or "").strip() for part in ("title", "text"))))
        for passage in prediction.passages
    )
    return tuple(filter(None, texts))
