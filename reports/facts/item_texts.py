"""Long texts by number: few-shot examples, passages and the words of a template come back in many prompts."""

from collections.abc import Iterable

from harness.records.outputs import Prediction

SHORTEST = 12  # characters of a text that is looked for within a message


class NumberedTexts:
    """Each distinct text once, in the order of its first appearance."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The text's place in `texts`, where it is put at its first appearance."""
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]

    def pieces(self, content: str, repeated: Iterable[str]) -> list[int]:
        """The numbers of the pieces that a message consists of: the texts that others repeat, and what lies between."""
        return [self.number(piece) for piece in pieces_of(content, repeated)]


def pieces_of(content: str, repeated: Iterable[str]) -> list[str]:
    """A text cut where each of these texts begins and ends at first; joined, the pieces are the text again."""
    spans = sorted(
        (start, start + len(text)) for text in repeated if len(text) >= SHORTEST and (start := content.find(text)) >= 0
    )
    pieces, position = [], 0
    for start, end in spans:
        if start >= position:
            pieces += [content[position:start], content[start:end]]
            position = end
    return [piece for piece in (*pieces, content[position:]) if piece]


def rendered_parts(prediction: Prediction) -> list[str | int]:
    """The text that the model read: what its template adds, as text, and its messages, each as its place.

    A message stands without the white space at its ends, as templates put it.
    """
    text = prediction.rendered or ""
    parts: list[str | int] = []
    position = 0
    for number, message in enumerate(prediction.messages):
        content = message.content.strip()
        place = text.find(content, position) if content else -1
        if place >= 0:
            parts += [text[position:place], number]
            position = place + len(content)
    return [part for part in (*parts, text[position:]) if part != ""]


def rendered_pieces(prediction: Prediction) -> list[str]:
    """The text that the model read, in pieces: the template's own, and the messages."""
    messages = prediction.messages
    return [part if isinstance(part, str) else messages[part].content.strip() for part in rendered_parts(prediction)]
