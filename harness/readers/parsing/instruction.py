"""An instruction and its response in columns: the layout of alpaca rows, and of query and response."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.readers.parsing.rows import BadRow, optional_text, text_of, texts_of, tools_of
from harness.readers.parsing.turns import history_of, system_text
from harness.records.inputs import JSON, Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """An instruction with an optional text to apply it to, and the response."""

    prompt: str | None = "instruction"
    query: str | None = "input"
    response: str = "output"
    history: str | None = "history"
    system: str | None = "system"
    tools: str | None = None
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
        earlier, history = history_of(values, self.history)
        system = system_text(optional_text(values, self.system), earlier)
        used = {self.prompt, self.query, self.response, self.history, self.system, self.id}
        meta = {name: value for name, value in values.items() if name not in used}
        return Sample(
            id=identifier,
            task=task,
            input=question,
            targets=self._targets(values),
            history=history,
            system=system,
            tools=tools_of(values, self.tools),
            meta={
                **meta,
                "instruction": instruction,
                "input_text": text,
                "system": system,
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
