"""Named fields as an answer: one JSON object, or lines of the form `field：content`."""

import json
from collections.abc import Sequence
from typing import Literal, cast

from pydantic import Field

from harness.answers.reading.sections import read_sections
from harness.components.answer import Answer
from harness.errors import HarnessError
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Reading
from harness.text.json_objects import DECODER, DoubledKeyError, UnreadableError, object_places, opens_object
from harness.text.json_schemas import object_schema, schema_of
from harness.text.language import language_of
from harness.text.normalise import as_text
from harness.text.replies import without_reasoning


class Json(Answer):
    """Fields by name. `form: json` reads the first complete object; `form: sections` reads `field：content` lines.

    Nothing is repaired: an object that is not strict JSON, or names a key twice, is a wrong answer. Values become text
    (`text.as_text`). Fields beyond the named ones are kept, so that a metric can count them. A target is a JSON object
    with the fields.
    """

    fields: tuple[str, ...] = Field(min_length=1)
    """The names of the fields that are asked for, in their order."""
    form: Literal["json", "sections"] = "json"
    """The first complete JSON object of the reply, or lines of the form `field：content`."""

    def example(self, sample: Sample) -> str:
        """The first target's fields in the order and form in which they are asked for."""
        target = json.loads(sample.targets[0])
        if self.form == "sections":
            return "\n".join(f"{_heading(field)}{as_text(target[field])}" for field in self.fields if field in target)
        return json.dumps({field: target[field] for field in self.fields if field in target}, ensure_ascii=False)

    def read(self, sample: Sample, reply: str) -> Reading:
        """`{field: text}`, perhaps with fields missing or beyond; a reason when there is no object or section."""
        if self.form == "json" and (fields := _whole_object(reply)) is not None:
            return Reading(answer=_texts(fields))
        text, reason = without_reasoning(reply)
        if reason is not None:
            return Reading(reason=reason)
        if not text:
            return Reading(reason="the reply is empty")
        if self.form == "sections":
            return read_sections(text, self.fields)
        try:
            return Reading(answer=_texts(_first_object(text)))
        except UnreadableError as error:
            return Reading(reason=str(error))

    def as_target(self, reply: str, reading: Reading) -> str:
        """The object that was read, whose numbers, lists and objects stay what they are."""
        if self.form == "sections":
            return super().as_target(reply, reading)
        fields = _whole_object(reply)
        return json.dumps(_first_object(without_reasoning(reply)[0]) if fields is None else fields, ensure_ascii=False)

    def reply_schema(self, samples: Sequence[Sample]) -> dict[str, JSON]:
        """The fields in their order, all of them and no others."""
        if self.form == "sections":
            raise HarnessError(
                "form: sections reads lines, to which no JSON schema can hold a reply; use form: json, or leave out "
                "constrained"
            )
        sound = [sample for sample in samples if self.check(sample) is None]  # the others are told by the data's check
        targets = [DECODER.decode(target) for sample in sound for target in sample.targets]
        return object_schema({f: schema_of([target[f] for target in targets], f"the field {f}") for f in self.fields})

    def check(self, sample: Sample) -> str | None:
        """A target that is no JSON object, names a field twice or lacks one (an empty one is written as "")."""
        for target in sample.targets:
            try:
                value = DECODER.decode(target)
            except ValueError as error:
                return f"the target is not JSON: {error}"
            if not isinstance(value, dict):
                return "the target is not a JSON object"
            lacking = [field for field in self.fields if field not in value]
            if lacking:
                return f"the target lacks {', '.join(lacking)} (it has: {', '.join(value)})"
        return None


def _heading(field: str) -> str:
    """A field's name with the colon of its script."""
    return f"{field}：" if language_of([field]) == "zh" else f"{field}: "


def _whole_object(reply: str) -> dict[str, JSON] | None:
    """The fields of a reply that is one object from its first character to its last: a tag inside is no reasoning."""
    try:
        value = DECODER.decode(reply.strip())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _texts(fields: dict[str, JSON]) -> dict[str, str]:
    return {as_text(name): as_text(content) for name, content in fields.items()}


def _first_object(text: str) -> dict[str, JSON]:
    """The first `{…}` that parses. The inside of one that does not parse is never taken for an answer.

    One with a key that stands twice is the answer and cannot be read: which value is meant is not known. Raises
    UnreadableError where there is none.
    """
    problem = None
    try:
        for start, _ in object_places(text):
            if problem and not opens_object(text, start):
                continue  # only the first problem is reported, and the decoder takes its time to locate each
            try:
                value, _ = DECODER.raw_decode(text, start)
                return cast(dict[str, JSON], value)
            except DoubledKeyError as error:
                problem = f"in the JSON object at {_place(text, start)} {error}"
                break
            except (ValueError, RecursionError) as error:
                problem = problem or f"the JSON object at {_place(text, start)} does not parse: {_explain(text, error)}"
    except UnreadableError as error:
        problem = problem or str(error)
    raise UnreadableError(problem or "there is no JSON object in the reply")


def _place(text: str, position: int) -> str:
    return f"line {text.count(chr(10), 0, position) + 1} column {position - text.rfind(chr(10), 0, position)}"


def _explain(text: str, error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at {_place(text, error.pos)}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
