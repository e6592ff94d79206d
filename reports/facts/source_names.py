"""Names of what models learn from and variants look up, as records write them, in the language that is spoken."""

from collections.abc import Mapping

from reports.wording import say

KEYS: Mapping[str, str] = {
    "train rows of ": "source_names.train_rows",
    "examples of ": "source_names.examples",
    "texts of ": "source_names.texts",
    "knowledge ": "source_names.knowledge",
    "mix ": "source_names.mix",
}


def spoken_source(source: str) -> str:
    """E.g. "train rows of norm"; a name of another kind as it stands."""
    for beginning, key in KEYS.items():
        if source.startswith(beginning):
            return say(key, name=source.removeprefix(beginning))
    return source
