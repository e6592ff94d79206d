"""No model answers whose way to answer failed the self-test: it is refused by name, and others go on."""

from collections.abc import Mapping, Sequence

from harness.components.display import Display
from harness.components.model import Model
from harness.errors import SuiteError
from harness.models.local.loading import LocalModel
from harness.records.proofs import SelfTestRecord
from harness.selftest.selftest import remembered_self_test

REMEDY = "install the versions of constraints.txt, or take another method; `harness selftest` runs all proofs again"


def prove(
    models: Mapping[str, Model],
    display: Display,
    merging: bool = False,
    further: Mapping[str, Sequence[str]] | None = None,
) -> list[SelfTestRecord]:
    """The self-tests that the models' answers rest on, one a device; without local networks none.

    `models` are those that will be asked or trained, bound to their bases; with `merging` they are merged. `further`
    are subjects that answers of a model rest on beside its own. Raises SuiteError with a line for each model that rests
    on a proof that failed.
    """
    records: dict[str, SelfTestRecord] = {}
    mistakes = []
    for name, model in models.items():
        subjects = model.rests_on_as_base() if merging else model.rests_on()
        root = model.root()
        if subjects and isinstance(root, LocalModel):
            device = root.device_name
            if device not in records:
                records[device] = remembered_self_test(device, display)
            mistakes += refusals(name, (*subjects, *(further or {}).get(name, ())), records[device])
    if mistakes:
        raise SuiteError(mistakes)
    return list(records.values())


def refusals(name: str, subjects: Sequence[str], record: SelfTestRecord) -> list[str]:
    """Why a model must not answer: at most one line, the first proof that failed."""
    packages = ", ".join(f"{package} {record.combination[package]}" for package in ("torch", "transformers", "peft"))
    return [
        f"models.{name}: {proof.subject} failed the self-test under {packages} on {record.combination['device']}: "
        f"{proof.name}: {proof.reason}; {REMEDY}"
        for proof in record.proofs
        if proof.passed is False and proof.subject in subjects
    ][:1]
