"""In which order models are asked, so that what a server, or this machine, loads for them is loaded once."""

from collections.abc import Iterable, Mapping

from harness.components.model import Model
from harness.components.trained_model import DerivedModel
from harness.suite.expansion import root_of

Rank = tuple[int, int]


def loaded_for(name: str, models: Mapping[str, Model]) -> str:
    """What is loaded for a model: the weights at the end of its bases, or what a server has for it."""
    root = root_of(name, models)
    return models[root].loading_key() or root


def weights_for(name: str, models: Mapping[str, Model]) -> tuple[str, ...]:
    """What lies in memory when a model answers: equal for a base and the adapters that are attached to it in turn.

    Every quantised form, every full training, and what was merged to be trained further is loaded for itself.
    """
    model = models[name]
    if not isinstance(model, DerivedModel):
        return (loaded_for(name, models),)
    below = (model.base, "merged") if models[model.base].is_tuned else weights_for(model.base, models)
    altered = model.altered_weights()
    return (name,) if altered is None else (*below, *altered)


def judging_rank(judges: Iterable[str], models: Mapping[str, Model]) -> Rank:
    """Sorts what asks judges: of one judge together, and between two judges what asks both."""
    loads = list(dict.fromkeys(loaded_for(name, models) for name in models))
    places = [loads.index(loaded_for(name, models)) for name in judges]
    return (min(places), max(places)) if places else (-1, -1)
