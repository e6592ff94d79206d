"""The proofs about training methods fail by the method's name once what they prove is broken, and others go on."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.export import merging
from adapters.methods.base import own_weights, peft
from adapters.methods.base.network import load_trained
from adapters.methods.bottleneck import Bottleneck
from adapters.methods.lora import Lora
from adapters.methods.prompt import Prompt
from adapters.models.base import trained
from adapters.selftest.methods import KEY, LOSS, MERGING, UNTOUCHED
from adapters.selftest.training_rows import RENDERING
from adapters.training import collation, encoding
from harness.components import registry
from harness.models.huggingface import HuggingFace
from harness.selftest.plain_models import BATCH, GENERATION
from harness.selftest.selftest import summary
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


def added(value: Any, amount: float) -> Any:
    with torch.no_grad():
        value += amount
    return value


def merged_and_left(patch: Patch) -> None:
    """Taking an adapter off merges it into the base first."""

    def leak(self: Any, network: Any) -> None:
        network.merge_adapter()
        network.base_model._unload_and_optionally_merge(merge=False)

    patch.setattr(peft.PeftMethod, "remove", leak)


def trained_into_base(patch: Patch) -> None:
    """The base's own weights are trained, but it counts as one that others share."""
    patch.setattr(Bottleneck, "load", lambda self, network, folder: added_bias(network))


def added_bias(network: Any) -> Any:
    added(network.lm_head.weight, 0.1)
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


SOFT = ("prompt", "prompt (encoder: mlp)", "prompt (encoder: lstm)")
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
        (*SOFT, "lora", "prefix"), (BATCH,), {(name, f"{BATCH}{shape}") for name in SOFT for shape in ("", " (Gemma2)")}),
    "a merged model with changed weights": (
        after(Lora, "merge", lambda network, *_: added_bias(network)),
        ("lora, merged", "full, merged", "ia3, merged"), (MERGING,), {("lora, merged", MERGING)}),
    "merging in bfloat16": (
        in_place_of(merging, "merge_weights", half_merged), ("lora, merged",), (MERGING,), set()),  # not by that name
    "a merged model without what was trained": (
        in_place_of(own_weights.OwnWeightsMethod, "merge", lambda self, network: added_bias(network)),
        ("lora, merged", "full, merged", "freeze, merged"), (MERGING,),
        {("full, merged", MERGING), ("freeze, merged", MERGING)}),
    "labels a token late": (
        after(collation, "_pad", labels_late), ("lora", "prompt"), (LOSS,), {("lora", LOSS), ("prompt", LOSS)}),
    "training without the mask of the prefix": (
        in_place_of(Prompt, "virtual_prefix", False), ("prompt",), (LOSS,), set()),  # right padding alone needs no mask
    "rows that learn the prompt too": (
        after(encoding, "_row", prompt_learnt_too), ("lora", "full"), (LOSS,), {("lora", LOSS), ("full", LOSS)}),
    "two trainings under one key": (
        in_place_of(trained, "trained_files", lambda folder: []),
        ("lora", "full"), (KEY,), {("lora", KEY), ("full", KEY)}),
    "a training under its base's key": (
        after(trained, "trained_engine", lambda engine, base, *_: base), ("lora",), (KEY,), set()),
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
    found = failures(tmp_path, subjects, *claims)
    print(found)
    assert set(found) == expected


@pytest.mark.parametrize("name", RENDERED)
def test_rows_that_are_not_what_is_asked_fail(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    RENDERED[name](monkeypatch)
    found = failures(tmp_path, ("tuned",), RENDERING)
    print(found)
    assert found
    assert all(subject == "tuned" for subject, _ in found)
