"""A self-test is remembered by its combination, checked on reading, and run again where that is not enough."""

import errno
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from harness.cli import app
from harness.components.display import Display
from harness.errors import ModelError, StoreError
from harness.records.proofs import ProofRecord, SelfTestRecord
from harness.selftest import combination, selftest
from harness.selftest.memo import memo_path, recall, remember
from harness.selftest.proof import Proof
from harness.selftest.selftest import quiet, remembered_self_test, self_test

Patch = pytest.MonkeyPatch
COMBINATION = {"harness": "1", "torch": "2", "transformers": "5", "peft": "0", "device": "cpu", "hardware": "x86"}
PROOFS = (ProofRecord(name="a claim", subject="lora", passed=False, reason="it differs", seconds=0.5),)
RECORD = SelfTestRecord(combination=COMBINATION, when="2026-11-02T10:00:00+00:00", proofs=PROOFS)


def raising(error: Exception) -> Callable[[], str | None]:
    def prove() -> str | None:
        raise error

    return prove


def proof(name: str = "a claim", prove: Callable[[], str | None] = lambda: None, missing: str | None = None) -> Proof:
    return Proof(name=name, subject="lora", prove=prove, missing=missing)


@pytest.fixture(autouse=True)
def memo(tmp_path: Path, monkeypatch: Patch) -> Path:
    monkeypatch.setenv("HARNESS_SELFTEST", str(tmp_path / "memo"))
    return tmp_path / "memo"


@pytest.fixture
def these(monkeypatch: Patch) -> Callable[[Sequence[Proof]], None]:
    return lambda proofs: monkeypatch.setattr(selftest, "all_proofs", lambda tiny: list(proofs))


def test_what_is_remembered_is_read_again_and_nothing_else_is_left(memo: Path) -> None:
    assert recall(COMBINATION) is None
    remember(RECORD)
    assert recall(COMBINATION) == RECORD
    assert list(memo.iterdir()) == [memo_path(COMBINATION)]


@pytest.mark.parametrize("part", COMBINATION)
def test_another_combination_remembers_nothing(part: str) -> None:
    remember(RECORD)
    assert recall({**COMBINATION, part: "another"}) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("false", "true"),  # a failure that reads as passed
        lambda text: text.replace("it differs", "it differs a little"),
        lambda text: "[]",
        lambda text: "{}",
        lambda text: json.dumps({"sha256": "0", "record": {}}),
    ],
)
def test_a_damaged_memo_counts_as_none(damage: Callable[[str], str]) -> None:
    remember(RECORD)
    path = memo_path(COMBINATION)
    path.write_text(damage(path.read_text()))
    assert recall(COMBINATION) is None


def test_a_memo_under_the_name_of_another_combination_counts_as_none() -> None:
    remember(RECORD)
    other = {**COMBINATION, "torch": "3"}
    memo_path(COMBINATION).rename(memo_path(other))
    assert recall(other) is None


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: Patch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_SELFTEST", str(tmp_path / "file"))
    with pytest.raises(StoreError, match=r"file/.*\.json: .*; set HARNESS_CACHE to another folder"):
        remember(RECORD)
    with pytest.raises(StoreError, match="set HARNESS_CACHE to another folder"):
        remembered_self_test("cpu", Display())


