"""A stated chat template: how the turns of a prompt become the text that a served model continues.

Templates write no token for the beginning of a text: servers put it before a raw prompt themselves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from harness.errors import HarnessError, nearest
from harness.records.inputs import JSON, Message, Prompt
from harness.text.templates import Template

NAMES = ("chatml", "gemma", "llama3", "mistral")  # those that are shipped, in turn_templates/
_WORD = "Kxq1z"  # stands in no template
_TOKEN = re.compile(r"<[^<>\s]{1,40}>|\[/?[A-Z_]{1,20}\]")  # how templates write a special token


@dataclass(frozen=True)
class TurnTemplate:
    """Jinja over `messages`, each with `role` and `content`, and `add_generation_prompt`."""

    text: str
    origin: str  # for messages

    def render(self, prompt: Prompt, opens_reply: bool = True) -> str:
        """The text up to where the assistant's reply begins. Raises HarnessError for whatever stops the template."""
        values: Mapping[str, JSON] = {
            "messages": [{"role": message.role, "content": message.content} for message in prompt],
            "add_generation_prompt": opens_reply,
            "bos_token": "",
            "eos_token": "",
        }
        return Template(self.text, self.origin).render_values(values)

    @cached_property
    def end_of_turn(self) -> str:
        """What ends an assistant's turn, e.g. <|im_end|>: where the reply is over; empty where nothing does."""
        turns = (Message("user", "Kxq0z"), Message("assistant", _WORD), Message("user", "Kxq2z"))
        rest = self.render(turns, opens_reply=False).rpartition(_WORD)[2].partition("Kxq2z")[0].lstrip()
        token = _TOKEN.match(rest)
        return token[0] if token else rest.partition("\n")[0].strip()

    def check(self) -> None:
        """Raise HarnessError if it cannot be compiled or fails on a question, alone or behind an exchange."""
        Template(self.text, self.origin).check()
        self.render((Message("user", _WORD),))
        _ = self.end_of_turn


def turn_template(written: str) -> TurnTemplate:
    """A template by its name, or the Jinja text itself. Raises HarnessError for what is neither, or does not work."""
    if written in NAMES:
        text = (files("harness") / "text" / "turn_templates" / f"{written}.j2").read_text(encoding="utf-8")
        return TurnTemplate(text, f"{written}.j2")
    if "{{" not in written:
        raise HarnessError(
            f"template: '{' '.join(written.split())[:40]}' is neither a name nor Jinja text over `messages` "
            f"({nearest(written, NAMES)})"
        )
    template = TurnTemplate(written, "template")
    template.check()
    return template
