"""What can be wrong with a rubric file: every mistake is noted at its line, so that all are told at once."""

import math
import re
from collections.abc import Collection, Mapping

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from harness.errors import nearest
from harness.records.inputs import JSON, Language
from harness.suite.yaml_source import Source, Where

LANGUAGES: tuple[Language, ...] = ("zh", "en")
_REFERENCE = ("required", "optional", "unused")
_FIXED = frozenset({"dimensions", "low", "high"})  # what a template sees whatever is judged
_GLOBALS = frozenset({"range", "namespace", "joiner", "cycler", "dict"})  # of Jinja, without the random lipsum
_REMEDIES = {
    "scale": "write scale: {low: 1, high: 5}",
    "low": "write the worst score, e.g. low: 1",
    "high": "write the best score, e.g. high: 5",
    "reference": f"write one of {', '.join(_REFERENCE)}",
    "dimensions": "name what is judged, e.g. dimensions: {quality: {en: {title: …, text: …}}}",
    "prompts": "write the prompts by language, e.g. prompts: {en: {score: …, compare: …}}",
    "title": "write its name for people",
    "text": "write what is judged",
    "score": "write the template that asks for the scores of one answer",
    "compare": "write the template that asks which of two answers is better",
}
_LACKING = {"mark": "does not show mark; say that what stands in the tags that end in {{ mark }} is no instruction"}
_ENVIRONMENT = Environment()  # only to look at templates; without what gives another prompt each time
_ENVIRONMENT.globals.clear()
del _ENVIRONMENT.filters["random"]


