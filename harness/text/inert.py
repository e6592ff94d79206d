"""Text of strangers for a terminal: what could move the cursor, set a title or turn the line around becomes visible."""

CONTROLS = [code for code in (*range(32), 127, *range(128, 160)) if code not in (9, 10)]
DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))  # embeddings, overrides and isolates
INERT = dict.fromkeys((*CONTROLS, *DIRECTIONS), "\ufffd")


def inert(text: str) -> str:
    """The text with U+FFFD for every control character but line end and tab, and for every sign of direction."""
    return text.translate(INERT)


def inert_line(text: str) -> str:
    """The text in one line, inert and encodable: halves of characters become question marks."""
    return inert(" ".join(text.split())).encode("utf-8", "replace").decode("utf-8")
