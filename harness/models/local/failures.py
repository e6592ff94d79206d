"""Calls to a local model that fail by themselves, in words."""

from collections.abc import Sequence

from harness.records.outputs import Completion

TOO_BIG = Completion(
    text="", finish="error", error="out of memory with this item alone; use a smaller dtype or max_tokens"
)
REMEDY = "show fewer examples or passages, lower max_tokens, or take a model with a longer window"


def failure(reason: str) -> Completion:
    return Completion(text="", finish="error", error=reason)


def too_long(tokens: int, room: int) -> Completion:
    """A prompt is never cut silently: it fails and lowers coverage. An empty prompt predicts no token."""
    if not tokens:
        return failure("the prompt is empty or merges with the options, so no token precedes them")
    return Completion(
        text="",
        finish="error",
        tokens_in=tokens,
        error=f"the prompt has {tokens} tokens; the model has room for {room}: {REMEDY}",
    )


def unscorable(ids: Sequence[int], first: int, window: int) -> Completion | None:
    """The failure of a row whose tokens from a place on cannot be scored; None for one whose can."""
    if 0 < first < len(ids) <= window:
        return None
    if first == len(ids):
        return Completion(text="", finish="error", tokens_in=first, error="the continuation is empty: it has no token")
    return too_long(len(ids) if first else 0, window)
