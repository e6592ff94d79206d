"""The meanings of the columns in a user's own table, for every format without a fixed layout."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, model_validator

from harness.readers.parsing.assembly import Layout
from harness.readers.parsing.file_reader import DividedReader, FileReader
from harness.readers.parsing.rows import (
    BadRow,
    filled_options,
    optional_text,
    options_of,
    text_of,
    texts_of,
)
from harness.readers.parsing.turns import history_of, system_text
from harness.records.inputs import JSON, Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """A mapping of columns to the fields of a sample; all other columns go to `meta` under their own names."""

    input: str
    target: tuple[str, ...]
    target_separator: str | None = None
    options: tuple[str, ...] = ()
    option_list: str | None = None
    id: str | None = None
    history: str | None = None
    system: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        optional = (self.option_list, self.id, self.history, self.system)
        return (self.input, *self.target, *self.options, *(column for column in optional if column is not None))

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return None if self.id is None else text_of(values, self.id)

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        used = self.required
        meta = {name: value for name, value in values.items() if name not in used}
        earlier, history = history_of(values, self.history)
        system = system_text(optional_text(values, self.system), earlier)
        if self.system is not None:
            meta["system"] = system
        return Sample(
            id=identifier,
            task=task,
            input=text_of(values, self.input),
            targets=self._targets(values),
            options=self._options(values),
            history=history,
            system=system,
            meta=meta,
        )

    def _targets(self, values: Mapping[str, JSON]) -> tuple[str, ...]:
        targets = [text for column in self.target for text in texts_of(values, column)]
        if self.target_separator is not None:
            targets = [part.strip() for text in targets for part in text.split(self.target_separator) if part.strip()]
        if not targets:
            columns = " and ".join(f"'{column}'" for column in self.target)
            raise BadRow(f"{columns} {'is' if len(self.target) == 1 else 'are'} empty: no target")
        return tuple(dict.fromkeys(targets))

    def _options(self, values: Mapping[str, JSON]) -> tuple[str, ...]:
        if self.option_list is not None:
            return options_of(values, self.option_list)
        return filled_options({column: values.get(column) for column in self.options})


class MappedReader(DividedReader):
    """Base of the readers whose columns are mapped in YAML."""

    input: str = "input"
    """The column of what is asked."""
    target: str | list[str] = "target"
    """The column of the right answer; several columns, or a cell that is a list: several right answers."""
    target_separator: str | None = None
    """Splits one cell into several right answers, e.g. "##"; null: a cell is one."""
    options: str | list[str] = Field(default_factory=list)
    """The columns of options A, B, …, or one column that holds a list, or an object by letter; empty: no options."""
    id: str | None = None
    """The column of the id; null: "<file stem>:<record number>"."""
    history: str | None = None
    """The column of earlier turns: a list of [user, assistant] pairs, or of turns with role and content; null: none."""
    system: str | None = None
    """The column of the system turn of a row, sent where the task states none; null: none."""

    @model_validator(mode="after")
    def _meanings_are_unique(self) -> "MappedReader":
        columns = self.mapping().required
        duplicate = next((column for column in columns if columns.count(column) > 1), None)
        if duplicate is not None:
            raise ValueError(f"column '{duplicate}' is given two meanings")
        if self.target_separator == "":
            raise ValueError('target_separator: must be at least one character, e.g. "##"; leave it out for one answer')
        if not self.mapping().target:
            raise ValueError("target: at least one column is needed")
        return self

    def meanings(self) -> Mapping[str, str]:
        """The input, the options, the history; the target is for no prompt."""
        layout = self.mapping()
        listed = "the options: write {% for letter, option in options %}{{ letter }}. {{ option }} {% endfor %}"
        return {
            **dict.fromkeys(layout.target, "the target, the right answer, which no prompt shows"),
            **dict.fromkeys((*layout.options, layout.option_list or ""), listed),
            layout.history or "": "the history: its turns stand before the prompt by themselves",
            layout.system or "": "the system column: write {{ system }}",
            layout.id or "": "the id, which no prompt shows",
            layout.input: "the input: write {{ input }}",
        }

    def layout(self) -> Layout:
        """The mapping that the suite gives."""
        return self.mapping()

    def mapping(self) -> Columns:
        """What each column is."""
        return Columns(
            input=self.input,
            target=(self.target,) if isinstance(self.target, str) else tuple(self.target),
            target_separator=self.target_separator,
            options=() if isinstance(self.options, str) else tuple(self.options),
            option_list=self.options if isinstance(self.options, str) else None,
            id=self.id,
            history=self.history,
            system=self.system,
        )


class TableReader(MappedReader, FileReader):
    """Base of the formats whose columns are mapped in YAML."""
