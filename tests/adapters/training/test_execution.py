"""How steps are computed on a GPU: padded to few lengths, compiled when it pays, adapters outside autocast.

No GPU is needed: what is decided is a function of numbers, and what is computed runs on the CPU in bfloat16 too.
"""

from functools import partialmethod
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.methods.lora import Lora
from adapters.methods.prefix import Prefix
from adapters.methods.qlora import Qlora
from adapters.training import session, trained_network
from adapters.training.arithmetic import is_rounded, round_adapters
from adapters.training.collation import Collator, Order
from adapters.training.compiling import StepLoad, choose_compiling
from adapters.training.encoding import encode_examples
from adapters.training.execution import Epoch, optimiser_name
from adapters.training.loss import summed_loss
from adapters.training.padded_widths import choose_widths, padded_width
from adapters.training.saving import is_due
from adapters.training.settings import Recipe
from harness.models.huggingface import HuggingFace
from tests.shared.short_trainings import QUICK, close, go
from tests.shared.training_rows import LEARN

# -- padded widths ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("longest", "most", "widths"),
    [
        ([], 3, ()),
        ([5, 8, 3], 3, (8,)),
        ([10, 30, 31, 60], 1, (64,)),
        ([10, 30, 31, 60], 2, (32, 64)),  # 16 + 32 + 32 + 64 tokens at best: 3 · 32 + 64 = 160, 16 + 3 · 64 = 208
        ([10, 10, 10, 60], 2, (16, 64)),
        ([10, 30, 31, 60], 9, (16, 32, 64)),
    ],
    ids=str,
)
def test_the_widths_that_pad_least(longest: list[int], most: int, widths: tuple[int, ...]) -> None:
    assert choose_widths(longest, most) == widths


