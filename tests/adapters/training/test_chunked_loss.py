"""The loss in parts is the plain loss, gradients too, whatever the family does to its logits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.training.chunked_loss import can_chunk, positions_at_once
from adapters.training.collation import Collator
from adapters.training.encoding import encode_examples
from adapters.training.loss import summed_loss
from harness.models.huggingface import HuggingFace
from tests.shared.training_rows import LEARN

SHAPES: dict[str, tuple[dict[str, Any], bool]] = {  # settings, and whether the logits are the output layer's
    "Llama": ({}, True),
    "Qwen2": ({"tie_word_embeddings": True}, True),  # the output layer's gradient is the embedding's too
    "Gemma2": ({"head_dim": 16, "final_logit_softcapping": 2.0, "sliding_window": 512}, True),
    "Granite": ({"logits_scaling": 3.0}, False),
    "Cohere": ({"logit_scale": 0.25}, False),
}


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("is_head_trained", [True, False], ids=["trained head", "frozen head"])
def test_loss_and_gradients_are_those_of_the_plain_loss(
    shape: str, is_head_trained: bool, make_folder: Callable[..., Path]
) -> None:
    settings, chunks = SHAPES[shape]
    base = HuggingFace(path=str(make_folder(shape, **settings)), dtype="float32", device="cpu")
    network = base.load()
    network.get_output_embeddings().weight.requires_grad_(is_head_trained)
    trained = [value for value in network.parameters() if value.requires_grad]
    rows = encode_examples(base, LEARN[:5], 256, "all").rows
    widest: list[int] = []
    network.get_output_embeddings().register_forward_hook(lambda *call: widest.append(call[2].shape[-2]))

    def computed(at_once: int) -> tuple[torch.Tensor, int, list[torch.Tensor]]:
        batch = Collator(0)([(row,) for row in rows])
        batch.pop("counts")
        loss, learnt = summed_loss(network, batch, batch.pop("labels"), at_once)
        return loss, learnt, list(torch.autograd.grad(loss / learnt, trained))

    plain, learnt, gradients = computed(10_000)
    for _ in range(2):  # the second time it is known whether the family allows it
        widest.clear()
        loss, count, others = computed(7)
        assert (max(widest) == 7) == chunks
        assert count == learnt
        assert loss.item() == pytest.approx(plain.item(), rel=1e-6)
        for own, other in zip(gradients, others, strict=True):
            assert (own - other).abs().max() <= 1e-5 * own.abs().max()
    assert can_chunk(network) == chunks


def test_under_autocast_the_parts_are_computed_as_the_whole(base: HuggingFace) -> None:
    network, rows = base.load(), encode_examples(base, LEARN[:5], 256, "all").rows

    def computed(at_once: int) -> float:
        batch = Collator(0)([(row,) for row in rows])
        batch.pop("counts")
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            return float(summed_loss(network, batch, batch.pop("labels"), at_once)[0])

    assert computed(7) == pytest.approx(computed(10_000), rel=1e-6)


@pytest.mark.parametrize(
    ("vocabulary", "device", "positions"),
    [(152_064, "cuda", 588), (152_064, "cpu", 147), (320, "cpu", 69905), (1 << 40, "cpu", 1)],
)
def test_positions_at_once(vocabulary: int, device: str, positions: int) -> None:
    """2^30 / (12 · 152,064) = 588.4; 2^28 / (12 · 152,064) = 147.1; 2^28 / 3,840 = 69,905.07."""
    assert positions_at_once(vocabulary, device) == positions
