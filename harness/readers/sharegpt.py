"""ShareGPT is how conversations are published: the last assistant turn is the target, what precedes it the context."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import BadRow, Fault, Row, kind_of, list_of, optional_text, text_of
from harness.records.inputs import JSON, Sample


class Tags(BaseModel):
    """How a turn names its role and its text, and how the roles are called. Names are LLaMA-Factory's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role_tag: str = "from"
    content_tag: str = "value"
    user_tag: str = "human"
    assistant_tag: str = "gpt"
    observation_tag: str = "observation"
    function_tag: str = "function_call"
    system_tag: str = "system"


_TAGS = Tags()


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """A list of turns in one column.

    As in LLaMA-Factory's templates for models without tool roles, a function call is a turn of the assistant and an
    observation a turn of the user.
    """

    messages: str = "conversations"
    system: str | None = "system"
    id: str | None = None
    tags: Tags = _TAGS
    required: tuple[str, ...] = ("conversations",)

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return None if self.id is None else text_of(values, self.id)

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        system = optional_text(values, self.system)
        turns = [self._turn(number, turn) for number, turn in enumerate(list_of(values, self.messages), start=1)]
        if turns and turns[0][0] == self.tags.system_tag:
            system, turns = turns[0][1], turns[1:]
        self._refuse_disorder([role for role, _ in turns])
        texts = [text for _, text in turns]
        for name, text in (("last question", texts[-2]), ("last answer", texts[-1])):
            if not text.strip():
                raise BadRow(f"'{self.messages}': the {name} is empty")
        meta = {name: value for name, value in values.items() if name not in (self.messages, self.id)}
        return Sample(
            id=identifier,
            task=task,
            input=texts[-2],
            targets=(texts[-1],),
            history=tuple(zip(texts[:-2:2], texts[1:-2:2], strict=True)),
            meta={**meta, "system": system},
        )

    def _turn(self, number: int, turn: JSON) -> tuple[str, str]:
        tags = self.tags
        if not isinstance(turn, dict):
            raise BadRow(f"'{self.messages}': turn {number} is {kind_of(turn)}, not an object")
        for tag in (tags.role_tag, tags.content_tag):
            if not isinstance(turn.get(tag), str):
                fault = f"holds {kind_of(turn[tag])}" if tag in turn else f"is missing (it has {', '.join(turn)})"
                raise BadRow(f"'{self.messages}': turn {number}: '{tag}' {fault}; text is expected (see tags)")
        return turn[tags.role_tag], turn[tags.content_tag]

    def _refuse_disorder(self, roles: list[str]) -> None:
        tags = self.tags
        asking, answering = (tags.user_tag, tags.observation_tag), (tags.assistant_tag, tags.function_tag)
        for place, role in enumerate(roles):
            expected = answering if place % 2 else asking
            if role not in expected:
                raise BadRow(
                    f"'{self.messages}': a turn of '{role}' where {' or '.join(expected)} is expected "
                    f"({' → '.join(roles[: place + 1][-4:])})"
                )
        if not roles:
            raise BadRow(f"'{self.messages}' holds no turns")
        if len(roles) % 2:
            raise BadRow(f"'{self.messages}': the last turn is of '{roles[-1]}', so there is no answer to compare with")


class Sharegpt(FileReader):
    """Conversations in a JSON list or JSON lines: the last answer is the target, earlier turns are the history.

    A system turn, or the system column, reaches prompts as {{ system }}, the tools column as {{ tools }}. Function
    calls count as turns of the assistant, observations as turns of the user.
    """

    messages: str = "conversations"
    system: str = "system"
    tags: Tags = Field(default_factory=Tags)
    id: str | None = None  # default: "<file stem>:<record number>"
    encoding: str | None = None

    def meanings(self) -> Mapping[str, str]:
        """Of the turns the last question is the input."""
        return {self.messages: "the conversation: write {{ input }} for its last question; its other turns precede it"}

    def rows(self, path: str) -> Iterable[Row | Fault]:
        """The objects of the list, or one a line."""
        return object_rows(path, self.encoding)

    def layout(self) -> Conversation:
        """The columns; those that the suite names must exist."""
        optional = self.columns_in_suite("system", "id")
        return Conversation(
            messages=self.messages, system=self.system, id=self.id, tags=self.tags, required=(self.messages, *optional)
        )
