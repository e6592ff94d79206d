"""The languages of the report: every sentence stands in one catalogue a language, a file for each section.

`reports/catalogue/LANGUAGE/FILE.toml` holds `name = "sentence with {values}"`; `say("FILE.name", values…)` is that
sentence in the language that is spoken. An entry that depends on a count is a table with `one` and `other`, chosen by
the value `n`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import get_args

from markupsafe import Markup

from harness.records.inputs import JSON, Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: Mapping[Language, str] = {"zh": "中文", "en": "English"}
Entry = str | Mapping[str, str]

_spoken: ContextVar[Language] = ContextVar("spoken", default="en")


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within it, every sentence is in this language."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken_language() -> Language:
    """The language that sentences are in at present."""
    return _spoken.get()


def say(key: str, **values: JSON) -> str:
    """A sentence as plain text. Raises KeyError for a key or a value that the catalogue does not know."""
    return entry_for(key, values).format(**values)


def say_markup(key: str, **values: JSON) -> Markup:
    """A sentence whose catalogue entry holds tags; the values are escaped."""
    return Markup(entry_for(key, values)).format(**values)


def entry_for(key: str, values: Mapping[str, JSON]) -> str:
    """The catalogue's entry for these values, its places still empty."""
    file, _, name = key.partition(".")
    entry = catalogue(spoken_language())[file][name]
    if isinstance(entry, str):
        return entry
    return entry["one"] if values.get("n") == 1 and "one" in entry else entry["other"]


@cache
def catalogue(language: Language) -> Mapping[str, Mapping[str, Entry]]:
    """All entries of a language, by file and name."""
    folder = files("reports").joinpath("catalogue", language)
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }
