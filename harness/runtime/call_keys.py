"""The keys under which the calls of models are stored: digests of all that determines their results."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from harness.records.inputs import Generation, Prompt
from harness.text.canonical import digest

KEY_VERSION = 2  # raise when the meaning of a stored completion changes


def call_keys(model: str, call: str, prompts: Sequence[Prompt], contents: Sequence[Mapping[str, object]]) -> list[str]:
    """The keys of calls of a model, given by its digest."""
    return [
        digest(
            {
                "version": KEY_VERSION,
                "model": model,
                "call": call,
                "messages": [[message.role, message.content] for message in prompt],
                **content,
            }
        )
        for prompt, content in zip(prompts, contents, strict=True)
    ]


def key_options(generation: Generation) -> dict[str, object]:
    """The options as part of a key, without those that are None: most calls have none of them, and their keys stay."""
    options = asdict(generation)
    return {name: value for name, value in options.items() if value is not None}
