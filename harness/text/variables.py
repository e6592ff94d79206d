"""Variables of the environment in a text: `${NAME}`, as a suite writes them, and what they stand for.

`${NAME:-text}` stands for the text where the variable is not set, as in a shell. `$${NAME}` is no variable but the text
`${NAME}` itself.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.records.inputs import JSON

_NAME = r"\$\{(\w+)(?::-([^{}]*))?\}"  # and what it stands for where it is not set
VARIABLE = re.compile(rf"(?<!\$){_NAME}")
_WRITTEN = re.compile(rf"\$?{_NAME}")  # with what only looks like one
USUAL_NAME = re.compile(r"_?[A-Z]{1,16}\d{0,2}(_([A-Z]{1,16}\d{0,2}|\d{1,2}))*")


def data_root() -> Path:
    """The folder that ${DATA} stands for: the environment variable DATA, or data/ in the working folder."""
    return Path(os.environ.get("DATA") or "data").resolve()


def value_of(name: str) -> str | None:
    """The value of a variable; None for one that is not set, or empty."""
    return os.environ.get(name) or (str(data_root()) if name == "DATA" else None)


def names_in(content: JSON) -> list[str]:
    """The names of the variables in a text, or in the texts of a list or mapping, in their order."""
    return [match[1] for match in _matches(content)]


def variables_in(content: JSON) -> dict[str, str]:
    """The variables in a text, or in the texts of a list or mapping, with their values; those that have one."""
    return {match[1]: value for match in _matches(content) if (value := _value(match)) is not None}


def expanded(content: JSON) -> JSON:
    """A text, or the texts of a list or mapping, with values for names; a variable that is not set stays as written."""
    if isinstance(content, str):
        return _WRITTEN.sub(_expanded, content)
    if isinstance(content, dict):
        return {key: expanded(part) for key, part in content.items()}
    return [expanded(part) for part in content] if isinstance(content, list | tuple) else content


def _expanded(match: re.Match[str]) -> str:
    if match[0].startswith("$$"):
        return match[0][1:]
    value = _value(match)
    return match[0] if value is None else value


def _value(match: re.Match[str]) -> str | None:
    """What a variable in a text stands for: its value, or else the text that stands behind `:-`."""
    value = value_of(match[1])
    return match[2] if value is None else value


def _matches(content: JSON) -> Iterator[re.Match[str]]:
    """The variables in a text, or in the texts of a list or mapping."""
    if isinstance(content, str):
        yield from VARIABLE.finditer(content)
        return
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list | tuple) else ()
    for part in parts:
        yield from _matches(part)


def is_variable_name(text: str) -> bool:
    """Whether a text is the name of a variable rather than a value pasted in its place.

    It is one that is set, or has the usual form: words in capitals with `_` between them, such as OPENAI_API_KEY.
    """
    if not re.fullmatch(r"\w{1,64}", text, re.ASCII):
        return False
    return text in os.environ or (bool(USUAL_NAME.fullmatch(text)) and ("_" in text or len(text) <= 12))
