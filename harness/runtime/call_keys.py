"""The keys under which the calls of models are stored: digests of all that determines their results."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from json.encoder import encode_basestring

from harness.records.inputs import Generation, Prompt
from harness.text.canonical import canonical

KEY_VERSION = 2  # raise when the meaning of a stored completion changes


def call_keys(model: str, call: str, prompts: Sequence[Prompt], contents: Sequence[Mapping[str, object]]) -> list[str]:
    """The keys of calls of a model, given by its digest: `digest` of version, model, call, messages and content.

    Calls mostly differ in their messages only, so that what stands around these is written once for equal contents.
    """
    keys: list[str] = []
    content: Mapping[str, object] | None = None
    before = after = ""
    for prompt, own in zip(prompts, contents, strict=True):
        if own != content:
            content = own
            before, after = _around_messages({"version": KEY_VERSION, "model": model, "call": call, **own})
        text = f"{before}{_messages(prompt)}{after}"
        keys.append(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    return keys


def _around_messages(content: Mapping[str, object]) -> tuple[str, str]:
    """The canonical JSON of a call before and behind its messages, which stand where their name is sorted to."""
    first = {name: value for name, value in content.items() if name < "messages"}
    last = {name: value for name, value in content.items() if name > "messages"}
    return f'{canonical(first)[:-1]},"messages":', f",{canonical(last)[1:]}"


def _messages(prompt: Prompt) -> str:
    """The canonical JSON of a prompt: a list of pairs of texts."""
    pairs = [f"[{encode_basestring(message.role)},{encode_basestring(message.content)}]" for message in prompt]
    return f"[{','.join(pairs)}]"


def key_options(generation: Generation) -> dict[str, object]:
    """The options as part of a key, without those that are None: most calls have none of them, and their keys stay."""
    options = asdict(generation)
    return {name: value for name, value in options.items() if value is not None}
