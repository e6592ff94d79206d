"""Runs chosen proofs on tiny models, as the self-test does, so that tests can break what they prove."""

from collections.abc import Callable
from pathlib import Path

from harness.components.display import Display
from harness.records.proofs import ProofRecord
from harness.selftest.proof import Proof, all_proofs
from harness.selftest.selftest import quiet, run_proofs
from harness.selftest.tiny_models import TinyModels


def prove(folder: Path, chosen: Callable[[Proof], bool]) -> list[ProofRecord]:
    """The records of the proofs that are chosen."""
    with quiet():
        proofs = [proof for proof in all_proofs(TinyModels(folder / "models", "cpu")) if chosen(proof)]
        assert proofs, "no such proof"
        return list(run_proofs(proofs, Display()))


def failures(folder: Path, subjects: tuple[str, ...], *claims: str) -> dict[tuple[str, str], str]:
    """Subject and claim of the proofs of these subjects that fail, with the reason; names begin with one of `claims`."""
    records = prove(folder, lambda proof: proof.subject in subjects and proof.name.startswith(claims or ("",)))
    return {(record.subject, record.name): record.reason or "" for record in records if record.passed is False}
