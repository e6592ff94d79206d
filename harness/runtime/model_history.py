"""Why a model is asked again what it has answered: what it is has changed since, in a field or two."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.components.component import settings
from harness.components.model import Model
from harness.records.inputs import JSON
from harness.runtime.cache import Cache
from harness.text.excerpts import shortened
from harness.text.normalise import as_text

MOST_CHANGES = 2  # fields in which one model may differ from what it was
VALUE_LENGTH = 24  # characters of a value: enough to tell two digests apart


@dataclass(frozen=True, slots=True)
class Change:
    """One field of what determines a model's answers."""

    field: str
    before: JSON
    now: JSON


def model_name(entry: str, model: Model) -> str:
    """What a model is called where it comes from; where it has no name of its own, as the suite calls it."""
    parameters = settings(model)
    own = parameters.get("model") or parameters.get("path")
    return own if isinstance(own, str) else entry


@dataclass(frozen=True, slots=True)
class EarlierModel:
    """What a model was when answers of it were stored."""

    digest: str
    changes: list[Change]  # since then

    def reason(self, entry: str) -> str:
        """Why these answers are not used, as a sentence; `entry` is the suite's name for the model."""
        differences = " and ".join(
            f"its {change.field} is {_value(change.now)} and was {_value(change.before)}" for change in self.changes
        )
        return (
            f"model {entry}: {differences} when its stored answers to these prompts were given: they are not used, and "
            "everything is asked again of it"
        )


def earlier_models(
    cache: Cache, entry: str, model: Model, digest: str, suite_digests: Collection[str]
) -> list[EarlierModel]:
    """What a model was before, as far as answers of it are stored, the likest first.

    `suite_digests` are those of all models of the suite: what another of its entries has answered is not lost.
    """
    name, identity = model_name(entry, model), json.loads(json.dumps(model.identity()))  # as one that was stored
    relatives = [
        (changes, earlier)
        for earlier in cache.stored_models(name)
        if earlier.digest not in (digest, *suite_digests) and (changes := changes_between(earlier.identity, identity))
    ]
    relatives.sort(key=lambda relative: (len(relative[0]), -relative[1].answers))
    return [EarlierModel(earlier.digest, changes) for changes, earlier in relatives]


def changes_between(before: JSON, now: JSON) -> list[Change]:
    """The fields in which two identities differ; empty where they are of different kinds, or differ in too many."""
    old, new = _leaves(before), _leaves(now)
    if old.get("component") != new.get("component"):
        return []
    fields = [field for field in old | new if old.get(field) != new.get(field)]
    return [Change(field, old.get(field), new.get(field)) for field in fields] if len(fields) <= MOST_CHANGES else []


def _leaves(identity: JSON, path: str = "") -> dict[str, JSON]:
    """The values of nested mappings by their paths, e.g. "base.dtype"."""
    if not isinstance(identity, Mapping):
        return {path: identity}
    leaves: dict[str, JSON] = {}
    for key, value in identity.items():
        leaves |= _leaves(value, f"{path}.{key}" if path else str(key))
    return leaves


def _value(value: JSON) -> str:
    return "not told" if value is None or value == "" else shortened(as_text(value), VALUE_LENGTH)
