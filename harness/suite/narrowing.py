"""A part of a suite: the variants and tasks that a limited run asks, with all that they need."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.components.component import named
from harness.errors import HarnessError, nearest
from harness.records.deployment_terms import DeploymentTerms
from harness.records.figure_names import FigureName
from harness.records.shards import Shard
from harness.suite.expansion import Expansion, forgetting_probes
from harness.suite.options import Compare
from harness.suite.suite import Suite
from harness.suite.usage import prerequisites, usage_of


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """What a user wants of a suite."""

    limit: int | None = None  # test items of each task
    only: Sequence[str] = ()  # variants: as figures name them, as the suite writes them, or one of several seeds
    tasks: Sequence[str] = ()
    skips_training: bool = False
    shard: Shard | None = None  # of the test items, those that this process answers


def narrowed(suite: Suite, wish: Narrowing) -> Suite:
    """The part of a suite that a run of this wish asks. Raises HarnessError, a line a mistake, for what is not there.

    The reference of its comparisons stays, and so does what a variant or a model asks: models, the steps of a cascade,
    the variants as which models are asked while they learn.
    """
    mistakes: list[str] = []
    tasks = _tasks_of(suite, wish.tasks, mistakes)
    variants = _variants_of(suite, wish.only, mistakes)
    if wish.limit is not None and wish.limit < 1:
        mistakes.append(f"--limit {wish.limit}: must be 1 or more")
    if mistakes:
        raise HarnessError(*mistakes)
    if wish.only:
        reference = suite.compare.reference or suite.expansion.reported()[0]
        variants |= set(suite.expansion.pools.get(reference, (reference,)))
    part = restricted(suite, variants, tasks)
    items = suite.latency.items if wish.limit is None else min(suite.latency.items, wish.limit)
    return replace(
        part,
        latency=part.latency.model_copy(update={"items": items}),
        scope=replace(part.scope, limit=wish.limit, shard=wish.shard),
    )


def without_untrained(suite: Suite, untrained: Collection[str]) -> Suite:
    """The suite without the variants whose model is not trained yet. Raises HarnessError where nothing remains."""
    lost = {
        name: model
        for name in suite.variants
        for model in [next((own for own in suite.usage.models_of[name] if own in untrained), None)]
        if model is not None
    }
    judges = [name for name in suite.usage.judges if name in untrained]
    if judges:
        raise HarnessError(f"models.{judges[0]} is a judge and is not trained yet; run without --skip-training")
    if len(lost) == len(suite.variants):
        raise HarnessError(
            f"--skip-training leaves no variant: not trained yet: {', '.join(untrained)}; run without it, or train "
            f"first by harness run {suite.path}"
        )
    if not lost:
        return suite
    reference = suite.compare.reference or suite.expansion.reported()[0]
    remaining = {name for name in suite.variants if name not in lost}
    part = restricted(suite, remaining, set(suite.tasks))
    is_missing = reference not in part.expansion.reported()
    scope = replace(part.scope, untrained=lost, missing_reference=reference if is_missing else "")
    return replace(part, scope=scope)


def restricted(suite: Suite, variants: Collection[str], tasks: Collection[str]) -> Suite:
    """The suite with these variants and tasks only, and what they need."""
    variants, models = _needed(suite, variants, tasks)
    expansion = _expansion(suite.expansion, variants, models)
    general = tuple(name for name in suite.general if name in tasks)
    probes = forgetting_probes(expansion) if general else {}
    unanswered = set() if probes else set(suite.general)  # nobody remains who would answer them
    specs = {name: spec for name, spec in suite.tasks.items() if name in tasks and name not in unanswered}
    metrics = [metric for spec in specs.values() for metric in spec.metrics.values()]
    knowledge = {name for own in expansion.variants.values() for name in named(own, "knowledge")}
    learned = {name for model in models for name in named(suite.models[model], "tasks")}
    learned |= {suite.knowledge[name].examples or "" for name in knowledge}
    return replace(
        suite,
        models=expansion.models,
        variants=expansion.variants,
        tasks=specs,
        learned={
            name: spec for name, spec in {**suite.tasks, **suite.learned}.items() if name in learned - specs.keys()
        },
        general=general if probes else (),
        probes=probes,
        compare=_compare(suite, expansion, specs),
        latency=suite.latency.model_copy(update={"task": suite.latency.task if suite.latency.task in specs else None}),
        terms=_terms(suite, specs),
        expansion=expansion,
        usage=usage_of(expansion.models, suite.knowledge, expansion.variants, probes, metrics),
        grid={name: cell for name, cell in suite.grid.items() if _remains(name, suite.expansion, variants)},
        scope=replace(
            suite.scope,
            variants=tuple(expansion.reported()) if len(variants) < len(suite.variants) else suite.scope.variants,
            tasks=tuple(specs) if len(specs) < len(suite.tasks) else suite.scope.tasks,
        ),
    )


def _needed(suite: Suite, variants: Iterable[str], tasks: Collection[str]) -> tuple[set[str], set[str]]:
    """The variants with the steps that they ask and those as which models learn; and all models of all of these."""
    metrics = [metric for task in tasks for metric in suite.tasks[task].metrics.values()]
    judging = {name for metric in metrics for name in named(metric, "models")}
    names, models = set(variants), set[str](judging)
    while True:
        steps = {step for name in names for step in named(suite.variants[name], "variants")}
        direct = {model for name in names for model in suite.usage.models_of[name]}
        before = {own for model in models | direct for own in prerequisites(model, suite.models, suite.variants)}
        learning = {own for model in models | direct | before for own in named(suite.models[model], "variants")}
        if steps | learning <= names and direct | before <= models:
            return names, models
        names |= steps | learning
        models |= direct | before


def _expansion(whole: Expansion, variants: Collection[str], models: Collection[str]) -> Expansion:
    """What remains of it; a pool of which one seed remains is that variant."""
    pools = {name: tuple(own for own in members if own in variants) for name, members in whole.pools.items()}
    remaining = {name: own for name, own in whole.variants.items() if name in variants}
    pools = {name: own for name, own in pools.items() if len(own) > 1}
    part = replace(
        whole,
        variants=remaining,
        pools=pools,
        models={name: own for name, own in whole.models.items() if name in models},
    )
    reported = part.reported()
    members = {name: tuple(m for m in own if m in variants or m in models) for name, own in whole.members.items()}
    return replace(
        part,
        sized={name: own for name, own in whole.sized.items() if name in reported},
        members={name: own for name, own in members.items() if own},
        entries={name: own for name, own in whole.entries.items() if name in models},
    )


def _remains(entry: str, whole: Expansion, variants: Collection[str]) -> bool:
    return any(name in variants for name in whole.members.get(entry, (entry,)))


def _compare(suite: Suite, expansion: Expansion, tasks: Collection[str]) -> Compare:
    reported = expansion.reported()
    entries = {*reported, *map(expansion.entry_of, reported)}
    own = suite.compare
    return own.model_copy(
        update={
            "reference": own.reference if own.reference in reported else None,
            "headline": [figure for figure in own.headline if FigureName.parse(figure).task in tasks],
            "approaches": {name: value for name, value in own.approaches.items() if name in entries},
        }
    )


def _terms(suite: Suite, tasks: Collection[str]) -> DeploymentTerms:
    """Margins and limits of the figures that remain."""
    terms = suite.terms
    limits = replace(terms.constraints, min_quality=_of_tasks(terms.constraints.min_quality, tasks))
    return replace(terms, margins=_of_tasks(terms.margins, tasks), constraints=limits)


def _of_tasks(by_figure: Mapping[str, float], tasks: Collection[str]) -> dict[str, float]:
    return {figure: value for figure, value in by_figure.items() if FigureName.parse(figure).task in tasks}


def _tasks_of(suite: Suite, names: Sequence[str], mistakes: list[str]) -> set[str]:
    """The tasks that a user names; all of them where none is named."""
    names = _separated(names, suite.tasks)
    mistakes += [
        f"--task {name}: is not among tasks ({nearest(name, suite.tasks)})" for name in names if name not in suite.tasks
    ]
    own = [name for name in suite.tasks if name not in suite.general]
    if names and not mistakes and set(names) <= set(suite.general):
        mistakes.append(
            f"--task {', '.join(names)}: a general task only tells what training made a model forget; name also one of "
            f"{', '.join(own)}"
        )
    return set(names) or set(suite.tasks)


def _variants_of(suite: Suite, names: Sequence[str], mistakes: list[str]) -> set[str]:
    """The variants that a user names; all of them where none is named."""
    members = {name: own for name, own in suite.expansion.members.items() if own[0] in suite.variants}
    choices = {**{name: (name,) for name in suite.variants}, **suite.expansion.pools, **members}
    names = _separated(names, choices)
    mistakes += [
        f"--only {name}: is not among variants ({nearest(name, choices)})" for name in names if name not in choices
    ]
    return {own for name in names for own in choices.get(name, ())} or set(suite.variants)


def _separated(values: Sequence[str], choices: Collection[str]) -> list[str]:
    """Names that were given one by one, or several with commas between; a name may have a comma itself."""
    parts = [[value] if value in choices else [part.strip() for part in value.split(",")] for value in values]
    return list(dict.fromkeys(name for own in parts for name in own if name))
