"""Adapters: an attached LoRA shares prefixes exactly; what puts a prefix of its own before each prompt does not."""

from pathlib import Path

import pytest
import torch

from harness.models.huggingface import HuggingFace
from harness.models.local.likelihood import ScoringNetwork, option_logprobs
from harness.models.local.shared_prefixes import SharedPrefixes
from harness.selftest.tiny_models import save_model
from tests.shared.training_methods import CASES, method

ROWS = [[[*range(3, 60), 70 + number, *ending] for ending in ([5], [6, 7])] for number in range(6)]


@pytest.mark.parametrize(
    ("name", "exact"), [("lora", True), ("bottleneck", True), ("ia3", True), ("prefix", False), ("prompt", False)]
)
def test_which_adapters_share_prefixes(name: str, exact: bool, tmp_path: Path) -> None:
    save_model(tmp_path, "Llama", None, 4)
    base = HuggingFace(path=str(tmp_path), dtype="float32", device="cpu")
    own = method(name, **CASES[name])
    network = own.prepare(base._model()).eval()
    for parameter in network.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.3)  # an adapter that has learnt
    prefixes = SharedPrefixes()
    obstacle = prefixes.obstacle(network)
    assert obstacle == (None if exact else "its adapter puts a prefix of its own before each prompt")
    if exact:
        shared = option_logprobs(ScoringNetwork(network, 0, prefixes), ROWS)
        assert prefixes._segments
        alone = [option_logprobs(ScoringNetwork(network, 0), [rows])[0] for rows in ROWS]
        assert shared == [pytest.approx(own, abs=1e-4) for own in alone]
    base.close()
