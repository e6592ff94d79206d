"""The memory estimate: its parts by hand, against the network that is really prepared, and against what torch saves."""

import weakref
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from adapters.memory import estimate
from adapters.memory.activations import Batch, activations
from adapters.memory.estimate import settle_checkpointing, state, training_memory
from adapters.methods.base.network import size
from adapters.methods.full import Full
from adapters.methods.lora import Lora
from adapters.methods.prefix import Prefix
from adapters.methods.qlora import Qlora
from adapters.training import advice
from adapters.training.arithmetic import round_adapters
from adapters.training.chunked_loss import positions_at_once
from adapters.training.encoding import IGNORED
from adapters.training.loss import summed_loss
from adapters.training.settings import Recipe
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.models.local.device import available, cgroup_limit
from harness.models.local.memory import CUDA, PROCESS, Memory, cache, inference_memory
from tests.shared.training_methods import VARIED, method

# The tiny llama: vocabulary 320, width 64, inner width 96, 2 layers, 4 heads of 16, 2 of keys and values, untied.
# Embeddings 320·64 = 20480, output layer the same, final norm 64. A layer: q and o 64·64, k and v 64·32 = 12288,
# gate, up and down 3·64·96 = 18432, two norms 128: 30848. All: 2·20480 + 64 + 2·30848 = 102720.
PARAMETERS = 102720
LINEAR = 2 * 30720  # of these in linear modules within the layers
# LoRA of rank 4 adds 4·(inputs + outputs): q, o 512; k, v 384; gate, up, down 640: 3712 a layer.
TRAINED = 2 * 3712
LORA = Lora(r=4)
TEN = Recipe(batch_size=2)


@pytest.mark.parametrize(
    ("made", "dtype", "bytes_"),
    [
        (LORA, "float32", 4 * PARAMETERS + 4 * TRAINED),
        (LORA, "bfloat16", 2 * PARAMETERS + 4 * TRAINED),
        (Full(), "bfloat16", 4 * PARAMETERS),  # what is trained is float32
        # half a byte, one scale of a byte for 64 weights, a float32 for 256 scales: 30720 + 960 + 15
        (Qlora(r=4), "float32", 30720 + 960 + 15 + 4 * (PARAMETERS - LINEAR) + 4 * TRAINED),
        # a float32 scale for 64 weights: 30720 + 960·4
        (Qlora(r=4, double_quant=False), "float32", 30720 + 3840 + 4 * (PARAMETERS - LINEAR) + 4 * TRAINED),
    ],
)
def test_weights_of_a_training(base: HuggingFace, made: Method, dtype: str, bytes_: int) -> None:
    memory = training_memory(base.model_copy(update={"dtype": dtype}), made, TEN, 10)
    assert memory.weights == bytes_


def test_parts_of_lora_by_hand(base: HuggingFace) -> None:
    """2 rows of 10 tokens = 20, in float32.

    A layer and token keeps: inputs of both norms 2·64, queries and result 2·64, keys and values 2·32, a softmax
    logarithm for each of 4 heads, gate, its activation and up 3·96, inputs of LoRA 64 + 64 + 96, its ranks 7·4: 864
    numbers, 864·4·20 = 69120 bytes. Final norm 64·4·20 = 5120. Loss at 2·9 positions: 18·320·12 = 69120, which is more
    than a layer's passing 20·(3·96·4 + 12·64) = 38400.
    """
    memory = training_memory(base, LORA, TEN, 10)
    assert asdict(memory) == {
        "weights": 4 * (PARAMETERS + TRAINED), "gradients": 4 * TRAINED, "optimiser": 8 * TRAINED,
        "activations": 2 * 69120 + 5120 + 69120, "cache": 0, "other": PROCESS,
    }  # fmt: skip
    assert memory.total == sum(asdict(memory).values())


