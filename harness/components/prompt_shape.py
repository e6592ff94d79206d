"""Of what kind a prompt is: what the prompts that a model learns from and those that it is asked through must share."""

from dataclasses import dataclass


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


def shape_differences(trained: PromptShape, asked: PromptShape) -> list[tuple[str, str]]:
    """In what two kinds of prompt differ, each as (what the model was trained with, what it is asked with).

    How many examples or passages there are is no difference of kind.
    """
    pairs = []
    for field, name, other in _ASPECTS:
        before, now = getattr(trained, field), getattr(asked, field)
        if bool(before) != bool(now):
            pairs.append((_presence(before, name), _presence(now, name)))
        elif before != now:
            pairs.append((_presence(before, name), f"with {other}"))
    return pairs


def _presence(value: str | bool, name: str) -> str:
    return f"with {name}" if value else f"without {name}"
