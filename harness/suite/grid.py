"""A grid of factors in the section `variants`, which stands for one named variant a cell."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from pydantic.fields import FieldInfo

from harness.components.fields import Needs, marks
from harness.components.registry import find, names
from harness.errors import nearest
from harness.records.inputs import JSON
from harness.suite.grid_names import cell_names, level_texts
from harness.suite.yaml_source import Source, Where

GRID = "grid"  # the entry of `variants` that is no variant
EXCLUDE = "exclude"
MOST_CELLS = 500
ENTRIES = ("model", "knowledge")  # factors whose levels are names of the suite
WITHOUT, WITH = "prompting", "rag"  # the variants of cells without and with a retriever
_FORM = "e.g. {model: [base, lora], retriever: [none, tfidf], knowledge: notes, shots: [0, 5]}"
_PLACE = ("variants", GRID)


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """One variant of a grid, as a suite would write it."""

    variant: JSON  # {name: {parameters}}
    levels: Mapping[str, str]  # by factor, as texts; without those that make no difference to this cell


@dataclass(frozen=True, kw_only=True)
class Grid:
    """What a grid stands for; no cells where there is none, or where it has a mistake."""

    cells: Mapping[str, GridCell] = field(default_factory=dict)
    is_faulty: bool = False

    def entries(self, written: Mapping[str, JSON]) -> dict[str, JSON]:
        """The entries of the section, the grid replaced by its cells."""
        entries: dict[str, JSON] = {}
        for name, value in written.items():
            entries |= {cell: own.variant for cell, own in self.cells.items()} if name == GRID else {name: value}
        return entries

    def levels(self) -> dict[str, Mapping[str, str]]:
        """The levels of each cell, by the name of its variant."""
        return {name: cell.levels for name, cell in self.cells.items()}


@dataclass(frozen=True)
class Factor:
    """A parameter of a grid and its values, of which each cell has one."""

    name: str
    values: tuple[JSON, ...]
    is_list: bool  # whether it is written as a list

    def texts(self) -> list[str]:
        """The values as texts, all different: names of the suite as they are."""
        return list(map(_key, self.values)) if self.name in ENTRIES else level_texts(self.values)

    def place(self, index: int) -> Where:
        """Where a value stands in the suite."""
        return (*_PLACE, self.name, index) if self.is_list else (*_PLACE, self.name)


def read_grid(entries: Mapping[str, JSON], source: Source) -> Grid:
    """The cells of the section's grid; its own mistakes are noted, those inside its cells are left to who builds them.

    The cells' values are told to the source, so that a mistake in them is said of the grid's line, and once.
    """
    if GRID not in entries:
        return Grid()
    mistakes = len(source.mistakes)
    factors = _factors(entries[GRID], source)
    excluded = _excluded(entries[GRID], factors, source)
    if len(source.mistakes) > mistakes:
        return Grid(is_faulty=True)
    choices = _choices(factors, excluded)
    if not choices:
        source.complain((*_PLACE, EXCLUDE), "leaves no cell of the grid; leave fewer out")
    variants = cell_names([_levels(factors, choice) for choice in choices])
    _check_names(variants, [name for name in entries if name != GRID], source)
    if len(source.mistakes) > mistakes:
        return Grid(is_faulty=True)
    cells = {}
    for name, choice in zip(variants, choices, strict=True):
        kind, effective = _effective(factors, choice)
        values = {factor.name: factor.values[choice[factor.name]] for factor in factors if factor.name in effective}
        cells[name] = GridCell(variant={kind: values}, levels=_levels(factors, choice))
        source.moved[("variants", name)] = source.moved[("variants", name, kind)] = _PLACE
        for factor in factors:
            source.moved[("variants", name, kind, factor.name)] = factor.place(choice[factor.name])
    return Grid(cells=cells)


# -- what is written --------------------------------------------------------------------------------------------------


def _factors(value: JSON, source: Source) -> list[Factor]:
    """The factors of a grid, `model` and `retriever` first; mistakes are noted."""
    if not isinstance(value, dict) or _is_variant(value):
        source.complain(_PLACE, f"'{GRID}' holds factors, {_FORM}; a variant needs another name")
        return []
    parameters = [*_fields(WITH), EXCLUDE]
    factors = []
    for name, levels in value.items():
        if name not in parameters:
            source.complain((*_PLACE, name), f"is not a parameter of a grid ({nearest(name, parameters)})")
        elif name != EXCLUDE:
            factors.append(_factor(name, levels, source))
    if "model" not in value:
        source.complain(_PLACE, "model is required: one model, or a list of them")
    factors.sort(key=lambda factor: ("model", "retriever", factor.name).index(factor.name))
    _check_retrieval(factors, source)
    cells = prod(len(factor.values) for factor in factors)
    if cells > MOST_CELLS:
        source.complain(_PLACE, f"stands for {cells:,} variants; at most {MOST_CELLS}: leave out factors or levels")
    return factors


def _is_variant(value: Mapping[str, JSON]) -> bool:
    """Whether it is written as a variant is: {prompting: {…}}."""
    return len(value) == 1 and any(name in names("variant") or "." in name for name in value)


def _factor(name: str, value: JSON, source: Source) -> Factor:
    levels = value if isinstance(value, list) else [value]
    if name == "retriever":
        levels = ["none" if level is None else _plain(level) for level in levels]
    if not levels:
        source.complain((*_PLACE, name), "has no level; name at least one")
    for text, count in Counter(map(_key, levels)).items():
        if count > 1:
            source.complain((*_PLACE, name), f"names the level {text} {'twice' if count == 2 else f'{count} times'}")
    return Factor(name, tuple(levels), isinstance(value, list))


def _plain(level: JSON) -> JSON:
    """A retriever without parameters by its name alone."""
    if isinstance(level, dict) and len(level) == 1 and next(iter(level.values())) in (None, {}):
        return next(iter(level))
    return level


def _check_retrieval(factors: Sequence[Factor], source: Source) -> None:
    """What belongs to retrieval needs a cell that retrieves."""
    retrievers = next((factor.values for factor in factors if factor.name == "retriever"), ("none",))
    if set(map(_key, retrievers)) != {"none"}:
        return
    for factor in factors:
        if factor.name not in _fields(WITHOUT) and factor.name != "retriever":
            place = (*_PLACE, factor.name)
            source.complain(place, "belongs to retrieval, and no cell retrieves; add e.g. retriever: [none, tfidf]")


def _excluded(value: JSON, factors: Sequence[Factor], source: Source) -> list[dict[str, str]]:
    """The combinations of levels that are left out; mistakes are noted."""
    written = value.get(EXCLUDE) if isinstance(value, dict) else None
    if written is None:
        return []
    if not isinstance(written, list) or not all(isinstance(entry, dict) and entry for entry in written):
        source.complain((*_PLACE, EXCLUDE), "must be a list of combinations, e.g. [{model: base, shots: 5}]")
        return []
    levels = {factor.name: [_key(level) for level in factor.values] for factor in factors}
    for index, entry in enumerate(written):
        for name, level in entry.items():
            place = (*_PLACE, EXCLUDE, index, name)
            if name not in levels:
                source.complain(place, f"is not a factor of the grid ({nearest(name, levels)})")
            elif _key(level) not in levels[name]:
                source.complain(place, f"{_key(level)} is not a level of {name} (known: {', '.join(levels[name])})")
    return [{name: _key(level) for name, level in entry.items()} for entry in written]


# -- what it stands for -----------------------------------------------------------------------------------------------

Choice = Mapping[str, int]  # of each factor the index of its level


def _choices(factors: Sequence[Factor], excluded: Sequence[Mapping[str, str]]) -> list[Choice]:
    """One a cell: those that differ in nothing that their variant takes are the same cell."""
    choices: dict[str, Choice] = {}
    for indices in product(*(range(len(factor.values)) for factor in factors)):
        choice = dict(zip((factor.name for factor in factors), indices, strict=True))
        levels = {factor.name: _key(factor.values[choice[factor.name]]) for factor in factors}
        if any(entry.items() <= levels.items() for entry in excluded):
            continue
        kind, effective = _effective(factors, choice)
        choices.setdefault(json.dumps([kind, {name: levels[name] for name in effective}]), choice)
    return list(choices.values())


def _effective(factors: Sequence[Factor], choice: Choice) -> tuple[str, list[str]]:
    """The kind of a cell's variant, and the factors that make a difference to it."""
    values = {factor.name: factor.values[choice[factor.name]] for factor in factors}
    kind = WITHOUT if values.get("retriever", "none") == "none" else WITH
    fields = _fields(kind)
    effective = [name for name in values if name in fields]
    for name in list(effective):
        needs = next((mark for mark in marks(fields[name]) if isinstance(mark, Needs)), None)
        if needs and bool(values.get(needs.field, fields[needs.field].default)) != needs.to_be:
            effective.remove(name)
    return kind, effective


def _levels(factors: Sequence[Factor], choice: Choice) -> dict[str, str]:
    """The levels of a cell by factor, as texts: of factors with several that make a difference, and of the model."""
    kind, effective = _effective(factors, choice)
    varying = {"retriever", *effective} if kind == WITHOUT else set(effective)
    return {
        factor.name: factor.texts()[choice[factor.name]]
        for factor in factors
        if factor.name == "model" or (len(factor.values) > 1 and factor.name in varying)
    }


def _check_names(variants: Sequence[str], entries: Sequence[str], source: Source) -> None:
    from harness.suite.entry_names import name_problem

    for name, count in Counter([*dict.fromkeys(entries), *variants]).items():
        if count > 1:
            source.complain(_PLACE, f"'{name}' would stand for two variants; rename the other one, or a model")
    if problem := next(filter(None, map(name_problem, variants)), None):
        source.complain(_PLACE, f"the name that is made of a cell's levels {problem}")


def _fields(kind: str) -> Mapping[str, FieldInfo]:
    return find("variant", kind).model_fields


def _key(level: JSON) -> str:
    """A level as it can be compared and quoted: 1, 1.0 and true are three levels."""
    return level if isinstance(level, str) else json.dumps(level, ensure_ascii=False, sort_keys=True)
