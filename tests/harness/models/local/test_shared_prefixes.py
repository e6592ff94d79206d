"""Networks of several architectures give the same logits behind a prefix that was computed once, or say why not."""

import random
from typing import Any

import pytest
import torch
import transformers

from harness.models.local import shared_prefixes
from harness.models.local.likelihood import ScoringNetwork, continuation_logprobs, option_logprobs
from harness.models.local.prefix_tree import row_key
from harness.models.local.shared_prefixes import SharedPrefixes

COMMON: dict[str, Any] = {
    "vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 256,
    "bos_token_id": None, "eos_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
GATED = {**COMMON, "intermediate_size": 48, "num_key_value_heads": 2}
HEADS = {**GATED, "head_dim": 8}
WINDOW = 9  # tokens, of which prefixes have many times as many
MIXED = ["sliding_attention", "full_attention", "sliding_attention"]
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaConfig", HEADS),
    "qwen2": ("Qwen2Config", GATED),
    "qwen3": ("Qwen3Config", HEADS),
    "gemma3": ("Gemma3TextConfig", {**HEADS, "sliding_window": WINDOW, "layer_types": MIXED, "query_pre_attn_scalar": 8,
                                    "final_logit_softcapping": 3.0}),
    "mistral": ("MistralConfig", {**HEADS, "sliding_window": WINDOW}),
    "gpt2": ("GPT2Config", {"vocab_size": 96, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 96,
                            "bos_token_id": 1, "eos_token_id": 2}),
    "cohere": ("CohereConfig", {**GATED, "logit_scale": 0.3}),  # scales its logits
}  # fmt: skip


def network_of(name: str, shapes: Any = SHAPES) -> Any:
    kind, settings = shapes[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = transformers.AutoModelForCausalLM.from_config(getattr(transformers, kind)(**settings)).eval()
        for parameter in network.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)
    return network


def questions() -> list[list[list[int]]]:
    """System text, two subjects' examples, questions of many lengths, options of one token, of several and of many."""
    draw = random.Random(5)

    def some(count: int) -> list[int]:
        return [draw.randrange(3, 96) for _ in range(count)]

    system, items = some(17), []
    for _ in range(2):
        examples = system + some(25)
        for number in range(6):
            question = examples + some(2 + 3 * number)
            endings = [[[5], [6], [7]], [[8], [8, 9], [8, 9, 10]], [some(1), some(20), some(3)]][number % 3]
            items.append([question + ending for ending in endings])
    items.append([[11, 12], [11, 13, 14]])  # shares nothing
    items.append(items[0])  # the same question again
    items.append([[*system[:16], 5]])  # one option only
    return items


def naive(network: Any, items: list[list[list[int]]]) -> list[list[float]]:
    """One whole forward for each option."""
    values = []
    for rows in items:
        first = next(
            (i for i in range(min(map(len, rows)) - 1) if len({row[i] for row in rows}) > 1), min(map(len, rows)) - 1
        )
        with torch.inference_mode():
            logprobs = [network(torch.tensor([row])).logits[0].double().log_softmax(-1) for row in rows]
        values.append(
            [
                sum(float(own[i - 1, row[i]]) for i in range(first, len(row)))
                for own, row in zip(logprobs, rows, strict=True)
            ]
        )
    return values


@pytest.mark.parametrize("shape", SHAPES)
def test_options_score_as_by_whole_forwards(shape: str) -> None:
    network, items, prefixes = network_of(shape), questions(), SharedPrefixes()
    assert prefixes.obstacle(network) is None
    prefixes.plan([row_key(rows[0][:-1]) for rows in items])
    scores = []
    for start in range(0, len(items), 4):  # the last batch's prefixes stay for the next
        scores += option_logprobs(ScoringNetwork(network, 0, prefixes), items[start : start + 4])
    for expected, own in zip(naive(network, items), scores, strict=True):
        assert own == pytest.approx(expected, abs=1e-4)
        assert own.index(max(own)) == expected.index(max(expected))
    assert option_logprobs(ScoringNetwork(network, 0, prefixes), items) == [
        pytest.approx(own, abs=1e-4) for own in scores
    ]
    assert option_logprobs(ScoringNetwork(network, 0), items) == [pytest.approx(own, abs=1e-4) for own in scores]


def test_a_prefix_is_computed_once_and_only_the_last_batchs_stay() -> None:
    """Two subjects of 40 tokens, four questions of 5: 40 + 4 × 5 tokens each, in batches of two, instead of 8 × 45."""
    network, prefixes = network_of("llama"), SharedPrefixes()
    subjects = [[*range(start, start + 40)] for start in (3, 50)]
    rows = [([*subject, 91 + number, 4, 5, 6, 7, 8], 45) for subject in subjects for number in range(4)]
    prefixes.obstacle(network)
    prefixes.plan([row_key(ids[:44]) for ids, _ in rows])
    computed: list[int] = []
    network.register_forward_pre_hook(
        lambda _, __, inputs: computed.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    for start in range(0, 8, 2):
        continuation_logprobs(ScoringNetwork(network, 0, prefixes), rows[start : start + 2])
        assert len(prefixes._segments) == 1
    assert computed == [40, 10, 10, 40, 10, 10]
    prefixes.release()
    assert not prefixes._segments


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "its layers keep something other": ("MambaConfig", {"vocab_size": 96, "hidden_size": 32, "num_hidden_layers": 2,
                                                      "state_size": 4}),
    "how it counts positions": ("LlamaConfig", {**HEADS, "rope_parameters": {
        "rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}}),
    "its tokens see those behind": ("Gemma3TextConfig", {**SHAPES["gemma3"][1], "use_bidirectional_attention": True}),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSED)
def test_a_network_that_cannot_share_says_why(reason: str) -> None:
    obstacle = SharedPrefixes().obstacle(network_of(reason, REFUSED))
    assert obstacle is not None
    assert obstacle.startswith(reason)


def test_a_network_that_computes_other_values_behind_a_cache_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions counted from the cache, padding included: a row without a prefix would begin where others go on."""
    network = network_of("gpt2")
    assert SharedPrefixes().obstacle(network) is None
    forward = network.forward
    network.forward = lambda **inputs: forward(**{**inputs, "position_ids": None})
    monkeypatch.setattr(shared_prefixes, "cache_argument", lambda network: "cache")
    assert "other values behind a prefix" in (SharedPrefixes().obstacle(network) or "")


def test_rows_of_very_different_length_are_not_padded_to_the_longest() -> None:
    """60 rows of 5 tokens beside 2 of 400: 60 × 395 padded tokens cost more than another forward; 10 to 40 do not."""
    lengths = [400, 390, *[5] * 60]
    pieces = [shared_prefixes.Piece(place, [0] * length, (), 1) for place, length in enumerate(lengths)]
    assert [len(part) for part in shared_prefixes.similar(pieces)] == [2, 60]
    assert [len(part) for part in shared_prefixes.similar(pieces[2:])] == [60]
    near = [shared_prefixes.Piece(place, [0] * (10 + 2 * place), (), 1) for place in range(16)]
    assert [len(part) for part in shared_prefixes.similar(near)] == [16]