def test_full_tuning_in_bfloat16_by_hand(base: HuggingFace) -> None:
    """Two bytes for each weight, gradient and moment; the update's two temporaries are of the largest tensor, 20480."""
    memory = training_memory(base, Full(), Recipe(batch_size=1, weights="bfloat16"), 2)
    assert asdict(memory) == {
        "weights": 2 * PARAMETERS, "gradients": 2 * PARAMETERS, "optimiser": 4 * PARAMETERS,
        "activations": 2 * 2 * 20480, "cache": 0, "other": PROCESS + 4 * PARAMETERS,  # read from a float32 file
    }  # fmt: skip
    state_bytes = {name: training_memory(base, Full(), Recipe(weights="bfloat16", optimiser=name), 2).optimiser
                   for name in ("sgd", "adafactor")}  # fmt: skip
    assert state_bytes == {name: training_memory(base, Full(), Recipe(optimiser=name), 2).optimiser
                           for name in ("sgd", "adafactor")}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "learnt", "bytes_"),
    [
        # the inputs of two layers 2·64·4·20 = 10240 and one layer at a time, 69120 + 38400 > 69120 of the loss
        ({"gradient_checkpointing": True}, None, 10240 + 5120 + 69120 + 38400),
        ({}, 1, 2 * 69120 + 5120 + 38400),  # loss at 2 positions: 7680, less than a layer's passing
        ({"cutoff": 8}, None, 2 * 55296 + 4096 + 2 * 7 * 320 * 12),  # 16 tokens: 8/10 of all, 14 positions learnt
        # a packed row has the cutoff's 8 tokens, whatever the longest; keys and values are repeated for all heads
        # (2·32 numbers more a token), and each layer keeps a mask of 2·8·8 numbers
        ({"cutoff": 8, "packing": True}, None, 2 * (55296 + 16 * 64 * 4 + 128 * 4) + 4096 + 2 * 7 * 320 * 12),
    ],
)
def test_activations_of_lora(base: HuggingFace, change: dict[str, Any], learnt: int | None, bytes_: int) -> None:
    memory = training_memory(base, LORA, TEN.model_copy(update=change), 10, learnt)
    assert memory.activations == bytes_


def test_cuda_has_its_context_and_updates_in_place(base: HuggingFace) -> None:
    """Half precision by autocast copies each trained linear weight; AdamW's one kernel copies nothing."""
    cuda = HuggingFace(path=base.path, dtype="bfloat16", device="cuda")
    memory = training_memory(cuda, Full(), Recipe(batch_size=1), 8)
    assert memory.other == CUDA
    assert memory.activations == activations(
        Full().prepare(cuda.skeleton()),
        Batch(rows=1, tokens=8, labelled=7, compute=2, residual=4, cuda=True),
    )
    assert training_memory(cuda, Qlora(), TEN, 8).optimiser < training_memory(cuda, Lora(), TEN, 8).optimiser * 1.01


@pytest.mark.parametrize(
    ("shape", "optimiser", "embedding", "bytes_"),
    [
        ((64, 96), "adamw", False, 8 * 6144),
        ((64, 96), "adamw_8bit", False, 2 * 6144 + 8 * 24),  # two float32 scales for 256 values: 6144 / 256 = 24
        ((64, 96), "paged_adamw_8bit", False, 2 * 6144 + 8 * 24),
        ((64, 63), "adamw_8bit", False, 8 * 4032),  # under 4096 values
        ((64, 96), "adamw_8bit", True, 8 * 6144),
        ((64, 96), "adafactor", False, 4 * (64 + 96)),
        ((96,), "adafactor", False, 4 * 96),
        ((64, 96), "sgd", False, 0),
    ],
)
def test_state_of_an_optimiser(shape: tuple[int, ...], optimiser: str, embedding: bool, bytes_: int) -> None:
    assert state(shape, optimiser, embedding) == bytes_


@pytest.mark.parametrize(("name", "parameters"), list(VARIED.values()), ids=list(VARIED))
def test_trainable_counts_are_those_of_the_real_network(
    base: HuggingFace, name: str, parameters: dict[str, Any]
) -> None:
    made = method(name, **parameters)
    loading = made.loading("float32")
    dtype = loading.pop("dtype")
    real = made.prepare(base.load(dtype, **(loading and {**loading, "device_map": {"": "cpu"}})))
    memory = training_memory(base, made, TEN, 10)
    assert memory.gradients == 4 * size(real).trained
    if not loading:
        assert memory.weights == sum(value.numel() * value.element_size() for value in real.parameters())


