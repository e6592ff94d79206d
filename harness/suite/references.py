"""What only shows when all parts of a suite are known: names that point nowhere, figures that do not exist, cycles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.components.component import Component, named, named_entries
from harness.components.fields import Reference
from harness.components.metric import Metric
from harness.components.variant import Variant
from harness.errors import nearest
from harness.records.figure_names import FigureName
from harness.suite.approaches import check_approaches
from harness.suite.usage import prerequisites
from harness.suite.yaml_source import Source, Where

if TYPE_CHECKING:
    from harness.suite.expansion import Expansion
    from harness.suite.options import Compare
    from harness.suite.suite import Suite

ABILITIES = {
    "generates": "generate text", "embeds": "embed texts", "ranks": "rank passages",
    "single": "be a step of another variant", "trainable": "be the base of another model",
}  # fmt: skip
_WHOLE = {("models", "generates"), ("knowledge", None)}  # what a variant names that may stand for several
RESERVED = ("retrieval", "stale")  # metrics that join by themselves
Sections = Mapping[str, Mapping[str, object]]
Metrics = Mapping[str, Mapping[str, Metric | None]]  # by task and name


def check_references(
    source: Source, places: Sequence[tuple[Component, Where]], sections: Sections, expansion: "Expansion"
) -> None:
    """Names that point into another section must exist there, and what they name must be able to serve.

    Of the entries that stand for several only a variant's model and its knowledge base may be one.
    """
    for component, place in places:
        for entry in named_entries(component):
            mark, name = entry.mark, entry.name
            problem = _reference_problem(name, mark, sections)
            members = expansion.knowledge_members if mark.section == "knowledge" else expansion.members
            is_own = isinstance(component, Variant) and len(entry.place) == 1
            whole = is_own and (mark.section, mark.ability) in _WHOLE
            if problem is None and name in members and not whole:
                problem = f"'{name}' stands for {', '.join(members[name])}; name one of them"
            if problem:
                source.complain((*place, *entry.place), problem)
        for section, members in (("models", expansion.members), ("knowledge", expansion.knowledge_members)):
            several = dict.fromkeys(name for name in named(component, section) if name in members)
            if isinstance(component, Variant) and len(several) > 1:
                source.complain(place, f"asks {' and '.join(several)}, which stand for several each; name one of each")


def check_bases(
    source: Source, models: Mapping[str, Component | None], variants: Mapping[str, Component | None]
) -> None:
    """A model cannot be made of itself, however long the way round: by its base, its teacher, or a prompt's choice."""
    for name in models:
        chain = _way_back(name, [name], models, variants, {name})
        if chain:
            source.complain(("models", name), f"is made of itself: {' → '.join(chain)}")


def _way_back(
    goal: str, chain: list[str], models: Mapping[str, Component | None], variants: Mapping[str, Component | None],
    seen: set[str],
) -> list[str] | None:  # fmt: skip
    """The way from the chain's last model back to `goal` through what each is made of; None where there is none."""
    for needed in prerequisites(chain[-1], models, variants):
        if needed == goal:
            return [*chain, needed]
        if needed not in seen:
            seen.add(needed)
            way = _way_back(goal, [*chain, needed], models, variants, seen)
            if way:
                return way
    return None


def check_compare(
    source: Source,
    compare: "Compare",
    general: Sequence[str],
    metrics: Metrics,
    variants: Sequence[str],
    entries: Collection[str],
) -> None:
    """Headline, reference and the variants of `approaches` exist.

    `metrics` by task and `variants`, as reported, also name those with mistakes of their own; `entries` are variants as
    the suite writes them.
    """
    for index, figure in enumerate(compare.headline):
        is_repeated = figure in compare.headline[:index]
        problem = "stands twice" if is_repeated else figure_problem(figure, metrics, general)
        if problem:
            source.complain(("compare", "headline", index), problem)
    if compare.reference is not None and compare.reference not in variants:
        remedy = nearest(compare.reference, variants)
        source.complain(("compare", "reference"), f"'{compare.reference}' is not among variants ({remedy})")
    for name in compare.approaches:
        if name not in variants and name not in entries:
            source.complain(("compare", "approaches", name), f"is not among variants ({nearest(name, variants)})")


def check_agreement(source: Source, suite: "Suite", expansion: "Expansion") -> None:
    """Each metric fits its task's answer, general tasks are tasks, no name stands for two entries."""
    for index, task in enumerate(suite.general):
        if task not in suite.tasks:
            source.complain(("general", index), f"'{task}' is not among tasks ({nearest(task, suite.tasks)})")
    for name in expansion.clashes:
        source.complain(
            (), f"'{name}' would stand for two entries: one of its own, and one made by sizes or seeds; rename it"
        )
    for name, difference in expansion.unequal.items():
        source.complain(("variants", name), difference)
    check_approaches(source, suite.compare.approaches, expansion)
    if suite.general and not suite.probes:
        source.complain(
            ("general",), "is asked of models that are made of others (tuned, adapter, quantised), there is none"
        )
    for name, spec in suite.tasks.items():
        kind = type(spec.answer).__name__.lower()
        for metric_name, metric in spec.metrics.items():
            place = ("tasks", name, "metrics", metric_name)
            if metric_name in RESERVED and type(metric).__name__.lower() != metric_name:
                source.complain(place, f"the name {metric_name} belongs to the metric of that name; choose another")
            if metric.answers and kind not in metric.answers:
                source.complain(
                    place,
                    f"{type(metric).__name__} scores {' or '.join(metric.answers)} answers, "
                    f"but this task's answer is {kind}",
                )


def _reference_problem(name: str, mark: Reference, sections: Sections) -> str | None:
    """Why a name cannot stand where a reference is marked."""
    entries = sections.get(mark.section, {})
    if name not in entries:
        return f"'{name}' is not among {mark.section} ({nearest(name, entries)})"
    entry = entries[name]
    if mark.ability and entry is not None and not getattr(entry, mark.ability, True):
        able = [entry_name for entry_name, entry in entries.items() if getattr(entry, mark.ability, False)]
        remedy = f"these can: {', '.join(able)}" if able else f"none of the {mark.section} can"
        return f"'{name}' is {type(entry).__name__}, which cannot {ABILITIES[mark.ability]}; {remedy}"
    return None


def figure_problem(figure: str, metrics_by_task: Metrics, general: Sequence[str]) -> str | None:
    """Why `task.metric` or `task.metric.part` names no figure of the suite; None if it does, or may by the data."""
    metrics = {FigureName(task, name): metric for task, own in metrics_by_task.items() for name, metric in own.items()}
    name = FigureName.parse(figure)
    if name.task in general:
        return f"'{figure}' is a figure of a general task, which only tells what training made a model forget"
    if name.whole not in metrics:
        return f"'{figure}' is not a metric ({nearest(figure, map(str, metrics))})"
    metric = metrics[name.whole]
    if metric is None:  # it has a mistake of its own
        return None
    parts = metric.parts()
    if figure == str(name.whole) or (name.part and (parts is None or name.part in parts)):
        return None
    names = [str(replace(name, part=part)) for part in ("", *(parts or ()))]
    explanation = "" if names[1:] else ", whose parts() names none"
    return f"'{figure}' is not a part of {type(metric).__name__}{explanation} ({nearest(figure, names)})"
