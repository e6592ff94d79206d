"""From messages to the text a causal language model continues: the model's own chat template, or plain text."""

from datetime import date
from typing import Any, Literal, Protocol

from harness.records.inputs import Message, Prompt

# For models without a template of their own: roles in words, turns apart by a blank line, as in text on the web.
SIMPLE_TEMPLATE = (
    "{% set names = {'system': 'System', 'user': 'User', 'assistant': 'Assistant'} %}"
    "{% for message in messages %}{{ names[message['role']] }}: {{ message['content'] }}\n\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
PLAIN_JOINT = "\n\n"  # between a finished exchange and the next, as lm-eval joins its examples
FIXED_DAY = date(2025, 1, 1)
DAY_PARTS = {f"%{code}": FIXED_DAY.strftime(f"%{code}") for code in "aAbBcdDeFfHIjmMpRSTuUVwWxXyYzZ"} | {
    f"%-{code}": FIXED_DAY.strftime(f"%{code}").lstrip("0") or "0" for code in "dmjHIMS"
}
# A macro, because transformers 5.23 hands templates no function, only plain data. The line break is the one that
# transformers drops after a block: the template behind it renders as it would alone.
STRFTIME_NOW = "{{% macro strftime_now(form) %}}{{{{ form{} }}}}{{% endmacro %}}\n".format(
    "".join(f"|replace({code!r}, {text!r})" for code, text in DAY_PARTS.items())
)


class Tokenizer(Protocol):
    """The part of transformers' tokenizers that is used here."""

    chat_template: Any

    def get_chat_template(self) -> str: ...

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any: ...


def as_chat(tokenizer: Tokenizer, prompt: Prompt, enable_thinking: bool = False) -> str:
    """The prompt in the tokenizer's template, up to where the assistant's reply begins.

    A template that refuses a system turn gets it in front of the first user turn.
    """
    # The tokenizer's own; of several, the default.
    template = _on_a_fixed_day(tokenizer.get_chat_template()) if tokenizer.chat_template else SIMPLE_TEMPLATE

    def render(messages: Prompt) -> str:
        text = tokenizer.apply_chat_template(
            [{"role": message.role, "content": message.content} for message in messages],
            chat_template=template, tokenize=False, add_generation_prompt=True, enable_thinking=enable_thinking,
        )  # fmt: skip
        return str(text)

    from jinja2 import TemplateError

    try:
        return render(prompt)
    except TemplateError:
        if not prompt or prompt[0].role != "system":
            raise
        return render(without_system(prompt))


def _on_a_fixed_day(template: str) -> str:
    """Templates that print today's date would ask another question each day: the day is fixed."""
    return STRFTIME_NOW + template if "strftime_now" in template else template


def without_system(prompt: Prompt) -> Prompt:
    """The system turn's text moved to the start of the first user turn."""
    system, first, *rest = prompt
    return (Message("user", f"{system.content}\n\n{first.content}"), *rest)


def as_plain(prompt: Prompt, delimiter: str) -> str:
    """The messages as running text: `question` + delimiter + `answer`, exchanges joined by a blank line.

    The text ends with the last question; the delimiter before the answer belongs to the continuation, because
    tokenizers merge it with the first word of the answer.
    """
    text = ""
    for index, message in enumerate(prompt):
        joint = "" if index == 0 else delimiter if message.role == "assistant" else PLAIN_JOINT
        text += joint + message.content
    return text


Format = Literal["chat", "plain"]
