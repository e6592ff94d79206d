"""A data set of the Hugging Face hub is named by its id, so that nobody has to write it into a file first."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from harness.components.dataset import Dataset
from harness.components.fields import LocalPath
from harness.errors import nearest
from harness.readers.parsing.assembly import Layout, RowSource, assemble
from harness.readers.parsing.column_mapping import MappedReader
from harness.readers.parsing.conversation import Conversation
from harness.readers.parsing.hub import HubData, hub_rows
from harness.readers.parsing.instruction import Instruction
from harness.readers.parsing.split import Split
from harness.readers.parsing.turns import MESSAGES, Tags

_PUBLISHED: Mapping[str, Instruction | Conversation] = {  # each form with the columns that it is published with
    "alpaca": Instruction(),
    "sharegpt": Conversation(),
    "messages": Conversation(messages="messages", tags=MESSAGES, required=("messages",)),
    "query_response": Instruction(
        prompt="query", query=None, response="response", tools="tools", required=("query", "response")
    ),
}
_NAMED = {
    Instruction: ("prompt", "query", "response", "history", "system", "tools", "id"),
    Conversation: ("messages", "system", "tools", "id"),
}
_OF_TABLES = ("input", "target", "target_separator", "options", "id", "history", "system")


class Hub(MappedReader):
    """A data set by its id on the Hugging Face hub, or a local folder that the package datasets reads.

    `form: table` takes columns as csv does (input, target, options, …). alpaca, sharegpt, messages and query_response
    have the columns that they are published with, or others by `columns`: {prompt: question}, under the names of
    dataset_info.json. A class label is read as its name. Needs pip install "domain-harness[hub]".
    """

    path: Annotated[str, LocalPath(or_name=True)]
    """The data set: owner/name on the hub, or a folder."""
    subset: str | None = None
    """Its configuration, where it has several; null: the only one."""
    folder: str | None = None
    """The folder inside it that holds the data; null: its top."""
    revision: str | None = None
    """A commit, tag or branch of it; null: the newest."""
    test: str = "test"
    """The split of the data set that is test here."""
    train: str | None = None
    """Its split that is train here; null: none, or by `split`."""
    validation: str | None = None
    """Its split that is validation here; null: none, or by `split`."""
    form: Literal["table", "alpaca", "sharegpt", "messages", "query_response"] = "table"
    """The form of its rows: columns that are mapped here, or one of the known forms of dialogue data."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Other column names of a form other than table, under the names of dataset_info.json, e.g. {prompt: question}."""
    tags: Tags | None = None
    """Of sharegpt and messages: how a turn names its role and its text, and the roles; null: the form's own."""

    @model_validator(mode="after")
    def _columns_fit(self) -> "Hub":
        if self.form == "table":
            other = [name for name in ("columns", "tags") if getattr(self, name)]
            if other:
                raise ValueError(f"{other[0]} belongs to another form; give form, or input and target for a table")
            return self
        layout = _PUBLISHED[self.form]
        misplaced = [name for name in _OF_TABLES if name in self.model_fields_set]
        if misplaced:
            raise ValueError(f"{misplaced[0]} belongs to form: table; form {self.form} takes columns: {{…}}")
        for name in self.columns:
            if name not in _NAMED[type(layout)]:
                raise ValueError(
                    f"columns: '{name}' is no column of {self.form} ({nearest(name, _NAMED[type(layout)])})"
                )
        if self.tags is not None and not isinstance(layout, Conversation):
            raise ValueError(f"tags are of sharegpt and messages; {self.form} has no turns to name")
        return self

    @model_validator(mode="after")
    def _splits_differ(self) -> "Hub":
        names = list(self._splits().values())
        if len(set(names)) < len(names):
            raise ValueError("test, train and validation must be different splits; divide one with split")
        return self

    def read(self, task: str, seed: int) -> Dataset:
        """The samples of the splits. Raises DataError, also where the hub cannot be reached."""
        layout = self.layout()
        sources = {split: [self._source(name, layout)] for split, name in self._splits().items()}
        return assemble(task, seed, sources, self.division())

    def meanings(self) -> Mapping[str, str]:
        """Those of a table; a published form has them at its own reader."""
        return super().meanings() if self.form == "table" else {}

    def layout(self) -> Layout:
        """What the columns mean; those that the suite names must exist."""
        if self.form == "table":
            return super().layout()
        layout = _PUBLISHED[self.form]
        renamed = {getattr(layout, name): column for name, column in self.columns.items()}
        required = dict.fromkeys((*(renamed.get(column, column) for column in layout.required), *renamed.values()))
        changes: dict[str, Any] = {**self.columns, "required": tuple(required)}
        if isinstance(layout, Conversation) and self.tags is not None:
            stated = {tag: getattr(self.tags, tag) for tag in self.tags.model_fields_set}
            changes["tags"] = layout.tags.model_copy(update=stated)
        return replace(layout, **changes)

    def _splits(self) -> dict[Split, str]:
        splits: dict[Split, str | None] = {"test": self.test, "train": self.train, "validation": self.validation}
        return {split: name for split, name in splits.items() if name is not None}

    def _source(self, name: str, layout: Layout) -> RowSource:
        data = HubData(id=self.path, subset=self.subset, folder=self.folder, split=name, revision=self.revision)
        remedy = "or download its files, and read them by json, csv or another reader"
        return RowSource(data.name, partial(hub_rows, data, remedy), layout)
