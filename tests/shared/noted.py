"""A display that keeps what it is told."""

from harness.components.display import Display


class Notes(Display):
    """Keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)
