"""ShareGPT is how conversations are published: the last assistant turn is the target, what precedes it the context."""

from collections.abc import Iterable, Mapping

from pydantic import Field

from harness.readers.parsing.conversation import Conversation
from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.turns import Tags


class Sharegpt(FileReader):
    """Conversations in a JSON list or JSON lines: the last answer is the target, earlier turns are the history.

    A system turn, or the system column, is the row's system turn where the task states none; prompts may show it as
    {{ system }}. Rows with tools need a prompt that shows {{ tools }}. Function calls count as turns of the assistant,
    observations as turns of the user.
    """

    messages: str = "conversations"
    """The key of the turns."""
    system: str = "system"
    """The key of the row's system text."""
    tools: str = "tools"
    """The key of the functions that an answer may call; the prompt has to show them."""
    tags: Tags = Field(default_factory=Tags)
    """How a turn names its role and its text, and how the roles are called."""
    id: str | None = None
    """The key of the id; null: "<file stem>:<record number>"."""
    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def meanings(self) -> Mapping[str, str]:
        """Of the turns the last question is the input."""
        return {self.messages: "the conversation: write {{ input }} for its last question; its other turns precede it"}

    def rows(self, path: str) -> Iterable[Row | Fault]:
        """The objects of the list, or one a line."""
        return object_rows(path, self.encoding)

    def layout(self) -> Conversation:
        """The columns; those that the suite names must exist."""
        optional = self.columns_in_suite("system", "tools", "id")
        return Conversation(
            messages=self.messages,
            system=self.system,
            tools=self.tools,
            id=self.id,
            tags=self.tags,
            required=(self.messages, *optional),
        )
