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
ASKED_AS = ", asked as "  # rows that are learnt as a variant asks for them


def spoken_source(source: str) -> str:
    """E.g. "train rows of norm, asked as rag"; a name of another kind as it stands."""
    source, asked_as, variant = source.partition(ASKED_AS)
    if asked_as:
        return say("source_names.asked_as", source=spoken_source(source), variant=variant)
    for beginning, key in KEYS.items():
        if source.startswith(beginning):
            return say(key, name=source.removeprefix(beginning))
    return source
