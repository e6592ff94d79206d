"""Of what kind a prompt is: what the prompts that a model learns from and those that it is asked through must share."""

from dataclasses import dataclass

from harness.records.sentences import Sentence
from harness.text.stating import state


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptShape:
    """All that a prompt is made of besides its item; the sources of templates are empty where there is none."""

    template: str  # of the task
    system: str = ""  # the system turn
    examples: bool = False  # worked examples in front
    passages: bool = False  # shown with the question
    frame: str = ""  # around the question; empty too where it adds nothing but the passages
    reasoning: str = ""  # the instruction to reason first


_ASPECTS = (  # the field, what it is called, what a different value of it is called
    ("passages", "passages", ""),
    ("examples", "worked examples", ""),
    ("frame", "a template around the question", "another template around the question"),
    ("reasoning", "the instruction to reason first", "another instruction to reason first"),
    ("system", "a system turn", "another system turn"),
    ("template", "the template of the task", "another template"),
)


def shape_differences(trained: PromptShape, asked: PromptShape) -> list[tuple[Sentence, Sentence]]:
    """In what two kinds of prompt differ, each as (what the model was trained with, what it is asked with).

    How many examples or passages there are is no difference of kind.
    """
    pairs = []
    for field, name, other in _ASPECTS:
        before, now = getattr(trained, field), getattr(asked, field)
        if bool(before) != bool(now):
            pairs.append((_presence(field, name, before), _presence(field, name, now)))
        elif before != now:
            pairs.append((_presence(field, name, before), state(f"prompt_shapes.other_{field}", f"with {other}")))
    return pairs


def _presence(field: str, name: str, value: str | bool) -> Sentence:
    if value:
        return state(f"prompt_shapes.with_{field}", f"with {name}")
    return state(f"prompt_shapes.without_{field}", f"without {name}")
