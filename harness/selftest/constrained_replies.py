"""Proofs that a model in this process writes what a JSON schema allows, and nothing else."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from harness.models.huggingface import HuggingFace
from harness.models.local.schema_masks import SchemaConstraint
from harness.records.inputs import JSON, Generation
from harness.selftest.answers import PROMPTS, generate
from harness.selftest.plain_models import SHAPES
from harness.selftest.proof import Proof
from harness.selftest.tiny_models import TinyModels
from harness.text.json_schemas import object_schema

SUBJECT = "constrained"
CLAIM = "a constrained reply is the JSON of its schema"
TEXT: dict[str, JSON] = {"type": "string", "maxLength": 8}  # random weights would never close a text
SCHEMAS: dict[str, dict[str, JSON]] = {
    "texts": object_schema({"a": TEXT, "诊断": TEXT}),
    "a list, a number and a choice": object_schema({
        "l": {"type": "array", "items": TEXT, "maxItems": 2},
        "n": {"type": "integer", "minimum": -99, "maximum": 99},
        "c": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
    }),
}  # fmt: skip
KINDS: Mapping[str, tuple[type, ...]] = {"l": (list,), "n": (int,), "c": (bool, type(None))}  # else text
GREEDY = Generation(max_tokens=90, strict=True)
SAMPLING = replace(GREEDY, temperature=1.5)


def proofs(tiny: TinyModels) -> Iterator[Proof]:
    """Of each architecture."""
    for shape in SHAPES:
        yield Proof(
            name=f"{CLAIM} ({shape})",
            subject=SUBJECT,
            prove=partial(lambda shape: schema_difference(tiny.model(shape)), shape),
            missing=_missing(),
        )


def _missing() -> str | None:
    problem = SchemaConstraint.problem()
    return None if problem is None else f"it {problem}"


def schema_difference(engine: HuggingFace) -> str | None:
    """Which reply of a batch is not what its schema allows, greedy or sampled, or differs from the reply alone."""
    for label, schema in SCHEMAS.items():
        for generation in (replace(GREEDY, schema=schema), replace(SAMPLING, schema=schema)):
            replies = generate(engine, PROMPTS, generation)
            for reply in replies:
                if reply.error is not None or (reason := _mistake(reply.text, schema)) is not None:
                    return f"{label}: {reply.error or reason}"
        alone = [generate(engine, [prompt], replace(GREEDY, schema=schema))[0].text for prompt in PROMPTS]
        together = [reply.text for reply in generate(engine, PROMPTS, replace(GREEDY, schema=schema))]
        if alone != together:
            return f"{label}: a batch writes {together} and each alone {alone}"
    return None


def _mistake(text: str, schema: Mapping[str, JSON]) -> str | None:
    """What of a reply the schema forbids."""
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"{text!r} does not parse: {error}"
    names = list(schema["properties"])
    if not isinstance(value, dict) or list(value) != names:
        return f"{text!r} has not the members {', '.join(names)}"
    strange = [name for name in names if not isinstance(value[name], KINDS.get(name, (str,)))]
    return f"{text!r} has another kind of value for {', '.join(strange)}" if strange else None
