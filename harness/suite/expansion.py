"""Entries that stand for several: a model with sizes or seeds becomes one each, and so does what asks it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from harness.components.component import Component, named
from harness.components.fields import Reference, marks, part_of
from harness.components.knowledge import Knowledge
from harness.components.model import Model
from harness.components.registry import find
from harness.components.variant import Variant
from harness.records.derived_names import direct_variant, without_seed

C = TypeVar("C", bound=Component)
Suffixes = Mapping[str, Sequence[str]]  # an entry that stands for several → what the name gains for each


@dataclass(frozen=True, slots=True)
class SizedVariant:
    """Where a variant of one of several sizes comes from."""

    entry: str
    model: str = ""  # a model of that size; empty where only the knowledge has sizes
    knowledge: str = ""  # a knowledge base of that size; empty where only the model has sizes


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Models, knowledge bases and variants, each entry that stands for several replaced by its members."""

    models: Mapping[str, Model]
    variants: Mapping[str, Variant]
    knowledge: Mapping[str, Knowledge] = field(default_factory=dict)
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of models and variants that were replaced
    knowledge_members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of knowledge bases
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a variant as reported → those of its seeds
    sized: Mapping[str, SizedVariant] = field(default_factory=dict)  # by the variant as reported
    entries: Mapping[str, str] = field(default_factory=dict)  # model → the entry that it comes from
    clashes: tuple[str, ...] = ()  # names that an entry's member shares with another entry
    unequal: Mapping[str, str] = field(default_factory=dict)  # variant → how the sizes of what it names differ

    def reported(self) -> list[str]:
        """The variants as figures name them: those of several seeds by their pool."""
        pool_of = {member: pool for pool, members in self.pools.items() for member in members}
        return list(dict.fromkeys(pool_of.get(name, name) for name in self.variants))

    def entry_of(self, variant: str) -> str:
        """The entry that a variant as reported comes from: itself, or one of several sizes."""
        return self.sized[variant].entry if variant in self.sized else variant

    def model_pools(self) -> dict[str, tuple[str, ...]]:
        """The models of several seeds: an entry, or one of its sizes → its seeds."""
        pools: dict[str, tuple[str, ...]] = {}
        for name in self.models:
            pool = without_seed(name)
            if pool != name and pool.startswith(self.entries.get(name, name)):
                pools[pool] = (*pools.get(pool, ()), name)
        return {pool: seeds for pool, seeds in pools.items() if len(seeds) > 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """A variant as it is asked: itself, or one of those that an entry stands for."""

    entry: str
    suffix: str  # what the name gains; empty for a variant that stands for itself
    variant: Variant
    model: str = ""  # of one of several sizes
    knowledge: str = ""  # of one of several sizes

    @property
    def name(self) -> str:
        return self.entry + self.suffix

    @property
    def pool(self) -> str:
        return self.entry + without_seed(self.suffix)


def expand(
    models: Mapping[str, Model], knowledge: Mapping[str, Knowledge], variants: Mapping[str, Variant], seed: int
) -> Expansion:
    """Replace each entry with several members by them, and each variant that asks it by one for each."""
    members = {name: model.expand(seed) for name, model in models.items()}
    bases = {name: base.expand() for name, base in knowledge.items()}
    of_models, of_bases = _several(members), _several(bases)
    copies = [copy for name, variant in variants.items() for copy in _copies(name, variant, of_models, of_bases)]
    replaced: dict[str, tuple[str, ...]] = {
        name: tuple(name + suffix for suffix in suffixes) for name, suffixes in of_models.items()
    }
    for entry in dict.fromkeys(copy.entry for copy in copies if copy.suffix):
        replaced[entry] = tuple(copy.name for copy in copies if copy.entry == entry)
    pools: dict[str, tuple[str, ...]] = {}
    sized: dict[str, SizedVariant] = {}
    for copy in copies:
        pools[copy.pool] = (*pools.get(copy.pool, ()), copy.name)
        if copy.model or copy.knowledge:
            sized.setdefault(copy.pool, SizedVariant(copy.entry, copy.model, copy.knowledge))
    names = (_member_names(members), _member_names(bases), [copy.name for copy in copies])
    return Expansion(
        models={name + suffix: member for name, own in members.items() for suffix, member in own.items()},
        knowledge={name + suffix: member for name, own in bases.items() for suffix, member in own.items()},
        variants={copy.name: copy.variant for copy in copies},
        members=replaced,
        knowledge_members={name: tuple(name + suffix for suffix in own) for name, own in of_bases.items()},
        pools={name: own for name, own in pools.items() if len(own) > 1},
        sized=sized,
        entries={name + suffix: name for name, own in members.items() for suffix in own},
        clashes=tuple(clash for section in names for clash in _twice(section)),
        unequal={
            name: difference
            for name, variant in variants.items()
            if (difference := _difference(variant, of_models, of_bases))
        },
    )


def _several(members: Mapping[str, Mapping[str, Component]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(own) for name, own in members.items() if list(own) != [""]}


def _member_names(members: Mapping[str, Mapping[str, Component]]) -> list[str]:
    return [name + suffix for name, own in members.items() for suffix in own]


def _named_entry(variant: Variant, section: str, suffixes: Suffixes) -> str:
    """The entry that stands for several and that a variant names, if any."""
    return next((name for name in named(variant, section) if name in suffixes), "")


def _copies(entry: str, variant: Variant, models: Suffixes, bases: Suffixes) -> list[_Copy]:
    """What a variant stands for: model and knowledge of equal sizes together, seeds of a model at each size."""
    model, base = _named_entry(variant, "models", models), _named_entry(variant, "knowledge", bases)
    own, sizes = models.get(model, ("",)), bases.get(base, ("",))
    if any(map(without_seed, own)):
        pairs = [(suffix, without_seed(suffix) if base else "") for suffix in own]
        suffixes = [suffix for suffix, _ in pairs]
    else:
        pairs = [(suffix, size) for size in sizes for suffix in own]
        suffixes = [size + suffix for suffix, size in pairs]
    return [
        _Copy(
            entry=entry,
            suffix=suffix,
            variant=_renamed_both(variant, (model, model + of_model), (base, base + of_base)),
            model=model + of_model if without_seed(of_model) else "",
            knowledge=base + of_base if of_base else "",
        )
        for suffix, (of_model, of_base) in zip(suffixes, pairs, strict=True)
    ]


def _renamed_both(variant: Variant, model: tuple[str, str], knowledge: tuple[str, str]) -> Variant:
    for section, (old, new) in (("models", model), ("knowledge", knowledge)):
        if old != new:
            variant = renamed(variant, section, old, new)
    return variant


def _difference(variant: Variant, models: Suffixes, bases: Suffixes) -> str:
    """Why the model and the knowledge base of a variant cannot be varied together; empty where they can."""
    model, base = _named_entry(variant, "models", models), _named_entry(variant, "knowledge", bases)
    own = dict.fromkeys(size for suffix in models.get(model, ()) if (size := without_seed(suffix)))
    if not own or not base or set(own) == set(bases[base]):
        return ""
    first, second = (", ".join(size.removeprefix("-") for size in sizes) for sizes in (own, bases[base]))
    return (
        f"models.{model} has the sizes {first} and knowledge.{base} has {second}, and a variant of both learns the "
        f"same rows by both; give both the same sizes, or name one member, e.g. knowledge: {base}{bases[base][-1]}"
    )


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def renamed(component: C, section: str, old: str, new: str) -> C:
    """The component with another entry of a section in place of one that it or a part of it names."""
    update: dict[str, object] = {}
    for name, info in type(component).model_fields.items():
        value = getattr(component, name)
        if any(isinstance(mark, Reference) and mark.section == section for mark in marks(info)):
            update[name] = [new if entry == old else entry for entry in value] if isinstance(value, list) else value
            if value == old:
                update[name] = new
        elif part_of(info) is not None and isinstance(value, list | tuple):
            update[name] = [renamed(part, section, old, new) for part in value]
        elif part_of(info) is not None and isinstance(value, Component):
            update[name] = renamed(value, section, old, new)
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
