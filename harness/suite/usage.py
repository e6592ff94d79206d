"""Who asks whom in a suite: worked out once, by the parser, and read by everything that runs or checks it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.components.component import Component, named
from harness.components.metric import Metric
from harness.components.model import Model
from harness.components.variant import Variant

LATER_STAGES = ("summarize", "report")  # they ask no model


@dataclass(frozen=True, kw_only=True)
class ComponentUsage:
    """The entries of a suite that are used, each in the order of the suite, and by whom."""

    models_of: Mapping[str, tuple[str, ...]]  # variant → the models that it asks, itself or through its steps
    knowledge_of: Mapping[str, tuple[str, ...]]  # variant → the knowledge bases that it searches, itself or so
    writers_of: Mapping[str, tuple[str, ...]]  # variant → of these, the models that may write its answers
    answering_model: Mapping[str, str | None]  # variant → the model that answers; None where several do, or none
    answerers: tuple[str, ...]  # the models that variants ask
    judges: tuple[str, ...]  # the models that metrics ask
    trained: tuple[str, ...]  # the models that a run makes of others, each after its base
    teachers: tuple[str, ...] = ()  # the models that are asked for what those learn
    knowledge: tuple[str, ...]  # the knowledge bases that variants search
    scoring_asks_answerers: bool  # whether a metric asks the models that answered

    @property
    def predicting(self) -> tuple[str, ...]:
        """The models that variants ask, those that are made for them, and those that these have learnt from."""
        return tuple(dict.fromkeys([*self.answerers, *self.trained, *self.teachers]))

    def asked_from(self, stage: str) -> list[str]:
        """The models that a run asks from a stage on."""
        if stage in LATER_STAGES:
            return []
        answerers = self.answerers if stage != "score" or self.scoring_asks_answerers else ()
        teachers = self.teachers if stage == "train" else ()
        return list(dict.fromkeys([*answerers, *self.judges, *teachers]))


def usage_of(
    models: Mapping[str, Model],
    knowledge: Iterable[str],
    variants: Mapping[str, Variant],
    probes: Mapping[str, Variant],
    metrics: Sequence[Metric],
) -> ComponentUsage:
    """Who asks whom; `probes` are the models that are asked by themselves on general tasks."""
    answering = {**variants, **probes}
    models_of = {name: _reached(variant, variants, "models") for name, variant in answering.items()}
    writers_of = {name: _writers(variant, variants) for name, variant in answering.items()}
    judging = {name for metric in metrics for name in named(metric, "models")}
    answering_names = {name for names in models_of.values() for name in names}
    answerers = tuple(name for name in models if name in answering_names)
    judges = tuple(name for name in models if name in judging)
    trained = _training_order(models, variants, [*answerers, *judges])
    asked_for_rows = {
        needed
        for name in trained
        for needed in prerequisites(name, models, variants)
        if needed != models[name].base_name
    }
    searched = {name for variant in variants.values() for name in named(variant, "knowledge")}
    return ComponentUsage(
        models_of=models_of,
        knowledge_of={name: _reached(variant, variants, "knowledge") for name, variant in answering.items()},
        writers_of=writers_of,
        answering_model={name: _only([m for m in names if models[m].generates]) for name, names in writers_of.items()},
        answerers=answerers,
        judges=judges,
        trained=trained,
        teachers=tuple(name for name in models if name in asked_for_rows),
        knowledge=tuple(name for name in knowledge if name in searched),
        scoring_asks_answerers=any(metric.asks_answerers for metric in metrics),
    )


def _reached(variant: Component, variants: Mapping[str, Variant], section: str) -> tuple[str, ...]:
    """The entries of a section that a variant names, itself, in its parts, or through the variants that it names."""
    steps = [variants[name] for name in named(variant, "variants")]
    return tuple(dict.fromkeys(name for component in (variant, *steps) for name in named(component, section)))


def _writers(variant: Variant, variants: Mapping[str, Variant]) -> tuple[str, ...]:
    """The models that a variant, or one that it turns out to be, may ask for answers, itself or through its steps."""
    steps = [variants[name] for name in named(variant, "variants")]
    writing = [own for step in (variant, *steps) for own in step.alternatives()]
    return tuple(dict.fromkeys(name for own in writing for name in named(own, "models")))


def _only(names: Sequence[str]) -> str | None:
    return names[0] if len(set(names)) == 1 else None


def prerequisites(
    name: str, models: Mapping[str, Component | None], variants: Mapping[str, Component | None]
) -> list[str]:
    """The models that must be there before a model is made: its base, its teacher, those that choose its prompts."""
    model = models.get(name)
    if model is None:
        return []
    asked_as = (variants.get(variant) for variant in named(model, "variants"))
    choosing = [own for own in asked_as if isinstance(own, Variant) and own.asks_to_choose]
    return list(dict.fromkeys([*named(model, "models"), *(base for own in choosing for base in named(own, "models"))]))


def _training_order(
    models: Mapping[str, Model], variants: Mapping[str, Variant], names: Iterable[str]
) -> tuple[str, ...]:
    """The models to be made for those of `names`, each after what it is made of."""
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in order:
            for needed in prerequisites(name, models, variants):
                visit(needed)
            if models[name].base_name is not None:
                order[name] = None

    for name in names:
        visit(name)
    return tuple(order)
