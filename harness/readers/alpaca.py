"""Alpaca is the form most instruction data is published in; its columns carry LLaMA-Factory's names."""

from collections.abc import Iterable, Mapping

from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.instruction import Instruction
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import Fault, Row


class Alpaca(FileReader):
    """Alpaca rows (instruction, input, output, history, system) in a JSON list or JSON lines.

    Prompts see {{ input }} (instruction and input on a line each) and {{ instruction }}, {{ input_text }}, {{ system }}
    apart; a row's system text is its system turn, where the task states none and the prompt does not show it. Columns
    that a row may lack are input, history and system, unless they are named in the suite.
    """

    prompt: str = "instruction"
    """The key of the instruction."""
    query: str = "input"
    """The key of the input, which is put below the instruction."""
    response: str = "output"
    """The key of the right answer."""
    history: str = "history"
    """The key of the earlier turns: a list of [user, assistant] pairs, or of turns with role and content."""
    system: str = "system"
    """The key of the row's system text."""
    id: str | None = None
    """The key of the id; null: "<file stem>:<record number>"."""
    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def meanings(self) -> Mapping[str, str]:
        """Instruction and input have names of their own in prompts; the response is for no prompt."""
        return {
            self.response: "the response, the right answer, which no prompt shows",
            self.prompt: "the instruction: write {{ instruction }}, or {{ input }} for instruction and input together",
            self.query: "the input: write {{ input_text }}, or {{ input }} for instruction and input together",
        }

    def rows(self, path: str) -> Iterable[Row | Fault]:
        """The objects of the list, or one a line."""
        return object_rows(path, self.encoding)

    def layout(self) -> Instruction:
        """The columns; those that the suite names must exist."""
        optional = self.columns_in_suite("query", "history", "system", "id")
        required = (self.prompt, self.response, *optional)
        return Instruction(
            prompt=self.prompt,
            query=self.query,
            response=self.response,
            history=self.history,
            system=self.system,
            id=self.id,
            required=required,
        )
