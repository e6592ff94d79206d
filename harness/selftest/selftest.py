"""Runs all proofs on one device, or takes what was remembered for this combination of packages and device."""

import errno
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from filelock import FileLock

from harness.components.display import Display
from harness.errors import StoreError
from harness.models.local.batches import out_of_memory
from harness.models.local.device import free_memory
from harness.records.proofs import ProofRecord, SelfTestRecord
from harness.runtime.provenance import now
from harness.selftest.combination import combination_on
from harness.selftest.memo import memo_path, recall, remember
from harness.selftest.proof import Proof, all_proofs
from harness.selftest.tiny_models import TinyModels
from harness.text.counting import counted

SILENT = ("harness", "bitsandbytes", "transformers")  # tiny models are loaded dozens of times
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES)
Prover = Callable[[str], SelfTestRecord]  # the self-test of a device, wherever it is
_PROVER: ContextVar[Prover | None] = ContextVar("PROVER", default=None)
TITLE = "self-test of this combination of torch, transformers, peft and device"


@contextmanager
def proven_by(prover: Prover) -> Iterator[None]:
    """Another process proves by itself what it computes with; this one has no such device."""
    token = _PROVER.set(prover)
    try:
        yield
    finally:
        _PROVER.reset(token)


def remembered_self_test(device: str, display: Display) -> SelfTestRecord:
    """What was remembered, or a self-test where nothing was, or not all of today's proofs. A second process waits."""
    if (prover := _PROVER.get()) is not None:
        return prover(device)
    combination = combination_on(device)
    path = memo_path(combination)
    if (record := _complete(recall(combination), device)) is not None:
        return record
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock").acquire()
    except OSError as error:
        raise StoreError(f"self-test {path}: {error.strerror or error}; set HARNESS_CACHE to another folder") from error
    with lock:
        return _complete(recall(combination), device) or self_test(device, display)


def self_test(device: str, display: Display) -> SelfTestRecord:
    """Run all proofs and remember them, unless memory or disk kept one from running."""
    combination = combination_on(device)
    with scratch() as folder, quiet(), single_thread():
        proofs = all_proofs(TinyModels(folder / "models", combination["device"]))
        display.begin(TITLE)
        display.expect(len(proofs))
        records = tuple(run_proofs(proofs, display))
    free_memory()
    record = SelfTestRecord(combination=combination, when=now(), proofs=records)
    display.finish(summary(record))
    missing = {(proof.subject, proof.name) for proof in proofs if proof.missing}
    if all(proof.passed is not None or (proof.subject, proof.name) in missing for proof in records):
        remember(record)
    return record


def run_proofs(proofs: Sequence[Proof], display: Display) -> Iterator[ProofRecord]:
    """The record of each proof, in order."""
    for proof in proofs:
        began = time.perf_counter()
        passed, reason = _outcome(proof)
        seconds = round(time.perf_counter() - began, 3)
        yield ProofRecord(name=proof.name, subject=proof.subject, passed=passed, reason=reason, seconds=seconds)
        display.advance(1)


def summary(record: SelfTestRecord) -> str:
    """How many proofs passed, failed and were not run."""
    results = [proof.passed for proof in record.proofs]
    failed, unknown = results.count(False), results.count(None)
    further = [f"{failed} failed"] if failed else []
    further += [f"{unknown} not run"] if unknown else []
    return ", ".join([f"{counted(results.count(True), 'proof')} passed", *further])


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for models that are gone afterwards; digests of their files are not remembered in the user's cache."""
    before = {name: os.environ.get(name) for name in ("HARNESS_CACHE",)}
    with tempfile.TemporaryDirectory(prefix="harness-selftest-") as name:
        os.environ["HARNESS_CACHE"] = f"{name}/cache"
        try:
            yield Path(name)
        finally:
            for variable, value in before.items():
                if value is None:
                    del os.environ[variable]
                else:
                    os.environ[variable] = value


@contextmanager
def quiet() -> Iterator[None]:
    """Libraries and models neither log nor warn of tiny models."""
    loggers = [logging.getLogger(name) for name in SILENT]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            if (
                logger.level == logging.CRITICAL
            ):  # transformers, when first imported in here, sets a level that it keeps
                logger.setLevel(level)


@contextmanager
def single_thread() -> Iterator[None]:
    """Networks this small only wait for further threads: on two busy cores it took ten times as long."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _outcome(proof: Proof) -> tuple[bool | None, str | None]:
    """Whether the claim holds. What memory or disk prevents is unknown; any other exception is a failure."""
    if proof.missing is not None:
        return None, proof.missing
    try:
        reason = proof.prove()
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        return (None if _is_machine_failure(error) else False), text
    return reason is None, reason


def _is_machine_failure(error: Exception) -> bool:
    """Whether memory or disk is to blame. What transformers raises for files that it lacks has no number."""
    return isinstance(error, StoreError) or out_of_memory(error) or getattr(error, "errno", None) in DISK


def _complete(record: SelfTestRecord | None, device: str) -> SelfTestRecord | None:
    """The record, if it has all proofs that there are today."""
    if record is None:
        return None
    proofs = all_proofs(TinyModels(Path(), record.combination["device"]))
    today = [(proof.subject, proof.name) for proof in proofs]
    return record if [(proof.subject, proof.name) for proof in record.proofs] == today else None
