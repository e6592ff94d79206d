"""In which order models are asked, so that what a server, or this machine, loads for them is loaded once."""

from collections.abc import Iterable, Mapping

from harness.components.model import Model
from harness.suite.expansion import root_of

Rank = tuple[int, int]


def loaded_for(name: str, models: Mapping[str, Model]) -> str:
    """What is loaded for a model: the weights at the end of its bases, or what a server has for it."""
    root = root_of(name, models)
    return models[root].loading_key() or root


def judging_rank(judges: Iterable[str], models: Mapping[str, Model]) -> Rank:
    """Sorts what asks judges: of one judge together, and between two judges what asks both."""
    loads = list(dict.fromkeys(loaded_for(name, models) for name in models))
    places = [loads.index(loaded_for(name, models)) for name in judges]
    return (min(places), max(places)) if places else (-1, -1)