def test_without_a_folder_of_its_own_it_is_in_the_cache(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.delenv("HARNESS_SELFTEST")
    assert memo_path(COMBINATION).parent == tmp_path / "cache" / "selftest"


def test_it_runs_once_a_combination(these: Callable[[Sequence[Proof]], None], monkeypatch: Patch) -> None:
    calls: list[str] = []
    these([proof(prove=lambda: calls.append("run"))])
    first = remembered_self_test("cpu", Display())
    assert remembered_self_test("cpu", Display()) == first
    assert calls == ["run"]
    assert [one.passed for one in first.proofs] == [True]
    for name, version in (("torch", "9"), ("transformers", "9"), ("peft", "9"), ("bitsandbytes", "9")):
        monkeypatch.setattr(combination, "versions", lambda names, changed=(name, version): dict([changed]))
        remembered_self_test("cpu", Display())
    monkeypatch.setattr("harness.__version__", "9")
    remembered_self_test("cpu", Display())
    assert calls == ["run"] * 6
    assert len({path.name for path in memo_path({}).parent.glob("*.json")}) == 6


def test_a_failure_is_remembered_too_and_a_command_runs_it_again(these: Callable[[Sequence[Proof]], None]) -> None:
    reasons = ["it differs"]
    these([proof(prove=lambda: reasons[0] if reasons else None)])
    assert remembered_self_test("cpu", Display()).proofs[0].reason == "it differs"
    reasons.clear()
    assert remembered_self_test("cpu", Display()).proofs[0].passed is False
    assert self_test("cpu", Display()).proofs[0].passed is True
    assert remembered_self_test("cpu", Display()).proofs[0].passed is True


def test_proofs_that_were_added_since_are_run(these: Callable[[Sequence[Proof]], None]) -> None:
    these([proof()])
    assert len(remembered_self_test("cpu", Display()).proofs) == 1
    these([proof(), proof("another claim")])
    assert len(remembered_self_test("cpu", Display()).proofs) == 2


@pytest.mark.parametrize(
    ("chosen", "passed", "reason", "is_remembered"),
    [
        (proof(), True, None, True),
        (proof(prove=lambda: "it differs"), False, "it differs", True),
        (proof(prove=raising(TypeError("no argument 'cache'"))), False, "TypeError: no argument 'cache'", True),
        (proof(prove=raising(OSError("no file named x"))), False, "OSError: no file named x", True),
        (proof(prove=raising(AssertionError())), False, "AssertionError:", True),
        (proof(missing="the package bitsandbytes is missing"), None, "the package bitsandbytes is missing", True),
        (proof(prove=raising(RuntimeError("CUDA out of memory"))), None, "RuntimeError: CUDA out of memory", False),
        (proof(prove=raising(MemoryError())), None, "MemoryError:", False),
        (proof(prove=raising(OSError(errno.ENOSPC, "full"))), None, "OSError: [Errno 28] full", False),
        (proof(prove=raising(StoreError("cache is locked"))), None, "StoreError: cache is locked", False),
    ],
)
def test_what_a_proof_comes_to(
    chosen: Proof, passed: bool | None, reason: str | None, is_remembered: bool,
    these: Callable[[Sequence[Proof]], None], memo: Path,
) -> None:  # fmt: skip
    these([chosen])
    (record,) = self_test("cpu", Display()).proofs
    assert (record.passed, record.reason) == (passed, reason)
    assert bool(list(memo.glob("*.json"))) is is_remembered


@pytest.mark.parametrize(
    ("chosen", "status", "line"),
    [
        (proof(), 0, "│ lora    │      1 │      1 │"),
        (proof(missing="no bitsandbytes"), 0, "not run: lora: a claim: no bitsandbytes"),
        (proof(prove=lambda: "it differs"), 1, "FAILED: lora: a claim: it differs"),
        (proof(prove=lambda: "it differs"), 1, "Runs that use one of these are refused: lora"),
    ],
)
def test_the_command_says_what_failed(
    chosen: Proof, status: int, line: str, these: Callable[[Sequence[Proof]], None]
) -> None:
    these([chosen])
    result = CliRunner().invoke(app, ["selftest"])
    assert result.exit_code == status, result.output
    assert line in result.output
    assert "self-test of this combination of torch, transformers, peft and device: " in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "gpu"], "error: device gpu is not known: it must be one of auto, cpu, cuda, mps"),
        (["--device", "cuda"], "error: device: cuda is not on this machine"),
        (["--device", "mps"], "error: device: mps is not on this machine"),
        (["suite.yaml"], "unexpected extra argument"),
    ],
)
def test_wrong_use_is_exit_2(arguments: list[str], message: str, monkeypatch: Patch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    result = CliRunner().invoke(app, ["selftest", *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_combination_names_packages_and_device() -> None:
    named = combination.combination_on("cpu")
    assert {"harness", "torch", "transformers", "peft", "device", "hardware"} <= named.keys()
    with pytest.raises(ModelError):
        combination.combination_on("tpu")


@pytest.mark.parametrize("result", [None, "it differs", RuntimeError("broken")])
def test_proofs_run_on_one_thread_and_the_rest_as_before(
    result: str | RuntimeError | None, these: Callable[[Sequence[Proof]], None]
) -> None:
    threads: list[int] = []

    def prove() -> str | None:
        threads.append(torch.get_num_threads())
        if isinstance(result, RuntimeError):
            raise result
        return result

    these([proof(prove=prove)])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    self_test("cpu", Display())
    assert (threads, torch.get_num_threads()) == ([1], 2)
    torch.set_num_threads(before)


def test_nothing_is_left_in_the_cache_but_the_memo(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.delenv("HARNESS_SELFTEST")
    from harness.selftest.cache_keys import proofs

    monkeypatch.setattr(selftest, "all_proofs", lambda tiny: [*proofs(tiny)])
    record = self_test("cpu", Display())
    assert all(one.passed for one in record.proofs)
    left = [path.relative_to(tmp_path / "cache").parts[0] for path in (tmp_path / "cache").rglob("*")]
    assert set(left) == {"selftest"}
    assert replace(record) == recall(record.combination)


def test_a_level_that_a_library_sets_for_itself_stays() -> None:
    """transformers sets its own when it is first imported, which is in here; without it, it would warn ever after."""
    library, product = logging.getLogger("transformers"), logging.getLogger("harness")
    levels = library.level, product.level
    try:
        library.setLevel(logging.NOTSET)  # as before its import
        with quiet():
            assert product.level == logging.CRITICAL
            library.setLevel(logging.ERROR)
        assert (library.level, product.level) == (logging.ERROR, levels[1])
    finally:
        library.setLevel(levels[0])
