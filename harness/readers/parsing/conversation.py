"""A conversation in one column: the layout of ShareGPT rows and of messages with role and content."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.readers.parsing.rows import BadRow, list_of, optional_text, text_of, tools_of
from harness.readers.parsing.turns import SHAREGPT, Tags, paired, system_text, turns_of
from harness.records.inputs import JSON, Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """A list of turns in one column: the last answer is the target, the question before it what is asked."""

    messages: str = "conversations"
    system: str | None = "system"
    tools: str | None = "tools"
    id: str | None = None
    tags: Tags = SHAREGPT
    required: tuple[str, ...] = ("conversations",)

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return None if self.id is None else text_of(values, self.id)

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        turn, texts, last = turns_of(list_of(values, self.messages), self.messages, self.tags)
        if not texts:
            raise BadRow(f"'{self.messages}' holds no turns")
        if len(texts) % 2:
            raise BadRow(f"'{self.messages}': the last turn is of '{last}', so there is no answer to compare with")
        for name, text in (("last question", texts[-2]), ("last answer", texts[-1])):
            if not text.strip():
                raise BadRow(f"'{self.messages}': the {name} is empty")
        system = system_text(optional_text(values, self.system), turn)
        meta = {name: value for name, value in values.items() if name not in (self.messages, self.id)}
        return Sample(
            id=identifier,
            task=task,
            input=texts[-2],
            targets=(texts[-1],),
            history=paired(texts[:-2]),
            system=system,
            tools=tools_of(values, self.tools),
            meta={**meta, "system": system},
        )
