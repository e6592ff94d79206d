"""What is sent for the requests of an lm-eval task: turns through a chat template, or lm-eval's own running text."""

from dataclasses import dataclass, field
from itertools import chain

from pydantic import TypeAdapter

from harness.components.calls import Calls
from harness.errors import DataError, PromptError
from harness.records.inputs import Message, Prompt, Sample
from harness.records.lm_eval_items import KEY, LmEvalItem, LmEvalRequest
from harness.text.raw_prompts import as_raw

_ITEM = TypeAdapter(LmEvalItem)


def item_of(sample: Sample) -> LmEvalItem:
    """What lm-eval asks for a sample. Raises DataError for one of another task."""
    if KEY not in sample.meta:
        raise DataError(
            f"sample {sample.id} is none of an lm-eval task: answers and metrics of the kind lm_eval belong to a task "
            "that is written {lm_eval: {tasks: […]}}"
        )
    return _ITEM.validate_python(sample.meta[KEY])


def system_text(item: LmEvalItem, stated: str | None) -> str | None:
    """The system text that is stated and the task's description, apart unless one of them has white space there."""
    if not stated or not item.description:
        return stated or item.description or stated
    is_apart = stated[-1].isspace() or item.description[0].isspace()
    return stated + ("" if is_apart else item.description_joint) + item.description


@dataclass(frozen=True)
class LmEvalAsking:
    """What one model is sent for the requests of samples, whose prompts a variant has put in turns."""

    calls: Calls
    model: str
    _rendered: dict[Prompt, str | None] = field(default_factory=dict)

    def prompt_of(self, item: LmEvalItem, request: LmEvalRequest, sample: Sample, turns: Prompt) -> Prompt:
        """The prompt of a request.

        A model in this process is sent the text that it reads, from which lm-eval takes the tokens: white space at its
        end counts with a continuation. A server is sent turns, and so is a plan's model that is not there yet.
        """
        if request.kind == "loglikelihood_rolling":
            return ()
        if request.is_unconditional:
            return as_raw("")
        if request.question is not None:
            question = turns[-1].content.replace(sample.input, request.question)
            turns = (*turns[:-1], Message("user", question))
        if self.is_plain:
            return as_raw(running_text(item, turns))
        text = self._text(turns) if self.calls.model(self.model).local else None
        return turns if text is None else as_raw(text + item.prefix)

    def continuation_of(self, request: LmEvalRequest) -> str:
        """The text whose likelihood is asked."""
        return request.continuation if self.is_plain else request.chat_continuation

    @property
    def is_plain(self) -> bool:
        """Whether the model is asked in running text."""
        return self.calls.model(self.model).reads_plain_text

    def _text(self, turns: Prompt) -> str | None:
        """The turns as the model reads them; None where that is not known, or not yet."""
        if turns not in self._rendered:
            model = self.calls.model(self.model)
            is_ready = not self.calls.planning or (model.is_here() and model.at_hand())
            try:
                self._rendered[turns] = model.render(turns) if is_ready else None
            except PromptError:  # the call itself fails and says why
                self._rendered[turns] = None
        return self._rendered[turns]


def running_text(item: LmEvalItem, turns: Prompt) -> str:
    """System text, examples and question as lm-eval joins them where it applies no chat template."""
    system = turns[0].content if turns[0].role == "system" else ""
    pairs = [turn.content for turn in turns[bool(system) : -1]] if item.examples is None else []
    examples = chain.from_iterable(
        (question, item.question_joint, answer, item.example_joint)
        for question, answer in zip(pairs[::2], pairs[1::2], strict=True)
    )
    before = "".join(examples) if item.examples is None else item.examples
    return system + before + turns[-1].content + item.ending
