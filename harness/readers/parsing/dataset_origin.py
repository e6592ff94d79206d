"""Where the rows of an entry of dataset_info.json come from: hubs go before files, in LLaMA-Factory's order."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict


class DatasetAddress(BaseModel):
    """The fields of an entry that name where its rows are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file_name: str | None = None
    hf_hub_url: str | None = None
    ms_hub_url: str | None = None
    om_hub_url: str | None = None
    script_url: str | None = None
    cloud_file_name: str | None = None


Field = Literal["hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name", "file_name"]
_UNREAD: Mapping[Field, str] = {
    "om_hub_url": "the hub of openMind",
    "script_url": "a loading script",
    "cloud_file_name": "a file in a cloud",
}


@dataclass(frozen=True, slots=True)
class DatasetOrigin:
    """The field that decides, and what it says."""

    field: Field
    name: str


def origin_of(entry: DatasetAddress) -> DatasetOrigin | None:
    """The origin that LLaMA-Factory takes; None where an entry names none.

    A hub goes before everything else: that of Hugging Face, unless the entry names none there, or names one of
    ModelScope and USE_MODELSCOPE_HUB is set, or one of openMind and USE_OPENMIND_HUB is. Then a script, a file in a
    cloud, a local file (LLaMA-Factory, data/parser.py, main branch of 2026).
    """
    order: list[Field] = ["hf_hub_url", "script_url", "cloud_file_name", "file_name"]
    if entry.hf_hub_url is None or _is_set("USE_OPENMIND_HUB"):
        order.insert(0, "om_hub_url")
    if entry.hf_hub_url is None or _is_set("USE_MODELSCOPE_HUB"):
        order.insert(0, "ms_hub_url")
    for field in order:
        name = getattr(entry, field)
        if name is not None:
            return DatasetOrigin(field, name)
    return None


def unread_origin(entry: DatasetAddress) -> str | None:
    """Why the origin of an entry is not read, in one line; None if it is."""
    origin = origin_of(entry)
    if origin is None:
        return "names no data; give file_name, hf_hub_url or ms_hub_url"
    if origin.field not in _UNREAD:
        return None
    return f"{origin.field}: {_UNREAD[origin.field]} is not read; {file_remedy(entry, origin.field)}"


def file_remedy(entry: DatasetAddress, field: str) -> str:
    """How to have the file read that an entry names beside a hub, or a file at all."""
    if entry.file_name is None:
        return f"or download the data, and give file_name in place of {field}"
    return f"to read {entry.file_name} instead, leave {field} out, which LLaMA-Factory takes before file_name"


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("true", "y", "1")