SAVED = {
    "full": ("full", {}), "lora": ("lora", {"r": 4}), "attention": ("lora", {"targets": "attention"}),
    "dropout": ("lora", {"r": 4, "dropout": 0.1}), "dora": ("lora", {"r": 4, "dora": True}), "ia3": ("ia3", {}),
    "freeze": ("freeze", {"last": 2}), "prefix": ("prefix", {"tokens": 4}), "prompt": ("prompt", {"tokens": 4}),
    "bottleneck": ("bottleneck", {"width": 8}), "eager": ("lora", {"r": 4}), "packed": ("lora", {"r": 4}),
}  # fmt: skip


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("case", list(SAVED))
def test_what_torch_saves_is_what_is_counted(make_folder: Callable[..., Path], case: str, half: bool) -> None:
    """The forward pass of a training, without logits: 4 rows of 64 tokens through 6 layers."""
    base = HuggingFace(path=str(make_folder(num_hidden_layers=6)), dtype="float32", device="cpu")
    name, parameters = SAVED[case]
    made, precision = method(name, **parameters), "bfloat16" if half else "float32"
    dtype = made.loading(precision)["dtype"]
    network = made.prepare(base.load(dtype, **({"attn_implementation": "eager"} if case == "eager" else {})))
    virtual = parameters.get("tokens", 0)
    ids = torch.arange(256).reshape(4, 64)
    inputs = {"input_ids": ids}
    if case == "packed":
        inputs["position_ids"] = torch.arange(32).repeat(4, 2)
    if virtual:
        inputs["attention_mask"] = (torch.arange(64) < torch.tensor([64, 64, 64, 60])[:, None]).long()
    saved = saved_bytes(network, inputs, ids, half) - 4 * 320  # one row of logits
    counted = kept(
        network, 64 + virtual, 2 if half else 4, 2 if dtype == "bfloat16" else 4, bool(virtual) or case == "packed"
    )
    assert 0.8 * counted <= saved <= 1.02 * counted  # the first layer saves less, as nothing before it is trained


def test_adapters_outside_autocast_keep_each_input_once(make_folder: Callable[..., Path]) -> None:
    """As `test_what_torch_saves_is_what_is_counted`, in bfloat16 as on CUDA; by autocast two fifths more are kept."""
    base = HuggingFace(path=str(make_folder(num_hidden_layers=6)), dtype="float32", device="cpu")
    network = round_adapters(LORA.prepare(base.load("bfloat16")))
    ids = torch.arange(256).reshape(4, 64)
    saved = saved_bytes(network, {"input_ids": ids}, ids, False) - 4 * 320
    counted, by_autocast = (kept(network, 64, 2, 2, False, autocast) for autocast in (False, True))
    assert 0.8 * counted <= saved <= 1.02 * counted
    assert by_autocast > 1.2 * counted


