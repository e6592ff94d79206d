"""The beginning of a text, as messages and pages quote what may be long."""


def shortened(text: str, length: int) -> str:
    """The first `length` characters, with … where more followed."""
    return text if len(text) <= length else f"{text[:length]}…"
