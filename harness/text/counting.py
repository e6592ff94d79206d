"""Numbers with their nouns: 1 model, 2 models."""


def counted(count: int, noun: str) -> str:
    """A count with its noun, which takes an s in the plural; thousands are set apart."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
