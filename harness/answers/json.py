"""Named fields as an answer: one JSON object, or lines of the form `field：content`."""

import json
import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from harness.components.answer import Answer
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Reading
from harness.text.normalise import as_text
from harness.text.replies import without_reasoning


class Json(Answer):
    """Fields by name. `form: json` reads the first complete object; `form: sections` reads `field：content` lines.

    Nothing is repaired: an object that is not strict JSON is a wrong answer. Values become text (`text.as_text`).
    Fields beyond the named ones are kept, so that a metric can count them. A target is a JSON object with the fields.
    """

    fields: tuple[str, ...] = Field(min_length=1)
    form: Literal["json", "sections"] = "json"

    def example(self, sample: Sample) -> str:
        """The first target's fields in the order and form in which they are asked for."""
        target = json.loads(sample.targets[0])
        if self.form == "sections":
            return "\n".join(f"{field}：{as_text(target[field])}" for field in self.fields if field in target)
        return json.dumps({field: target[field] for field in self.fields if field in target}, ensure_ascii=False)

    def read(self, sample: Sample, reply: str) -> Reading:
        """`{field: text}`, perhaps with fields missing or beyond; a reason when there is no object or section."""
        text, reason = without_reasoning(reply)
        if reason is not None:
            return Reading(reason=reason)
        if not text:
            return Reading(reason="the reply is empty")
        return _sections(text, self.fields) if self.form == "sections" else _first_object(text)

    def check(self, sample: Sample) -> str | None:
        """A target that is no JSON object, or lacks a field (an empty one is written as "")."""
        for target in sample.targets:
            try:
                value = json.loads(target)
            except ValueError as error:
                return f"the target is not JSON: {error}"
            if not isinstance(value, dict):
                return "the target is not a JSON object"
            lacking = [field for field in self.fields if field not in value]
            if lacking:
                return f"the target lacks {', '.join(lacking)} (it has: {', '.join(value)})"
        return None


def _not_json(constant: str) -> JSON:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_not_json)
_STRING_OR_BRACE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}]', re.DOTALL)
_OPENING = re.compile(r'\{\s*["}]')
_UNCLOSED_SCANS = 100  # beyond so many stray braces, each at odds with the quotes before it, a reply is no answer


def _first_object(text: str) -> Reading:
    """The first `{…}` that parses. The inside of one that does not parse is never taken for an answer."""
    problem = None
    for start in _starts(text):
        if problem and not _OPENING.match(text, start):
            continue  # only the first problem is told, and the decoder takes its time to locate each
        try:
            value, _ = _DECODER.raw_decode(text, start)
            return Reading(answer={as_text(name): as_text(content) for name, content in value.items()})
        except (ValueError, RecursionError) as error:
            problem = problem or f"the JSON object at {_place(text, start)} does not parse: {_explain(text, error)}"
    return Reading(reason=problem or "there is no JSON object in the reply")


def _starts(text: str) -> Iterator[int]:
    """Where an object may begin: behind the one before, or inside it when it is prose that is never closed."""
    ends: dict[int, int | None] = {}
    start, scans = text.find("{"), 0
    while start >= 0 and scans < _UNCLOSED_SCANS:
        yield start
        if start not in ends:
            ends |= _ends(text, start)
            scans += ends[start] is None
        end = ends[start]
        if end is None and _OPENING.match(text, start):
            return  # a broken answer, whose inside does not count; else a brace in prose
        start = text.find("{", start + 1 if end is None else end)


def _ends(text: str, start: int) -> dict[int, int | None]:
    """Where the object at `start`, and each that is met inside it, ends; None: it is never closed.

    One pass for them all: a scan for each brace would take quadratic time over a runaway reply.
    """
    ends: dict[int, int | None] = {}
    open_braces: list[int] = []
    for token in _STRING_OR_BRACE.finditer(text, start):
        if token[0] == "{":
            open_braces.append(token.start())
        elif token[0] == "}":
            ends[open_braces.pop()] = token.end()
            if not open_braces:
                break
    return ends | dict.fromkeys(open_braces)


def _place(text: str, position: int) -> str:
    return f"line {text.count(chr(10), 0, position) + 1} column {position - text.rfind(chr(10), 0, position)}"


def _explain(text: str, error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at {_place(text, error.pos)}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _sections(text: str, fields: tuple[str, ...]) -> Reading:
    """The content behind each field's first heading, up to the next heading. Only named fields are headings."""
    names = "|".join(re.escape(field) for field in fields)
    heading = re.compile(rf"^[ \t#>*\d.、\-]*[【\[]?({names})[】\]]?\**[ \t]*[:：][ \t]*\**", re.MULTILINE)
    found = list(heading.finditer(text))
    ends = [*(following.start() for following in found[1:]), len(text)]
    answer: dict[str, str] = {}
    for match, end in zip(found, ends, strict=False):
        answer.setdefault(match[1], text[match.end() : end].strip())
    return Reading(answer=answer) if answer else Reading(reason=f"no line begins with one of: {'：, '.join(fields)}：")
