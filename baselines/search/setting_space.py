"""The settings that `of` and `over` stand for: every combination of levels, written as a suite writes a variant."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from pydantic.fields import FieldInfo

from harness.components.fields import Needs, marks
from harness.components.registry import find
from harness.components.unfolding import Place, Unfolded
from harness.components.variant import Variant
from harness.errors import nearest
from harness.records.inputs import JSON
from harness.text.excerpts import shortened

MOST_SETTINGS = 1000
LONGEST_LEVEL = 60  # characters of a level as the report names it
DERIVED = ("candidates", "levels")  # the parameters that unfolding adds


@dataclass(frozen=True, kw_only=True)
class SettingSpace:
    """A variant as written, and the levels of the parameters that are varied."""

    kind: str  # the variant's name in a suite
    fields: Mapping[str, FieldInfo]
    fixed: Mapping[str, JSON]
    levels: Mapping[str, list[JSON]]  # by parameter

    def choices(self) -> list[Mapping[str, int]]:
        """Of each setting the index of each level; those that differ in nothing that makes a difference are one."""
        choices: dict[str, Mapping[str, int]] = {}
        for indices in product(*(range(len(values)) for values in self.levels.values())):
            choice = dict(zip(self.levels, indices, strict=True))
            choices.setdefault(json.dumps(self.parameters(choice), sort_keys=True), choice)
        return list(choices.values())

    def parameters(self, choice: Mapping[str, int]) -> dict[str, JSON]:
        """The parameters of a setting as a suite would write them, without those that make no difference to it."""
        values = {**self.fixed, **{name: self.levels[name][index] for name, index in choice.items()}}
        return {name: value for name, value in values.items() if self._matters(name, values)}

    def _matters(self, name: str, values: Mapping[str, JSON]) -> bool:
        """Whether a parameter makes a difference beside the others; one that is not known is for the builder."""
        info = self.fields.get(name)
        needs = next((mark for mark in marks(info) if isinstance(mark, Needs)), None) if info else None
        if needs is None:
            return True
        return bool(values.get(needs.field, self.fields[needs.field].default)) == needs.to_be


def unfolded_search(written: Mapping[str, JSON]) -> Unfolded:
    """The parameters of a search with its settings written out; what is not of the right form is left to validation."""
    mistakes: list[tuple[Place, str]] = [
        ((name,), "is not a parameter of Searched: it is made of `of` and `over`")
        for name in DERIVED
        if name in written
    ]
    own = {name: value for name, value in written.items() if name not in DERIVED}
    kind, fixed = _variant_in(own.get("of"))
    over = own.get("over")
    if kind is None or not isinstance(over, dict) or not all(isinstance(levels, list) for levels in over.values()):
        return Unfolded(parameters=own, mistakes=tuple(mistakes))
    try:
        variant = find("variant", kind)
    except LookupError:  # the builder says so
        return Unfolded(parameters=own, mistakes=tuple(mistakes))
    space = SettingSpace(
        kind=kind, fields=variant.model_fields, fixed=fixed, levels={n: list(map(_plain, v)) for n, v in over.items()}
    )
    mistakes += _variant_mistakes(kind, variant)
    mistakes += _level_mistakes(space)
    choices = [] if mistakes else space.choices()
    if not mistakes and len(choices) == 1:
        mistakes.append((("over",), "leaves one setting, and nothing to choose; write the variant itself"))
    if mistakes:
        first = {name: levels[0] for name, levels in space.levels.items() if levels and name in space.fields}
        parameters = {**own, "of": {kind: {**fixed, **first}}, "over": {}}
        origins: dict[Place, Place] = {("of", kind, name): ("over", name, 0) for name in first}
        return Unfolded(parameters=parameters, origins=origins, mistakes=tuple(mistakes))
    return _written_out(own, space, choices)


def _written_out(own: Mapping[str, JSON], space: SettingSpace, choices: list[Mapping[str, int]]) -> Unfolded:
    """`of` becomes the first setting: the first level of each parameter."""
    settings = [space.parameters(choice) for choice in choices]
    texts = {name: level_texts(values) for name, values in space.levels.items()}
    origins: dict[Place, Place] = {}
    places: list[tuple[Place, Mapping[str, int]]] = [(("of",), choices[0])]
    places += [(("candidates", index), choice) for index, choice in enumerate(choices)]
    for place, choice in places:
        origins[place] = ("of",)
        origins[(*place, space.kind)] = ("over",)  # what is wrong with parameters together
        origins |= {(*place, space.kind, name): ("of", space.kind, name) for name in {*space.fields, *space.fixed}}
        origins |= {(*place, space.kind, name): ("over", name, level) for name, level in choice.items()}
    return Unfolded(
        parameters={
            **own,
            "of": {space.kind: settings[0]},
            "candidates": [{space.kind: setting} for setting in settings],
            "levels": [
                {name: texts[name][level] for name, level in choice.items() if name in setting}
                for choice, setting in zip(choices, settings, strict=True)
            ],
        },
        origins=origins,
    )


def _variant_in(value: JSON) -> tuple[str | None, dict[str, JSON]]:
    """Name and parameters of a variant as written; no name where it is not of that form."""
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict) and len(value) == 1:
        name, parameters = next(iter(value.items()))
        if isinstance(name, str) and isinstance(parameters, dict | None):
            return name, parameters or {}
    return None, {}


def _variant_mistakes(kind: str, variant: type) -> Iterator[tuple[Place, str]]:
    """What kind of variant cannot be searched."""
    assert issubclass(variant, Variant)
    if variant.floor:
        yield (
            ("of",),
            f"{kind} asks no model: a floor has no settings that could be tuned against it; name prompting or rag",
        )
    elif variant.is_foreign:
        yield ("of",), f"{kind} was made elsewhere: there is nothing to set; name prompting or rag"
    elif not variant.single:
        yield ("of",), f"{kind} asks other variants; search the settings of these, and name them there"
    elif "candidates" in variant.model_fields:
        yield ("of",), f"{kind} searches by itself; put all parameters into one `over`"


def _level_mistakes(space: SettingSpace) -> Iterator[tuple[Place, str]]:
    if not space.levels:
        yield ("over",), "names no parameter; give at least one with its values, e.g. {k: [1, 3, 5]}"
    for name, values in space.levels.items():
        if name not in space.fields:
            yield ("over", name), f"is not a parameter of {space.kind} ({nearest(name, space.fields)})"
        elif not values:
            yield ("over", name), "has no value; name at least one"
        for key, count in Counter(map(_key, values)).items():
            if count > 1:
                yield ("over", name), f"names the value {shortened(key, LONGEST_LEVEL)} {_times(count)}"
    settings = prod(len(values) for values in space.levels.values())
    if settings > MOST_SETTINGS:
        yield ("over",), f"stands for {settings:,} settings; at most {MOST_SETTINGS:,}: leave out parameters or values"


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _plain(level: JSON) -> JSON:
    """A component without parameters by its name alone."""
    if isinstance(level, dict) and len(level) == 1 and next(iter(level.values())) in (None, {}):
        return next(iter(level))
    return level


def _key(level: JSON) -> str:
    """A level as it can be compared and quoted: 1 and true are two levels, 1 and 1.0 are one."""
    if isinstance(level, float) and level.is_integer():
        level = int(level)
    return level if isinstance(level, str) else json.dumps(level, ensure_ascii=False, sort_keys=True)


def level_texts(levels: list[JSON]) -> list[str]:
    """The levels of a parameter as people read them, all different."""
    texts = list(map(level_text, levels))
    return [f"{text} #{place}" if texts.count(text) > 1 else text for place, text in enumerate(texts, start=1)]


def level_text(level: JSON) -> str:
    """A level as people read it: hybrid(of=[tfidf, lexical])."""
    if isinstance(level, dict) and len(level) == 1:
        name, parameters = next(iter(level.items()))
        if isinstance(parameters, dict):
            inner = ", ".join(f"{own}={level_text(value)}" for own, value in parameters.items())
            return shortened(f"{name}({inner})", LONGEST_LEVEL)
    if isinstance(level, list):
        return shortened(f"[{', '.join(map(level_text, level))}]", LONGEST_LEVEL)
    return shortened(" ".join(("none" if level is None else _key(level)).split()), LONGEST_LEVEL)
