"""What a server makes of a prompt's messages: a chat template that drops a turn asks another question in silence."""

import unicodedata
from collections.abc import Sequence

from harness.records.inputs import Message, Prompt, Role
from harness.text.replies import without_reasoning

TURNS: dict[Role, str] = {"system": "system text", "user": "user's turn", "assistant": "earlier answer"}
Span = tuple[int, int]


def missing_turns(prompt: Prompt, rendered: str) -> tuple[Message, ...]:
    """The messages whose text does not stand in a rendering, in their order.

    White space and forms of one letter count as equal, and reasoning in an earlier answer may be left out. A short text
    counts only outside the other turns' texts and between its neighbours; a system text may stand anywhere. Messages
    without text are never missing.
    """
    text = _dense(rendered)
    texts = [_dense(message.content) for message in prompt]
    spans: dict[int, Span] = {}
    for place in sorted(range(len(prompt)), key=lambda place: (-len(texts[place]), place)):
        forms = [texts[place]]
        if prompt[place].role == "assistant":
            forms.append(_dense(without_reasoning(prompt[place].content)[0]))
        bounds = _bounds(prompt, place, spans, len(text))
        span = next(filter(None, (_free_span(text, form, bounds, spans) for form in forms)), None)
        if span is not None:
            spans[place] = span
    return tuple(message for place, message in enumerate(prompt) if texts[place] and place not in spans)


def in_words(prompt: Prompt) -> Prompt:
    """A prompt of the same roles whose every text is a word that no template contains: what is dropped then shows."""
    return tuple(Message(message.role, f"Kxq{place}z") for place, message in enumerate(prompt))


def turn_excerpt(message: Message) -> str:
    """A turn for a message to people, e.g. `the system text “Answer in one word.”`."""
    text = " ".join(message.content.split())
    return f"the {TURNS[message.role]} “{text[:40]}{'…' if len(text) > 40 else ''}”"


def roles_of(prompt: Prompt) -> tuple[Role, ...]:
    """The structure of a prompt."""
    return tuple(message.role for message in prompt)


def first_of_each_structure(prompts: Sequence[Prompt]) -> dict[tuple[Role, ...], Prompt]:
    """The first prompt of each structure of roles: a template treats the others alike."""
    return {roles_of(prompt): prompt for prompt in reversed(prompts)}


def _bounds(prompt: Prompt, place: int, spans: dict[int, Span], end: int) -> Span:
    """Between which places of a rendering a turn must stand, by the turns that have been found."""
    if prompt[place].role == "system":
        return 0, end
    turns = {index: span for index, span in spans.items() if prompt[index].role != "system"}
    before = [span[1] for index, span in turns.items() if index < place]
    behind = [span[0] for index, span in turns.items() if index > place]
    return max(before, default=0), min(behind, default=end)


def _free_span(text: str, part: str, bounds: Span, spans: dict[int, Span]) -> Span | None:
    """The first place of a part inside the bounds that no other turn's text takes."""
    start = text.find(part, bounds[0], bounds[1]) if part else -1
    while start >= 0:
        end = start + len(part)
        occupied = [span for span in spans.values() if span[0] < end and start < span[1]]
        if not occupied:
            return start, end
        start = text.find(part, max(span[1] for span in occupied), bounds[1])
    return None


def _dense(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
