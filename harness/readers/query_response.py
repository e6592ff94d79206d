"""Query and response, with earlier turns and a system text beside, are how ms-swift writes instructions."""

from collections.abc import Iterable, Mapping

from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.instruction import Instruction
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault, Row


class QueryResponse(FileReader):
    """Rows {"query": …, "response": …}, which may have history and system, in a JSON list or JSON lines.

    A row's system text is its system turn, where the task states none. Rows with tools need a prompt that shows
    {{ tools }}.
    """

    query: str = "query"
    """The key of what is asked."""
    response: str = "response"
    """The key of the right answer."""
    history: str = "history"
    """The key of the earlier turns: a list of [user, assistant] pairs, or of turns with role and content."""
    system: str = "system"
    """The key of the row's system text."""
    tools: str = "tools"
    """The key of the functions that an answer may call; the prompt has to show them."""
    id: str | None = None
    """The key of the id; null: "<file stem>:<record number>"."""
    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def meanings(self) -> Mapping[str, str]:
        """The query is the input; the response is for no prompt."""
        return {
            self.response: "the response, the right answer, which no prompt shows",
            self.query: "the query: write {{ input }}",
        }

    def rows(self, path: str) -> Iterable[Row | Fault]:
        """The objects of the list, or one a line."""
        return object_rows(path, self.encoding)

    def layout(self) -> Instruction:
        """The columns; those that the suite names must exist."""
        optional = self.columns_in_suite("history", "system", "tools", "id")
        return Instruction(
            prompt=self.query,
            query=None,
            response=self.response,
            history=self.history,
            system=self.system,
            tools=self.tools,
            id=self.id,
            required=(self.query, self.response, *optional),
        )
