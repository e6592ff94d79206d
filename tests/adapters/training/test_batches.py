"""Padding, packing and shared prefixes change the cost of a batch, never its loss."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.training.collation import Collator, Order, check_packing, pack
from adapters.training.encoding import IGNORED, TokenRow, encode_examples
from adapters.training.loss import summed_loss
from harness.components.registry import find
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from tests.shared.training_rows import LEARN

SHAPES: dict[str, dict[str, Any]] = {
    "Llama": {},
    "Qwen2": {},
    "Gemma2": {"head_dim": 16, "final_logit_softcapping": 2.0, "sliding_window": 512},
    "Granite": {"logits_scaling": 3.0},
}


@pytest.fixture(params=list(SHAPES))
def shaped(request: pytest.FixtureRequest, make_folder: Callable[..., Path]) -> HuggingFace:
    folder = make_folder(request.param, **SHAPES[request.param])
    return HuggingFace(path=str(folder), dtype="float32", device="cpu")


def rows_of(base: HuggingFace) -> list[TokenRow]:
    return list(encode_examples(base, LEARN[:5], 256, "answer").rows)


def alone(network: Any, rows: list[TokenRow]) -> torch.Tensor:
    """Sum over the rows of transformers' own loss, one row at a time."""
    total = torch.tensor(0.0)
    for row in rows:
        ids, labels = torch.tensor([row.ids]), torch.tensor([row.labels])
        total = total + network(input_ids=ids, labels=labels).loss * sum(label != IGNORED for label in row.labels)
    return total


def gradients(network: Any, loss: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, [value for value in network.parameters() if value.requires_grad]))


COLLATORS = {
    "padded": Collator(0),
    "masked": Collator(0, mask=True),
    "shared prefix": Collator(0, share=True),
    "flat": Collator(0, flat=True),
}


@pytest.mark.parametrize("collator", list(COLLATORS.values()), ids=list(COLLATORS))
def test_the_loss_of_the_learnt_positions_is_the_models_own(shaped: HuggingFace, collator: Collator) -> None:
    if collator.share and "Gemma2" in shaped.path:
        pytest.skip("layers with a sliding window do not share prefixes")
    network, rows = shaped.load(), rows_of(shaped)
    batch = collator([(row,) for row in rows])
    rows_seen, tokens = batch.pop("counts")[0].tolist()
    assert (rows_seen, tokens) == (5, sum(len(row.ids) for row in rows))
    loss, learnt = summed_loss(network, batch, batch.pop("labels"))
    expected = alone(network, rows)
    assert learnt == sum(label != IGNORED for row in rows for label in row.labels)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    for own, other in zip(gradients(network, loss), gradients(network, expected), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)


def test_a_shared_prefix_is_computed_once(base: HuggingFace) -> None:
    rows = rows_of(base)
    batch = Collator(0, share=True)([(row,) for row in rows])
    assert batch["input_ids"].shape[0] == 1
    assert batch["input_ids"].numel() < 0.7 * sum(len(row.ids) for row in rows)


def test_only_learnt_positions_reach_the_output_layer(base: HuggingFace) -> None:
    network, rows, seen = base.load(), rows_of(base), []
    network.lm_head.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    batch = Collator(0)([(row,) for row in rows])
    batch.pop("counts")
    _, learnt = summed_loss(network, batch, batch.pop("labels"))
    assert seen == [(1, learnt, 320)]


@pytest.mark.parametrize("name", ["prefix", "prompt"])
def test_a_virtual_prefix_goes_through_the_models_own_forward(name: str, base: HuggingFace) -> None:
    rows, method = rows_of(base), find("method", name)(tokens=3)
    torch.manual_seed(0)
    network = method.prepare(base.load()).eval()
    batch = Collator(0, mask=True)([(row,) for row in rows])
    batch.pop("counts")
    loss, _ = summed_loss(network, batch, batch.pop("labels"))
    assert loss.item() == pytest.approx(alone(network, rows).item(), rel=1e-5)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_rows_do_not_see_each_other(attention: str, base: HuggingFace) -> None:
    network, rows = base.load(attn_implementation=attention), rows_of(base)
    items = pack(rows, 200)
    assert max(len(item) for item in items) > 1
    assert len(items) > 1
    batch = Collator(0)(items)
    logits = network(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
    for place, item in enumerate(items):
        start = 0
        for row in item:
            expected = network(input_ids=torch.tensor([row.ids])).logits[0]
            torch.testing.assert_close(logits[place, start : start + len(row.ids)], expected, rtol=1e-4, atol=1e-4)
            start += len(row.ids)


def test_packing_refuses_layers_that_carry_a_state() -> None:
    class Config:
        layer_types = ("full_attention", "linear_attention")

    with pytest.raises(ModelError, match="linear_attention; set packing: false"):
        check_packing(Config())


def test_packing_fills_the_fullest_place_that_has_room() -> None:
    """Lengths 6, 5, 4, 3, 2 in 10: 6+4, 5+3+2."""
    rows = [TokenRow((1,) * length, (1,) * length) for length in (2, 3, 4, 5, 6)]
    assert [[len(row.ids) for row in item] for item in pack(rows, 10)] == [[6, 4], [5, 3, 2]]


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    lengths = [(i * 37) % 101 for i in range(50)]
    order = Order(lengths, 8, 1, True)
    first = list(order)
    assert first == list(Order(lengths, 8, 1, True))
    order.set_epoch(1)
    assert list(order) != first
    assert sorted(order) == list(range(50))
    assert list(Order(lengths, 8, 2, True)) != first
    steps = [[lengths[i] for i in first[start : start + 8]] for start in range(0, 48, 8)]
    assert max(lengths) in steps[0]  # memory fails early
    spread = sum(max(step) - min(step) for step in steps)
    plain = [lengths[i] for i in Order(lengths, 8, 1, False)]
    assert spread < 0.5 * sum(max(plain[i : i + 8]) - min(plain[i : i + 8]) for i in range(0, 48, 8))