def test_no_other_widths_pad_less() -> None:
    longest = [(i * i * 37) % 190 + 5 for i in range(40)]
    grains = sorted({-(-length // 8) * 8 for length in longest})

    def padded(widths: tuple[int, ...]) -> int:
        return sum(padded_width(length, widths) for length in longest)

    every = [(*some, grains[-1]) for some in combinations(grains[:-1], 3)]
    assert padded(choose_widths(longest, 4)) == min(map(padded, every))


def test_padded_to_few_lengths_every_row_is_there_once_in_the_order_of_the_seed(base: HuggingFace) -> None:
    items = [(row,) for row in encode_examples(base, LEARN, 256, "answer").rows]
    order = Order([len(row.ids) for (row,) in items], 3, 7, True)
    epoch = Epoch.of(items, list(order), 3)
    collator = Collator(0, widths=choose_widths(epoch.longest(), 2), rows=3)
    batches = [collator([items[item] for item in batch]) for batch in epoch.batches]
    assert {tuple(batch["input_ids"].shape) for batch in batches} <= {(3, width) for width in collator.widths}
    rows = [row for batch in batches for row in batch["input_ids"].tolist() if any(row)]
    assert [tuple(row[: len(items[at][0].ids)]) for row, at in zip(rows, order, strict=True)] == [
        items[at][0].ids for at in order
    ]
    assert all(not any(row[len(items[at][0].ids) :]) for row, at in zip(rows, order, strict=True))
    assert sorted(order) == list(range(len(items)))
    assert sum(int(batch["counts"][0, 0]) for batch in batches) == len(items)


def test_padding_changes_no_loss(base: HuggingFace) -> None:
    network, rows = base.load(), encode_examples(base, LEARN[:3], 256, "answer").rows

    def computed(collator: Collator) -> tuple[float, int]:
        batch = collator([(row,) for row in rows])
        batch.pop("counts")
        loss, learnt = summed_loss(network, batch, batch.pop("labels"))
        return loss.item(), learnt

    assert computed(Collator(0, widths=(64, 256), rows=5)) == pytest.approx(computed(Collator(0)), rel=1e-6)


# -- compiling --------------------------------------------------------------------------------------------------------

SMALL = {"layers": 24, "kinds": 2, "parameters": 360_000_000, "speed": 4e14}


@pytest.mark.parametrize(
    ("change", "tokens", "padded", "is_compiled", "widths"),
    [
        # 24 layers launched: 0.0912 s, compiled 0.0432 s; 2,048 tokens take 4 · 2048 · 3.6e8 / 4e14 = 0.0074 s
        ({"batches": 375}, 2048, (2048, 2048, 2048), True, 1),  # 34.2 s without, 10 + 8 + 16.2 = 34.2: see below
        ({"batches": 1000}, 2048, (2048, 2048, 2048), True, 1),  # 91.2 s without, 10 + 8 + 43.2 = 61.2
        ({"batches": 100}, 2048, (2048, 2048, 2048), False, 0),  # 9.1 s without, 22.3
        # 65,536 tokens take 0.2359 s: the GPU does not wait, whatever Python does
        ({"batches": 1000}, 65_536, (65_536,) * 3, False, 0),
        # one width for all would be computed longer than it saves: 0.0591 s of 16,420 tokens; two are launched in 0.0432
        ({"batches": 5000}, 8000, (16_420, 11_000, 10_000), True, 2),
        ({"batches": 1000, "layers": 2, "parameters": 1_000_000}, 2048, (2048,) * 3, False, 0),  # 7.6 s without
    ],
)
def test_layers_are_compiled_when_the_steps_repay_it(
    change: dict[str, Any], tokens: int, padded: tuple[int, ...], is_compiled: bool, widths: int
) -> None:
    if change == {"batches": 375}:
        is_compiled, widths = False, 0  # as long with as without: not worth it
    choice = choose_compiling(StepLoad(**{**SMALL, **change}), tokens, padded)
    assert (choice.is_compiled, choice.widths) == (is_compiled, widths)


@pytest.mark.nightly  # the tracer takes seconds to import
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_compiled_layers_train_the_same_weights(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With torch's tracer and no code generator, which takes minutes on a CPU; evaluation runs beside it uncompiled."""
    shapes: set[tuple[int, ...]] = set()

    def noting(graph: Any, inputs: Any) -> Any:
        shapes.update(tuple(value.shape) for value in inputs if value.dim() == 3 and value.shape[-1] == 64)
        return graph.forward

    monkeypatch.setattr(torch.nn.Module, "compile", partialmethod(torch.nn.Module.compile, backend=noting))
    recipe = QUICK.model_copy(update={"batch_size": 5, "accumulation": 1})
    plain = go(base, tmp_path / "a", recipe, validation=LEARN[:3])
    record = go(base, tmp_path / "b", recipe.model_copy(update={"compile": True}), validation=LEARN[:3])
    assert close(tmp_path / "a", tmp_path / "b")
    assert [loss for _, loss, _ in record.loss] == pytest.approx([loss for _, loss, _ in plain.loss], rel=1e-4)
    assert dict(record.validation) == pytest.approx(dict(plain.validation), rel=1e-4)
    told = record.execution
    assert (told["compiled"], told["compile_reason"]) == (True, "the recipe says so")
    assert shapes == {(5, width, 64) for width in told["padded_to"]}  # 16 rows by fives: the last is filled up
    assert (plain.execution["compiled"], plain.execution["padded_to"]) == (False, [])


# -- arithmetic -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "settings", "dtype", "device", "rounded"),
    [
        (Lora(), {}, "bfloat16", "cuda", True),
        (Qlora(), {}, "bfloat16", "cuda", True),
        (Lora(), {}, "bfloat16", "cpu", False),
        (Lora(), {}, "float32", "cuda", False),
        (Lora(), {"precision": "bfloat16"}, "float32", "cuda", True),  # the base is loaded so
        (Lora(), {}, "float16", "cuda", False),
        (Lora(dora=True), {}, "bfloat16", "cuda", False),
        (Prefix(), {}, "bfloat16", "cuda", False),
        (Lora(), {"accelerate_config": "fsdp.yaml"}, "bfloat16", "cuda", False),
    ],
)
def test_which_adapters_are_computed_outside_autocast(
    method: Any, settings: dict[str, Any], dtype: str, device: str, rounded: bool
) -> None:
    assert is_rounded(method, Recipe(**settings), dtype, device) == rounded


def test_rounded_adapters_compute_what_autocast_computes(base: HuggingFace) -> None:
    """Gradients in float32 on a base in bfloat16, and no float32 copy of an input."""
    rows = encode_examples(base, LEARN[:5], 256, "answer").rows

    def computed(is_rounding: bool) -> tuple[float, dict[str, torch.Tensor]]:
        torch.manual_seed(1)
        network = Lora(r=4).prepare(base.load("bfloat16"))
        for name, value in network.named_parameters():
            if "lora_B" in name:
                value.data.normal_(0, 0.1)
        network = round_adapters(network) if is_rounding else network
        frozen = [value for value in network.parameters() if not value.requires_grad]
        assert {value.dtype for value in frozen} == {torch.bfloat16}
        batch = Collator(0)([(row,) for row in rows])
        batch.pop("counts")
        with torch.autocast("cpu", torch.bfloat16, enabled=not is_rounding):
            loss, learnt = summed_loss(network, batch, batch.pop("labels"))
        (loss / learnt).backward()
        return loss.item() / learnt, {
            name: value.grad for name, value in network.named_parameters() if value.requires_grad
        }

    (loss, gradients), (other, autocast) = computed(True), computed(False)
    assert gradients.keys() == autocast.keys()
    assert {value.dtype for value in gradients.values()} == {torch.float32}
    assert loss == pytest.approx(other, rel=4e-3)  # a bfloat16 has eight bits
    for name, own in gradients.items():
        likeness = torch.nn.functional.cosine_similarity(own.flatten(), autocast[name].flatten(), dim=0)
        assert likeness > 0.98, name


def test_a_training_outside_autocast_ends_in_float32_adapters_that_learn(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (session, trained_network):
        monkeypatch.setattr(module, "is_rounded", lambda *_: True)  # as on CUDA
    record = go(base, tmp_path / "a", QUICK.model_copy(update={"precision": "bfloat16", "epochs": 4}))
    assert record.loss[-1][1] < record.loss[0][1]
    assert record.execution["adapters"] == "rounded where they are multiplied"
    plain = go(base, tmp_path / "a", QUICK.model_copy(update={"precision": "bfloat16", "epochs": 4}))
    assert plain.inputs == record.inputs  # the key goes by the device, which is the CPU here


@pytest.mark.parametrize(
    ("settings", "method", "device", "name"),
    [
        ({}, Lora(), "cpu", "adamw_torch"),
        ({}, Lora(), "cuda", "adamw_torch_fused"),
        ({"optimiser": "adamw"}, Qlora(), "cuda", "adamw_torch_fused"),
        ({}, Qlora(), "cuda", "paged_adamw_8bit"),
        ({"optimiser": "sgd"}, Lora(), "cuda", "sgd"),
    ],
)
def test_the_optimiser(settings: dict[str, Any], method: Any, device: str, name: str) -> None:
    assert optimiser_name(Recipe(**settings), method, device) == name


# -- checkpoints ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "cost", "due"), [(29, 0, False), (30, 0, True), (30, 1.5, True), (30, 2, False), (40, 2, True)]
)
def test_checkpoints_by_time_take_at_most_a_twentieth_of_it(seconds: float, cost: float, due: bool) -> None:
    assert is_due(seconds, cost) == due


def test_a_short_training_writes_no_checkpoint_and_a_long_one_does(
    base: HuggingFace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def look(step: int, *_: Any) -> None:
        seen.append(sorted(path.name for path in tmp_path.glob("*.partial/checkpoint-*")))

    recipe = QUICK.model_copy(update={"save_every": None})
    go(base, tmp_path / "a", recipe, progress=look)
    assert seen == [[]] * 8
    monkeypatch.setattr("adapters.training.saving.is_due", lambda seconds, cost: True)
    seen.clear()
    go(base, tmp_path / "b", recipe.model_copy(update={"seed": 3}), progress=look)
    assert seen[-1] == ["checkpoint-6", "checkpoint-7"]
