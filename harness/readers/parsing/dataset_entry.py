"""One entry of LLaMA-Factory's dataset_info.json: its fields, the refused ones with the reason, its columns."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import DataError, nearest
from harness.readers.parsing.assembly import Layout
from harness.readers.parsing.conversation import Conversation
from harness.readers.parsing.dataset_origin import DatasetAddress, unread_origin
from harness.readers.parsing.instruction import Instruction
from harness.readers.parsing.json_text import member_rows
from harness.readers.parsing.rows import Fault, Row
from harness.readers.parsing.text_file import read_text
from harness.readers.parsing.turns import MESSAGES, SHAREGPT, Tags


class DatasetColumns(BaseModel):
    """Column names by LLaMA-Factory's field. Where an entry gives any, a field it leaves out has no column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str | None = None
    query: str | None = None
    response: str | None = None
    history: str | None = None
    messages: str | None = None
    role: str | None = None  # inside a turn, as tags.role_tag; turns are then those of user and assistant
    content: str | None = None  # inside a turn, as tags.content_tag
    system: str | None = None
    tools: str | None = None
    images: str | None = None
    videos: str | None = None
    audios: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    kto_tag: str | None = None


class DatasetEntry(DatasetAddress):
    """An entry as it stands in the file."""

    formatting: Literal["alpaca", "sharegpt"] = "alpaca"
    ranking: bool = False
    subset: str | None = None
    split: str = "train"
    folder: str | None = None
    num_samples: int | None = None
    file_sha1: str | None = None
    columns: DatasetColumns | None = None
    tags: Tags = Field(default_factory=Tags)


def find_entry(path: str, name: str) -> DatasetEntry:
    """The entry of a name in a dataset_info.json. Raises DataError for an unknown, wrong or refused one."""
    entries = dict(member_rows(read_text(path), path))
    if name not in entries:
        raise DataError(f"{path}: no entry '{name}' ({nearest(name, entries)})")
    row = entries[name]
    place = f"{path}:{row.line}: {name}"
    if isinstance(row, Fault):
        raise DataError(f"{place}: {row.reason}")
    entry = _parse(row, place)
    reason = _refusal(entry)
    if reason is not None:
        raise DataError(f"{place}: {reason}")
    return entry


def entry_layout(entry: DatasetEntry) -> Layout:
    """What the columns of an entry mean, with LLaMA-Factory's defaults where it gives none."""
    columns = entry.columns
    if entry.formatting == "sharegpt":
        tags = _tags(entry)
        named = columns.messages if columns else None
        messages = named or (
            "messages" if tags.role_tag == MESSAGES.role_tag and _turn_tags(entry) else "conversations"
        )
        return Conversation(
            messages=messages,
            system=columns.system if columns else None,
            tools=columns.tools if columns else "tools",
            id=None,
            tags=tags,
            required=_required(columns, messages),
        )
    if columns is None:
        return Instruction(history=None, system=None)
    prompt, response = columns.prompt or "instruction", columns.response or "output"
    return Instruction(
        prompt=prompt,
        query=columns.query,
        response=response,
        history=columns.history,
        system=columns.system,
        tools=columns.tools,
        id=None,
        required=_required(columns, prompt, response),
    )


def _turn_tags(entry: DatasetEntry) -> dict[str, str]:
    """What columns say of the inside of a turn, by tag."""
    columns = entry.columns or DatasetColumns()
    tags = {"role_tag": columns.role, "content_tag": columns.content}
    return {tag: column for tag, column in tags.items() if column is not None}


def _tags(entry: DatasetEntry) -> Tags:
    """The tags of an entry; where its columns name role or content, what it leaves out is as in messages."""
    columns = _turn_tags(entry)
    stated = {tag: getattr(entry.tags, tag) for tag in entry.tags.model_fields_set}
    return Tags(**{**(MESSAGES if columns else SHAREGPT).model_dump(), **columns, **stated})


def _parse(row: Row, place: str) -> DatasetEntry:
    try:
        return DatasetEntry.model_validate(row.values, strict=True)
    except ValidationError as error:
        detail = error.errors()[0]
        where = ".".join(str(part) for part in detail["loc"])
        if detail["loc"] == ("formatting",):
            raise DataError(
                f"{place}: formatting: input should be 'alpaca' or 'sharegpt'{_formatting(detail['input'])}"
            ) from error
        if detail["type"] != "extra_forbidden":
            raise DataError(f"{place}: {where}: {detail['msg'][0].lower()}{detail['msg'][1:]}") from error
        inner: dict[str, type[BaseModel]] = {"columns": DatasetColumns, "tags": Tags}
        holder = inner.get(str(detail["loc"][0]), DatasetEntry) if len(detail["loc"]) > 1 else DatasetEntry
        raise DataError(
            f"{place}: {where} is not a field ({nearest(str(detail['loc'][-1]), holder.model_fields)})"
        ) from error


def _formatting(written: object) -> str:
    """How LLaMA-Factory describes what others call the format of OpenAI."""
    if str(written).lower() in ("sharegpt", "alpaca"):
        return f", not {written}; write {str(written).lower()}"
    if str(written).lower() not in ("openai", "chatml", "messages", "chat"):
        return f", not {written}"
    return (
        f", not {written}; messages with role and content are sharegpt with columns: {{messages: messages}} and tags: "
        "{role_tag: role, content_tag: content, user_tag: user, assistant_tag: assistant, system_tag: system}"
    )


def _refusal(entry: DatasetEntry) -> str | None:
    """Why an entry cannot be evaluated, in one line; None if it can."""
    columns = entry.columns or DatasetColumns()
    if entry.ranking or columns.chosen or columns.rejected:
        return "ranking: a preference pair has a better and a worse answer but no right one to score against"
    if columns.kto_tag:
        return "kto_tag: answers are marked good or bad; a bad one is no target"
    if columns.images or columns.videos or columns.audios:
        return "images, videos and audios: only text is read"
    if entry.formatting == "alpaca" and entry.columns and columns.prompt and not columns.response:
        return "columns: there is no response; text for pre-training has no target"
    if entry.num_samples is not None:
        return "num_samples: LLaMA-Factory draws them at random; use limit or split in the suite instead"
    for tag, column in _turn_tags(entry).items():
        if entry.formatting == "alpaca":
            return f"columns.{tag.removesuffix('_tag')} is inside a turn of a conversation: formatting must be sharegpt"
        if tag in entry.tags.model_fields_set and getattr(entry.tags, tag) != column:
            return f"columns.{tag.removesuffix('_tag')} and tags.{tag} name different keys; give one of them"
    return unread_origin(entry)


def _required(columns: DatasetColumns | None, *more: str) -> tuple[str, ...]:
    inside = {"role", "content"}  # of a turn
    columns_named = columns.model_dump(exclude_none=True, exclude=inside).values() if columns else ()
    return tuple(dict.fromkeys((*more, *columns_named)))
