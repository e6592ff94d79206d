"""Text of strangers for a terminal: control characters, which could move the cursor or set a title, become visible."""

INERT = {code: "\ufffd" for code in (*range(32), 127, *range(128, 160)) if code not in (9, 10)}


def inert(text: str) -> str:
    """The text with U+FFFD for every control character but line end and tab."""
    return text.translate(INERT)


def inert_line(text: str) -> str:
    """The text in one line, inert and encodable: halves of characters become question marks."""
    return inert(" ".join(text.split())).encode("utf-8", "replace").decode("utf-8")
