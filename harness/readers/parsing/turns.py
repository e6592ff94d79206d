"""Turns of a conversation, as lists of objects with a role and a text: read alike in rows and in their history."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from harness.readers.parsing.rows import BadRow, is_blank, kind_of, list_of
from harness.records.inputs import JSON

Pairs = tuple[tuple[str, str], ...]


class Tags(BaseModel):
    """How a turn names its role and its text, and how the roles are called. Names are LLaMA-Factory's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role_tag: str = "from"
    """The key of the role inside a turn."""
    content_tag: str = "value"
    """The key of the text inside a turn."""
    user_tag: str = "human"
    """How the user is called."""
    assistant_tag: str = "gpt"
    """How the model is called."""
    observation_tag: str = "observation"
    """How the result of a function is called."""
    function_tag: str = "function_call"
    """How the call of a function is called."""
    system_tag: str = "system"
    """How the system is called."""


class MessageTags(Tags):
    """The same with the names that ms-swift, OpenAI and TRL use."""

    role_tag: str = "role"
    """The key of the role inside a turn."""
    content_tag: str = "content"
    """The key of the text inside a turn."""
    user_tag: str = "user"
    """How the user is called."""
    assistant_tag: str = "assistant"
    """How the model is called."""
    observation_tag: str = "tool_response"
    """How the result of a function is called."""
    function_tag: str = "tool_call"
    """How the call of a function is called."""


SHAREGPT = Tags()
MESSAGES = MessageTags()


def turns_of(turns: list[JSON], column: str, tags: Tags) -> tuple[str | None, list[str], str]:
    """The system text, if the first turn is one, the texts of the other turns, and the last one's role.

    The others are of user and assistant in turn; a function call is of the assistant, an observation of the user, as in
    LLaMA-Factory's templates for models without tool roles. Raises BadRow for disorder.
    """
    named = [_turn(number, turn, column, tags) for number, turn in enumerate(turns, start=1)]
    system = None
    if named and named[0][0] == tags.system_tag:
        (_, system), *named = named
    roles = [role for role, _ in named]
    asking, answering = (tags.user_tag, tags.observation_tag), (tags.assistant_tag, tags.function_tag)
    for place, role in enumerate(roles):
        expected = answering if place % 2 else asking
        if role not in expected:
            raise BadRow(
                f"'{column}': a turn of '{role}' where {' or '.join(expected)} is expected "
                f"({' → '.join(roles[: place + 1][-4:])})"
            )
    return system, [text for _, text in named], roles[-1] if roles else ""


def history_of(values: Mapping[str, JSON], column: str | None) -> tuple[str, Pairs]:
    """The system text, if the first turn is one, and the earlier turns.

    A history is a list of [user, assistant] pairs, or of objects with role and content (or from and value).
    """
    turns = [] if column is None else list_of(values, column)
    if not any(isinstance(turn, dict) for turn in turns):
        for number, turn in enumerate(turns, start=1):
            if not (isinstance(turn, list) and len(turn) == 2 and all(isinstance(part, str) for part in turn)):
                raise BadRow(
                    f"'{column}': turn {number} is not a pair of texts [user, assistant], nor an object with role and "
                    "content"
                )
        return "", tuple((user, assistant) for user, assistant in turns)
    first = next(turn for turn in turns if isinstance(turn, dict))
    tags = SHAREGPT if SHAREGPT.role_tag in first else MESSAGES
    system, texts, last = turns_of(turns, str(column), tags)
    if len(texts) % 2:
        raise BadRow(f"'{column}': the last turn is of '{last}' and has no answer; what is asked is no part of it")
    return system or "", paired(texts)


def system_text(column: str, turn: str | None) -> str:
    """The system text of a row: a turn goes before a column, as in LLaMA-Factory; a blank one is none."""
    text = column if turn is None or not turn else turn
    return "" if is_blank(text) else text


def paired(texts: list[str]) -> Pairs:
    """Turns of user and assistant as pairs."""
    return tuple(zip(texts[::2], texts[1::2], strict=True))


def _turn(number: int, turn: JSON, column: str, tags: Tags) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise BadRow(f"'{column}': turn {number} is {kind_of(turn)}, not an object")
    for tag in (tags.role_tag, tags.content_tag):
        if not isinstance(turn.get(tag), str):
            fault = f"holds {kind_of(turn[tag])}" if tag in turn else f"is missing (it has {', '.join(turn)})"
            raise BadRow(f"'{column}': turn {number}: '{tag}' {fault}; text is expected (see tags)")
    return turn[tags.role_tag], turn[tags.content_tag]
