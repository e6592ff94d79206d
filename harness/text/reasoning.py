"""Where a reply's reasoning ends and its answer begins: by the tags of reasoning models, or behind a marker."""

import re
from collections.abc import Sequence
from functools import lru_cache

REASONING_TOKENS = 2048  # before an answer, where a suite does not say how many
TagPair = tuple[str, str]  # what opens a block of reasoning, and what closes it

# Read without regard to case. A model with other tags names them by its parameter `reasoning_tags`.
REASONING_TAGS: tuple[TagPair, ...] = (
    ("<think>", "</think>"),  # DeepSeek-R1, Qwen3, GLM, MiniMax and most others
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<thought>", "</thought>"),  # EXAONE
    ("<thoughts>", "</thoughts>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<mm:think>", "</mm:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker, Sky-T1
    ("<|begin_of_thinking|>", "<|end_of_thinking|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<unused94>", "<unused95>"),  # MedGemma
    ("<|channel>thought", "<channel|>"),  # Gemma 4
)
# What some of these models write around the answer behind their reasoning.
_ANSWER_FRAMES = re.compile(r"<\|(?:begin|end)_of_solution\|>|<\|(?:START|END)_RESPONSE\|>", re.IGNORECASE)


def split_reasoning(reply: str) -> tuple[str, bool, bool]:
    """The reply outside its blocks of reasoning; whether it has such tags; whether the last block is closed.

    A closing tag alone ends a block that the chat template has opened in the prompt.
    """
    outside, depth, position, tags = "", 0, 0, False
    for tag in _pattern(REASONING_TAGS).finditer(reply):
        tags = True
        if depth == 0:
            outside += reply[position : tag.start()]
        if tag.lastgroup == "opening":
            depth += 1
        elif depth == 0:
            outside = ""
        else:
            depth -= 1
        position = tag.end()
    if depth:
        return "", True, False
    text = outside + reply[position:]
    return _ANSWER_FRAMES.sub("", text) if tags else text, tags, True


def answer_start(reply: str, marker: str | None = None, tags: Sequence[TagPair] = ()) -> int | None:
    """Where the answer begins: behind the reasoning that the reply begins with, and behind the first marker after it.

    None while the block is open or the marker is missing. `tags` stand beside the usual ones.
    """
    start, depth = 0, 0
    for tag in _pattern((*REASONING_TAGS, *tags)).finditer(reply):
        if depth == 0 and tag.lastgroup == "opening":
            if reply[start : tag.start()].strip():
                break  # a block behind the answer's beginning
            depth = 1
        elif tag.lastgroup == "opening":
            depth += 1
        else:
            depth = max(0, depth - 1)
            start = tag.end() if depth == 0 else start
    if depth:
        return None
    if marker is None:
        return start
    match = re.compile(marker_pattern(marker)).search(reply, start)
    return match.end() if match else None


def opened_block(text: str, tags: Sequence[TagPair] = ()) -> str:
    """The end of a prompt that opens a block of reasoning, from its tag on, e.g. "<think>\\n"; else an empty text."""
    body = text.rstrip()
    for opening, _ in (*REASONING_TAGS, *tags):
        if body[-len(opening) :].lower() == opening.lower():
            return text[len(body) - len(opening) :]
    return ""


def close_block(opened: str, tags: Sequence[TagPair] = ()) -> str:
    """What closes a block that a prompt has opened, as templates write an empty thought."""
    tag = opened.strip().lower()
    closing = next((closing for opening, closing in (*REASONING_TAGS, *tags) if opening.lower() == tag), "")
    return f"\n{closing}\n\n" if closing else ""


def begins_block(text: str, tags: Sequence[TagPair] = ()) -> bool | None:
    """Whether a reply begins with a block of reasoning; None where it may yet, because a tag is written in part."""
    body = text.lstrip().lower()
    openings = [opening.lower() for opening, _ in (*REASONING_TAGS, *tags)]
    if body.startswith(tuple(openings)):
        return True
    return None if body and any(opening.startswith(body) for opening in openings) else False


def ends_reasoning(text: str, marker: str | None = None, tags: Sequence[TagPair] = ()) -> bool:
    """Whether a part of a reply holds a closing tag or the marker, behind which the answer may begin."""
    if marker is not None and re.search(marker_pattern(marker), text):
        return True
    return any(tag.lastgroup == "closing" for tag in _pattern((*REASONING_TAGS, *tags)).finditer(text))


def with_usual_tags(reply: str, tags: Sequence[TagPair]) -> str:
    """The reply with a model's own tags written as the usual ones, by which every reader knows reasoning."""
    usual = REASONING_TAGS[0]
    return (
        _pattern(tuple(tags)).sub(lambda tag: usual[0 if tag.lastgroup == "opening" else 1], reply) if tags else reply
    )


def marker_pattern(marker: str) -> str:
    """A regular expression for a marker: colons of both widths are one, and so is any white space."""
    parts = ("[:：]" if part in ":：" else r"\s*" if part.isspace() else re.escape(part) for part in marker.strip())
    return "".join(parts)


@lru_cache(maxsize=32)
def _pattern(tags: tuple[TagPair, ...]) -> re.Pattern[str]:
    openings, closings = ("|".join(re.escape(pair[side]) for pair in tags) for side in (0, 1))
    return re.compile(f"(?P<opening>{openings})|(?P<closing>{closings})", re.IGNORECASE)
