"""What a proof is, and where proofs are found."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from harness.selftest.tiny_models import TinyModels

MODULES = (  # each has a function `proofs`; imported by name, as components are
    "harness.selftest.plain_models",
    "harness.selftest.cache_keys",
    "harness.selftest.constrained_replies",
    "adapters.selftest.training_rows",
    "adapters.selftest.methods",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A claim about one way to answer."""

    name: str
    subject: str  # what a failure forbids
    prove: Callable[[], str | None]  # why the claim does not hold; None where it does. Whatever it raises is a reason
    missing: str | None = None  # why it cannot be run here, e.g. a package that is not installed


class ProofModule(Protocol):
    """A module that has proofs. Listing them loads nothing heavy."""

    def proofs(self, tiny: TinyModels) -> Iterator[Proof]:
        """Its proofs, on these models."""


def all_proofs(tiny: TinyModels) -> list[Proof]:
    """Every proof there is, those of one subject together."""
    modules: list[ProofModule] = [importlib.import_module(name) for name in MODULES]
    return [proof for module in modules for proof in module.proofs(tiny)]
