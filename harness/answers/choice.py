"""Option letters as an answer: chosen by probability, or read out of generated text strictly and leniently."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from harness.answers.reading import option_letters as extraction
from harness.answers.reading.choice_question import ChoiceQuestion, LetterReading, admit
from harness.components.answer import Answer
from harness.records.inputs import Language, Sample
from harness.records.outputs import Reading
from harness.text.normalise import option_letters
from harness.text.replies import plain, without_reasoning
from harness.text.templates import LETTERS


class Choice(Answer):
    """One letter, or with `multiple` several in any order, written as one target ("AC"), out of options A–Z.

    by: "loglikelihood" takes the most likely letter as the prompt's continuation, "first_token" the most likely one as
    the first token of a reply, which servers tell too; "generation" reads the reply: the answer is the strict reading,
    the lenient one stands beside it.
    """

    default_prompt: ClassVar[str] = (
        "{{ input }}\n{% for letter, option in options %}{{ letter }}. {{ option }}\n{% endfor %}答案："
    )
    english_prompt: ClassVar[str] = default_prompt.replace("答案：", "Answer:")
    letter_only: ClassVar[str] = (
        "只回答正确选项的字母。"  # a reply that begins otherwise tells nothing by its first token
    )
    english_letter_only: ClassVar[str] = "Reply with the letter of the right option only."

    by: Literal["generation", "loglikelihood", "first_token"] = "generation"
    """How the option is known: read from the written reply, the likeliest continuation, or the letters' probabilities
    as first token."""
    multiple: bool = False
    """Whether several letters are right together, written as one target such as AC; by generation only."""

    @model_validator(mode="after")
    def _single_letter_by_likelihood(self) -> Self:
        if self.multiple and self.by != "generation":
            means = "log-likelihood" if self.by == "loglikelihood" else "the first token"
            raise ValueError(f"several letters cannot be chosen by {means}; use by: generation")
        return self

    def prompt_in(self, language: Language) -> str:
        is_english = language == "en"
        prompt = self.english_prompt if is_english else self.default_prompt
        request = self.english_letter_only if is_english else self.letter_only
        return prompt.replace("{% endfor %}", f"{{% endfor %}}{request}\n") if self.is_first_token else prompt

    def options(self, sample: Sample) -> tuple[str, ...]:
        """The letters, when they are chosen by their probability."""
        return () if self.by == "generation" else tuple(LETTERS[: len(sample.options)])

    @property
    def is_first_token(self) -> bool:
        return self.by == "first_token"

    def example(self, sample: Sample) -> str:
        """The right letters in alphabetical order."""
        return option_letters(sample.targets[0])

    def read(self, sample: Sample, reply: str) -> Reading:
        """Strict and lenient reading. A reason stands wherever there is no strict one."""
        if self.by != "generation":
            return self._scored(sample, reply)
        text, reason = without_reasoning(reply)
        text = plain(text)
        if reason is not None or not text:
            return Reading(reason=reason or "the reply is empty")
        choice = ChoiceQuestion(sample.input, sample.options, self.multiple)
        strict, lenient = extraction.strict(text, choice), extraction.lenient(text, choice)
        if strict.letters is not None and lenient.letters in (None, strict.letters):
            return Reading(answer=strict.letters, lenient=strict.letters)
        if strict.letters is not None:
            strict = LetterReading(reason=f"it announces {strict.letters} and then concludes {lenient.letters}")
        open_form = f"its form leaves doubt (read leniently: {lenient.letters})" if lenient.letters else None
        why = strict.reason or lenient.reason or open_form or "it names no option"
        return Reading(reason=why, lenient=lenient.letters)

    def read_foreign(self, sample: Sample, reply: str) -> Reading:
        """A letter as it is; a written reply as one that was asked for by generation."""
        letter = reply.strip()
        if letter in self.options(sample):
            return self._scored(sample, letter)
        return self.model_copy(update={"by": "generation"}).read(sample, reply)

    def _scored(self, sample: Sample, reply: str) -> Reading:
        """The most likely option is a letter already; as prose it could be an option's text, e.g. a blood group."""
        if reply in self.options(sample):
            return Reading(answer=reply, lenient=reply)
        return Reading(reason=f"“{reply}” is none of the letters that were scored")

    def check(self, sample: Sample) -> str | None:
        """Options that are missing or too many; targets that are no letters of options, or one letter each of a set."""
        if not 2 <= len(sample.options) <= len(LETTERS):
            return f"a choice needs 2 to {len(LETTERS)} options, the sample has {len(sample.options)}"
        choice = ChoiceQuestion(sample.input, sample.options, self.multiple)
        for target in sample.targets:
            reason = admit(option_letters(target), choice).reason
            if reason or not option_letters(target):
                return f"target '{target}': {reason or 'the letter of an option is needed'}"
        letters = {option_letters(target) for target in sample.targets}
        if self.multiple and len(letters) > 1 and all(len(target) == 1 for target in letters):
            together = "".join(sorted(letters))
            return (
                f"targets {'、'.join(together)} are alternatives, one letter each; if all are right, write them as one "
                f'text, "{together}", instead of a list, and leave out target_separator'
            )
        return None
