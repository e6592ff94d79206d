"""The languages of the report: every sentence stands in one catalogue a language, a file for each section.

`reports/catalogue/LANGUAGE/FILE.toml` holds `name = "sentence with {values}"`; `say("FILE.name", values…)` is that
sentence in the language that is spoken. An entry that depends on a count is a table with `one` and `other`, chosen by
the value `n`. A package of sections from elsewhere has a catalogue of its own, `PACKAGE/catalogue/LANGUAGE/FILE.toml`,
whose keys name it: `say("PACKAGE:FILE.name")`. What it does not say in a language it says in English.
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
OWN = "reports"  # the package whose catalogue a key without a package is of
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
    package, _, place = key.rpartition(":")
    file, _, name = place.partition(".")
    entries = catalogue(spoken_language(), package or OWN)
    entry = entries[file][name] if name in entries.get(file, {}) else catalogue("en", package or OWN)[file][name]
    if isinstance(entry, str):
        return entry
    return entry["one"] if values.get("n") == 1 and "one" in entry else entry["other"]


def is_sayable(key: str) -> bool:
    """Whether the catalogue of its package has an entry for a key."""
    try:
        return bool(entry_for(key, {}))
    except KeyError:
        return False


@cache
def catalogue(language: Language, package: str = OWN) -> Mapping[str, Mapping[str, Entry]]:
    """All entries of a language in a package, by file and name; none where it has no catalogue in that language."""
    folder = files(package).joinpath("catalogue", language)
    if not folder.is_dir():
        return {}
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }
