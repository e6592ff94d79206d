"""What a model's chat template writes around each turn, read off its renderings, and the same as a template in Go."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.models.local.chat_template import PLAIN_JOINT, split_delimiter
from harness.records.inputs import Message, Prompt

Render = Callable[[Prompt], str]
WORDS = ("Kxq0z", "Kxq1z", "Kxq2z", "Kxq3z")  # stand in no template
QUESTION: Prompt = (Message("user", "Kxq1z"),)
EXCHANGE: Prompt = (Message("user", "Kxq1z"), Message("assistant", "Kxq2z"), Message("user", "Kxq3z"))
INSTRUCTED: Prompt = (Message("system", "Kxq0z"), *EXCHANGE)
STRUCTURES: dict[str, Prompt] = {
    "a question alone": QUESTION,
    "a question behind a system text": (INSTRUCTED[0], QUESTION[0]),
    "earlier turns": EXCHANGE,
    "earlier turns behind a system text": INSTRUCTED,
    "several earlier turns": (*INSTRUCTED, Message("assistant", "Kxq4z"), Message("user", "Kxq5z")),
}


@dataclass(frozen=True, kw_only=True)
class TurnPieces:
    """The texts around the turns of a conversation, whose last turn is the user's."""

    default: str = ""  # before the first turn where no system turn stands
    system: tuple[str, str] = ("", "")  # before and behind its content; likewise below
    user: tuple[str, str]
    assistant: tuple[str, str]
    opening: str = ""  # what begins the reply, further than what stands behind every user turn
    is_joined: bool = False  # the system text stands inside the first user turn, before `system[1]`

    def render(self, prompt: Prompt) -> str:
        """The prompt up to where the answer begins."""
        first, rest = (prompt[0].content, prompt[1:]) if prompt[0].role == "system" else (None, prompt)
        around = {"user": self.user, "assistant": self.assistant, "system": self.system}
        text = self.default if first is None or self.is_joined else first.join(self.system)
        for place, turn in enumerate(rest):
            before, behind = around[turn.role]
            inside = f"{first}{self.system[1]}" if self.is_joined and first and place == 0 else ""
            text += f"{before}{inside}{turn.content}{behind}"
        return text + self.opening

    def go_template(self) -> str:
        """The same as Ollama's TEMPLATE, in Go's text/template over .Messages and .System."""
        inside = "{{ if and $.System (le $place 1) }}{{ $.System }}" + literal(self.system[1]) + "{{ end }}"
        user, assistant = (tuple(map(literal, pair)) for pair in (self.user, self.assistant))
        system = "" if self.is_joined else "{{ .Content }}".join(map(literal, self.system))
        default = literal(self.default)
        if default and not self.is_joined:
            default = '{{ if ne (index .Messages 0).Role "system" }}' + default + "{{ end }}"
        text = (
            f"{default}{{{{ range $place, $turn := .Messages }}}}"
            f'{{{{ if eq .Role "user" }}}}{user[0]}{inside if self.is_joined else ""}{{{{ .Content }}}}{user[1]}'
            f'{{{{ else if eq .Role "assistant" }}}}{assistant[0]}{{{{ .Content }}}}{assistant[1]}'
            f"{{{{ else }}}}{system}{{{{ end }}}}{{{{ end }}}}{literal(self.opening)}"
        )
        return _guard_edges(text)


def literal(text: str) -> str:
    """A text as it stands in a Go template between three quotation marks."""
    return re.sub(r'\{\{|"""|[^\S\n\t ]|[^\w\s]', _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    """What would be read as an action or an end, and what does not print, which Ollama's parser drops."""
    text = match[0]
    if text not in ("{{", '"""') and text.isprintable():
        return text
    return f"{{{{ {json.dumps(text)} }}}}"


def _guard_edges(text: str) -> str:
    """White space at either end as an action, because whoever reads a Modelfile may strip it."""
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return f"{_quoted(text[:start])}{text[start:end]}{_quoted(text[end:])}"


def _quoted(space: str) -> str:
    return f"{{{{ {json.dumps(space)} }}}}" if space else ""


def read_pieces(render: Render) -> TurnPieces | None:
    """The pieces of a template, of which the texts of the turns stand in its rendering as they are; None otherwise."""
    split = [_around(render(prompt), prompt) for prompt in (EXCHANGE, INSTRUCTED)]
    if None in split:
        return None
    talk, full = (texts or [] for texts in split)
    is_joined = talk[0] == full[0]
    user_before = _common_ending([talk[0], talk[2], *([] if is_joined else [full[1]])])
    behind = _common_start([talk[1], talk[3]])
    size = len(user_before)
    return TurnPieces(
        default=talk[0][: len(talk[0]) - size],
        system=("", full[1]) if is_joined else (full[0], full[1][: len(full[1]) - size]),
        user=(user_before, behind),
        assistant=(talk[1][len(behind) :], talk[2][: len(talk[2]) - size]),
        opening=talk[3][len(behind) :],
        is_joined=is_joined,
    )


def plain_pieces(delimiter: str) -> TurnPieces:
    """Running text as `as_plain` writes it: question, delimiter, answer; exchanges apart by a blank line."""
    ending, space = split_delimiter(delimiter)
    return TurnPieces(system=("", PLAIN_JOINT), user=("", ending), assistant=(space, PLAIN_JOINT))


def differing_structures(pieces: TurnPieces, render: Render) -> list[str]:
    """The structures of prompts that the pieces write in another way than the template does."""
    return [label for label, prompt in STRUCTURES.items() if pieces.render(prompt) != render(prompt)]


def _around(text: str, prompt: Prompt) -> list[str] | None:
    """What stands before, between and behind the words of a prompt."""
    pieces: list[str] = []
    for message in prompt:
        before, word, text = text.partition(message.content)
        if not word:
            return None
        pieces.append(before)
    return [*pieces, text]


def _common_ending(texts: Sequence[str]) -> str:
    return _common_start([text[::-1] for text in texts])[::-1]


def _common_start(texts: Sequence[str]) -> str:
    first = texts[0]
    lengths = (size for size in range(len(first), 0, -1) if all(text.startswith(first[:size]) for text in texts))
    return first[: next(lengths, 0)]
