"""Names that a run makes of a suite's names. Only this file writes and reads their spelling.

A suite's names have no spaces, colons or slashes, but may have any other sign.
"""

from collections.abc import Iterable
from dataclasses import dataclass

VERSIONS = ("before", "after", "withdrawn")  # of what a freshness probe asks about
_DIRECT, _SEED = "model:", "~"


def direct_variant(model: str) -> str:
    """The variant as which a model answers general tasks by itself: model:NAME."""
    return _DIRECT + model


def reported_name(variant: str) -> str:
    """A variant as figures name it: a model that answers by itself has its own name."""
    return variant.removeprefix(_DIRECT)


def seed_suffix(number: int) -> str:
    """What the name of an entry of several seeds gains for one of them: ~1, ~2 …"""
    return f"{_SEED}{number}"


def without_seed(name: str) -> str:
    """A name, or a suffix, without its `seed_suffix`; the same where it has none."""
    stem, sign, number = name.rpartition(_SEED)
    return stem if sign and number.isdigit() else name


@dataclass(frozen=True, slots=True)
class FreshnessProbe:
    """A task made of the questions whose facts a knowledge base has changed: TASK@KNOWLEDGE-VERSION."""

    task: str
    knowledge: str
    version: str

    @classmethod
    def parse(cls, name: str, tasks: Iterable[str]) -> "FreshnessProbe | None":
        """The probe that a name stands for, made of one of the tasks; None where it is an ordinary task."""
        stem, _, version = name.rpartition("-")
        origin = max((task for task in tasks if stem.startswith(f"{task}@")), key=len, default=None)
        if origin is None or version not in VERSIONS:
            return None
        return cls(origin, stem.removeprefix(f"{origin}@"), version)

    def __str__(self) -> str:
        return f"{self.task}@{self.knowledge}-{self.version}"
