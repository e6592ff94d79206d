"""Runs chosen proofs on tiny models, as the self-test does, so that tests can break what they prove."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from harness.components.display import Display
from harness.records.proofs import ProofRecord, SelfTestRecord
from harness.selftest.combination import combination_on
from harness.selftest.memo import recall
from harness.selftest.proof import Proof, all_proofs
from harness.selftest.selftest import quiet, remembered_self_test, run_proofs
from harness.selftest.tiny_models import TinyModels
from tests.shared.paths import ROOT

COMMAND = "from harness.cli import main; main()"


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


def self_test_apart(folder: Path) -> Callable[[str, Display], SelfTestRecord]:
    """Remembers in this folder what the command says in a process of its own; elsewhere it is as it was."""

    def remembered(device: str, display: Display) -> SelfTestRecord:
        if os.environ.get("HARNESS_SELFTEST") == str(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "session.lock"):
                if recall(combination_on(device)) is None:
                    subprocess.run(
                        [sys.executable, "-c", COMMAND, "selftest", "--device", device], cwd=ROOT, check=True
                    )
        return remembered_self_test(device, display)

    return remembered
