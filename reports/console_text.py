"""Text that a terminal shows as it stands: in characters that it has, and with nothing that it would obey."""

from rich.console import Console
from rich.text import Text

from harness.records.inputs import Language
from reports.facts.demotions import SIGN
from reports.wording import NAMES

PLAIN = str.maketrans(
    {"\u2212": "-", "–": "-", "—": "-", "“": '"', "”": '"', "’": "'", "…": "~", "×": "x", "·": "|"}
    | {SIGN: "*", "κ": "k", "ρ": "r", "λ": "l"}
)
CONTROLS = [code for code in (*range(32), 127, *range(128, 160)) if code not in (9, 10)]  # could move a cursor
DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # could turn a line around
INERT = dict.fromkeys((*CONTROLS, *DIRECTIONS), "\ufffd")


def safe_text(text: Text, console: Console) -> Text:
    """The text in characters that the console's encoding has, one for one, so that styles stay where they were.

    What a terminal would obey, such as an escape sequence in a name, is shown as U+FFFD.
    """
    encoding = console.encoding
    safe = text.copy()
    safe.plain = text.plain.translate(INERT)
    if not encoding.lower().startswith("utf"):
        safe.plain = safe.plain.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    return safe


def can_show(language: Language, console: Console) -> bool:
    """Whether the encoding of a console has the signs of a language."""
    try:
        NAMES[language].encode(console.encoding)
    except UnicodeEncodeError:
        return False
    return True
