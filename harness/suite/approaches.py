"""Of which approach each variant is: found from what it is made of, unless the suite says otherwise."""

from collections.abc import Mapping

from harness.components.component import named
from harness.components.model import Model
from harness.components.variant import Variant
from harness.records.decisions import NOT_DEPLOYABLE, Approach
from harness.suite.expansion import Expansion
from harness.suite.yaml_source import Source

FIXED = NOT_DEPLOYABLE  # facts about a variant, not views of it


def approaches_of(expansion: Expansion, overrides: Mapping[str, Approach]) -> dict[str, Approach]:
    """The approach of each variant as reported; `overrides` are by such names, or by an entry of several sizes."""
    approaches: dict[str, Approach] = {}
    for name in expansion.reported():
        member = expansion.pools.get(name, (name,))[0]
        own = overrides.get(name) or overrides.get(expansion.entry_of(name))
        approaches[name] = own or _approach(expansion.variants[member], expansion)
    return approaches


def is_bound(variant: Variant, variants: Mapping[str, Variant]) -> bool:
    """Whether it, or a variant that it asks, is an upper bound."""
    return any(step.is_bound() for step in (variant, *_steps(variant, variants)))


def is_fine_tuned(name: str, models: Mapping[str, Model]) -> bool:
    """Whether a model, or one that it is made of, was trained beyond what its makers published."""
    base = models[name].base_name
    return models[name].is_tuned or (base is not None and is_fine_tuned(base, models))


def _approach(variant: Variant, expansion: Expansion) -> Approach:
    if is_bound(variant, expansion.variants):
        return "upper bound"
    if variant.floor:
        return "floor"
    if variant.is_foreign:
        return "made elsewhere"
    if not variant.single:
        return "cascade"
    answering = [name for name in named(variant, "models") if expansion.models[name].generates]
    if any(is_fine_tuned(name, expansion.models) for name in answering):
        return "fine-tuning + RAG" if variant.retrieves else "fine-tuning"
    return "RAG" if variant.retrieves else "prompting"


def _steps(variant: Variant, variants: Mapping[str, Variant]) -> list[Variant]:
    return [variants[step] for step in named(variant, "variants")]


def check_approaches(source: Source, overrides: Mapping[str, Approach], expansion: Expansion) -> None:
    """Note each override that makes one of `FIXED` of what is none, or the other way round."""
    actual = approaches_of(expansion, {})
    for name, approach in overrides.items():
        own = next(actual[variant] for variant in actual if name in (variant, expansion.entry_of(variant)))
        if own != approach and (own in FIXED or approach in FIXED):
            problem = f"'{name}' is of the approach '{own}' by what it is made of, never '{approach}'; leave it out"
            source.complain(("compare", "approaches", name), problem)