class RubricCheck:
    """Notes the mistakes of a rubric file in its source."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def everything(self, language: str) -> None:
        """Note whatever is wrong, in every language of the file."""
        entries = self.mapping((), required=("scale", "reference", "dimensions", "prompts"))
        low, high, whole = self.scale() if "scale" in entries else (None, None, True)
        if "reference" in entries and entries["reference"] not in _REFERENCE:
            self.source.complain(("reference",), f"must be one of {', '.join(_REFERENCE)}")
        prompts = self.mapping(("prompts",), optional=LANGUAGES) if "prompts" in entries else {}
        if "prompts" in entries and language not in prompts:
            present = f"it has {', '.join(prompts)}" if prompts else "it has none"
            self.source.complain(("prompts", language), f"is missing; the judge is asked in {language}, {present}")
        for prompt_language in prompts:
            self.prompts(("prompts", prompt_language), entries.get("reference"))
        dimensions = self.mapping(("dimensions",), optional=None) if "dimensions" in entries else {}
        if "dimensions" in entries and entries["dimensions"] == {}:
            self.source.complain(("dimensions",), f"at least one is needed; {_REMEDIES['dimensions']}")
        for name in dimensions:
            self.dimension(name, sorted(prompts), (low, high, whole))

    def mapping(
        self, where: Where, required: Collection[str] = (), optional: Collection[str] | None = ()
    ) -> dict[str, JSON]:
        """The known entries at a place; `optional` None lets every name be known."""
        value = self.value(where)
        if not isinstance(value, dict):
            keys = ", ".join([*required, *(optional or ())])
            self.source.complain(where, f"must be a mapping with {keys}" if keys else "must be a mapping")
            return {}
        for key in required:
            if key not in value:
                self.source.complain((*where, key), f"is missing; {_REMEDIES.get(key, 'write it')}")
        if optional is None:
            return value
        allowed = [*required, *optional]
        for key in value.keys() - set(allowed):
            self.source.complain((*where, key), f"is not a known key ({nearest(key, allowed)})")
        return {key: value[key] for key in value if key in allowed}

    def scale(self) -> tuple[float | None, float | None, bool]:
        """Its ends, None where they are no numbers, and whether scores are integers."""
        entries = self.mapping(("scale",), required=("low", "high"), optional=("whole",))
        whole = entries.get("whole", True)
        if not isinstance(whole, bool):
            self.source.complain(("scale", "whole"), "must be true (scores are integers) or false")
            whole = False
        ends: dict[str, float] = {}
        for end in ("low", "high"):
            if end not in entries:
                continue
            value = entries[end]
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                self.source.complain(("scale", end), "must be a number")
            elif whole and value != int(value):
                self.source.complain(("scale", end), f"{value} is not a whole number; add whole: false to the scale")
            else:
                ends[end] = float(value)
        if len(ends) == 2 and ends["low"] >= ends["high"]:
            low, high = plain_number(ends["low"]), plain_number(ends["high"])
            self.source.complain(("scale", "low"), f"{low} must be below high, which is {high}")
            return None, None, whole
        return ends.get("low"), ends.get("high"), whole

    def dimension(self, name: str, languages: Collection[str], scale: tuple[float | None, float | None, bool]) -> None:
        where: Where = ("dimensions", name)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            self.source.complain(where, "must be lower-case English letters, digits and _; it names a figure")
        for language in self.mapping(where, optional=LANGUAGES):
            inside = (*where, language)
            entries = self.mapping(inside, required=("title", "text"), optional=("anchors",))
            for key in ("title", "text"):
                if key in entries:
                    self.text((*inside, key))
            if "anchors" in entries:
                self.anchors((*inside, "anchors"), scale)
        present = self.value(where)
        for language in languages:
            if isinstance(present, dict) and language not in present:
                self.source.complain((*where, language), f"is missing; write its title and text in {language}")

    def anchors(self, where: Where, scale: tuple[float | None, float | None, bool]) -> None:
        low, high, whole = scale
        for key in self.mapping(where, optional=None):
            place = (*where, key)
            self.text(place)
            value = _number(key)
            if value is None:
                self.source.complain(place, 'an anchor is a score in quotes, e.g. "1": what a 1 means')
            elif low is not None and high is not None and not low <= value <= high:
                self.source.complain(
                    place, f"lies outside of the scale, which is {plain_number(low)} to {plain_number(high)}"
                )
            elif whole and value != int(value):
                self.source.complain(place, "is not a whole number; add whole: false to the scale")

    def prompts(self, where: Where, reference: JSON) -> None:
        entries = self.mapping(where, required=("score", "compare"), optional=("system",))
        material = {"question", "mark"} if reference == "unused" else {"question", "mark", "reference"}
        needed = {"reference"} if reference == "required" else set()
        variables: Mapping[str, tuple[set[str], set[str]]] = {
            "score": (material | {"answer"}, needed | {"answer", "mark"}),
            "compare": (material | {"first", "second"}, needed | {"first", "second", "mark"}),
            "system": (set(), set()),
        }
        for key in entries:
            if self.text((*where, key)):
                self.template((*where, key), *variables[key])

    def template(self, where: Where, material: set[str], needed: set[str]) -> None:
        """Note what keeps a template from being compiled, variables that it will not find, and what it leaves out."""
        text, first = self.value(where), self._first_line(where)
        name = ".".join(map(str, where))
        names = _FIXED | material
        try:
            tree = _ENVIRONMENT.parse(text)
            used = meta.find_undeclared_variables(tree) - _GLOBALS
        except TemplateSyntaxError as error:
            self.source.mistakes.append((first + error.lineno - 1, f"{name}: {error.message}"))
            return
        for unknown in used - names:
            line = min(node.lineno for node in tree.find_all(nodes.Name) if node.name == unknown)
            problem = f"there is no variable {unknown} ({nearest(unknown, names)})"
            self.source.mistakes.append((first + line - 1, f"{name}: {problem}"))
        for lacking in sorted(needed - used):
            self.source.complain(
                where, _LACKING.get(lacking, f"does not show {lacking}; write {{{{ {lacking} }}}} where it belongs")
            )

    def text(self, where: Where) -> bool:
        """Whether there is text at a place; noted if not."""
        value = self.value(where)
        if isinstance(value, str) and value.strip():
            return True
        self.source.complain(where, "must be text; write it in quotes" if value else "must be text")
        return False

    def value(self, where: Where) -> JSON:
        value = self.source.data
        for part in where:
            value = value[part]
        return value

    def _first_line(self, where: Where) -> int:
        """The line on which a text begins: below its key where it is a block."""
        line = self.source.lines[where]
        return line + bool(re.search(r":\s*[|>][-+\d]*\s*(#.*)?$", self.source.text.split("\n")[line - 1]))


def plain_number(value: float) -> int | float:
    """A number as people write it: 5, not 5.0."""
    return int(value) if value == int(value) else value


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII) else None
