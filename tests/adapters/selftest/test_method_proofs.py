"""The proofs about training methods fail by the method's name once what they prove is broken, and others go on."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.methods.base import own_weights, peft
from adapters.methods.bottleneck import Bottleneck
from adapters.methods.lora import Lora
from adapters.methods.prompt import Prompt
from adapters.methods.qlora import Qlora
from adapters.models.base import engines, trained
from adapters.selftest import methods
from adapters.selftest.methods import KEY, LOSS, MERGING, UNTOUCHED
from adapters.selftest.training_rows import RENDERING
from adapters.training import collation, encoding
from harness.components.method import Method
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.selftest.plain_models import BATCH, GENERATION, SCORING
from tests.shared.proving import failures, prove

Patch = pytest.MonkeyPatch
Break = Callable[[Patch], None]


def after(kind: type, name: str, change: Callable[..., Any]) -> Break:
    """What a function or method returns is changed: `change(result, *arguments)`."""

    def apply(patch: Patch) -> None:
        own = getattr(kind, name)
        patch.setattr(kind, name, lambda *given, **options: change(own(*given, **options), *given))

    return apply


def in_place_of(owner: Any, name: str, value: Any) -> Break:
    return lambda patch: patch.setattr(owner, name, value)


def merged_and_left(patch: Patch) -> None:
    """Taking an adapter off merges it into the base first."""

    def leak(self: Any, network: Any) -> None:
        network.merge_adapter()
        network.base_model._unload_and_optionally_merge(merge=False)

    patch.setattr(peft.PeftMethod, "remove", leak)


def trained_into_base(patch: Patch) -> None:
    """The base's own weights are trained, but it counts as one that others share."""
    patch.setattr(Bottleneck, "load", lambda self, network, folder: scaled_head(network))


def scaled_head(network: Any) -> Any:
    with torch.no_grad():
        network.lm_head.weight *= 1.05
    return network


def half_merged(base: Any, method: Any, folder: Path, target: Path) -> Path:
    """Merged in bfloat16."""
    network = method.merge(method.load(base.load("float32"), folder)).to(torch.bfloat16)
    network.save_pretrained(target)
    base.tokenizer.save_pretrained(target)
    return target


def labels_late(batch: Any, *_: Any) -> Any:
    return {**batch, "labels": batch["labels"].roll(1, 1)}


def without_system(base: Any, prompt: Any, *more: Any, own: Any = HuggingFace.encode_answer) -> Any:
    return own(base, tuple(turn for turn in prompt if turn.role != "system"), *more)


def row_without_last_token(result: Any, *_: Any) -> Any:
    row, split = result
    return encoding.TokenRow((*row.ids[:-2], row.ids[-1]), (*row.labels[:-2], row.labels[-1])), split


def prompt_learnt_too(result: Any, *_: Any) -> Any:
    row, split = result
    return encoding.TokenRow(row.ids, (encoding.IGNORED, *row.ids[1:])), split


def hide(patch: Patch, package: str) -> None:
    find = importlib.util.find_spec
    patch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == package else find(name, *more))


def refuse(reason: str) -> Callable[..., None]:
    def needs(self: Any, base: Any) -> None:
        raise ModelError(reason)

    return needs


