"""Whether a server really holds replies to a JSON schema: seen on a reply that no model would write by itself.

Some servers, and some versions of them, ignore a schema without a word: then a variant would be constrained by
name only.
"""

import json
from dataclasses import replace

from harness.records.inputs import JSON, Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.text.inert import inert_line
from harness.text.json_schemas import object_schema
from harness.text.replies import without_reasoning

WORD = "kxq7"
QUESTION: Prompt = (Message("user", "What is the capital of France?"),)
SCHEMA: dict[str, JSON] = object_schema({WORD: {"type": "string", "enum": [WORD]}})
FEWEST = 64  # tokens: room for the object in any layout
EXCERPT = 60  # characters of what came instead


def probe_generation(generation: Generation) -> Generation:
    """The options of the question, with the reasoning's room of those that are to be proven."""
    most = max(generation.max_tokens, FEWEST)
    return replace(generation, schema=SCHEMA, strict=True, max_tokens=most, temperature=0.0, seed=0, stop=())


def is_conclusive(completion: Completion) -> bool:
    """Whether a reply to the question says anything: it may have failed, or been cut inside its reasoning."""
    return completion.finish != "error" and (completion.finish == "stop" or bool(_answer(completion)))


def schema_violation(completion: Completion) -> str | None:
    """Why the server cannot be asked for constrained replies; None where it holds this one to the schema."""
    text = _answer(completion)
    if _without_space(text) == _without_space(json.dumps({WORD: WORD})):
        return None
    answer = inert_line(completion.text)[:EXCERPT]
    return (
        "constrained: the server does not hold replies to a JSON schema: asked for one that allows a single word, it "
        f"answered “{answer}”; leave out constrained, or take a server (or a version of it) that does"
    )


def _answer(completion: Completion) -> str:
    return without_reasoning(completion.text)[0]


def _without_space(text: str) -> str:
    return "".join(text.split())
