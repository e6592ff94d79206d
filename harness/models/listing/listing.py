"""What a server at an address is and has: its kind, its version and its models."""

from dataclasses import dataclass

from harness.records.inputs import JSON


@dataclass(frozen=True, kw_only=True)
class ListedModel:
    """A model as its server describes it; None for what the server does not tell."""

    name: str
    size: int | None = None  # bytes
    parameters: str | None = None
    quantisation: str | None = None
    context: int | None = None  # tokens that it can read at most
    trained: int | None = None  # tokens that it was trained with, where the server takes fewer
    capabilities: tuple[str, ...] | None = None
    loaded: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServerListing:
    """A server with its models, in the order of their names."""

    server: str  # its kind and version
    address: str  # as a suite writes it
    example: str  # how a suite names one of its models
    remedy: str  # where it has none
    models: tuple[ListedModel, ...]


def text_in(value: JSON) -> str | None:
    """A text that says something; None for anything else."""
    return value if isinstance(value, str) and value.strip() else None


def count_in(*values: JSON) -> int | None:
    """The first of these that is a positive whole number."""
    counts = (value for value in values if isinstance(value, int) and not isinstance(value, bool) and value > 0)
    return next(counts, None)


def texts_in(value: JSON) -> tuple[str, ...] | None:
    """The texts of a list, None where it is none or empty."""
    texts = tuple(filter(None, map(text_in, value))) if isinstance(value, list) else ()
    return texts or None


def object_in(content: JSON, name: str) -> dict[str, JSON]:
    """The object under a name; an empty one where there is none."""
    value = content.get(name) if isinstance(content, dict) else None
    return value if isinstance(value, dict) else {}


def entries_in(content: JSON, name: str) -> list[dict[str, JSON]] | None:
    """The objects of the list under a name; None where there is no such list."""
    value = content.get(name) if isinstance(content, dict) else None
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else None