SOFT = ("prompt", "prompt (encoder: lstm)")
BROKEN: dict[str, tuple[Break, tuple[str, ...], tuple[str, ...], set[tuple[str, str]]]] = {
    # what is broken → how, the subjects and claims that are proven, the failures expected
    "a bottleneck that leaks": (
        in_place_of(Bottleneck, "remove", lambda self, network: None),
        ("bottleneck", "lora"), (UNTOUCHED,), {("bottleneck", UNTOUCHED)}),
    "an adapter that leaks": (
        in_place_of(peft.PeftMethod, "remove", lambda self, network: None),
        ("bottleneck", "lora", "ia3"), (UNTOUCHED,), {("lora", UNTOUCHED), ("ia3", UNTOUCHED)}),
    "an adapter that is merged on its way out": (
        merged_and_left, ("lora", "full"), (UNTOUCHED,), {("lora", UNTOUCHED)}),
    "an adapter that is not put on": (
        in_place_of(Bottleneck, "load", lambda self, network, folder: network.eval()),
        ("bottleneck", "lora"), (UNTOUCHED,), {("bottleneck", UNTOUCHED)}),
    "an adapter that changes the base": (
        trained_into_base, ("bottleneck", "lora"), (UNTOUCHED,), {("bottleneck", UNTOUCHED)}),
    "a prefix whose cache has another name": (
        in_place_of(peft, "_preparing", lambda network: network.prepare_inputs_for_generation),
        ("prefix", "lora"), (GENERATION,), {("prefix", GENERATION), ("prefix", f"{GENERATION} (Gemma2)")}),
    "a soft prompt whose padding counts": (
        in_place_of(peft, "_by_mask", lambda *given: None),
        (*SOFT, "lora"), (BATCH,), {(name, f"{BATCH}{shape}") for name in SOFT for shape in ("", " (Gemma2)")}),
    "a merged model with changed weights": (
        after(Lora, "merge", lambda network, *_: scaled_head(network)),
        ("lora, merged", "full, merged", "ia3, merged"), (MERGING,), {("lora, merged", MERGING)}),
    "merging in bfloat16": (
        in_place_of(methods, "merge_weights", half_merged), ("lora, merged",), (MERGING,), {("lora, merged", MERGING)}),
    "a merged model without what was trained": (
        in_place_of(own_weights.OwnWeightsMethod, "merge", lambda self, network: scaled_head(network)),
        ("lora, merged", "full, merged", "freeze, merged"), (MERGING,),
        {("full, merged", MERGING), ("freeze, merged", MERGING)}),
    "labels a token late": (
        after(collation, "_pad", labels_late), ("lora", "prompt"), (LOSS,), {("lora", LOSS), ("prompt", LOSS)}),
    "rows that learn the prompt too": (
        after(encoding, "_row", prompt_learnt_too), ("lora", "full"), (LOSS,), {("lora", LOSS), ("full", LOSS)}),
    "two trainings under one key": (
        in_place_of(trained, "trained_files", lambda folder: []),
        ("lora", "full"), (KEY,), {("lora", KEY), ("full", KEY)}),
    "a training under its base's key": (
        in_place_of(engines, "extend_identity", lambda identity, changes: identity), ("lora", "full"), (KEY,), {("lora", KEY), ("full", KEY)}),
}  # fmt: skip
RENDERED: dict[str, Break] = {
    "rows without the system turn": in_place_of(HuggingFace, "encode_answer", without_system),
    "rows that lose a token": after(encoding, "_row", row_without_last_token),
    "rows that learn the prompt": after(encoding, "_row", prompt_learnt_too),
    "rows that end otherwise": after(encoding, "end_of_turn", lambda *_: 5),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_fails_by_the_methods_name(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    change, subjects, claims, expected = BROKEN[name]
    change(monkeypatch)
    assert set(failures(tmp_path, subjects, *claims)) == expected


@pytest.mark.parametrize("name", RENDERED)
def test_rows_that_are_not_what_is_asked_fail(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    RENDERED[name](monkeypatch)
    assert len(failures(tmp_path, ("tuned",), RENDERING)) == 5  # of three templates and two delimiters


@pytest.mark.parametrize(
    ("break_installation", "reason"),
    [
        (lambda patch: hide(patch, "bitsandbytes"), "the package bitsandbytes is missing"),
        (in_place_of(Qlora, "needs", refuse("bitsandbytes has no kernel for mps")), "no kernel for mps"),
        (in_place_of(Qlora, "needs", refuse("the driver is too old")), "the driver is too old"),
    ],
)
def test_what_is_not_installed_is_not_run_and_not_passed(
    break_installation: Break, reason: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    break_installation(monkeypatch)
    records = prove(tmp_path, lambda proof: proof.subject.startswith("qlora") or proof.name == f"{SCORING} (Llama)")
    assert [record.passed for record in records if record.subject == "huggingface"] == [True]
    unrun = [record for record in records if record.subject != "huggingface"]
    assert len(unrun) == 14  # nf4 and fp4: six claims, and merging
    assert all(record.passed is None and reason in (record.reason or "") for record in unrun)


def test_a_new_method_is_proven_without_being_named(tmp_path: Path, monkeypatch: Patch) -> None:
    class Second(Lora):
        r: int = 2

    Second.__module__ = "adapters.methods.second"
    monkeypatch.setattr(methods, "components", lambda kind: [("second", Second)])
    records = prove(tmp_path, lambda proof: proof.subject.startswith("second"))
    assert {record.subject for record in records} == {
        "second", "second (dora: true)", "second, merged", "second (dora: true), merged",
    }  # fmt: skip
    assert all(record.passed for record in records)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Lora(r=4), ("lora",)),
        (Lora(dora=True), ("lora", "lora (dora: true)")),
        (Prompt(encoder="lstm"), ("prompt", "prompt (encoder: lstm)")),
        (Qlora(), ("qlora",)),
        (Qlora(quant="fp4"), ("qlora", "qlora (quant: fp4)")),
        (Bottleneck(), ("bottleneck",)),
    ],
)
def test_a_method_rests_on_itself_and_its_variation(made: Method, expected: tuple[str, ...]) -> None:
    assert made.subjects() == expected
