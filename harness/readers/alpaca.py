"""Alpaca is the form most instruction data is published in; its columns carry LLaMA-Factory's names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.json_text import object_rows
from harness.readers.parsing.rows import BadRow, Fault, Row, history_of, optional_text, text_of, texts_of
from harness.records.inputs import JSON, Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """An instruction with an optional text to apply it to, and the response."""

    prompt: str | None = "instruction"
    query: str | None = "input"
    response: str = "output"
    history: str | None = "history"
    system: str | None = "system"
    id: str | None = None
    required: tuple[str, ...] = ("instruction", "output")

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return None if self.id is None else text_of(values, self.id)

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        """`input` is instruction and input on a line each; apart they are in `meta` as instruction and input_text."""
        instruction, text = optional_text(values, self.prompt), optional_text(values, self.query)
        question = "\n".join(part for part in (instruction, text) if part.strip())
        if not question:
            raise BadRow(" and ".join(f"'{name}'" for name in (self.prompt, self.query) if name) + ": nothing is asked")
        used = {self.prompt, self.query, self.response, self.history, self.system, self.id}
        meta = {name: value for name, value in values.items() if name not in used}
        return Sample(
            id=identifier,
            task=task,
            input=question,
            targets=self._targets(values),
            history=history_of(values, self.history),
            meta={
                **meta,
                "instruction": instruction,
                "input_text": text,
                "system": optional_text(values, self.system),
            },
        )

    def _targets(self, values: Mapping[str, JSON]) -> tuple[str, ...]:
        """The response; the items of a list are alternatives."""
        if not isinstance(values.get(self.response), list):
            return (text_of(values, self.response),)
        targets = texts_of(values, self.response)
        if not targets:
            raise BadRow(f"'{self.response}' is an empty list: no target")
        return tuple(dict.fromkeys(targets))


class Alpaca(FileReader):
    """Alpaca rows (instruction, input, output, history, system) in a JSON list or JSON lines.

    Prompts see {{ input }} (instruction and input on a line each) and {{ instruction }}, {{ input_text }}, {{ system }}
    apart. Columns that a row may lack are input, history and system, unless they are named in the suite.
    """

    prompt: str = "instruction"
    query: str = "input"
    response: str = "output"
    history: str = "history"
    system: str = "system"
    id: str | None = None  # default: "<file stem>:<record number>"
    encoding: str | None = None

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
