"""Entries that stand for several: a model with sizes or seeds becomes one model each, and so does what asks it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from harness.components.component import Component, named
from harness.components.fields import Reference, marks, part_of
from harness.components.model import Model
from harness.components.registry import find
from harness.components.variant import Variant
from harness.records.derived_names import direct_variant, without_seed

C = TypeVar("C", bound=Component)


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Models and variants, each entry that stands for several replaced by its members."""

    models: Mapping[str, Model]
    variants: Mapping[str, Variant]
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of entries that were replaced, by name
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a variant as reported → those of its seeds
    sized: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # a variant as reported → its entry, a model
    entries: Mapping[str, str] = field(default_factory=dict)  # model → the entry that it comes from
    clashes: tuple[str, ...] = ()  # names that an entry's member shares with another entry

    def reported(self) -> list[str]:
        """The variants as figures name them: those of several seeds by their pool."""
        pool_of = {member: pool for pool, members in self.pools.items() for member in members}
        return list(dict.fromkeys(pool_of.get(name, name) for name in self.variants))

    def entry_of(self, variant: str) -> str:
        """The entry that a variant as reported comes from: itself, or one of several sizes."""
        return self.sized.get(variant, (variant, ""))[0]

    def model_pools(self) -> dict[str, tuple[str, ...]]:
        """The models of several seeds: an entry, or one of its sizes → its seeds."""
        pools: dict[str, tuple[str, ...]] = {}
        for name in self.models:
            pool = without_seed(name)
            if pool != name and pool.startswith(self.entries.get(name, name)):
                pools[pool] = (*pools.get(pool, ()), name)
        return {pool: seeds for pool, seeds in pools.items() if len(seeds) > 1}


def expand(models: Mapping[str, Model], variants: Mapping[str, Variant], seed: int) -> Expansion:
    """Replace each model with several members by them, and each variant that asks it by one for each."""
    members = {name: model.expand(seed) for name, model in models.items()}
    suffixes = {name: tuple(own) for name, own in members.items() if list(own) != [""]}
    replaced = {name: tuple(name + suffix for suffix in own) for name, own in suffixes.items()}
    expanded: dict[str, Variant] = {}
    names: list[str] = []  # of all variants
    pools: dict[str, tuple[str, ...]] = {}
    sized: dict[str, tuple[str, str]] = {}
    for name, variant in variants.items():
        model = next((base for base in named(variant, "models") if base in suffixes), None)
        if model is None:
            expanded[name] = variant
            names.append(name)
            continue
        replaced[name] = tuple(name + suffix for suffix in suffixes[model])
        for suffix in suffixes[model]:
            size = without_seed(suffix)
            expanded[name + suffix] = renamed(variant, model, model + suffix)
            names.append(name + suffix)
            pools[name + size] = (*pools.get(name + size, ()), name + suffix)
            if size:
                sized.setdefault(name + size, (name, model + suffix))
    return Expansion(
        models={name + suffix: member for name, own in members.items() for suffix, member in own.items()},
        variants=expanded,
        members=replaced,
        pools={name: own for name, own in pools.items() if len(own) > 1},
        sized=sized,
        entries={name + suffix: name for name, own in members.items() for suffix in own},
        clashes=tuple(_twice(name + suffix for name, own in members.items() for suffix in own) + _twice(names)),
    )


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def renamed(component: C, old: str, new: str) -> C:
    """The component with another model in place of one that it or a part of it names."""
    update: dict[str, object] = {}
    for name, info in type(component).model_fields.items():
        value = getattr(component, name)
        if any(isinstance(mark, Reference) and mark.section == "models" for mark in marks(info)):
            update[name] = [new if entry == old else entry for entry in value] if isinstance(value, list) else value
            if value == old:
                update[name] = new
        elif part_of(info) is not None and isinstance(value, list | tuple):
            update[name] = [renamed(part, old, new) for part in value]
        elif part_of(info) is not None and isinstance(value, Component):
            update[name] = renamed(value, old, new)
    return component.model_copy(update=update)


def forgetting_probes(expansion: Expansion) -> dict[str, Variant]:
    """Each derived model that a variant asks, and the model it is made of in the end, asked without anything else."""
    answerers = [name for variant in expansion.variants.values() for name in named(variant, "models")]
    derived = [name for name in expansion.models if name in answerers and expansion.models[name].base_name]
    plain = find("variant", "prompting")
    probes: dict[str, Variant] = {}
    for name in dict.fromkeys(name for model in derived for name in (root_of(model, expansion.models), model)):
        probes[direct_variant(name)] = cast(Variant, plain.model_validate({"model": name}))
    return probes


def root_of(name: str, models: Mapping[str, Model]) -> str:
    """The model at the end of a chain of bases."""
    while (base := models[name].base_name) is not None:
        name = base
    return name