@pytest.mark.parametrize(
    ("available", "setting", "made", "chosen"),
    [
        (1.2, "auto", LORA, False),  # of what is needed without checkpointing; 1 / 1.2 is under nine tenths
        (1.05, "auto", LORA, True),
        (0.5, "auto", LORA, True),  # refused or not: the least that it can need
        (0.5, False, LORA, False),
        (9.0, True, LORA, True),
        (0.5, "auto", Prefix(tokens=4), False),  # which cannot
    ],
)
def test_activations_are_computed_twice_where_they_do_not_fit(
    base: HuggingFace, available: float, setting: Any, made: Method, chosen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(batch_size=64, gradient_checkpointing=setting)
    needs = training_memory(base, made, recipe.model_copy(update={"gradient_checkpointing": False}), 200).total
    monkeypatch.setattr(estimate, "available", lambda device: available * needs)
    settled = settle_checkpointing(base, made, recipe, 200)
    assert settled.gradient_checkpointing is chosen
    least = training_memory(base, made, settled, 200).total
    assert (least < needs) == (chosen is True)


def test_logits_of_many_positions_are_counted_in_parts(base: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2 · 9 positions 11 at once, 11 · 320 · 12 bytes, and the gradients of all, 18 · 64 · 4; a layer passes 38400."""
    monkeypatch.setattr("adapters.memory.activations.positions_at_once", lambda vocabulary, device: 11)
    parts = training_memory(base, LORA, TEN, 10).activations
    assert parts == 2 * 69120 + 5120 + max(11 * 320 * 12 + 18 * 64 * 4, 38400)


def kept(network: Any, tokens: int, compute: int, residual: int, masked: bool, autocast: bool = True) -> int:
    """What is kept for the backward pass: at so many learnt positions, what passes is the loss alone."""
    many = positions_at_once(320, "cpu")  # more would be computed in parts
    batch = Batch(
        rows=4, tokens=tokens, labelled=many, compute=compute, residual=residual, masked=masked, autocast=autocast
    )
    return activations(network, batch) - many * 320 * 12


def saved_bytes(network: Any, inputs: dict[str, Any], ids: torch.Tensor, half: bool) -> int:
    """Bytes of the distinct storages that the graph holds after the forward pass, parameters not counted."""

    class Box:
        def __init__(self, tensor: torch.Tensor) -> None:
            self.tensor = tensor

    live: weakref.WeakSet[Box] = weakref.WeakSet()

    def pack(tensor: torch.Tensor) -> Box:
        box = Box(tensor)
        live.add(box)
        return box

    own = {value.untyped_storage().data_ptr() for value in network.parameters()}
    labels = torch.full_like(ids, IGNORED)
    labels[0, -1] = 5
    with saved_tensors_hooks(pack, lambda box: box.tensor), torch.autocast("cpu", torch.bfloat16, enabled=half):
        loss, _ = summed_loss(network.train(), inputs, labels)
    storages = {box.tensor.untyped_storage().data_ptr(): box.tensor.untyped_storage().nbytes() for box in live}
    assert loss.requires_grad
    return sum(size for place, size in storages.items() if place not in own)


def test_inference_by_hand(base: HuggingFace) -> None:
    """3 sequences of 50 tokens in float32: 150 tokens.

    Keys and values: 2 · 2 layers · 2 heads · 16 · 4 bytes · 150 = 76800. Prefill: 150 · (3·96·4 + 12·64) = 288000, more
    than three rows of logits 3·320·12 = 11520.
    """
    memory = inference_memory(base.skeleton(), 50, 3, dtype="float32", device="cpu")
    assert memory == Memory(weights=4 * PARAMETERS, activations=288000, cache=76800, other=PROCESS)
    packed = inference_memory(
        base.skeleton(), 50, 3, dtype="float32", device="cpu",
        quantisation=Qlora(double_quant=False).loading("float32")["quantization_config"],
    )  # fmt: skip

    assert packed.weights == 30720 + 3840 + 4 * (PARAMETERS - LINEAR)
    assert packed.activations == 288000 + 64 * 96 * 4  # the widest weight, unpacked


@pytest.mark.parametrize(
    ("dtype", "made", "bytes_"),
    [
        ("float32", LORA, 0),  # the weights are the file's own pages
        ("bfloat16", LORA, 4 * (PARAMETERS + TRAINED)),
        ("float32", Qlora(r=4), 4 * (PARAMETERS + TRAINED)),
        ("bfloat16", Full(), 0),  # trained in float32, as the file has it
    ],
)
def test_a_file_that_is_converted_stays_mapped(base: HuggingFace, dtype: str, made: Method, bytes_: int) -> None:
    memory = training_memory(base.model_copy(update={"dtype": dtype}), made, TEN, 10)
    assert memory.other == PROCESS + bytes_


def test_tied_embeddings_count_once(make_folder: Callable[..., Path]) -> None:
    tied = HuggingFace(path=str(make_folder(tie_word_embeddings=True)), dtype="float32", device="cpu")
    assert inference_memory(tied.skeleton(), 8, 1, dtype="float32", device="cpu").weights == 4 * (PARAMETERS - 20480)


@pytest.mark.parametrize(
    ("config", "bytes_"),
    [
        ({}, 2 * 2 * 16 * 2 * 3 * (100 + 100)),
        ({"sliding_window": 30}, 2 * 2 * 16 * 2 * 3 * (30 + 30)),
        ({"sliding_window": 30, "layer_types": ["full_attention", "sliding_attention"]}, 2 * 2 * 16 * 2 * 3 * (100 + 30)),
        ({"sliding_window": 300}, 2 * 2 * 16 * 2 * 3 * (100 + 100)),
    ],
)  # fmt: skip
def test_windows_shorten_the_cache(config: dict[str, Any], bytes_: int) -> None:
    """2 layers, 2 heads of 16, 2 bytes, 3 sequences of 100 tokens."""
    shaped = SimpleNamespace(
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, hidden_size=64, num_hidden_layers=2, **config
    )
    assert cache(shaped, 100, 3, 2) == bytes_


EIGHT = Recipe(batch_size=8, cutoff=200)


@pytest.mark.parametrize(
    ("made", "fits", "changes", "bnb", "said"),
    [
        (LORA, LORA, {"batch_size": 4, "accumulation": 2}, True, "batch_size: 4, accumulation: 2"),
        (LORA, LORA, {"batch_size": 1, "accumulation": 8}, True, "batch_size: 1, accumulation: 8"),
        (
            LORA, LORA, {"batch_size": 1, "accumulation": 8, "gradient_checkpointing": True}, True,
            "gradient_checkpointing: true, batch_size: 1, accumulation: 8",
        ),
        (
            Full(), Lora(), {"batch_size": 1, "accumulation": 8, "gradient_checkpointing": True}, False,
            "method: lora, gradient_checkpointing: true, batch_size: 1, accumulation: 8",
        ),
        (
            LORA, Qlora(r=4), {"batch_size": 1, "accumulation": 8, "gradient_checkpointing": True}, True,
            "method: {qlora: {r: 4}}, gradient_checkpointing: true, batch_size: 1, accumulation: 8",
        ),
        (
            LORA, LORA, {"batch_size": 1, "accumulation": 8, "gradient_checkpointing": True, "cutoff": 64}, False,
            "gradient_checkpointing: true, batch_size: 1, accumulation: 8, cutoff: 64",
        ),
        (Prefix(tokens=4), Prefix(tokens=4), {"batch_size": 1, "accumulation": 8, "cutoff": 128}, False,
         "batch_size: 1, accumulation: 8, cutoff: 128"),
    ],
)  # fmt: skip
def test_remedy_is_the_nearest_that_fits(
    base: HuggingFace, monkeypatch: pytest.MonkeyPatch, made: Method, fits: Method, changes: dict[str, Any], bnb: bool,
    said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(advice.importlib.util, "find_spec", lambda name: object() if bnb else None)
    base = HuggingFace(path=base.path, dtype="float32", device="cuda")  # on a CPU qlora keeps the file mapped
    room = training_memory(base, fits, EIGHT.model_copy(update=changes), 180).total
    amount = advice.gib(room)
    assert advice.smaller_training(base, made, EIGHT, 180, room) == f"{said} would need {amount} of {amount}"


def test_remedy_keeps_the_rows_of_a_step(base: HuggingFace) -> None:
    """Five rows at a time would fit, but eight a step are not made of fives: four, twice."""
    room = training_memory(base, LORA, EIGHT.model_copy(update={"batch_size": 5}), 180).total
    assert advice.smaller_training(base, LORA, EIGHT, 180, room).startswith("batch_size: 4, accumulation: 2 would need")


def test_remedy_says_what_is_missing(base: HuggingFace) -> None:
    told = advice.smaller_training(base, LORA, EIGHT, 180, 1 << 28)
    assert told == (  # 590 MiB are the process's: 0.6 GiB, 0.3 more than 256 MiB
        "no change is enough: at least 0.6 GiB are needed, 0.3 GiB more than the 0.2 GiB of this machine; "
        "choose a smaller model"
    )


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/job\n", {"job/memory.max": "3000", "memory.max": "5000"}, 3000),
        ("0::/job\n", {"job/memory.max": "max", "memory.max": "5000"}, 5000),  # the group above limits too
        ("0::/job\n", {"job/memory.max": "max"}, None),
        ("0::/hidden/job\n", {"memory.max": "4000"}, 4000),  # a container sees its own group as the root
        ("5:cpu:/x\n4:memory:/job\n0::/\n", {"memory/job/memory.limit_in_bytes": "2000"}, 2000),
        ("4:cpu,memory:/job\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),  # no limit
        ("5:cpu:/\n", {"memory/memory.limit_in_bytes": "2000"}, None),
    ],
)
def test_limits_of_control_groups(tmp_path: Path, own: str, files: dict[str, str], limit: int | None) -> None:
    (tmp_path / "own").write_text(own)
    for name, content in files.items():
        file = tmp_path / "mount" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    assert cgroup_limit(tmp_path / "mount", tmp_path / "own") == limit


def test_the_machine_has_memory(tmp_path: Path) -> None:
    import psutil

    assert 0 < available("cpu") <= psutil.virtual_memory().total
    assert cgroup_limit(tmp_path, tmp_path / "absent") is None
