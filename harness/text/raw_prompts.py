"""A prompt that is one text, which a model continues as it stands: no template, delimiter or turn is put around it."""

from harness.records.inputs import Message, Prompt


def as_raw(text: str) -> Prompt:
    """The text as a prompt of its own."""
    return (Message("text", text),)


def raw_text(prompt: Prompt) -> str | None:
    """The text that is continued as it stands; None for a prompt of turns. Of the empty prompt it is empty."""
    if not prompt:
        return ""
    return prompt[0].content if len(prompt) == 1 and prompt[0].role == "text" else None
