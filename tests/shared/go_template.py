"""Ollama's chat templates (Go's text/template, as much of it as Modelfiles use), and how Ollama renders a conversation."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from tests.shared.engines import Body

CHATML = "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n"
THINKER = (
    "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ if .Thinking }}<think>{{ .Thinking }}</think>{{ end }}"
    "{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n{{ if and .IsThinkSet .Think }}<think>\n{{ end }}"
)
BARE = "{{ .Prompt }}"  # what `ollama create` writes for a GGUF without a template
CONTENTS = "{{ range .Messages }}{{ .Content }}{{ end }}"  # nothing but the texts: for scripts that count characters

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
TRIMMED = ((re.compile(r"\s*\{\{-"), "{{"), (re.compile(r"-\}\}\s*"), "}}"))


def render(template: str, messages: Sequence[Body], *, version: tuple[int, ...], think: Any = None) -> str:
    """The prompt of a conversation, as an Ollama of a version makes it."""
    facts = {
        "Think": bool(think),
        "IsThinkSet": think is not None,
        "ThinkLevel": think if isinstance(think, str) else "",
    }
    if ".Messages" in template:
        return _executed(template, {**facts, **_conversation(messages)})
    if template == BARE and version >= (0, 30):
        return _executed(CHATML, {**facts, **_conversation(messages)})
    return _in_turns(template, messages, facts)


def _conversation(messages: Sequence[Body]) -> dict[str, Any]:
    """Neighbours of the same role are joined; the system's texts stand in .System, too."""
    joined: list[dict[str, str]] = []
    for message in messages:
        text = message.get("content", "")
        if joined and joined[-1]["Role"] == message["role"]:
            joined[-1]["Content"] += f"\n\n{text}"
        else:
            joined.append({"Role": message["role"], "Content": text, "Thinking": message.get("thinking", "")})
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    return {"Messages": joined, "System": system}


def _in_turns(template: str, messages: Sequence[Body], facts: Mapping[str, Any]) -> str:
    """A template of .System, .Prompt and .Response is written out once a turn; the last one ends before its response."""
    whole = template if ".Response" in template else template + "{{ .Response }}"
    turn = {"System": "", "Prompt": "", "Response": ""}
    written = ""
    for message in _conversation(messages)["Messages"]:
        role, text = message["Role"], message["Content"]
        if (role == "system" and (turn["Prompt"] or turn["Response"])) or (role == "user" and turn["Response"]):
            written += _executed(whole, {**facts, **turn})
            turn = dict.fromkeys(turn, "")
        turn[{"system": "System", "user": "Prompt"}.get(role, "Response")] = text
    front = whole.partition("{{ .Response }}")[0]
    return written + _executed(front, {**facts, **turn}) + turn["Response"]


def _executed(template: str, values: Mapping[str, Any]) -> str:
    for pattern, plain in TRIMMED:
        template = pattern.sub(plain, template)
    environment = jinja2.Environment(keep_trailing_newline=True, autoescape=False)
    return environment.from_string(_as_jinja(template)).render(values)


def _as_jinja(template: str) -> str:
    """The same template in Jinja's language. Inside a range, `.X` is the element's and `$.X` the conversation's."""
    open_blocks: list[str] = []

    def value(word: str) -> str:
        if word.startswith("$."):
            return word[2:]
        return f"element.{word[1:]}" if word.startswith(".") and "for" in open_blocks else word.removeprefix(".")

    def condition(words: str) -> str:
        first, *rest = words.split()
        if first in ("and", "or"):
            return f" {first} ".join(value(word) for word in rest)
        if first == "eq":
            return " == ".join(value(word) for word in rest)
        return f"not {value(rest[0])}" if first == "not" else value(first)

    def action(match: re.Match[str]) -> str:
        word, _, rest = match[1].partition(" ")
        if word == "range":
            line = f"{{% for element in {value(rest.strip())} %}}"
            open_blocks.append("for")
            return line
        if word == "if":
            line = f"{{% if {condition(rest)} %}}"
            open_blocks.append("if")
            return line
        if word == "else":
            return f"{{% elif {condition(rest.removeprefix('if '))} %}}" if rest else "{% else %}"
        if word == "end":
            return f"{{% end{open_blocks.pop()} %}}"
        return f"{{{{ {value(word)} }}}}"

    return ACTION.sub(action, template)
